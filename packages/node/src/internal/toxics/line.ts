import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Delay, sleepUntil, type Sources } from "./delay.ts"
import { Passage, type Verdict } from "./passage.ts"
import { isHarmless } from "./settings.ts"

/** What the lines of a network share. */
export interface Shared extends Sources {
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** The far end of a line. */
export interface Exit {
  readonly write: (part: Uint8Array) => Effect.Effect<void>
  /** Bytes have left: there may be room for others. */
  readonly onRoom: () => void
  /** Nothing leaves any more. What waited is lost. */
  readonly onVerdict: (verdict: Verdict) => void
}

interface Waiting {
  readonly what: Uint8Array | (() => void)
  readonly at: number
}

/** One direction of a connection. Bytes, and what follows them, leave it in order and when the toxics let them. */
export class Line {
  readonly #shared: Shared
  readonly #exit: Exit
  readonly #delay: Delay
  readonly #passage: Passage
  #waiting: Array<Waiting> = []
  #bytes = 0
  // Of the drain in progress, if there is one.
  #drain: { fiber: Fiber.Fiber<void> | undefined } | undefined = undefined

  constructor(shared: Shared, exit: Exit) {
    this.#shared = shared
    this.#exit = exit
    this.#delay = new Delay(shared)
    this.#passage = new Passage(shared)
  }

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#drain === undefined
  }

  /** Whether what comes now may go around the line. Bytes that do are counted. */
  admits(bytes: number): boolean {
    if (this.#drain !== undefined || !isHarmless(this.#shared.settings())) return false
    this.#passage.count(bytes)
    return true
  }

  /** Adds a chunk, which belongs to the line. */
  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    this.#add(chunk)
  }

  /** Adds what is to happen after all that waits. */
  schedule(event: () => void): void {
    this.#add(event)
  }

  /** Drops what waits, and returns its bytes. */
  clear(): ReadonlyArray<Uint8Array> {
    const dropped = this.#waiting.flatMap(({ what }) => typeof what === "function" ? [] : [what])
    this.#waiting = []
    this.#bytes = 0
    this.#drain?.fiber?.interruptUnsafe()
    this.#drain = undefined
    return dropped
  }

  #add(what: Waiting["what"]): void {
    this.#waiting.push({ what, at: this.#delay.next() })
    if (this.#drain !== undefined) return
    const drain: { fiber: Fiber.Fiber<void> | undefined } = { fiber: undefined }
    this.#drain = drain
    // It runs at once, as far as it can.
    drain.fiber = this.#shared.run(this.#draining(drain))
  }

  readonly #draining = Effect.fnUntraced(function*(this: Line, drain: object): Effect.fn.Return<void> {
    while (true) {
      const next = this.#waiting[0]
      if (next === undefined) {
        this.#drain = undefined
        return
      }
      yield* sleepUntil(this.#shared.clock, next.at)
      if (this.#drain !== drain) return
      this.#waiting.shift()
      if (typeof next.what === "function") {
        next.what()
      } else {
        const verdict = yield* this.#passage.pass(next.what, this.#exit.write)
        if (this.#drain !== drain) return
        this.#bytes -= next.what.length
        if (verdict !== undefined) {
          this.#drain = undefined
          this.clear()
          this.#exit.onVerdict(verdict)
          return
        }
        this.#exit.onRoom()
      }
      // What it has called may have cleared the line.
      if (this.#drain !== drain) return
    }
  })
}
