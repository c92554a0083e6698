import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { server } from "./server.ts"

export const hello = Command.make("hello").pipe(
  Command.withDescription("One message each way, over TCP"),
  Command.withSubcommands([server, client])
)
