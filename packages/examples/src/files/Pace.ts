/** A bandwidth limit that all transfers of a program share. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { largestBlock } from "./protocol.ts"

export interface Pace {
  /** Waits for the time that these bytes take at the limit, in the order of the calls. */
  readonly take: (bytes: number) => Effect.Effect<void>
  /** The largest block that takes at most a tenth of a second. */
  readonly block: number
}

export const unlimited: Pace = { take: () => Effect.void, block: largestBlock }

// Makes up for late timers, up to a tenth of a second.
const burst = 100_000_000n

/** Makes a pace for a number of bytes per second. */
export const make = (bytesPerSecond: number): Pace => {
  let free = 0n
  return {
    block: Math.max(1, Math.min(largestBlock, Math.floor(bytesPerSecond / 10))),
    take: (bytes) =>
      Clock.clockWith((clock) => {
        const now = clock.monotonicTimeNanosUnsafe()
        free = (free > now - burst ? free : now - burst) + BigInt(Math.ceil(bytes * 1e9 / bytesPerSecond))
        return free > now ? Effect.sleep(Duration.nanos(free - now)) : Effect.void
      })
  }
}
