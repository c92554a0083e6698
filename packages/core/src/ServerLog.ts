/**
 * What servers write to the log. Servers log nothing themselves: a `ServerLog` receives their events (`ServerEvent`) and
 * writes what it likes, with the loggers that are in place where the server is made. The default is `standard`.
 *
 * **Example** (no log at all; and one's own)
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
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import { detailedLine, standardLine } from "./internal/log/lines.ts"
import { RepeatedLines } from "./internal/log/repeatedLines.ts"
import type * as ServerEvent from "./ServerEvent.ts"

/**
 * Writes events to a log.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerLog {
  /** The events that it receives. Events that nothing receives are not made. */
  readonly tags: ReadonlySet<ServerEvent.Tag>
  /** Opens the log for one server. */
  readonly open: () => Writer
}

/**
 * The log of one server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Writer {
  /** Runs for each event, on a fiber of its own: it misses none and delays nothing. */
  readonly write: (event: ServerEvent.ServerEvent) => Effect.Effect<void>
  /** Runs when the server has drained, before its last event: writes what was held back. */
  readonly flush: Effect.Effect<void>
}

/**
 * A line of the log.
 *
 * @since 0.1.0
 * @category models
 */
export interface Line {
  readonly level: LogLevel.Severity
  /** Lines of one kind within a second are summed up. Default: the tag of the event. */
  readonly kind?: string | undefined
  /** Made safe for terminals (`SafeText.escape`), up to 2,000 characters of it. */
  readonly message: string
  readonly cause?: Cause.Cause<unknown> | undefined
  readonly annotations?: Readonly<Record<string, unknown>> | undefined
}

type Tagged<Tag extends ServerEvent.Tag> = Extract<ServerEvent.ServerEvent, { readonly _tag: Tag }>

/**
 * Runs an effect for every event with one of the tags. Repeats are not summed up.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <const Tag extends ServerEvent.Tag>(
  tags: ReadonlyArray<Tag>,
  write: (event: Tagged<Tag>) => Effect.Effect<void>
): ServerLog => ({
  tags: new Set<ServerEvent.Tag>(tags),
  open: () => ({ write: write as Writer["write"], flush: Effect.void })
})

/**
 * Writes a line for every event with one of the tags, or none for `undefined`. The first line of a kind is written at once;
 * further ones within a second become one line: `… and 4,128 more in the last second`.
 *
 * **Example**
 *
 * ```ts
 * import * as ServerLog from "@sluice/core/ServerLog"
 * import * as NetAddress from "effect/net/NetAddress"
 *
 * const refusals = ServerLog.lines(["Refused"], ({ remoteAddress, why }) => ({
 *   level: "Info",
 *   kind: why,
 *   message: `refused: ${why}`,
 *   annotations: { peer: NetAddress.formatSocketAddress(remoteAddress) }
 * }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const lines = <const Tag extends ServerEvent.Tag>(
  tags: ReadonlyArray<Tag>,
  line: (event: Tagged<Tag>) => Line | undefined
): ServerLog => ({
  tags: new Set<ServerEvent.Tag>(tags),
  open: () => {
    const repeated = new RepeatedLines()
    return {
      write: (event) =>
        Effect.suspend(() => {
          const written = line(event as Tagged<Tag>)
          if (written === undefined) return Effect.void
          const { annotations = {}, kind = event._tag } = written
          return repeated.write({ ...written, annotations, kind })
        }),
      flush: repeated.flush
    }
  }
})

/**
 * Several logs as one.
 *
 * @since 0.1.0
 * @category combinators
 */
export const all = (...logs: ReadonlyArray<ServerLog>): ServerLog => ({
  tags: new Set(logs.flatMap(({ tags }) => Array.from(tags))),
  open: () => {
    const opened = logs.map(({ open, tags }) => ({ tags, writer: open() }))
    return {
      write: (event) =>
        Effect.forEach(opened, ({ tags, writer }) => tags.has(event._tag) ? writer.write(event) : Effect.void, {
          discard: true
        }),
      flush: Effect.forEach(opened, ({ writer }) => writer.flush, { discard: true })
    }
  }
})

/**
 * Writes nothing.
 *
 * @since 0.1.0
 * @category logs
 */
export const silent: ServerLog = all()

/**
 * Writes what an operator should see: failed handlers, connections that could not be accepted, failed handshakes, a full
 * server, and how draining went. Repeats are summed up.
 *
 * A handler that failed with an `Error` is a warning of one line; a defect is an error with its cause. A peer that leaves
 * before its handshake or between two messages is a debug line, because health checks and clients do that. Each line is
 * annotated with the address on which the server listens, and with the peer's where there is one.
 *
 * @since 0.1.0
 * @category logs
 */
export const standard: ServerLog = lines(
  ["HandlerFailed", "AcceptFailed", "HandshakeFailed", "Full", "DescriptorsShort", "Draining", "Drained"],
  standardLine
)

/**
 * `standard`, and every connection that is accepted, refused and closed as a debug line. Repeats are summed up.
 *
 * @since 0.1.0
 * @category logs
 */
export const detailed: ServerLog = all(
  standard,
  lines(["Listening", "Accepted", "Refused", "Closed", "Suspended", "Resumed"], detailedLine)
)

/**
 * The log of the servers that are made here. Default: `standard`.
 *
 * @since 0.1.0
 * @category services
 */
export const CurrentServerLog: Context.Reference<ServerLog> = Context.Reference<ServerLog>(
  "@sluice/core/ServerLog/CurrentServerLog",
  { defaultValue: () => standard }
)

/**
 * Sets the log of the servers that are built with this Layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (log: ServerLog): Layer.Layer<never> => Layer.succeed(CurrentServerLog, log)
