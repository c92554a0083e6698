/**
 * Tells systemd how a server is: ready, stopping, reloading, alive (sd_notify(3), systemd.service(5)).
 *
 * Node has no Unix-domain datagram sockets, so messages are sent by the program `systemd-notify`. The unit needs
 * `Type=notify` and `NotifyAccess=all`. Where systemd does not wait for messages (`NOTIFY_SOCKET` is not set), every
 * function does nothing.
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Endpoint from "@sluice/core/Endpoint"
 * import * as Server from "@sluice/core/Server"
 * import * as Systemd from "@sluice/node/Systemd"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* Server.make(
 *     { listen: Endpoint.inherited("tcp://127.0.0.1:9000") },
 *     (connection) => Connection.pipeTo(connection, connection)
 *   )
 *   yield* Systemd.follow(server)
 *   return yield* Effect.never
 * })
 * ```
 *
 * @since 0.1.0
 */
import type * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as ChildProcess from "node:child_process"

/**
 * Sends assignments, such as `Systemd.notify("STATUS=2 connections")`. Does nothing without `NOTIFY_SOCKET`. A message that
 * cannot be sent is logged as a warning.
 *
 * @since 0.1.0
 * @category notifying
 */
export const notify = (...assignments: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.suspend(() => process.env["NOTIFY_SOCKET"] === undefined ? Effect.void : send(assignments))

const send = (assignments: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.callback<string | undefined>((resume) => {
    ChildProcess.execFile(
      "systemd-notify",
      [...assignments],
      { timeout: 5_000 },
      (error, _, stderr) => resume(Effect.succeed(error === null ? undefined : stderr.trim() || error.message))
    )
  }).pipe(
    Effect.flatMap((problem) =>
      problem === undefined
        ? Effect.void
        : Effect.logWarning(`cannot notify systemd of ${assignments.join(", ")}: ${problem}; check NotifyAccess=all`)
    )
  )

// sd_notify(3): the process that systemd watches is this one, and not `systemd-notify`.
const self = () => `MAINPID=${process.pid}`

/**
 * The server is ready: `READY=1`.
 *
 * @since 0.1.0
 * @category notifying
 */
export const ready: Effect.Effect<void> = Effect.suspend(() => notify("READY=1", self()))

/**
 * The server has begun to stop: `STOPPING=1`.
 *
 * @since 0.1.0
 * @category notifying
 */
export const stopping: Effect.Effect<void> = notify("STOPPING=1")

/**
 * Runs a reload of the configuration, announced as `RELOADING=1` before and `READY=1` after it (`Type=notify-reload`).
 *
 * @since 0.1.0
 * @category notifying
 */
export const reloading = <A, E, R>(reload: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => notify("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`)).pipe(
    Effect.andThen(reload),
    Effect.ensuring(ready)
  )

/**
 * Reports a server until it is closed: `READY=1` now, `STOPPING=1` when it drains, and `WATCHDOG=1` at half the interval of
 * `WatchdogSec=`, so that systemd restarts a process whose event loop is blocked.
 *
 * @since 0.1.0
 * @category notifying
 */
export const follow = Effect.fnUntraced(function*(server: Pick<Server.Server, "state">): Effect.fn.Return<void> {
  const reaches = (...states: ReadonlyArray<Server.State>) =>
    SubscriptionRef.changes(server.state).pipe(
      Stream.filter((state) => states.includes(state)),
      Stream.runHead,
      Effect.asVoid
    )
  yield* ready
  // Detached, because the Scope of the caller may close before the server has drained.
  yield* Effect.forkDetach(Effect.andThen(reaches("draining", "closed"), stopping))
  const interval = watchdogMillis()
  if (interval === undefined) return
  const watchdog = Effect.forever(Effect.andThen(notify("WATCHDOG=1"), Effect.sleep(interval / 2)))
  yield* Effect.forkDetach(Effect.raceFirst(watchdog, reaches("closed")))
})

// sd_watchdog_enabled(3): in microseconds, and for another process if the PID says so.
const watchdogMillis = (): number | undefined => {
  const { WATCHDOG_PID = String(process.pid), WATCHDOG_USEC = "" } = process.env
  return WATCHDOG_PID === String(process.pid) && /^[1-9]\d*$/.test(WATCHDOG_USEC)
    ? Number(WATCHDOG_USEC) / 1_000
    : undefined
}
