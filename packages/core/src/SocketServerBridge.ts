/**
 * Makes an `effect/socket` `SocketServer` of a Sluice server, for libraries that serve over one, such as Effect RPC.
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
 * 1. It listens as soon as it is made. Connections wait, unread, until `run` is called, and again after a `run` has ended.
 *    While two run, the later one gets them. Limits and timeouts of `Server` apply to waiting connections, too.
 * 2. Each connection is a Socket as `SocketBridge.fromConnection` makes it. It is closed when its handler ends, whether or
 *    not the handler acquired the reader.
 * 3. A handler that fails with the peer's end (`SocketCloseError`) has succeeded. Any other failure is logged with the
 *    peer's address and counted, as `Server` does.
 * 4. When a `run` is interrupted, or the Scope of the server closed, `pull` fails with `SocketCloseError`, code 1001, in
 *    every handler: a handler that answers what it has pulled, and then pulls again, ends in order. Handlers that are not
 *    done within the grace period (`drain`, 5 seconds by default) are interrupted, and their connections reset.
 *
 * @since 0.1.0
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
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options: Server.Options
) => Effect.Effect<
  SocketServer.SocketServer["Service"],
  SocketServer.SocketServerError,
  Network.Network | Scope.Scope
> = internal.make

/**
 * `make`, as a Layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Server.Options
): Layer.Layer<SocketServer.SocketServer, SocketServer.SocketServerError, Network.Network> =>
  Layer.effect(SocketServer.SocketServer)(make(options))
