import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { server } from "./server.ts"

export const pair = Command.make("pair").pipe(
  Command.withDescription("A minimal chat: one server and one client take turns"),
  Command.withSubcommands([server, client])
)
