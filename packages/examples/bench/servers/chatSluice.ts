// The chat as it is run, but for its rate limit.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import { ready } from "../../../node/bench/servers/ready.ts"
import * as ChatServer from "../../src/chat/server/ChatServer.ts"
import * as History from "../../src/chat/server/history/History.ts"

const Chat = ChatServer.layer(
  {
    listen: "tcp://127.0.0.1:0",
    backlog: 1024,
    onListening: (address) => Effect.sync(() => ready((address as NetAddress.InetAddress).port))
  },
  { rate: { burst: 1, refill: 0 }, clients: 20_000, clientsPerAddress: 20_000 }
)

NodeRuntime.runMain(Layer.launch(Layer.provide(Chat, [History.layerMemory, NodeNetwork.layer])))
