import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import type * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import { ready } from "./ready.ts"

/** Runs a Sluice server. */
export const serve = <E>(
  handler: Server.Handler<E, Network.Network | Scope.Scope>,
  options: Server.Options = { listen: "tcp://127.0.0.1:0" }
): void => {
  const layer = Server.layer({
    ...options,
    onListening: (address) => Effect.sync(() => ready((address as NetAddress.InetAddress).port))
  }, handler)
  NodeRuntime.runMain(Layer.launch(Layer.provide(layer, NodeNetwork.layer)))
}
