import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { monotonicMillis } from "./monotonic.ts"

export const defaultSchedule = Schedule.jittered(
  Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")])
)

/** What a client does to have a connection. */
export interface Options<E, R1, R2> {
  readonly clock: Clock.Clock
  /** Completes when the client is to end. */
  readonly closing: Effect.Effect<void>
  /** One connection, from connecting to its loss; it calls `onConnected`. `undefined` when the client is to end. */
  readonly once: (onConnected: () => void) => Effect.Effect<E | undefined, E, R1>
  readonly schedule: Schedule.Schedule<unknown, E, never, R2> | undefined
  /** How long a connection must hold for the schedule to begin anew, in milliseconds. */
  readonly resetAfter: number
  readonly onWaiting?: (
    waiting: { readonly attempt: number; readonly delay: number; readonly error: E }
  ) => Effect.Effect<void>
  readonly onConnecting?: (attempt: number) => Effect.Effect<void>
}

/** Connects, and connects again whenever the connection is lost. Returns the last error when the schedule has ended. */
export const retrying = <E, R1, R2>(options: Options<E, R1, R2>): Effect.Effect<Option.Option<E>, never, R1 | R2> =>
  Effect.gen(function*() {
    const { clock, closing, onConnecting, onWaiting, once, resetAfter } = options
    // Schedules count in wall-clock time, here of a clock that does not step.
    const origin = clock.currentTimeMillisUnsafe() - monotonicMillis(clock)
    const freshSchedule = Schedule.toStep(options.schedule ?? defaultSchedule)
    let step = yield* freshSchedule
    let attempt = 1
    while (true) {
      let since: number | undefined
      const onConnected = () => {
        since = monotonicMillis(clock)
      }
      const error = yield* Effect.catch(once(onConnected), Effect.succeed)
      if (error === undefined) return Option.none<E>()
      const now = monotonicMillis(clock)
      if (since !== undefined && now - since >= resetAfter) {
        step = yield* freshSchedule
        attempt = 0
      }
      attempt++
      const deciding = Pull.matchEffect(step(origin + now, error), {
        onSuccess: ([, delay]) => Effect.succeed(Duration.toMillis(delay)),
        onFailure: Effect.failCause,
        onDone: () => Effect.succeed("over" as const)
      })
      const delay = yield* Effect.raceFirst(Effect.as(closing, "closed" as const), deciding)
      if (delay === "over") return Option.some(error)
      if (delay === "closed") return Option.none<E>()
      if (onWaiting !== undefined) yield* onWaiting({ attempt, delay, error })
      const waiting = Effect.as(Effect.sleep(Duration.millis(delay)), false)
      if (yield* Effect.raceFirst(Effect.as(closing, true), waiting)) return Option.none<E>()
      if (onConnecting !== undefined) yield* onConnecting(attempt)
    }
  })
