import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as NetworkError from "../../NetworkError.ts"
import type * as ServerPolicy from "../../ServerPolicy.ts"
import type { ConnectionState } from "../connection/state.ts"

type Deadline = Exclude<NetworkError.TimedOut["deadline"], "connect" | "handshake" | "system">

/** Whether a policy has any deadline to watch. */
export const hasDeadlines = (policy: ServerPolicy.Policy): boolean =>
  policy.idleTimeout !== undefined || policy.readTimeout !== undefined || policy.writeTimeout !== undefined ||
  policy.maxLifetime !== undefined

/**
 * Waits until the first deadline of a connection that was opened then has passed, and says which.
 *
 * It sleeps until the earliest moment at which one could pass if nothing moved, and then looks again: what moves costs a
 * reading of the clock and no timer.
 */
export const expired = (
  connection: ConnectionState,
  opened: number,
  policy: ServerPolicy.Policy,
  clock: Clock.Clock
): Effect.Effect<NetworkError.NetworkError> => {
  const { activity, input, output } = connection
  activity.watch(clock)

  const watches: Array<
    { readonly deadline: Deadline; readonly after: number; readonly since: (now: number) => number }
  > = []
  const watch = (deadline: Deadline, after: number | undefined, since: (now: number) => number) => {
    if (after !== undefined) watches.push({ deadline, after, since })
  }
  watch("lifetime", policy.maxLifetime, () => opened)
  watch("idle", policy.idleTimeout, () => activity.lastMoved)
  // While nobody waits, the time has not begun to run: the earliest that it can is now.
  watch("read", policy.readTimeout, (now) => input.isWaiting ? Math.max(activity.readingSince, activity.lastIn) : now)
  watch(
    "write",
    policy.writeTimeout,
    (now) => output.isWaiting ? Math.max(activity.writingSince, activity.lastOut) : now
  )

  const look: Effect.Effect<NetworkError.NetworkError> = Effect.suspend(() => {
    const now = clock.currentTimeMillisUnsafe()
    let wait = Infinity
    for (const { after, deadline, since } of watches) {
      const left = since(now) + after - now
      if (left <= 0) {
        const operation = deadline === "write" ? "write" : "read"
        return Effect.succeed(connection.error(operation, new NetworkError.TimedOut({ deadline, after })))
      }
      wait = Math.min(wait, left)
    }
    return Effect.flatMap(Effect.sleep(Duration.millis(wait)), () => look)
  })
  return look
}
