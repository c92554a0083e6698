import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HostState } from "./host.ts"

/** The clock on the wall of a host: ahead of the right time by its skew. What it measures and sleeps is right. */
export const hostClock = (clock: Clock.Clock, host: HostState): Clock.Clock => {
  const millis = () => clock.currentTimeMillisUnsafe() + host.skew
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(Math.round(host.skew * 1e6))
  // All else that the clock can do, such as to be adjusted, it can do here too.
  return Object.assign(Object.create(clock) as Clock.Clock, {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos)
  })
}
