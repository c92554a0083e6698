import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ConnectionState } from "./state.ts"

/** Waits until a connection that lingers is closed, for `closeTimeout` at most. */
export const closedInTime = (connection: ConnectionState): Effect.Effect<void> =>
  Effect.raceFirst(connection.closed, Effect.andThen(silence(connection), connection.closed)).pipe(
    Effect.interruptible,
    Effect.timeoutOrElse({
      duration: Duration.millis(connection.closeTimeout),
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
    return Effect.flatMap(Effect.sleep(Duration.millis(connection.closeTimeout / 10)), () => {
      if (connection.activity.bytesIn !== before || connection.output.isWaiting) return silence(connection)
      connection.fallSilent()
      return Effect.void
    })
  })
