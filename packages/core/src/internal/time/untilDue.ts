import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "./monotonic.ts"

/**
 * Watches deadlines that move: `look` gets the monotonic time in milliseconds, and returns how many milliseconds to wait
 * before it looks again, or the effect to end with.
 *
 * Sleeping until the earliest possible deadline, and only then looking again, makes activity cost a clock reading instead
 * of a timer.
 */
export const untilDue = <A, E>(
  clock: Clock.Clock,
  look: (now: number) => number | Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const again: Effect.Effect<A, E> = Effect.suspend(() => {
    const next = look(monotonicMillis(clock))
    return typeof next === "number" ? Effect.flatMap(Effect.sleep(Duration.millis(next)), () => again) : next
  })
  return again
}
