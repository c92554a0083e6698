/** `echo client`: sends a message, or standard input, and shows what comes back. */
import * as Connection from "@sluice/core/Connection"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as flags from "../cli/flags.ts"
import * as standardStreams from "../cli/standardStreams.ts"
import { printable } from "../cli/text.ts"

/** Sends a message and shows what comes back until the server ends. */
const say = Effect.fnUntraced(function*(connection: Connection.Connection, message: string) {
  yield* Connection.writeText(connection, message)
  yield* Connection.end(connection)
  yield* Console.log(`Server says: ${printable(yield* Connection.readAll(connection))}`)
})

/** Sends standard input and writes what comes back to standard output, both at once and neither faster than the other. */
const stream = Effect.fnUntraced(function*(connection: Connection.Connection) {
  if (process.stdin.isTTY) return yield* new EchoFailed({ message: "nothing to send: give a MESSAGE, or < FILE" })
  const isSent = yield* Deferred.make<void>()
  const send = Stream.run(standardStreams.input, Connection.sink(connection)).pipe(
    Effect.andThen(Deferred.succeed(isSent, undefined)),
    Effect.andThen(Connection.end(connection))
  )
  const receive = Stream.run(Connection.bytes(connection), standardStreams.output).pipe(
    Effect.andThen(Deferred.isDone(isSent)),
    Effect.filterOrFail(identity, () => new EchoFailed({ message: "the server ended before everything was sent" }))
  )
  yield* Effect.all([send, receive], { concurrency: 2 })
})

class EchoFailed extends Data.TaggedError("EchoFailed")<{ readonly message: string }> {}

const message = Argument.String("message").pipe(
  Argument.withDescription("Message to send; default: standard input"),
  Argument.optional
)

export const client = Command.make(
  "client",
  { ...flags.client(12346), message },
  Effect.fnUntraced(
    function*(options) {
      const connection = yield* flags.connect(options)
      yield* Option.match(options.message, {
        onNone: () => stream(connection),
        onSome: (message) => say(connection, message)
      })
    },
    Effect.scoped,
    // The reader of standard output has seen enough, as in: echo client < FILE | head -c 10
    Effect.catchTag("OutputClosed", () => Effect.void),
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Send a message or standard input, and print the reply"))
