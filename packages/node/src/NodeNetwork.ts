/**
 * The network of this machine: `node:net` and `node:dgram`.
 *
 * **Example** (a whole server)
 *
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as Layer from "effect/Layer"
 *
 * const Echo = Server.layer(
 *   { listen: "tcp://127.0.0.1:12345" },
 *   (connection) => Connection.pipeTo(connection, connection)
 * )
 *
 * NodeRuntime.runMain(Layer.launch(Layer.provide(Echo, NodeNetwork.layer)))
 * ```
 */
import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import { bind } from "./internal/bind.ts"
import { connect } from "./internal/connect.ts"
import { listen } from "./internal/listen.ts"
import * as SystemLookup from "./internal/lookup.ts"

/** How Node is used. */
export interface Options {
  /**
   * Read into one buffer that all sockets share, rather than into a new one for every read. Faster, and the default;
   * `false` keeps to `data` events, for Node versions or tools that need them.
   */
  readonly reuseReadBuffer?: boolean | undefined
}

/** The network of this machine. Names are looked up by the `AddressResolver` given. */
export const layerWith = (
  options: Options = {}
): Layer.Layer<Network.Network, never, AddressResolver.AddressResolver> =>
  Layer.effect(
    Network.Network,
    Effect.flatMap(Effect.service(AddressResolver.AddressResolver), (resolver) => {
      const reuseReadBuffer = options.reuseReadBuffer ?? true
      return Network.make({
        resolver,
        connect: (address, socketOptions) => connect(address, socketOptions, reuseReadBuffer),
        listen: (address, socketOptions, receiver) => listen(address, socketOptions, receiver, reuseReadBuffer),
        bind,
        // Loaded with the first endpoint that needs it, for the sake of the others.
        secure: (settings, address) =>
          Effect.flatMap(Effect.promise(() => import("./internal/tls/context.ts")), (context) =>
            context.secure(settings, address))
      })
    })
  )

/** The network of this machine. Names are looked up as the system does: the hosts file, then DNS. */
export const layer: Layer.Layer<Network.Network> = layerWith().pipe(
  Layer.provide(NodeAddressResolver.layer),
  Layer.provide(SystemLookup.layer)
)
