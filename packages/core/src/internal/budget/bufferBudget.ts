import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "../time/monotonic.ts"
import { untilDue } from "../time/untilDue.ts"

/** The limit of the budget of a network, in bytes. */
export const CurrentBufferBudget: Context.Reference<number> = Context.Reference<number>(
  "@sluice/core/Network/BufferBudget",
  { defaultValue: () => 512 * 1024 * 1024 }
)

/** What a connection lets a budget do to it. */
export interface Holder {
  /** Stops reading from the peer. */
  readonly throttle: () => void
  /** Reads from the peer again. */
  readonly restore: () => void
  /** Fails the connection, because the budget has had no room for too long. */
  readonly exceed: (budget: number) => void
}

interface Account {
  bytes: number
  /** When it grew last while there was no room: monotonic time. */
  grownAt: number
  /** When the connection was throttled: monotonic time. */
  throttledAt: number
}

/**
 * Bytes that a connection may hold without being counted: a chunk read ahead and the beginning of a frame, so that a slow
 * reader alone never fails a connection.
 */
export const uncounted = 131_072

/** How long connections wait for room, in milliseconds. */
const patience = 10_000

/**
 * Bounds the bytes that all connections together have received and not yet delivered: unfinished frames, and input that
 * readers gather.
 *
 * Below half of the limit every connection may grow. Above it, only two kinds may: the connection that has held bytes for
 * the longest, so that frames are finished one after another, and those that hold no more than an equal share of the half.
 * The others are throttled until there is room. When one has waited for 10 seconds, a connection fails: the oldest if it
 * has stalled, otherwise the one that waits.
 */
export class BufferBudget {
  readonly #limit: number
  readonly #clock: Clock.Clock
  readonly #run: (effect: Effect.Effect<void>) => unknown
  readonly #accounts = new Map<Holder, Account>()
  // In the order in which they were throttled.
  readonly #throttled = new Set<Holder>()
  #used = 0

  constructor(limit: number, clock: Clock.Clock, run: (effect: Effect.Effect<void>) => unknown) {
    this.#limit = limit
    this.#clock = clock
    this.#run = run
  }

  /** Bytes that are counted now. */
  get used(): number {
    return this.#used
  }

  /** Whether a connection is counted. */
  counts(holder: Holder): boolean {
    return this.#accounts.has(holder)
  }

  /** Notes how much a connection holds. Answers whether it may read on; if not, it is throttled. */
  hold(holder: Holder, bytes: number): boolean {
    if (bytes <= uncounted) {
      this.release(holder)
      return true
    }
    const account = this.#accounts.get(holder) ?? this.#open(holder)
    const isGrowing = bytes > account.bytes
    this.#used += bytes - account.bytes
    account.bytes = bytes
    if (!isGrowing) {
      this.#resume()
      return true
    }
    if (this.#hasRoom) return true
    account.grownAt = monotonicMillis(this.#clock)
    const most = holder === this.#oldest ? this.#limit - this.#used + bytes : this.#limit / 2 / this.#accounts.size
    if (bytes <= most) return true
    this.#throttle(holder, account)
    return false
  }

  /** The connection holds nothing, or is closed. */
  release(holder: Holder): void {
    const account = this.#accounts.get(holder)
    if (account === undefined) return
    this.#accounts.delete(holder)
    this.#used -= account.bytes
    if (this.#throttled.delete(holder)) holder.restore()
    this.#resume()
  }

  #open(holder: Holder): Account {
    const now = monotonicMillis(this.#clock)
    const account: Account = { bytes: 0, grownAt: now, throttledAt: now }
    this.#accounts.set(holder, account)
    return account
  }

  get #hasRoom(): boolean {
    return this.#used <= this.#limit / 2
  }

  get #oldest(): Holder | undefined {
    for (const holder of this.#accounts.keys()) return holder
    return undefined
  }

  #throttle(holder: Holder, account: Account): void {
    const isFirst = this.#throttled.size === 0
    this.#throttled.add(holder)
    account.throttledAt = account.grownAt
    holder.throttle()
    if (isFirst) this.#run(this.#watch)
  }

  // All, or at least the one that may grow without room.
  #resume(): void {
    if (this.#hasRoom) {
      const throttled = Array.from(this.#throttled)
      this.#throttled.clear()
      for (const holder of throttled) holder.restore()
      return
    }
    const oldest = this.#oldest
    if (oldest === undefined || this.#used >= this.#limit || !this.#throttled.delete(oldest)) return
    this.#accounts.get(oldest)!.grownAt = monotonicMillis(this.#clock)
    oldest.restore()
  }

  // Until none is throttled.
  get #watch(): Effect.Effect<void> {
    return untilDue(this.#clock, (now) => {
      for (const waiting of this.#throttled) {
        const left = this.#accounts.get(waiting)!.throttledAt + patience - now
        if (left > 0) return left
        const oldest = this.#oldest!
        const hasStalled = !this.#throttled.has(oldest) && now - this.#accounts.get(oldest)!.grownAt >= patience
        const failed = hasStalled ? oldest : waiting
        this.#throttled.delete(failed)
        this.release(failed)
        failed.exceed(this.#limit)
        return 1
      }
      return Effect.void
    })
  }
}
