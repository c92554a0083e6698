/**
 * What servers write to the log. They write nothing themselves: a `ServerLog` hears of events (`ServerEvent`) and says what
 * it likes, with the loggers of whoever made the server. `standard` is the one by default; another one is a Layer away.
 *
 * **Example** (nothing at all; and one's own)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as ServerLog from "@sluice/core/ServerLog"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Echo = Server.layer({ listen: "tcp://127.0.0.1:7" }, (connection) => Connection.pipeTo(connection, connection))
 *
 * const Quiet = Layer.provide(Echo, ServerLog.layer(ServerLog.silent))
 *
 * const Audited = Layer.provide(Echo, ServerLog.layer(ServerLog.all(
 *   ServerLog.standard,
 *   ServerLog.make(["Closed"], ({ bytesIn, bytesOut, remoteAddress }) =>
 *     Effect.logInfo(`${remoteAddress}: ${bytesIn} bytes in, ${bytesOut} bytes out`))
 * )))
 * ```
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import { formatPeer } from "./internal/connection/peerAddress.ts"
import type * as ServerEvent from "./ServerEvent.ts"

/** Hears of events. */
export interface ServerLog {
  /** What it hears of: an event that nobody hears of is not even made. */
  readonly tags: ReadonlySet<ServerEvent.Tag>
  /** Runs for each of them, on a fiber of its own: it loses none, and holds up nobody. */
  readonly log: (event: ServerEvent.ServerEvent) => Effect.Effect<void>
}

type Tagged<Tag extends ServerEvent.Tag> = Extract<ServerEvent.ServerEvent, { readonly _tag: Tag }>

/** Makes one that hears of the events with these tags. */
export const make = <const Tag extends ServerEvent.Tag>(
  tags: ReadonlyArray<Tag>,
  log: (event: Tagged<Tag>) => Effect.Effect<void>
): ServerLog => ({
  tags: new Set<ServerEvent.Tag>(tags),
  log: log as ServerLog["log"]
})

/** Several as one. */
export const all = (...logs: ReadonlyArray<ServerLog>): ServerLog => ({
  tags: new Set(logs.flatMap(({ tags }) => Array.from(tags))),
  log: (event) =>
    Effect.forEach(logs, ({ log, tags }) => tags.has(event._tag) ? log(event) : Effect.void, { discard: true })
})

/** Says nothing. */
export const silent: ServerLog = all()

/**
 * What is worth a person's while: handlers that failed, connections that could not be accepted or whose handshake
 * failed (at most one of each a second), and how draining went.
 *
 * What was foreseen, an `Error` that a handler failed with, is a warning of one line; what was not comes with all that is
 * known of it. Each line is annotated with the address on which the server listens, and with the peer's.
 */
export const standard: ServerLog = make(["HandlerFailed", "AcceptFailed", "HandshakeFailed", "Drained"], (event) => {
  const listening = NetAddress.formatSocketAddress(event.listening)
  switch (event._tag) {
    case "HandlerFailed":
      return Effect.annotateLogs(handlerFailed(event.cause), { peer: formatPeer(event), listening })
    case "AcceptFailed":
    case "HandshakeFailed":
      return Effect.annotateLogs(Effect.logWarning(event.error.message), { listening })
    case "Drained":
      return event.ended + event.cut === 0 ? Effect.void : Effect.annotateLogs(
        Effect.logInfo(`drained: ${event.ended} connections ended, ${event.cut} cut`),
        { listening }
      )
  }
})

const handlerFailed = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const error = Cause.squash(cause)
  return error instanceof Error && !Cause.hasDies(cause)
    ? Effect.logWarning(error.message)
    : Effect.logError("the handler failed", cause)
}

/** `standard`, and what else happens: connections that begin, end and are refused, as debug lines. */
export const detailed: ServerLog = all(
  standard,
  make(
    ["Listening", "Accepted", "Refused", "Closed", "Suspended", "Resumed", "Draining"],
    (event) => {
      const listening = NetAddress.formatSocketAddress(event.listening)
      switch (event._tag) {
        case "Accepted":
          return Effect.annotateLogs(Effect.logDebug("accepted"), { peer: formatPeer(event), listening })
        case "Refused": {
          const peer = formatPeer({ localAddress: event.listening, remoteAddress: event.remoteAddress })
          return Effect.annotateLogs(Effect.logDebug(`refused: ${event.why}`), { peer, listening })
        }
        case "Closed": {
          const { annotations, bytesIn, bytesOut, duration, reason } = event
          const said = `${reason}: ${bytesIn} bytes in, ${bytesOut} bytes out, ${Duration.toMillis(duration)} ms`
          return Effect.annotateLogs(Effect.logDebug(said), {
            ...Object.fromEntries(annotations),
            peer: formatPeer(event),
            listening
          })
        }
        default:
          return Effect.annotateLogs(Effect.logInfo(event._tag.toLowerCase()), { listening })
      }
    }
  )
)

/** Which one the servers use that are made here. Default: `standard`. */
export const CurrentServerLog: Context.Reference<ServerLog> = Context.Reference<ServerLog>(
  "@sluice/core/ServerLog/CurrentServerLog",
  { defaultValue: () => standard }
)

/** Has the servers that are built with this Layer use another one. */
export const layer = (log: ServerLog): Layer.Layer<never> => Layer.succeed(CurrentServerLog, log)
