import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Connection from "@sluice/core/Connection"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Workers from "@sluice/node/Workers"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import { ready } from "./ready.ts"

const Echo = Server.layer({ listen: "tcp://127.0.0.1:0" }, (connection) => Connection.pipeTo(connection, connection))

const supervisor = Layer.effectDiscard(Effect.gen(function*() {
  const [address] = yield* (yield* Workers.Workers).addresses
  ready((address as NetAddress.InetAddress).port)
}))

Workers.launch({ count: Number(process.argv[2]), supervisor }, Echo).pipe(
  Effect.provide(NodeNetwork.layer),
  NodeRuntime.runMain
)
