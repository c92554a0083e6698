/** `chat client` in a script: sends the lines of standard input, prints what comes, and ends when all was answered. */
import * as Framing from "@sluice/framing/Framing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as standardStreams from "../../cli/standardStreams.ts"
import * as Line from "../protocol/Line.ts"
import type { ChatClient } from "./ChatClient.ts"

/** The lines of standard input; the last one needs no ending. */
const input = Framing.decode(Framing.lines({ atEnd: "frame" }))(standardStreams.input).pipe(
  Stream.takeWhile((line) => !/^\/quit\b/i.test(line))
)

const token = "done"

const isDone = (line: Line.Line): boolean => line._tag === "Pong" && line.token === token

export const run = Effect.fnUntraced(function*(client: ChatClient) {
  // Answers come in the order of what they answer: after this one, everything is answered.
  const sending = client.greeted.pipe(
    Effect.andThen(Stream.runForEach(input, client.send)),
    Effect.andThen(client.send(`/ping ${token}`)),
    Effect.andThen(Effect.never)
  )
  const printing = client.lines.pipe(
    Stream.takeWhile((line) => !isDone(line)),
    Stream.runForEach((line) => Console.log(Line.format(line)))
  )
  yield* Effect.raceFirst(sending, printing)
  yield* client.close
})
