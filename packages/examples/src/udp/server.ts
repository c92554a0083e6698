/** `udp server`: shows each message and where it is from, and answers. */
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as flags from "../cli/flags.ts"
import { printable } from "../cli/text.ts"

const answer = (text: string): UdpServer.Handler =>
  Effect.fnUntraced(function*(datagram, socket) {
    yield* Console.log(`Received from ${NetAddress.formatInet(datagram.source)}: ${printable(datagram.payload)}`)
    yield* UdpSocket.reply(socket, datagram, text)
  })

const reply = Flag.String("reply").pipe(
  Flag.withDescription("Reply; default: a greeting"),
  Flag.withDefault("Hello from UDP server!")
)

export const server = Command.make("server", { ...flags.udpServer(12347), reply }, (options) => {
  const Answer = UdpServer.layer(flags.udpServerOptions(options), answer(options.reply))
  return NodeProgram.launch(Layer.provide(Answer, NodeNetwork.layer))
}).pipe(Command.withDescription("Print each message and its sender, and reply"))
