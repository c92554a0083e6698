/**
 * A rate limit: `burst` at once, and one more for every `refill` milliseconds. Exact, because it keeps a time and not a
 * fraction of a token (the generic cell rate algorithm).
 */

/** How much is allowed. */
export interface Rate {
  /** How many at once, from 1 up. */
  readonly burst: number
  /** Milliseconds until one more is allowed. 0: there is no limit. */
  readonly refill: number
}

/** What has been used of a rate. */
export class TokenBucket {
  readonly #rate: Rate
  // When it would be full again.
  #full = -Infinity

  constructor(rate: Rate) {
    this.#rate = rate
  }

  /** Takes a token at a monotonic time in milliseconds: returns 0, or how many milliseconds are missing. */
  take(now: number): number {
    const { burst, refill } = this.#rate
    const full = Math.max(this.#full, now) + refill
    const wait = full - burst * refill - now
    if (wait > 0) return wait
    this.#full = full
    return 0
  }
}
