/** `redis client`: sends a command and prints the answer. */
import * as SafeText from "@sluice/framing/SafeText"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as flags from "../cli/flags.ts"
import * as RedisClient from "./client/RedisClient.ts"
import type { Value } from "./client/wire.ts"

const words = Argument.String("word").pipe(
  Argument.withDescription("The command and its arguments, such as SET name value"),
  Argument.variadic({ min: 1 })
)

/** An answer as lines: a list is an item a line. */
const lines = (value: Value): ReadonlyArray<string> =>
  Array.isArray(value)
    ? (value as ReadonlyArray<Value>).flatMap(lines)
    : [value === null ? "(nil)" : SafeText.escape(String(value), { limit: 100_000 })]

export const client = Command.make(
  "client",
  { ...flags.streamAddress(6379), words },
  Effect.fnUntraced(
    function*(options) {
      const client = yield* RedisClient.make({ endpoint: flags.streamEndpoint(options), schedule: Schedule.recurs(0) })
      for (const line of lines(yield* client.send(...options.words))) yield* Console.log(line)
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Send a command, and print the answer"))
