/**
 * The network of this machine: `node:net` and `node:dgram`.
 *
 * **Example** (a whole server)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as NodeProgram from "@sluice/node/NodeProgram"
 * import * as Layer from "effect/Layer"
 *
 * const Echo = Server.layer(
 *   { listen: "tcp://127.0.0.1:12345" },
 *   (connection) => Connection.pipeTo(connection, connection)
 * )
 *
 * NodeProgram.run(Layer.provide(Echo, NodeNetwork.layer))
 * ```
 *
 * @since 0.1.0
 */
import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import * as Network from "@sluice/core/Network"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as SystemLookup from "./internal/lookup.ts"
import { makePlatform } from "./internal/platform.ts"

/**
 * The network of this machine, with names resolved by the `AddressResolver` that is provided. Each use builds a network of its
 * own, so this resolver is asked even inside a program that has another network.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNoResolver: Layer.Layer<Network.Network, never, AddressResolver.AddressResolver> = Layer.fresh(
  Layer.effect(
    Network.Network,
    Effect.flatMap(
      Effect.service(AddressResolver.AddressResolver),
      (resolver) => Transport.makeNetwork(makePlatform(resolver, { reuseReadBuffer: true }))
    )
  )
)

/**
 * The network of this machine. Names are resolved as the system does: the hosts file, then DNS (getaddrinfo(3)).
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Network.Network> = layerNoResolver.pipe(
  Layer.provide(NodeAddressResolver.layer),
  Layer.provide(SystemLookup.layer)
)
