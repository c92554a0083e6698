/** `framing … client`: sends messages, and shows the answer to each. */
import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as flags from "../cli/flags.ts"
import * as standardStreams from "../cli/standardStreams.ts"
import { show } from "./show.ts"

/** Sends and receives at once: neither waits for the other, and one flush may hold many messages. */
const converse = Effect.fnUntraced(function*<E>(framed: Framed.Framed<string>, messages: Stream.Stream<string, E>) {
  let unanswered = 0
  const send = Stream.runForEachArray(messages, (batch) => {
    unanswered += batch.length
    return Framed.sendAll(framed, batch)
  }).pipe(Effect.andThen(Framed.end(framed)))
  const receive = Stream.runForEach(Framed.messages(framed), (answer) => {
    unanswered--
    return Console.log(`Server says: ${show(answer)}`)
  })
  yield* Effect.all([send, receive], { concurrency: 2 })
  if (unanswered > 0) return yield* new Unanswered({ count: unanswered })
})

class Unanswered extends Data.TaggedError("Unanswered")<{ readonly count: number }> {
  override get message(): string {
    return `the server ended before it answered ${this.count} of the messages`
  }
}

/** The lines of standard input; the last one needs no ending. */
const lines = Framing.decode(Framing.lines({ atEnd: "frame" }))(standardStreams.input)

const messages = Argument.String("message").pipe(
  Argument.withDescription("Messages to send; default: the lines of standard input"),
  Argument.variadic()
)

export const client = (framing: Framing.Framing<string>) =>
  Command.make(
    "client",
    { ...flags.client(12348), messages },
    Effect.fnUntraced(
      function*(options) {
        const connection = yield* flags.connect(options)
        const framed = yield* Framed.make(connection, framing)
        yield* options.messages.length > 0
          ? converse(framed, Stream.fromIterable(options.messages))
          : converse(framed, lines)
      },
      Effect.scoped,
      Effect.provide(NodeNetwork.layer)
    )
  ).pipe(Command.withDescription("Send messages, and print the reply to each"))
