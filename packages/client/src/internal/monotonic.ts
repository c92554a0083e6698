import type * as Clock from "effect/Clock"

/**
 * The monotonic time in milliseconds. Durations, deadlines and rates use it, because the wall clock can step: after a
 * correction by NTP, or when a suspended machine resumes.
 */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
