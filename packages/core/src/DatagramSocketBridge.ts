/**
 * Sluice's datagram sockets as `effect/socket`'s `DatagramSocket`.
 *
 * `make` and `layer` bind a socket anew for each acquisition of the reader; `fromUdpSocket` gives one that is bound.
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
 * - The receive queue is Effect's, with the `queueCapacity` and `queueOverflow` of the options: `dropped` counts what did
 *   not fit. One that belongs to an adopted `UdpSocket` is in front of it, and counts by itself.
 * - `AddressInUse`, `AddressNotAvailable` and `PermissionDenied` are the `kind` of a `DatagramSocketOpenError`;
 *   `MessageTooLarge`, `Unreachable`, `ConnectionRefused` and `PermissionDenied` that of a failed write. The `NetworkError`
 *   is the `cause`.
 * - That a datagram sent before did not arrive (ICMP) fails nothing here: it is told to `onError`. A socket that is closed
 *   underneath the reader fails it with `DatagramSocketClosedError`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import * as Endpoint from "./Endpoint.ts"
import { joinError, openError, readError, writeError } from "./internal/bridge/datagramError.ts"
import type { DatagramState, UdpSocketState } from "./internal/udp/udpSocket.ts"
import * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import * as SocketOptions from "./SocketOptions.ts"
import * as UdpSocket from "./UdpSocket.ts"

/** How a socket is bound, and who hears of what has no other way to be told. */
export interface Options extends SocketOptions.BindOptions {
  /** Told, as it happens, that a datagram sent before did not arrive. Default: nobody. */
  readonly onError?: ((error: DatagramSocket.DatagramSocketError) => void) | undefined
}

/**
 * A `DatagramSocket` that binds each time its reader is acquired. Until then nothing is bound, and writing waits.
 *
 * Fails with `InvalidEndpoint` and `InvalidOption`.
 */
export const make: (
  endpoint: Endpoint.Input,
  options?: Options
) => Effect.Effect<DatagramSocket.DatagramSocket, NetworkError.NetworkError, Network.Network> = Effect.fnUntraced(
  function*(input, options = {}) {
    const endpoint = yield* Effect.fromResult(Endpoint.fromInput(input))
    const { queueCapacity, queueOverflow } = yield* Effect.fromResult(
      SocketOptions.checkBind(options, undefined, Endpoint.format(endpoint))
    )
    const network = yield* Network.Network
    const bound = Effect.mapError(network.bind(endpoint, options), openError)
    return yield* DatagramSocket.makeFromBackingSocket((events) => Effect.flatMap(bound, backing(events)), {
      receiveBuffer: { capacity: queueCapacity, strategy: queueOverflow === "dropOldest" ? "sliding" : "dropping" },
      onError: options.onError
    })
  }
)

/** `make`, as a Layer. */
export const layer = (
  endpoint: Endpoint.Input,
  options?: Options
): Layer.Layer<DatagramSocket.DatagramSocket, NetworkError.NetworkError, Network.Network> =>
  Layer.effect(DatagramSocket.DatagramSocket)(make(endpoint, options))

/** A bound socket as a `DatagramSocket`. It stays open when the reader's Scope is closed, and can be acquired again. */
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
