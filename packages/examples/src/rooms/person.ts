/** A person in a room, by lines of text: the first line is a name and a room, the others are said there. */
import type * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { clean } from "../chat/protocol/Text.ts"
import { Room } from "./Room.ts"

/** Between two attempts to reach a room. */
const pause = "200 millis"

const lines = Framing.lines({ maxLineLength: 1000 })

/** Makes the handler of connections. */
export const handler = Effect.map(
  Room.client,
  (roomOf) =>
    Effect.fnUntraced(function*(connection: Connection.Connection) {
      const framed = yield* Framed.make(connection, lines)
      const greeting = Option.getOrElse(yield* Framed.receive(framed), () => "")
      const [, author, name] = /^([\w-]{1,20}) +([\w-]{1,20})$/.exec(greeting) ?? []
      if (author === undefined || name === undefined) return yield* Framed.send(framed, "!! expected: NAME ROOM")
      const room = roomOf(name)

      // A room that moves ends its streams, also by interruption. The cluster may repeat the request, and its lines come twice.
      let seen = 0
      const listen = Stream.suspend(() => room.Listen({ after: seen })).pipe(
        Stream.catchCause((cause) => Stream.fromEffectDrain(Effect.logDebug("the room is away", cause)))
      )
      const hear = Stream.runForEachArray(listen, (heard) => {
        const unseen = heard.filter(({ number }) => number > seen)
        seen = unseen.at(-1)?.number ?? seen
        return Framed.sendAll(framed, unseen.map(({ author, text }) => `<${author}> ${text}`))
      })
      const session = randomUUID()
      let said = 0
      const say = (line: string) => {
        const text = clean(line)
        if (text === "") return Effect.void
        // The id makes it safe to repeat.
        return Effect.retry(room.Say({ id: `${session}-${++said}`, author, text }), Schedule.spaced(pause))
      }
      yield* Effect.raceFirst(
        Effect.repeat(hear, Schedule.spaced(pause)),
        Stream.runForEach(Framed.messages(framed), say)
      )
    })
)
