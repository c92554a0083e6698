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
 *   { bind: "udp://127.0.0.1:5353" },
 *   (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)
 * )
 * ```
 *
 * **Details**
 *
 * 1. Datagrams are handled concurrently, up to a bound; above it they wait in the socket's queue, which is bounded too and
 *    drops, and counts, what does not fit.
 * 2. Each datagram has a Scope of its own. A handler that fails is logged with the sender's address, and does no harm to
 *    the others.
 * 3. When the Scope closes, nothing more is received, and the handlers that run get the grace period to finish.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Endpoint from "./Endpoint.ts"
import * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import { checked, duration, optionalInteger } from "./Options.ts"
import type * as SocketOptions from "./SocketOptions.ts"
import * as UdpSocket from "./UdpSocket.ts"

/** Where a server of datagrams is found, and how. */
export interface Options extends SocketOptions.BindOptions {
  /** Where to be found: `"udp://127.0.0.1:5353"`. */
  readonly bind: Endpoint.Input
  /** Datagrams that are handled at once. Default: 64. */
  readonly concurrency?: number | undefined
  /** How long handlers may run once the server is closing, before they are interrupted. Default: 5 seconds. */
  readonly drain?: Duration.Input | undefined
  /** Run once the socket is bound, with the address it got. */
  readonly onListening?: ((address: NetAddress.InetAddress) => Effect.Effect<void>) | undefined
}

/** What runs for each datagram. */
export type Handler<E = NetworkError.NetworkError, R = never> = (
  datagram: UdpSocket.Datagram,
  socket: UdpSocket.UdpSocket
) => Effect.Effect<unknown, E, R>

/**
 * Serves datagrams until the Scope is closed, and gives the socket.
 *
 * Fails as `Network.bind` does, and with `InvalidOption` when an option is invalid.
 */
export const make = Effect.fnUntraced(function*<E, R>(
  options: Options,
  handler: Handler<E, R>
): Effect.fn.Return<
  UdpSocket.UdpSocket,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> {
  const policy = yield* Effect.fromResult(checked("configure", Endpoint.formatInput(options.bind), () => ({
    concurrency: optionalInteger("concurrency", options.concurrency, 1, 65_535) ?? 64,
    drain: duration("drain", options.drain ?? 5_000)
  })))
  const socket = yield* Network.bind(options.bind, options)
  const draining = Deferred.makeUnsafe<void>()
  const serving = yield* UdpSocket.datagrams(socket).pipe(
    Stream.retry(unlessClosed),
    Stream.interruptWhen(Deferred.await(draining)),
    Stream.mapEffect((datagram) => Effect.exit(handled(handler, datagram, socket)), {
      concurrency: policy.concurrency,
      unordered: true
    }),
    Stream.runDrain,
    Effect.tapCause((cause) => Effect.logError("receiving failed", cause)),
    Effect.forkScoped
  )
  yield* Effect.addFinalizer(() =>
    Deferred.succeed(draining, undefined).pipe(
      Effect.andThen(Fiber.await(serving)),
      Effect.timeoutOption(policy.drain),
      Effect.interruptible
    )
  )
  if (options.onListening !== undefined) yield* options.onListening(socket.address)
  return socket
})

/** A server of datagrams as a Layer: it runs as long as the Layer is in use. */
export const layer = <E, R>(
  options: Options,
  handler: Handler<E, R>
): Layer.Layer<never, NetworkError.NetworkError, Network.Network | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(make(options, handler))

const handled = <E, R>(
  handler: Handler<E, R>,
  datagram: UdpSocket.Datagram,
  socket: UdpSocket.UdpSocket
): Effect.Effect<unknown, E, Exclude<R, Scope.Scope>> =>
  Effect.scoped(Effect.suspend(() => handler(datagram, socket))).pipe(
    Effect.tapCause((cause) => Effect.logError("the handler failed", cause)),
    Effect.annotateLogs("peer", NetAddress.formatInet(datagram.source))
  )

// A socket with a peer is told when no socket is at the peer, which may bind one later.
const unlessClosed = Schedule.forever.pipe(
  Schedule.setInputType<NetworkError.NetworkError>(),
  Schedule.while(({ input }) => input.reason._tag !== "Closed")
)
