/** `hello server`: shows who connects and what they say, answers, and closes. */
import * as Connection from "@sluice/core/Connection"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import { printable } from "../cli/text.ts"

/** One message each way, short enough to arrive in one piece. */
export const hello = (reply: string) =>
  Effect.fnUntraced(function*(connection: Connection.Connection) {
    yield* Console.log(`Connected by ${Connection.formatPeer(connection)}`)
    const message = yield* Connection.read(connection)
    if (Option.isNone(message)) return
    yield* Console.log(`Received: ${printable(message.value)}`)
    yield* Connection.writeText(connection, reply)
  })

const reply = Flag.String("reply").pipe(
  Flag.withDescription("Reply; default: a greeting"),
  Flag.withDefault("Hello from server!")
)

export const server = Command.make("server", { ...flags.server(12345), reply }, (options) => {
  const Hello = Effect.map(flags.serverOptions(options), (server) => Server.layer(server, hello(options.reply)))
  return NodeProgram.launch(Layer.provide(Layer.unwrap(Hello), NodeNetwork.layer))
}).pipe(Command.withDescription("Print each client and its message, reply, and close"))
