/**
 * What happens to a server, as values. `Server.events` is a stream of them, and `ServerLog` writes them to the log.
 *
 * **Details**
 *
 * - Each connection that is served has exactly one `Accepted` and, after it, exactly one `Closed`. A rejected connection has
 *   one `Refused` and neither of the others.
 * - Every event has the wall-clock time (`at`) and the address on which the server listens.
 * - `Drained` is the last event.
 *
 * **Example** (which connections were rejected, and why)
 *
 * ```ts
 * import type * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 * import * as NetAddress from "effect/net/NetAddress"
 * import * as Stream from "effect/Stream"
 *
 * const watch = (server: Server.Server) =>
 *   Stream.runForEach(server.events, (event) =>
 *     event._tag === "Refused"
 *       ? Effect.logWarning(`${NetAddress.formatSocketAddress(event.remoteAddress)} was refused: ${event.why}`)
 *       : Effect.void)
 * ```
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as NetAddress from "effect/net/NetAddress"
import type * as NetworkError from "./NetworkError.ts"
import type * as ServerPolicy from "./ServerPolicy.ts"

/**
 * What every event has.
 *
 * @since 0.1.0
 * @category models
 */
export interface Common {
  /** When it happened: milliseconds since the epoch, by the wall clock. */
  readonly at: number
  /** Where the server listens. */
  readonly listening: NetAddress.SocketAddress
}

/**
 * Which connection an event is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface OfConnection extends Common {
  /** The `id` of the `Connection`. */
  readonly id: number
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
}

/**
 * The server listens.
 *
 * @since 0.1.0
 * @category events
 */
export class Listening extends Data.TaggedClass("Listening")<Common> {}

/**
 * The handler of a connection begins.
 *
 * @since 0.1.0
 * @category events
 */
export class Accepted extends Data.TaggedClass("Accepted")<OfConnection> {}

/**
 * A connection was rejected before a byte of it was read; `why` names the option whose limit it met.
 *
 * @since 0.1.0
 * @category events
 */
export class Refused extends Data.TaggedClass("Refused")<
  Common & {
    readonly remoteAddress: NetAddress.SocketAddress
    readonly why: ServerPolicy.Refusal
  }
> {}

/**
 * A connection came while `maxConnections` were open. It waits or is refused, as `whenFull` says. On a socket that the
 * process was given, connections wait in the system, unknown to the server: there it is when `maxConnections` are open. At
 * most one a minute while the server stays full.
 *
 * @since 0.1.0
 * @category events
 */
export class Full extends Data.TaggedClass("Full")<
  Common & {
    /** Connections that are served. */
    readonly open: number
    /** Connections that wait to be served, without those in the system. */
    readonly waiting: number
  }
> {}

/**
 * The policy accepts more connections than the process may open descriptors: `maxConnections` and `backlog` need `needed`
 * of them, and `limit` are allowed (RLIMIT_NOFILE). When the server starts, and when `maxConnections` is changed.
 *
 * @since 0.1.0
 * @category events
 */
export class DescriptorsShort extends Data.TaggedClass("DescriptorsShort")<
  Common & {
    readonly needed: number
    readonly limit: number
  }
> {}

/**
 * The system could not accept connections, for example because the process is out of descriptors: `count` of them since the
 * last such event. At most one a second.
 *
 * @since 0.1.0
 * @category events
 */
export class AcceptFailed extends Data.TaggedClass("AcceptFailed")<
  Common & {
    readonly error: NetworkError.NetworkError
    readonly count: number
  }
> {}

/**
 * What must succeed before a connection is served, such as a TLS handshake or a PROXY header, failed.
 *
 * @since 0.1.0
 * @category events
 */
export class HandshakeFailed extends Data.TaggedClass("HandshakeFailed")<
  Common & {
    readonly remoteAddress: NetAddress.SocketAddress
    readonly error: NetworkError.NetworkError
  }
> {}

/**
 * A handler failed or died, or a finalizer of its Scope did. `Closed` follows.
 *
 * @since 0.1.0
 * @category events
 */
export class HandlerFailed extends Data.TaggedClass("HandlerFailed")<
  OfConnection & { readonly cause: Cause.Cause<unknown> }
> {}

/**
 * Why a connection ended.
 *
 * - `"ended"`: the handler was done, and the connection closed in order
 * - `"handlerFailed"`: the handler failed or died, and the connection was reset
 * - `"aborted"`: the handler reset it, or interrupted itself
 * - `"broken"`: the peer reset it, or a deadline passed; `error` says which
 * - `"closed"`: `Server.close` closed it
 * - `"idle"`: nothing moved while the server drained
 * - `"cut"`: the grace period of draining was over
 *
 * @since 0.1.0
 * @category models
 */
export type CloseReason = "ended" | "handlerFailed" | "aborted" | "broken" | "closed" | "idle" | "cut"

/**
 * A connection is closed, its descriptor included.
 *
 * @since 0.1.0
 * @category events
 */
export class Closed extends Data.TaggedClass("Closed")<
  OfConnection & {
    readonly reason: CloseReason
    /** What broke it, where `reason` is `"broken"`. */
    readonly error: NetworkError.NetworkError | undefined
    readonly bytesIn: number
    readonly bytesOut: number
    /** How long it was open. */
    readonly duration: Duration.Duration
    /** What `Server.annotate` recorded. */
    readonly annotations: ReadonlyMap<string, unknown>
  }
> {}

/**
 * New connections wait from now on.
 *
 * @since 0.1.0
 * @category events
 */
export class Suspended extends Data.TaggedClass("Suspended")<Common> {}

/**
 * New connections are served again.
 *
 * @since 0.1.0
 * @category events
 */
export class Resumed extends Data.TaggedClass("Resumed")<Common> {}

/**
 * The server has stopped listening. `open` connections may continue for up to `grace`.
 *
 * @since 0.1.0
 * @category events
 */
export class Draining extends Data.TaggedClass("Draining")<
  Common & {
    readonly open: number
    readonly grace: Duration.Duration
  }
> {}

/**
 * Every connection is closed: `ended` within the grace period, `cut` after it. The last event.
 *
 * @since 0.1.0
 * @category events
 */
export class Drained extends Data.TaggedClass("Drained")<
  Common & {
    readonly ended: number
    readonly cut: number
  }
> {}

/**
 * `count` events are missing here, because this stream was consumed too slowly. Other streams have them.
 *
 * @since 0.1.0
 * @category events
 */
export class EventsLost extends Data.TaggedClass("EventsLost")<Common & { readonly count: number }> {}

/**
 * Something that happened to a server.
 *
 * @since 0.1.0
 * @category models
 */
export type ServerEvent =
  | Listening
  | Accepted
  | Refused
  | Full
  | DescriptorsShort
  | AcceptFailed
  | HandshakeFailed
  | HandlerFailed
  | Closed
  | Suspended
  | Resumed
  | Draining
  | Drained
  | EventsLost

/**
 * The tag of an event.
 *
 * @since 0.1.0
 * @category models
 */
export type Tag = ServerEvent["_tag"]
