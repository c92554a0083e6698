import { isFramingError } from "@sluice/framing/FramingError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ConnectionState } from "./state.ts"

/** Waits until the descriptor of a connection is closed. */
export const closed = (connection: ConnectionState): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const observer = { onClosed: () => resume(Effect.void) }
    connection.observe(observer)
    return Effect.sync(() => connection.ignore(observer))
  })

/** Waits until a connection that lingers is closed, for `closeTimeout` at most. */
export const closedInTime = (connection: ConnectionState): Effect.Effect<void> =>
  Effect.raceFirst(connection.closed, Effect.andThen(silence(connection), connection.closed)).pipe(
    Effect.interruptible,
    Effect.timeoutOrElse({
      duration: Duration.millis(connection.options.closeTimeout),
      orElse: () =>
        Effect.suspend(() => {
          connection.abort()
          return connection.closed
        })
    })
  )

// Waits until all is sent and the peer has sent nothing for a while.
const silence = (connection: ConnectionState): Effect.Effect<void> =>
  Effect.suspend(() => {
    const before = connection.activity.bytesIn
    return Effect.flatMap(Effect.sleep(Duration.millis(connection.options.closeTimeout / 10)), () => {
      if (connection.activity.bytesIn !== before || connection.output.isWaiting) return silence(connection)
      connection.fallSilent()
      return Effect.void
    })
  })

/** Whether a handler failed because the peer sent a bad message: the connection then ends in order, without a reset. */
export const isBadMessage = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.length > 0 && cause.reasons.every((each) => Cause.isFailReason(each) && isFramingError(each.error))
