/**
 * The transport of `effect/cluster` runners over any Sluice network, as `NodeClusterSocket` is over Node's sockets.
 *
 * **Example** (a runner, without its entities and storage)
 *
 * ```ts
 * import * as ClusterSocket from "@sluice/client/ClusterSocket"
 * import * as RunnerAddress from "effect/cluster/RunnerAddress"
 * import * as RunnerHealth from "effect/cluster/RunnerHealth"
 * import * as Runners from "effect/cluster/Runners"
 * import * as ShardingConfig from "effect/cluster/ShardingConfig"
 * import * as SocketRunner from "effect/cluster/SocketRunner"
 * import * as Layer from "effect/Layer"
 * import * as Option from "effect/Option"
 * import * as RpcSerialization from "effect/rpc/RpcSerialization"
 *
 * const Runner = SocketRunner.layer.pipe(
 *   Layer.provide(RunnerHealth.layerPing),
 *   Layer.provide(Runners.layerRpc),
 *   Layer.provide([ClusterSocket.layerClientProtocol(), ClusterSocket.layerSocketServer()]),
 *   Layer.provide(ShardingConfig.layer({ runnerAddress: Option.some(RunnerAddress.make("10.0.0.1", 34431)) })),
 *   Layer.provide(RpcSerialization.layerSchemaBinary())
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as Server from "@sluice/core/Server"
import * as SocketBridge from "@sluice/core/SocketBridge"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import type * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Runners from "effect/cluster/Runners"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Socket from "effect/socket/Socket"
import type * as SocketServer from "effect/socket/SocketServer"

/**
 * Returns the endpoint of a runner. Default: TCP, at its host and port.
 *
 * @since 0.1.0
 * @category options
 */
export type EndpointOf = (address: RunnerAddress.RunnerAddress) => Endpoint.Input

const tcp: EndpointOf = ({ host, port }) => Endpoint.tcp(host, port)

/**
 * How runners connect to each other.
 *
 * @since 0.1.0
 * @category options
 */
export interface ConnectOptions extends SocketOptions.ConnectOptions {
  readonly endpoint?: EndpointOf | undefined
}

/**
 * How a runner listens. Its `ShardingConfig` says where.
 *
 * @since 0.1.0
 * @category options
 */
export interface ListenOptions extends Omit<Server.Options, "listen"> {
  readonly endpoint?: EndpointOf | undefined
}

/**
 * Connects to other runners. `connectTimeout` is 1 second by default, because the messages of a shard wait meanwhile and
 * the cluster retries. An address that is not a valid endpoint is a defect.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClientProtocol = (
  options: ConnectOptions = {}
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization | Network.Network> =>
  Layer.effect(Runners.RpcClientProtocol)(Effect.gen(function*() {
    const { endpoint = tcp, ...connect } = options
    const serialization = yield* RpcSerialization.RpcSerialization
    const network = yield* Network.Network
    return {
      codecFor: serialization.codecFor,
      make: (address) =>
        Effect.sync(() => endpoint(address)).pipe(
          Effect.flatMap((input) => SocketBridge.make(input, { connectTimeout: "1 second", ...connect })),
          Effect.flatMap((socket) => Effect.provideService(RpcClient.makeProtocolSocket(), Socket.Socket, socket)),
          Effect.provideService(RpcSerialization.RpcSerialization, serialization),
          Effect.provideService(Network.Network, network),
          Effect.orDie
        )
    }
  }))

/**
 * Listens for other runners at the `runnerListenAddress` of `ShardingConfig`, or else at its `runnerAddress`. If it has
 * neither, the Layer dies: a runner that only sends needs no server.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSocketServer = (
  options: ListenOptions = {}
): Layer.Layer<
  SocketServer.SocketServer,
  SocketServer.SocketServerError,
  ShardingConfig.ShardingConfig | Network.Network
> =>
  Layer.unwrap(Effect.gen(function*() {
    const { endpoint = tcp, ...rest } = options
    const config = yield* ShardingConfig.ShardingConfig
    const address = Option.orElse(config.runnerListenAddress, () => config.runnerAddress)
    if (Option.isNone(address)) return yield* Effect.die(new Error("ShardingConfig says nowhere to listen"))
    return SocketServerBridge.layer({ ...rest, listen: endpoint(address.value) })
  }))
