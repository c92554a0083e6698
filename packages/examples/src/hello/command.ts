import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { server } from "./server.ts"

export const hello = Command.make("hello").pipe(
  Command.withDescription("A server and a client that exchange one message over TCP"),
  Command.withSubcommands([server, client])
)
