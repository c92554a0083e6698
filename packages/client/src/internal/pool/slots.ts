import * as Effect from "effect/Effect"
import { Chain, type Link } from "../chain.ts"

interface Waiter extends Link<Waiter> {
  readonly grant: () => void
}

/** A bounded number of slots, given to those that wait for one in order. Released from callbacks, unlike those of a `Semaphore`. */
export class Slots<E> {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #refuse: () => E
  #taken = 0
  // In order of arrival.
  readonly #waiting = new Chain<Waiter>()

  constructor(options: { readonly most: number; readonly mostWaiting: number; readonly refuse: () => E }) {
    this.#most = options.most
    this.#mostWaiting = options.mostWaiting
    this.#refuse = options.refuse
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Waits for a slot and takes it. Fails when too many wait already. */
  readonly take: Effect.Effect<void, E> = Effect.callback((resume) => {
    if (this.#taken < this.#most) {
      this.#taken++
      return resume(Effect.void)
    }
    if (this.#waiting.size >= this.#mostWaiting) return resume(Effect.fail(this.#refuse()))
    const waiter: Waiter = { grant: () => resume(Effect.void), previous: undefined, next: undefined }
    this.#waiting.add(waiter)
    return Effect.sync(() => this.#waiting.remove(waiter))
  })

  release(): void {
    const { first } = this.#waiting
    if (first === undefined) {
      this.#taken--
      return
    }
    this.#waiting.remove(first)
    first.grant()
  }
}
