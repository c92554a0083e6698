import type * as AcceptPolicy from "../../AcceptPolicy.ts"
import type { Prefix } from "./networkSet.ts"

/**
 * A token bucket in one number: the time at which it will be full again if nobody takes anything (the theoretical arrival
 * time of the generic cell rate algorithm, ITU-T I.371). Whoever has not been seen has a full one, and need not be stored.
 */
export const full = -Infinity

// What sums lose by rounding must not cost a token.
const tolerance = 1e-6

/** Whether a token is there. */
export const hasToken = (fullAt: number, { burst, perSecond }: AcceptPolicy.Rate, now: number): boolean =>
  fullAt - now <= (burst - 1 + tolerance) * 1000 / perSecond

/** Takes a token. */
export const takeToken = (fullAt: number, { perSecond }: AcceptPolicy.Rate, now: number): number =>
  Math.max(fullAt, now) + 1000 / perSecond

/** The buckets of the addresses that came last, no more than `capacity` of them. */
export class Buckets {
  readonly #fullAt = new Map<Prefix, number>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#fullAt.size
  }

  get(source: Prefix): number {
    return this.#fullAt.get(source) ?? full
  }

  set(source: Prefix, fullAt: number, now: number): void {
    // Set anew, an entry comes last: the first is the one that was not seen for longest.
    this.#fullAt.delete(source)
    this.#forget(now)
    this.#fullAt.set(source, fullAt)
  }

  // Two for each that comes, so that what is full again is soon forgotten, and no moment pays for all of it.
  #forget(now: number): void {
    let left = 2
    for (const [source, fullAt] of this.#fullAt) {
      if (left-- === 0 || (fullAt > now && this.#fullAt.size < this.#capacity)) return
      this.#fullAt.delete(source)
    }
  }
}
