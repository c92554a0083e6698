import * as Effect from "effect/Effect"

/** A bounded number of slots, given to those that wait for one in order. Released from callbacks, unlike those of a `Semaphore`. */
export class Slots {
  #free: number
  #waiting: Array<() => void> = []

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for a slot and takes it. */
  readonly take: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#free > 0) {
      this.#free--
      return resume(Effect.void)
    }
    const grant = () => resume(Effect.void)
    this.#waiting.push(grant)
    return Effect.sync(() => {
      this.#waiting = this.#waiting.filter((each) => each !== grant)
    })
  })

  release(): void {
    const grant = this.#waiting.shift()
    if (grant === undefined) this.#free++
    else grant()
  }
}
