import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { echo } from "./echo.ts"
import { server } from "./server.ts"

export const udp = Command.make("udp").pipe(
  Command.withDescription("One datagram each way, over UDP"),
  Command.withSubcommands([server, client, echo])
)
