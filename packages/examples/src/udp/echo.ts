/** `udp echo`: answers each datagram with what is in it. */
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Layer from "effect/Layer"
import * as flags from "../cli/flags.ts"

export const reflect: UdpServer.Handler = (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)

export const echo = Command.make("echo", flags.udpServer(12347), (options) => {
  const Echo = UdpServer.layer(flags.udpServerOptions(options), reflect)
  return NodeProgram.launch(Layer.provide(Echo, NodeNetwork.layer))
}).pipe(Command.withDescription("Send each datagram back to its sender"))
