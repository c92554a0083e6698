/**
 * A Sluice server as `effect/socket`'s `SocketServer`, for whatever serves over it: Effect RPC, cluster runners.
 *
 * **Example** (an RPC server)
 *
 * ```ts
 * import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
 * import * as Layer from "effect/Layer"
 * import * as RpcSerialization from "effect/rpc/RpcSerialization"
 * import * as RpcServer from "effect/rpc/RpcServer"
 *
 * const Protocol = RpcServer.layerProtocolSocketServer.pipe(
 *   Layer.provide(SocketServerBridge.layer({ listen: "tcp://127.0.0.1:9000", maxConnections: 1000 })),
 *   Layer.provide(RpcSerialization.layerNdjson)
 * )
 * ```
 *
 * **Details**
 *
 * 1. It listens once it is made. Connections wait, unread, until somebody calls `run`, and again after a `run` has ended;
 *    while two run, the later gets them. The policy of `Server` holds for those that wait, too.
 * 2. Each connection is a Socket as `Socket.fromConnection` gives it. It is closed when its handler is done, however that
 *    is, and whether or not the handler ever acquired the reader.
 * 3. A handler that ends with the peer's end (`SocketCloseError`) has ended well. Any other failure is logged with the
 *    peer's address and counted, as `Server` does it; one that the network caused is a line.
 * 4. When a `run` is interrupted, or the server's Scope closed, `pull` fails with `SocketCloseError`, code 1001, in every
 *    handler: one that answers what it has pulled, and then pulls again, ends in order. Those that are not done within
 *    the grace period (`drain`, 5 seconds by default) are interrupted, and their connections reset.
 */
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SocketServer from "effect/socket/SocketServer"
import * as internal from "./internal/bridge/socketServer.ts"
import type * as Network from "./Network.ts"
import type * as Server from "./Server.ts"

/**
 * Listens until its Scope is closed.
 *
 * Fails with `SocketServerOpenError`, whose `cause` is the `NetworkError` of `Server.make`.
 */
export const make: (
  options: Server.Options
) => Effect.Effect<
  SocketServer.SocketServer["Service"],
  SocketServer.SocketServerError,
  Network.Network | Scope.Scope
> = internal.make

/** `make`, as a Layer. */
export const layer = (
  options: Server.Options
): Layer.Layer<SocketServer.SocketServer, SocketServer.SocketServerError, Network.Network> =>
  Layer.effect(SocketServer.SocketServer)(make(options))
