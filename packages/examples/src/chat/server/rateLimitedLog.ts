import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const pause = 1000 // milliseconds

/** Makes a log of errors that writes at most one line a second, with the number of lines that it left out since. */
export const make = (): (message: string) => Effect.Effect<void> => {
  let last = -Infinity
  let left = 0
  return (message) =>
    Clock.clockWith((clock) => {
      const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      if (now - last < pause) {
        left++
        return Effect.void
      }
      const more = left === 0 ? "" : ` (and ${left} more since the last line)`
      last = now
      left = 0
      return Effect.logError(`${message}${more}`)
    })
}
