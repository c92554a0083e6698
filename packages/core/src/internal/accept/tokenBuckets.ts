/** A validated rate. */
export interface Rate {
  /** Connections or datagrams a second. */
  readonly perSecond: number
  /** How many may come at once. */
  readonly burst: number
}

/**
 * A token bucket in one number: the time at which it will be full again if no token is taken (the theoretical arrival time
 * of the generic cell rate algorithm, ITU-T I.371). A new address has a full bucket, which need not be stored.
 */
export const full = -Infinity

// Rounding must not cost a token.
const tolerance = 1e-6

/** Whether a token is available. */
export const hasToken = (fullAt: number, { burst, perSecond }: Rate, now: number): boolean =>
  fullAt - now <= (burst - 1 + tolerance) * 1000 / perSecond

/** Takes a token. */
export const takeToken = (fullAt: number, { perSecond }: Rate, now: number): number =>
  Math.max(fullAt, now) + 1000 / perSecond

/** The buckets of the `capacity` sources that came last. */
export class Buckets<Source> {
  readonly #fullAt = new Map<Source, number>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#fullAt.size
  }

  get(source: Source): number {
    return this.#fullAt.get(source) ?? full
  }

  set(source: Source, fullAt: number, now: number): void {
    // Deleted and set again, an entry moves to the end: the first was not seen for the longest time.
    this.#fullAt.delete(source)
    this.#forget(now)
    this.#fullAt.set(source, fullAt)
  }

  // Two for each new one: full buckets are soon forgotten, and no call pays for a sweep of all.
  #forget(now: number): void {
    let left = 2
    for (const [source, fullAt] of this.#fullAt) {
      if (left-- === 0 || (fullAt > now && this.#fullAt.size < this.#capacity)) return
      this.#fullAt.delete(source)
    }
  }
}
