/**
 * What happens to a datagram server, as values: `UdpServer.events` is a stream of them, and the log is made of them.
 *
 * `Listening` is the first event and `Drained` the last. Handled datagrams have no event of their own: the metrics
 * `sluice_datagrams_in`, `sluice_datagrams_out`, `sluice_datagrams_dropped` and `sluice_datagrams_rejected` count them.
 *
 * **Example** (act on failed handlers)
 *
 * ```ts
 * import type * as UdpServer from "@sluice/core/UdpServer"
 * import * as Effect from "effect/Effect"
 * import * as NetAddress from "effect/net/NetAddress"
 * import * as Stream from "effect/Stream"
 *
 * const watch = (server: UdpServer.UdpServer) =>
 *   Stream.runForEach(server.events, (event) =>
 *     event._tag === "HandlerFailed"
 *       ? Effect.logWarning(`a datagram of ${NetAddress.formatInet(event.source)} was not handled`)
 *       : Effect.void)
 * ```
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type * as NetAddress from "effect/net/NetAddress"
import type * as NetworkError from "./NetworkError.ts"

/**
 * What every event has.
 *
 * @category models
 * @since 0.1.0
 */
export interface Common {
  /** When it happened: milliseconds since the epoch, by the wall clock. */
  readonly at: number
  /** The address that the server is bound to. */
  readonly listening: NetAddress.InetAddress
}

/**
 * The server receives datagrams.
 *
 * @category events
 * @since 0.1.0
 */
export class Listening extends Data.TaggedClass("Listening")<Common> {}

/**
 * A handler failed or died, or a finalizer of its Scope did.
 *
 * @category events
 * @since 0.1.0
 */
export class HandlerFailed extends Data.TaggedClass("HandlerFailed")<
  Common & {
    /** The sender of the datagram. */
    readonly source: NetAddress.InetAddress
    readonly cause: Cause.Cause<unknown>
  }
> {}

/**
 * Why datagrams were rejected: `"ratePerSource"`, because their source sends more than the option allows, or
 * `"handleOwn"`, because the server sent them itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Rejection = "ratePerSource" | "handleOwn"

/**
 * Datagrams were not handled: `count` since the last such event with this `why`. At most one event a second.
 *
 * @category events
 * @since 0.1.0
 */
export class Rejected extends Data.TaggedClass("Rejected")<
  Common & {
    /** The sender of the last of them. */
    readonly source: NetAddress.InetAddress
    readonly why: Rejection
    readonly count: number
  }
> {}

/**
 * Receiving failed, and is retried: on a socket with a `peer`, no socket is bound at its address.
 *
 * @category events
 * @since 0.1.0
 */
export class ReceiveFailed extends Data.TaggedClass("ReceiveFailed")<
  Common & { readonly error: NetworkError.NetworkError }
> {}

/**
 * The server receives no more. `handling` handlers run, and may finish within the grace period.
 *
 * @category events
 * @since 0.1.0
 */
export class Draining extends Data.TaggedClass("Draining")<Common & { readonly handling: number }> {}

/**
 * The last event: `finished` handlers ended within the grace period, and `cut` were interrupted.
 *
 * @category events
 * @since 0.1.0
 */
export class Drained extends Data.TaggedClass("Drained")<
  Common & {
    readonly finished: number
    readonly cut: number
  }
> {}

/**
 * In place of `count` events that this stream has dropped, because its consumer is too slow.
 *
 * @category events
 * @since 0.1.0
 */
export class EventsLost extends Data.TaggedClass("EventsLost")<Common & { readonly count: number }> {}

/**
 * Any event of a datagram server.
 *
 * @category models
 * @since 0.1.0
 */
export type UdpServerEvent = Listening | HandlerFailed | Rejected | ReceiveFailed | Draining | Drained | EventsLost
