/**
 * A datagram socket and a handler, as a Layer: what `Server` is for connections.
 *
 * **Example** (a server that answers what it gets)
 *
 * ```ts
 * import * as UdpServer from "@sluice/core/UdpServer"
 * import * as UdpSocket from "@sluice/core/UdpSocket"
 *
 * const Echo = UdpServer.layer(
 *   { bind: "udp://127.0.0.1:5353", ratePerSource: 1000 },
 *   (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)
 * )
 * ```
 *
 * **Details**
 *
 * 1. Datagrams are handled concurrently, up to a limit. Above it they wait in the queue of the socket, which is bounded:
 *    when it is full, datagrams are dropped and counted.
 * 2. Each datagram has a Scope of its own. A handler that fails is logged with the address of the sender, at most once a
 *    second for each kind of failure; other handlers are unaffected.
 * 3. When the Scope closes, the server receives no more, and running handlers have the grace period to finish.
 *
 * **Gotchas**
 *
 * The source of a datagram is what its sender wrote on it. A server that answers every datagram can be made to answer
 * itself or another server, for as long as both run. Datagrams from the server's own address are rejected by default;
 * `ratePerSource` ends an exchange with another server.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Endpoint from "./Endpoint.ts"
import * as internal from "./internal/udpServer/server.ts"
import type * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as ServerPolicy from "./ServerPolicy.ts"
import type * as SocketOptions from "./SocketOptions.ts"
import type * as UdpServerEvent from "./UdpServerEvent.ts"
import type * as UdpSocket from "./UdpSocket.ts"

/**
 * Options of a datagram server.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends SocketOptions.BindOptions {
  /** The endpoint to bind: `"udp://127.0.0.1:5353"`. */
  readonly bind: Endpoint.Input
  /** Datagrams that are handled at once. Default: 64. */
  readonly concurrency?: number | undefined
  /**
   * Datagrams a second that are handled from one source, an address and port, by a token bucket; more are rejected and
   * counted. The 65,536 latest sources are remembered. Default: no limit.
   */
  readonly ratePerSource?: ServerPolicy.Rate | undefined
  /**
   * Handle datagrams that the server sent itself, as to a multicast group that it has joined. A server that answers them
   * answers itself without end. Default: `false`: they are rejected and counted.
   */
  readonly handleOwn?: boolean | undefined
  /** How long handlers may run once the server is closing, before they are interrupted. Default: 5 seconds. */
  readonly drain?: Duration.Input | undefined
  /** Runs once the socket is bound, with its address. */
  readonly onListening?: ((address: NetAddress.InetAddress) => Effect.Effect<void>) | undefined
}

/**
 * Runs for each datagram.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler<E = NetworkError.NetworkError, R = never> = (
  datagram: UdpSocket.Datagram,
  socket: UdpSocket.UdpSocket
) => Effect.Effect<unknown, E, R>

/**
 * A running datagram server.
 *
 * @category models
 * @since 0.1.0
 */
export interface UdpServer {
  readonly [internal.typeId]: typeof internal.typeId
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.InetAddress
  /** Its socket, to send from, and to join multicast groups with. */
  readonly socket: UdpSocket.UdpSocket
  /**
   * The events of the server from now on, with `Listening` first and `Drained` last. A slow consumer does not slow the
   * server: up to 1,024 events are buffered for each stream; later ones are dropped, and an `EventsLost` counts them.
   */
  readonly events: Stream.Stream<UdpServerEvent.UdpServerEvent>
  /** Shuts the server down, as closing its Scope does. Later calls return the result of the first. */
  readonly drain: Effect.Effect<Drained>
}

/**
 * How many handlers finished within the grace period of draining, and how many were interrupted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Drained {
  readonly finished: number
  readonly cut: number
}

/**
 * Serves datagrams until the Scope closes.
 *
 * Fails as `Network.bind` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <E, R>(
  options: Options,
  handler: Handler<E, R>
) => Effect.Effect<
  UdpServer,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> = internal.make

/**
 * A datagram server as a Layer: it runs for as long as the Layer is in use.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E, R>(
  options: Options,
  handler: Handler<E, R>
): Layer.Layer<never, NetworkError.NetworkError, Network.Network | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(make(options, handler))

/**
 * Whether a value is a `UdpServer`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUdpServer: (u: unknown) => u is UdpServer = internal.isUdpServer
