/** `demo`: hello, echo, UDP echo and the chat, with its page, in one process. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Server from "@sluice/core/Server"
import * as UdpServer from "@sluice/core/UdpServer"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Wire from "../chat/protocol/Wire.ts"
import * as ChatServer from "../chat/server/ChatServer.ts"
import * as History from "../chat/server/history/History.ts"
import * as WebChat from "../chat/web/WebChat.ts"
import * as flags from "../cli/flags.ts"
import { echo } from "../echo/server.ts"
import { hello } from "../hello/server.ts"
import { reflect } from "../udp/echo.ts"
import * as Journal from "./Journal.ts"

const ports = {
  helloPort: flags.port(12345, "hello-port"),
  echoPort: flags.port(12346, "echo-port"),
  udpPort: flags.port(12347, "udp-port"),
  chatPort: flags.port(12350, "chat-port"),
  webPort: flags.port(12351, "web-port")
}

export const demo = Command.make("demo", { host: flags.host, ...ports, ...flags.policy }, (options) => {
  const { chatPort, echoPort, helloPort, host, udpPort, webPort } = options
  const policy = flags.serverPolicy(options)
  const journal = Journal.make()

  const Hello = Server.layer(
    { ...policy, listen: Endpoint.tcp(host, helloPort), onListening: journal.listening("hello") },
    journal.connections("hello", hello("Hello from server!\n"))
  )
  const Echo = Server.layer(
    { ...policy, listen: Endpoint.tcp(host, echoPort), onListening: journal.listening("echo") },
    journal.connections("echo", echo)
  )
  const Udp = UdpServer.layer(
    { drain: options.drain, bind: Endpoint.udp(host, udpPort), onListening: journal.listening("udp") },
    journal.datagrams("udp", reflect)
  )
  const Chat = Layer.unwrap(Effect.map(ChatServer.make({}, [Wire.text, WebChat.wire]), (chat) =>
    Layer.merge(
      Server.layer(
        { ...policy, listen: Endpoint.tcp(host, chatPort), onListening: journal.listening("chat") },
        journal.connections("chat", chat(Wire.text))
      ),
      WebChat.layer(
        { ...policy, listen: Endpoint.tcp(host, webPort), origins: [], onListening: journal.listening("web") },
        (wire, changes) => journal.connections("web", chat(wire, changes))
      )
    )))

  return journal.opening.pipe(
    Layer.provide(Layer.mergeAll(Hello, Echo, Udp, Chat)),
    Layer.provide(journal.closing),
    Layer.provide([History.layerMemory, NodeNetwork.layer]),
    NodeProgram.launch
  )
}).pipe(Command.withDescription("Run the hello, echo, UDP echo and chat servers together, and the page of the chat"))
