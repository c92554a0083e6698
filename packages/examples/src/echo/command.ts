import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { server } from "./server.ts"

export const echo = Command.make("echo").pipe(
  Command.withDescription("An echo server and client over TCP"),
  Command.withSubcommands([server, client])
)
