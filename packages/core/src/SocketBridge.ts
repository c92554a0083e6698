/**
 * Sluice's connections as `effect/socket`'s `Socket`, for whatever speaks it: Effect RPC's client, cluster runners.
 *
 * `make` and `layer` connect to an endpoint, anew for each acquisition of the reader, so that what retries reconnects.
 * `fromConnection` gives a connection that is open already.
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
 * **Details** (what becomes of what)
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
 * | the reader's Scope is closed | it is closed in order, within `closeTimeout`; a pull that waits fails with code 1006 |
 * | the writer's Scope is closed | FIN, once all is sent; reading goes on |
 * | either, after a defect or a failure that is no `SocketError` | it is reset: the peer must not take half for a whole |
 * | `CloseEvent` with code 1000, 1001 or 1005 is written | it is closed in order; `pull` fails with that code |
 * | `CloseEvent` with another code | it is reset; `pull` fails with that code |
 *
 * The `NetworkError` is the `cause` of the `SocketError`. Codes and their reasons do not cross the network: TCP has an end
 * and a reset, and nothing else.
 *
 * - While a Socket of `make` has no connection, writing waits for the next, as `effect/socket` wants it. On one that has
 *   lost its connection, and whose reader has not let go of it, writing fails at once.
 * - `upgrade` is `Connection.upgradeTls`, and fails with `SocketUpgradeError`, among others while a pull waits. The side
 *   that has connected is the client: it verifies `servername`, by default the host that it has connected to. The side
 *   that has accepted is the server: it needs `cert` and `key`, and of several shows the one for the name asked for. With
 *   `requestCert` it needs `ca`, and turns away clients without a good certificate, unless `rejectUnauthorized` is `false`.
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
import type { ConnectionState } from "./internal/connection/state.ts"
import { endpointText } from "./internal/network/network.ts"
import * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import * as SocketOptions from "./SocketOptions.ts"

/**
 * A Socket that connects to an endpoint each time its reader is acquired. Nothing is opened before that.
 *
 * Fails with `InvalidEndpoint` and `InvalidOption`.
 */
export const make: (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ConnectOptions
) => Effect.Effect<Socket.Socket, NetworkError.NetworkError, Network.Network> = Effect.fnUntraced(
  function*(input, options = {}) {
    const endpoint = yield* Effect.fromResult(Endpoint.fromInput(input))
    yield* Effect.fromResult(SocketOptions.checkConnect(options, endpointText(input)))
    const network = yield* Network.Network
    const connected = Latch.makeUnsafe(false)
    let current: SocketSide | undefined

    const attach = (connection: Connection.Connection): SocketSide => {
      current = new SocketSide(connection as ConnectionState)
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

/** `make`, as a Layer. */
export const layer = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ConnectOptions
): Layer.Layer<Socket.Socket, NetworkError.NetworkError, Network.Network> =>
  Layer.effect(Socket.Socket)(make(endpoint, options))

/**
 * An open connection as a Socket. Its reader does not connect: it takes what is there, and closes the connection when its
 * Scope is closed. Acquiring it after that fails with `SocketOpenError`, and writing with `SocketWriteError`.
 */
export const fromConnection = (connection: Connection.Connection): Socket.Socket =>
  fromSide(new SocketSide(connection as ConnectionState))

/**
 * The connection that a Socket of this module, or of a `SocketServer`, has now: for its addresses, or its counts. `None`
 * for one that is not connected, and for any other Socket.
 */
export const connection = (self: Socket.Socket): Option.Option<Connection.Connection> =>
  Option.fromUndefinedOr(sides.get(self)?.()?.connection)
