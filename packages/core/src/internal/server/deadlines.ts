import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as NetworkError from "../../NetworkError.ts"
import type { ConnectionState } from "../connection/state.ts"
import { WriteProgress } from "../connection/writeProgress.ts"
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
): Effect.Effect<NetworkError.NetworkError> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const byOutput = Math.min(policy.writeTimeout ?? Infinity, policy.idleTimeout ?? Infinity)
    if (byOutput === Infinity) return watchDeadlines(connection, opened, policy, clock, noProgress)
    const progress = new WriteProgress(connection, byOutput / 4, Effect.runForkWith(context))
    return Effect.ensuring(
      watchDeadlines(connection, opened, policy, clock, progress.check),
      Effect.sync(() => progress.stop())
    )
  })

const noProgress = Effect.succeed(false)

const watchDeadlines = (
  connection: ConnectionState,
  opened: number,
  policy: Policy,
  clock: Clock.Clock,
  progress: Effect.Effect<boolean>
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

  const fail = (deadline: Deadline, after: number) =>
    Effect.sync(() =>
      connection.error(deadline === "write" ? "write" : "read", new NetworkError.TimedOut({ deadline, after }))
    )
  const watching: Effect.Effect<NetworkError.NetworkError> = untilDue(clock, (now) => {
    activity.sync()
    let wait = Infinity
    for (const { after, deadline, since } of watches) {
      const left = since(now) + after - now
      if (left <= 0) {
        const isByOutput = (deadline === "write" || deadline === "idle") && output.isWaiting
        if (!isByOutput) return fail(deadline, after)
        return Effect.flatMap(progress, (moved) => moved ? watching : fail(deadline, after))
      }
      wait = Math.min(wait, left)
    }
    return wait
  })
  return watching
}
