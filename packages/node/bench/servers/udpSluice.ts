import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import { ready } from "./ready.ts"

const program = Effect.scoped(Effect.gen(function*() {
  const socket = yield* Network.bind("udp://127.0.0.1:0")
  ready(socket.address.port)
  while (true) {
    const datagram = yield* UdpSocket.receive(socket)
    yield* UdpSocket.reply(socket, datagram, datagram.payload)
  }
}))

NodeRuntime.runMain(Effect.provide(program, NodeNetwork.layer))
