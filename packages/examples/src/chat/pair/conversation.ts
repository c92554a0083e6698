/** Two people who take turns. */
import type * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as standardStreams from "../../cli/standardStreams.ts"
import * as Text from "../protocol/Text.ts"

const encoder = new TextEncoder()

/** Lines of any bytes, safe to show. */
const lines: Framing.Framing<string> = Framing.delimited("\n", { maxFrameLength: 8192, atEnd: "frame" }).pipe(
  Framing.map({
    decode: (line) => Text.clean(Text.decode(line)),
    encode: (line: string) => encoder.encode(line)
  })
)

const write = (text: string) => Effect.sync(() => void process.stdout.write(text))

/** Talks, one line each in turn, until either side ends. */
export const converse = Effect.fnUntraced(function*(
  connection: Connection.Connection,
  options: { readonly peer: "Client" | "Server"; readonly begins: boolean }
) {
  const framed = yield* Framed.make(connection, lines)
  const hasEnded = yield* Deferred.make<void>()
  const typed = yield* Stream.toQueue(Framing.decode(lines)(standardStreams.input), { capacity: 1 })
  // Read all the time, so that the end of the other side is noticed while this one is typing.
  const heard = yield* Framed.messages(framed).pipe(
    Stream.ensuring(Deferred.succeed(hasEnded, undefined)),
    Stream.toQueue({ capacity: 16 })
  )

  const listen = Effect.flatMap(Queue.take(heard), (line) => Console.log(`${options.peer}: ${line}`))
  const speak = Effect.gen(function*() {
    yield* write("You: ")
    const line = yield* Effect.raceFirst(
      Effect.asSome(Queue.take(typed)),
      Effect.as(Deferred.await(hasEnded), Option.none<string>())
    ).pipe(Effect.tapError(() => write("\n")))
    if (Option.isSome(line)) return yield* Framed.send(framed, line.value)
    yield* write("\n")
    // What was said out of turn is not lost; behind it is the end.
    return yield* Effect.forever(listen)
  })
  const turns = options.begins ? [speak, listen] : [listen, speak]
  yield* Effect.forever(Effect.all(turns, { discard: true })).pipe(Effect.catchIf(Cause.isDone, () => Effect.void))
}, Effect.scoped)
