/** `framing … server`: shows each message, and answers in capitals. */
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import type * as Framing from "@sluice/framing/Framing"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as flags from "../cli/flags.ts"
import { show } from "./show.ts"

const shout = (message: string) => Effect.as(Console.log(`Received: ${show(message)}`), message.toUpperCase())

export const server = (framing: Framing.Framing<string>) =>
  Command.make("server", flags.server(12348), (options) => {
    const Shout = Effect.map(
      flags.serverOptions(options),
      (server) => Server.layer(server, Framed.serve(framing, shout))
    )
    return NodeProgram.launch(Layer.provide(Layer.unwrap(Shout), NodeNetwork.layer))
  }).pipe(Command.withDescription("Print each message, and reply in capitals"))
