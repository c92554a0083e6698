/**
 * Makes an `effect/socket` `DatagramSocket` of a Sluice UDP socket.
 *
 * `make` and `layer` bind a socket each time the reader is acquired. `fromUdpSocket` wraps a socket that is bound.
 *
 * **Example**
 *
 * ```ts
 * import * as DatagramSocketBridge from "@sluice/core/DatagramSocketBridge"
 * import * as Effect from "effect/Effect"
 * import * as DatagramSocket from "effect/socket/DatagramSocket"
 *
 * const echo = Effect.scoped(Effect.gen(function*() {
 *   const socket = yield* DatagramSocket.DatagramSocket
 *   const reader = yield* socket.reader
 *   const writer = yield* socket.writer
 *   while (true) yield* writer.writeAll(yield* reader.pull)
 * })).pipe(Effect.provide(DatagramSocketBridge.layer("udp://127.0.0.1:5353")))
 * ```
 *
 * **Details**
 *
 * - The receive queue is Effect's, with the `queueCapacity` and `queueOverflow` of the options; `dropped` counts datagrams
 *   that did not fit. The queue of a wrapped `UdpSocket` comes before it, and has a count of its own.
 * - `AddressInUse`, `AddressNotAvailable` and `PermissionDenied` are the `kind` of a `DatagramSocketOpenError`;
 *   `MessageTooLarge`, `Unreachable`, `ConnectionRefused` and `PermissionDenied` that of a failed write. The `NetworkError`
 *   is the `cause`.
 * - A report that an earlier datagram did not arrive (ICMP) goes to `onError`, and fails nothing. A socket that is closed
 *   while the reader waits fails it with `DatagramSocketClosedError`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import * as Endpoint from "./Endpoint.ts"
import { joinError, openError, readError, writeError } from "./internal/bridge/datagramError.ts"
import { checkBind } from "./internal/udp/options.ts"
import type { DatagramState, UdpSocketState } from "./internal/udp/udpSocket.ts"
import * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as SocketOptions from "./SocketOptions.ts"
import * as UdpSocket from "./UdpSocket.ts"

/**
 * How a socket is bound, and where errors are reported that no operation fails with.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends SocketOptions.BindOptions {
  /** Called when the system reports that an earlier datagram did not arrive. Default: such reports are dropped. */
  readonly onError?: ((error: DatagramSocket.DatagramSocketError) => void) | undefined
}

/**
 * Makes a `DatagramSocket` that binds each time its reader is acquired. Before, nothing is bound, and writes wait.
 *
 * Fails with `InvalidEndpoint` and `InvalidOption`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  endpoint: Endpoint.Input,
  options?: Options
) => Effect.Effect<DatagramSocket.DatagramSocket, NetworkError.NetworkError, Network.Network> = Effect.fnUntraced(
  function*(input, options = {}) {
    const endpoint = yield* Effect.fromResult(Endpoint.fromInput(input))
    const { queueCapacity, queueOverflow } = yield* Effect.fromResult(checkBind(options, Endpoint.format(endpoint)))
    const network = yield* Network.Network
    const bound = Effect.mapError(network.bind(endpoint, options), openError)
    return yield* DatagramSocket.makeFromBackingSocket((events) => Effect.flatMap(bound, backing(events)), {
      receiveBuffer: { capacity: queueCapacity, strategy: queueOverflow === "dropOldest" ? "sliding" : "dropping" },
      onError: options.onError
    })
  }
)

/**
 * `make`, as a Layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  endpoint: Endpoint.Input,
  options?: Options
): Layer.Layer<DatagramSocket.DatagramSocket, NetworkError.NetworkError, Network.Network> =>
  Layer.effect(DatagramSocket.DatagramSocket)(make(endpoint, options))

/**
 * Makes a `DatagramSocket` of a bound socket. Closing the reader's Scope leaves the socket open, and the reader can be
 * acquired again.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromUdpSocket = (
  socket: UdpSocket.UdpSocket,
  options: Pick<Options, "onError"> = {}
): Effect.Effect<DatagramSocket.DatagramSocket> =>
  DatagramSocket.makeFromBackingSocket((events) => backing(events)(socket), options)

const backing =
  (events: DatagramSocket.BackingEvents) =>
  (socket: UdpSocket.UdpSocket): Effect.Effect<DatagramSocket.BackingSocket, never, Scope.Scope> =>
    Effect.gen(function*() {
      const state = socket as UdpSocketState
      const run = Effect.runForkWith(yield* Effect.context<never>())
      const receiving = run(receive(socket, events))
      const send: DatagramSocket.BackingSocket["send"] = (payload, to, done) => {
        const source = to === undefined ? undefined : { address: to.host, port: to.port }
        state.hand(payload, source, (error) => done(error === undefined ? undefined : writeError(error)))
      }
      return {
        address: { host: NetAddress.formatHost(socket.address), port: socket.address.port },
        connected: state.isConnected,
        send,
        sendMany: (payloads, destinations, done) => {
          let left = payloads.length
          let failed = false
          payloads.forEach((payload, index) =>
            send(payload, destinations[index], (error) => {
              if (failed) return
              failed = error !== undefined
              if (failed) done(error, index)
              else if (--left === 0) done()
            })
          )
        },
        joinMulticast: (membership) => {
          const scope = Scope.makeUnsafe()
          return Scope.provide(UdpSocket.join(socket, membership as UdpSocket.Membership), scope).pipe(
            Effect.mapError(joinError),
            Effect.as(() => Scope.close(scope, Exit.void))
          )
        },
        close: () => receiving.interruptUnsafe()
      }
    })

const receive = (socket: UdpSocket.UdpSocket, events: DatagramSocket.BackingEvents): Effect.Effect<void> =>
  Effect.whileLoop({
    while: () => true,
    body: () => UdpSocket.receiveAll(socket),
    step: (datagrams) => {
      for (const { origin, payload } of datagrams as unknown as ReadonlyArray<DatagramState>) {
        events.onPacket(payload, origin.address, origin.port)
      }
    }
  }).pipe(
    Effect.catchTag("NetworkError", (error) =>
      error.reason._tag === "Closed"
        ? Effect.sync(events.onClose)
        : Effect.suspend(() => {
          events.onError(readError(error))
          return receive(socket, events)
        }))
  )
