import * as Effect from "effect/Effect"
import type * as Rule from "../../../Rule.ts"
import type { World } from "../world.ts"

/** The packets that a barrier holds and has not told of yet, and the fibers that wait for one. */
export class HeldPackets {
  readonly #untold: Array<Rule.Held> = []
  readonly #waiting = new Set<(held: Rule.Held) => void>()
  readonly end: () => void

  constructor(world: World, matching: Rule.Matching, options: Rule.Options) {
    this.end = world.rules.barrier(matching, (packet, release, drop) => {
      const held: Rule.Held = { packet, release: Effect.sync(release), drop: Effect.sync(drop) }
      const [first] = this.#waiting
      if (first === undefined) return void this.#untold.push(held)
      this.#waiting.delete(first)
      world.engine.submit(() => first(held))
    }, options)
  }

  /** The next packet that nobody knows of. */
  readonly wait: Effect.Effect<Rule.Held> = Effect.callback((resume) => {
    const held = this.#untold.shift()
    if (held !== undefined) return resume(Effect.succeed(held))
    const listener = (next: Rule.Held) => resume(Effect.succeed(next))
    this.#waiting.add(listener)
    return Effect.sync(() => void this.#waiting.delete(listener))
  })
}
