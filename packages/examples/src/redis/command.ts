import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { server } from "./server.ts"

export const redis = Command.make("redis").pipe(
  Command.withDescription("Strings, lists, hashes, sorted sets, streams and channels, as Redis has them"),
  Command.withSubcommands([server, client])
)
