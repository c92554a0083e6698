import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Server from "../../Server.ts"
import type * as ServerPolicy from "../../ServerPolicy.ts"
import type { Sessions } from "./sessionTable.ts"

/** Lets the open sessions end, for as long as the policy says, and then cuts those that are left. */
export const drain = (
  sessions: Sessions,
  policy: ServerPolicy.Policy,
  clock: Clock.Clock
): Effect.Effect<Server.Drained> =>
  Effect.suspend(() => {
    const before = sessions.size
    const { drainGrace, drainIdle } = policy
    const ended = drainIdle === undefined
      ? sessions.allEnded
      : Effect.raceFirst(sessions.allEnded, retireIdle(sessions, drainIdle, clock))
    return Effect.raceFirst(ended, Effect.sleep(Duration.millis(drainGrace))).pipe(
      Effect.interruptible,
      Effect.flatMap(() => {
        const cut = sessions.size
        return Effect.as(cutAll(sessions), { ended: before - cut, cut })
      })
    )
  })

// A finalizer may wait on its connection for a peer that does nothing: it learns that the connection is gone.
const cutAll = (sessions: Sessions): Effect.Effect<void> =>
  Effect.suspend(() => {
    const open = sessions.all
    for (const session of open) session.interrupt("cut")
    if (sessions.size === 0) return Effect.void
    return Effect.timeoutOrElse(Effect.interruptible(sessions.allEnded), {
      duration: Duration.millis(open[0]!.connection.closeTimeout),
      orElse: () => {
        for (const { connection } of sessions.all) connection.abort()
        return sessions.allEnded
      }
    })
  })

// Ends, in order, each connection on which nothing has moved for `idle` milliseconds of draining.
const retireIdle = (sessions: Sessions, idle: number, clock: Clock.Clock): Effect.Effect<never> =>
  Effect.suspend(() => {
    for (const { connection } of sessions.all) connection.activity.watch(clock)
    const begun = clock.currentTimeMillisUnsafe()
    const look = Effect.sync(() => {
      const now = clock.currentTimeMillisUnsafe()
      let wait = idle
      for (const session of sessions.all) {
        const left = Math.max(session.connection.activity.lastMoved, begun) + idle - now
        if (left > 0) wait = Math.min(wait, left)
        else session.interrupt("idle")
      }
      return Duration.millis(wait)
    })
    return Effect.forever(Effect.flatMap(look, Effect.sleep))
  })
