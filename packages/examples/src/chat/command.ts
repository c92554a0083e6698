import * as Command from "effect/cli/Command"
import { client } from "./client/client.ts"
import { pair } from "./pair/command.ts"
import { server } from "./server/server.ts"

export const chat = Command.make("chat").pipe(
  Command.withDescription("A chat with rooms, and a minimal chat for two"),
  Command.withSubcommands([server, client, pair])
)
