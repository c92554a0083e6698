import * as Command from "effect/cli/Command"
import { client } from "./client.ts"
import { about, framings } from "./framings.ts"
import { problem } from "./problem.ts"
import { server } from "./server.ts"

const conversation = (name: keyof typeof framings) =>
  Command.make(name).pipe(
    Command.withDescription(about[name]),
    Command.withSubcommands([server(framings[name]), client(framings[name])])
  )

export const framing = Command.make("framing").pipe(
  Command.withDescription("Message boundaries: the same conversation over TCP in four framings"),
  Command.withSubcommands([
    conversation("fixed"),
    conversation("length"),
    conversation("delimited"),
    conversation("lines"),
    problem
  ])
)
