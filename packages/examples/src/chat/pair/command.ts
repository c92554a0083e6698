import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { server } from "./server.ts"

export const pair = Command.make("pair").pipe(
  Command.withDescription("The plainest chat: one server, one client, taking turns"),
  Command.withSubcommands([server, client])
)
