import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as NetworkError from "../../NetworkError.ts"
import type { ConnectionState } from "../connection/state.ts"
import { untilDue } from "../time/untilDue.ts"
import type { Policy } from "./policy.ts"

type Deadline = Exclude<NetworkError.TimedOut["deadline"], "connect" | "handshake" | "system">

/** Whether a policy has any deadline to watch. */
export const hasDeadlines = (policy: Policy): boolean =>
  policy.idleTimeout !== undefined || policy.readTimeout !== undefined || policy.writeTimeout !== undefined ||
  policy.maxLifetime !== undefined

/** Waits until the first deadline of a connection has passed, and says which. `opened` is monotonic. */
export const expired = (
  connection: ConnectionState,
  opened: number,
  policy: Policy,
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
  // While nothing waits, the time has not begun to run: the earliest that it can is now.
  watch("read", policy.readTimeout, (now) => input.isWaiting ? Math.max(activity.readingSince, activity.lastIn) : now)
  watch(
    "write",
    policy.writeTimeout,
    (now) => output.isWaiting ? Math.max(activity.writingSince, activity.lastOut) : now
  )

  return untilDue(clock, (now) => {
    let wait = Infinity
    for (const { after, deadline, since } of watches) {
      const left = since(now) + after - now
      if (left <= 0) {
        const operation = deadline === "write" ? "write" : "read"
        return Effect.succeed(connection.error(operation, new NetworkError.TimedOut({ deadline, after })))
      }
      wait = Math.min(wait, left)
    }
    return wait
  })
}
