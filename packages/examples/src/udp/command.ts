import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { echo } from "./echo.ts"
import { server } from "./server.ts"

export const udp = Command.make("udp").pipe(
  Command.withDescription("A server and a client that exchange one datagram over UDP"),
  Command.withSubcommands([server, client, echo])
)
