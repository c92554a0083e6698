/**
 * What happens to a server, as values: `Server.events` is a stream of them, and the log is made of them (`ServerLog`).
 *
 * **Details**
 *
 * - Each connection that is served has exactly one `Accepted` and, behind it, exactly one `Closed`. One that is turned
 *   away has a `Refused` and neither of them.
 * - Every event has the time (`at`, in milliseconds, by `effect/Clock`) and the address on which the server listens.
 * - `Drained` is the last one.
 *
 * **Example** (who was turned away, and why)
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
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as NetAddress from "effect/net/NetAddress"
import type * as AcceptPolicy from "./AcceptPolicy.ts"
import type * as NetworkError from "./NetworkError.ts"

/** What every event has. */
export interface Common {
  /** When it happened: milliseconds, by `effect/Clock`. */
  readonly at: number
  /** Where the server listens. */
  readonly listening: NetAddress.SocketAddress
}

/** Which connection an event is about. */
export interface OfConnection extends Common {
  /** The `id` of the `Connection`. */
  readonly id: number
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
}

/** The server listens. */
export class Listening extends Data.TaggedClass("Listening")<Common> {}

/** A connection is let in, and its handler begins. */
export class Accepted extends Data.TaggedClass("Accepted")<OfConnection> {}

/** A connection was turned away before a byte of it was read; `why` names the option whose limit it was. */
export class Refused extends Data.TaggedClass("Refused")<
  Common & {
    readonly remoteAddress: NetAddress.SocketAddress
    readonly why: AcceptPolicy.Refusal
  }
> {}

/** The system could not accept connections, for example for want of descriptors: `count` of them since the last such event. At most one a second. */
export class AcceptFailed extends Data.TaggedClass("AcceptFailed")<
  Common & {
    readonly error: NetworkError.NetworkError
    readonly count: number
  }
> {}

/** What must be settled before a connection is served, such as a TLS handshake or a PROXY header, did not succeed. */
export class HandshakeFailed extends Data.TaggedClass("HandshakeFailed")<
  Common & {
    readonly remoteAddress: NetAddress.SocketAddress
    readonly error: NetworkError.NetworkError
  }
> {}

/** A handler failed or died, or a finalizer of its Scope did. `Closed` follows. */
export class HandlerFailed extends Data.TaggedClass("HandlerFailed")<
  OfConnection & { readonly cause: Cause.Cause<unknown> }
> {}

/**
 * Why a connection ended.
 *
 * - `"ended"`: the handler was done, and it was closed in order
 * - `"handlerFailed"`: the handler failed or died, and it was reset
 * - `"aborted"`: the handler reset it, or was interrupted from within
 * - `"broken"`: the peer reset it, or a deadline passed; `error` says which
 * - `"closed"`: `Server.close` was asked for it
 * - `"idle"`: nothing moved while the server drained
 * - `"cut"`: the grace period of draining was over
 */
export type CloseReason = "ended" | "handlerFailed" | "aborted" | "broken" | "closed" | "idle" | "cut"

/** A connection is closed, its descriptor included. */
export class Closed extends Data.TaggedClass("Closed")<
  OfConnection & {
    readonly reason: CloseReason
    /** What broke it, where `reason` is `"broken"`. */
    readonly error: NetworkError.NetworkError | undefined
    readonly bytesIn: number
    readonly bytesOut: number
    /** How long it was open. */
    readonly duration: Duration.Duration
    /** What `Server.annotate` said of it. */
    readonly annotations: ReadonlyMap<string, unknown>
  }
> {}

/** New connections wait from now on. */
export class Suspended extends Data.TaggedClass("Suspended")<Common> {}

/** New connections are let in again. */
export class Resumed extends Data.TaggedClass("Resumed")<Common> {}

/** The server has stopped listening; `open` connections may go on for the grace period. */
export class Draining extends Data.TaggedClass("Draining")<Common & { readonly open: number }> {}

/** All connections are closed: those that ended within the grace period, and those that were cut. Nothing follows. */
export class Drained extends Data.TaggedClass("Drained")<
  Common & {
    readonly ended: number
    readonly cut: number
  }
> {}

/** Here, `count` events are missing, because whoever takes this stream was too slow. Others have not missed them. */
export class EventsLost extends Data.TaggedClass("EventsLost")<Common & { readonly count: number }> {}

/** Something that happened to a server. */
export type ServerEvent =
  | Listening
  | Accepted
  | Refused
  | AcceptFailed
  | HandshakeFailed
  | HandlerFailed
  | Closed
  | Suspended
  | Resumed
  | Draining
  | Drained
  | EventsLost

/** The name of a kind of event. */
export type Tag = ServerEvent["_tag"]
