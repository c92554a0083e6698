import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Server from "../../Server.ts"
import type { ConnectionState } from "../connection/state.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import { untilDue } from "../time/untilDue.ts"
import type { Policy } from "./policy.ts"
import type { Sessions } from "./sessionTable.ts"

/** Lets the open sessions end, for as long as the policy says, and then cuts the rest. */
export const drain = (sessions: Sessions, policy: Policy, clock: Clock.Clock): Effect.Effect<Server.Drained> =>
  Effect.suspend(() => {
    const before = sessions.size
    const { drainGrace, drainIdle } = policy
    const ended = drainIdle === undefined
      ? sessions.allEnded
      : Effect.raceFirst(sessions.allEnded, retireIdle(sessions, drainIdle, clock))
    let cut = 0
    const settled = settleWithin(ended, drainGrace, () => {
      cut = sessions.size
      for (const session of sessions.all) session.interrupt("cut")
      return settleOrAbort(sessions.allEnded, () => sessions.all)
    })
    return Effect.map(settled, () => ({ ended: before - cut, cut }))
  })

/** Waits until all have ended, for as long as `millis`, and then does something about the rest. */
export const settleWithin = (
  ended: Effect.Effect<unknown>,
  millis: number,
  otherwise: () => Effect.Effect<unknown>
): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOrElse(Effect.interruptible(ended), {
    duration: Duration.millis(millis),
    orElse: () => Effect.suspend(otherwise)
  }))

/** Waits for what was interrupted. A finalizer may wait on its connection for a peer that does nothing: an abort wakes it. */
export const settleOrAbort = (
  ended: Effect.Effect<unknown>,
  open: () => ReadonlyArray<{ readonly connection: ConnectionState }>
): Effect.Effect<unknown> => {
  const [first] = open()
  return first === undefined ? Effect.void : settleWithin(ended, first.connection.options.closeTimeout, () => {
    for (const { connection } of open()) connection.abort()
    return ended
  })
}

// Ends, in order, each connection on which nothing has moved for `idle` milliseconds of draining.
const retireIdle = (sessions: Sessions, idle: number, clock: Clock.Clock): Effect.Effect<never> =>
  Effect.suspend(() => {
    for (const { connection } of sessions.all) connection.activity.watch(clock)
    const begun = monotonicMillis(clock)
    return untilDue<never, never>(clock, (now) => {
      let wait = idle
      for (const session of sessions.all) {
        const left = Math.max(session.connection.activity.lastMoved, begun) + idle - now
        if (left > 0) wait = Math.min(wait, left)
        else session.interrupt("idle")
      }
      return wait
    })
  })
