/**
 * Makes an `effect/socket` `Socket` of a Sluice connection, for libraries that take one, such as Effect RPC's client.
 *
 * `make` and `layer` connect to an endpoint each time the reader is acquired, so that a retry reconnects. `fromConnection`
 * wraps a connection that is open.
 *
 * **Example** (an RPC client)
 *
 * ```ts
 * import * as SocketBridge from "@sluice/core/SocketBridge"
 * import * as Layer from "effect/Layer"
 * import * as RpcClient from "effect/rpc/RpcClient"
 * import * as RpcSerialization from "effect/rpc/RpcSerialization"
 *
 * const Protocol = RpcClient.layerProtocolSocket().pipe(
 *   Layer.provide(SocketBridge.layer("tcp://127.0.0.1:9000", { connectTimeout: "1 second" })),
 *   Layer.provide(RpcSerialization.layerNdjson)
 * )
 * ```
 *
 * **Details** (how events and operations map)
 *
 * | on the connection | on the Socket |
 * |---|---|
 * | it cannot be opened | the reader's acquisition fails with `SocketOpenError`; `kind` is `"Timeout"` for `TimedOut` |
 * | the peer ends (FIN) | `pull` fails with `SocketCloseError`, code 1000; what is written still arrives |
 * | the peer resets, or the network fails | `pull` fails with `SocketReadError`, and writing with `SocketWriteError` |
 * | a server drains | `pull` fails with `SocketCloseError`, code 1001; what is written still arrives |
 *
 * | on the Socket | on the connection |
 * |---|---|
 * | the reader's Scope is closed | it is closed in order, within `closeTimeout`; a waiting pull fails with code 1006 |
 * | the writer's Scope is closed | FIN, once all is sent; reading continues |
 * | either, after a defect or a failure that is not a `SocketError` | it is reset, so that the peer does not take half for a whole |
 * | `CloseEvent` with code 1000, 1001 or 1005 is written | it is closed in order; `pull` fails with that code |
 * | `CloseEvent` with another code | it is reset; `pull` fails with that code |
 *
 * The `NetworkError` is the `cause` of the `SocketError`. Close codes and reasons do not cross the network: TCP has only an
 * end and a reset.
 *
 * - While a Socket of `make` has no connection, a write waits for the next one, as `effect/socket` requires. Once the
 *   connection is lost and until the reader is released, a write fails at once.
 * - `upgrade` is `Connection.upgradeTls`. It fails with `SocketUpgradeError`, for example while a pull waits. The side that
 *   connected is the client: it verifies `servername`, by default the host that it connected to. The side that accepted is
 *   the server: it needs `cert` and `key`, and picks among several by the requested name. With `requestCert` it needs `ca`,
 *   and rejects clients without a valid certificate unless `rejectUnauthorized` is `false`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Socket from "effect/socket/Socket"
import type * as Connection from "./Connection.ts"
import * as Endpoint from "./Endpoint.ts"
import { openError } from "./internal/bridge/socketError.ts"
import { fromSide, sides, SocketSide } from "./internal/bridge/socketSide.ts"
import { stateOf } from "./internal/connection/state.ts"
import { checkConnect } from "./internal/network/options.ts"
import * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as SocketOptions from "./SocketOptions.ts"

/**
 * Makes a Socket that connects to an endpoint each time its reader is acquired. Nothing is opened before.
 *
 * Fails with `InvalidEndpoint` and `InvalidOption`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ConnectOptions
) => Effect.Effect<Socket.Socket, NetworkError.NetworkError, Network.Network> = Effect.fnUntraced(
  function*(input, options = {}) {
    const endpoint = yield* Effect.fromResult(Endpoint.fromInput(input))
    yield* Effect.fromResult(checkConnect(options, Endpoint.formatInput(input)))
    const network = yield* Network.Network
    const connected = Latch.makeUnsafe(false)
    let current: SocketSide | undefined

    const attach = (connection: Connection.Connection): SocketSide => {
      current = new SocketSide(stateOf(connection))
      connected.openUnsafe()
      return current
    }
    const detach = (side: SocketSide, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
      // A later reader may have connected by now.
      if (current === side) {
        current = undefined
        connected.closeUnsafe()
      }
      return side.release(exit)
    }
    const reader: Socket.Socket["reader"] = network.connect(endpoint, options).pipe(
      Effect.mapError(openError),
      Effect.flatMap((connection) => Effect.acquireRelease(Effect.sync(() => attach(connection)), detach)),
      Effect.map((side) => side.reader)
    )
    const writer: Socket.Writer = {
      write: (frame) => Effect.suspend(() => current?.writer.write(frame) ?? connected.whenOpen(writer.write(frame))),
      writeAll: (frames) =>
        Effect.suspend(() => current?.writer.writeAll(frames) ?? connected.whenOpen(writer.writeAll(frames)))
    }
    const socket = Socket.make({
      reader,
      writer: Effect.acquireRelease(Effect.succeed(writer), (_, exit) => Effect.sync(() => current?.endOutput(exit)))
    })
    sides.set(socket, () => current)
    return socket
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
  options?: SocketOptions.ConnectOptions
): Layer.Layer<Socket.Socket, NetworkError.NetworkError, Network.Network> =>
  Layer.effect(Socket.Socket)(make(endpoint, options))

/**
 * Makes a Socket of an open connection. Closing the reader's Scope closes the connection. Acquiring the reader after that
 * fails with `SocketOpenError`, and writing with `SocketWriteError`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromConnection = (connection: Connection.Connection): Socket.Socket =>
  fromSide(new SocketSide(stateOf(connection)))

/**
 * Returns the connection behind a Socket of this module or of `SocketServerBridge`, for its addresses and byte counts.
 * `None` for a Socket that is not connected, and for Sockets made elsewhere.
 *
 * @since 0.1.0
 * @category getters
 */
export const connection = (self: Socket.Socket): Option.Option<Connection.Connection> =>
  Option.fromUndefinedOr(sides.get(self)?.()?.connection)
