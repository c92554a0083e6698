import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Random from "effect/Random"
import type { Settings } from "./settings.ts"

/** Where toxics take time and chance from. */
export interface Sources {
  readonly clock: Clock.Clock
  readonly random: Random.Random
  readonly settings: () => Settings
}

/** Milliseconds of the monotonic clock. */
export const millis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Waits until a time of the monotonic clock. */
export const sleepUntil = (clock: Clock.Clock, at: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const now = millis(clock)
    return at > now ? Effect.sleep(at - now) : Effect.void
  })

/** The latency of one direction: tells when what is sent now arrives. */
export class Delay {
  readonly #sources: Sources
  #lastAt = 0

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** In milliseconds of the monotonic clock, and never before what was sent earlier. */
  next(): number {
    const { clock, random, settings } = this.#sources
    const { jitter, latency } = settings()
    const late = jitter === 0 ? 0 : random.nextDoubleUnsafe() * jitter
    return this.#lastAt = Math.max(this.#lastAt, millis(clock) + latency + late)
  }
}
