import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ready } from "./ready.ts"

const Echo = UdpServer.layer(
  { bind: "udp://127.0.0.1:0", onListening: (address) => Effect.sync(() => ready(address.port)) },
  (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)
)

NodeRuntime.runMain(Layer.launch(Layer.provide(Echo, NodeNetwork.layer)))
