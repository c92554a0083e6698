/**
 * A datagram socket and a handler, as a Layer: what `Server` is for connections.
 *
 * ```ts
 * const Echo = UdpServer.layer(
 *   { bind: "udp://127.0.0.1:5353" },
 *   (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)
 * )
 * ```
 *
 * Datagrams are handled concurrently, up to a bound; above it they wait in the socket's queue, which is bounded too and
 * drops what does not fit. A handler that fails is logged and does no harm to the others. When the Layer's Scope closes,
 * nothing more is received, and the handlers that run get the grace period to finish.
 */
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Stream from "effect/Stream"

export interface Options extends SocketOptions.BindOptions {
  /** Where to be found: `"udp://127.0.0.1:5353"`. */
  readonly bind: Endpoint.Input
  /** Datagrams that are handled at once. Default: 64. */
  readonly concurrency?: number | undefined
  /** How long handlers may go on once the server is closing, before they are interrupted. Default: 5 seconds. */
  readonly drain?: Duration.Input | undefined
  /** Run once the socket is bound, with the address it got. */
  readonly onListening?: ((address: NetAddress.InetAddress) => Effect.Effect<void>) | undefined
}

/** What runs for each datagram. */
export type Handler<E = NetworkError.NetworkError, R = never> = (
  datagram: UdpSocket.Datagram,
  socket: UdpSocket.UdpSocket
) => Effect.Effect<unknown, E, R>

/** Serves datagrams for as long as the Layer is in use. */
export const layer = <E, R>(options: Options, handler: Handler<E, R>) =>
  Layer.effectDiscard(Effect.gen(function*() {
    const socket = yield* Network.bind(options.bind, options)
    const draining = yield* Deferred.make<void>()
    const serving = yield* UdpSocket.datagrams(socket).pipe(
      Stream.interruptWhen(Deferred.await(draining)),
      Stream.mapEffect((datagram) => Effect.exit(logged(handler(datagram, socket), datagram)), {
        concurrency: options.concurrency ?? 64,
        unordered: true
      }),
      Stream.runDrain,
      Effect.tapCause((cause) => Effect.logError("receiving failed", cause)),
      Effect.forkScoped
    )
    yield* Effect.addFinalizer(() =>
      Deferred.succeed(draining, undefined).pipe(
        Effect.andThen(Fiber.await(serving)),
        Effect.timeoutOption(options.drain ?? "5 seconds"),
        Effect.interruptible
      )
    )
    if (options.onListening !== undefined) yield* options.onListening(socket.address)
  }))

const logged = <A, E, R>(handling: Effect.Effect<A, E, R>, datagram: UdpSocket.Datagram) =>
  handling.pipe(
    Effect.tapCause((cause) => Effect.logError("handler failed", cause)),
    Effect.annotateLogs("peer", NetAddress.formatInet(datagram.source))
  )
