import * as Command from "effect/cli/Command"
import { client } from "./client/client.ts"
import { pair } from "./pair/command.ts"
import { server } from "./server/server.ts"

export const chat = Command.make("chat").pipe(
  Command.withDescription("Rooms in which people talk; and the plainest chat of two"),
  Command.withSubcommands([server, client, pair])
)
