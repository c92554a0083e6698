/**
 * One client, from its first line to its last.
 *
 * 1. It gets a name, and is greeted.
 * 2. Its lines are commands, done in their order. What it is sent waits in its queue, and is written as it reads.
 * 3. It ends when it says so, when its input ends, when it floods, when nothing is heard of it for too long, when it
 *    reads too slowly, or when the server closes. Each time it is told why, behind all that was on its way to it.
 */
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as Subscription from "@sluice/core/Subscription"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Command from "../protocol/Command.ts"
import * as Line from "../protocol/Line.ts"
import type { TokenBucket } from "../protocol/TokenBucket.ts"
import type * as Wire from "../protocol/Wire.ts"
import { type Hall, perform } from "./commands.ts"
import * as Member from "./Member.ts"
import { Parting, tell, whereabouts } from "./Member.ts"
import type { Settings } from "./Settings.ts"
import * as Silence from "./Silence.ts"

/** How long the last words may take to be read. */
const lastWords = Duration.seconds(5)

/** Serves a client. */
export const serve = (hall: Hall, settings: Settings, wire: Wire.Wire) =>
  Effect.fnUntraced(
    function*(connection: Connection.Connection) {
      const framed = yield* Framed.make(connection, wire.framing)
      const bucket = yield* hall.admission.enter(connection).pipe(
        Effect.tapError(({ message }) => refuse(connection, wire, message))
      )
      const member = yield* join(hall, settings, wire)
      const leave = (why: string | undefined) => Member.settled(member, hall.rooms.leave(member, why))
      yield* Effect.addFinalizer(() => leave("connection lost"))

      yield* Effect.forEach(greeting(hall, member, settings), (line) => tell(member, line), { discard: true })
      const heard = { at: yield* Clock.clockWith((clock) => Effect.succeed(Silence.now(clock))) }
      const writing = Subscription.writeTo(member.subscription, connection)
      yield* Effect.raceAllFirst([
        writing,
        listen(framed, hall, member, settings, bucket, heard),
        Silence.watch(member, settings, heard),
        Effect.flatMap(Server.draining, () => new Parting({ farewell: "the server closes: goodbye", why: undefined }))
      ]).pipe(
        Effect.catchTag("Parting", (parting) =>
          leave(parting.why).pipe(
            Effect.andThen(Member.dismiss(member, parting)),
            Effect.andThen(Effect.timeoutOption(writing, lastWords))
          )),
        // The last words may be what is too much.
        Effect.catchTag("Overflowed", ({ capacity }) =>
          Effect.andThen(leave("too slow"), sayTooSlow(connection, wire, capacity)))
      )
    },
    Effect.catchTags({
      // People come and go: a broken connection is no event for the log.
      NetworkError: (error) =>
        Effect.logDebug(error.message),
      Full: (error) => Effect.logDebug(error.message)
    })
  )

/** Makes a member of a client, with the name of a guest. */
const join = Effect.fnUntraced(function*({ board, elsewhere, names }: Hall, { queue }: Settings, wire: Wire.Wire) {
  const subscription = yield* Subscription.make<Uint8Array>({ capacity: queue })
  if (wire.isToldOfRooms) yield* board?.join(subscription) ?? Effect.void
  return yield* Effect.acquireRelease(
    Effect.sync(() => {
      const member = Member.make(names.guest(), wire, subscription)
      names.assign(member)
      elsewhere.moved(whereabouts(member))
      return member
    }),
    (member) =>
      Effect.suspend(() => {
        names.release(member.name)
        elsewhere.gone(member.name)
        return Effect.forkDetach(elsewhere.release(member.name))
      })
  )
})

const greeting = (
  { elsewhere, names }: Hall,
  { name }: Member.Member,
  { greeting, rate }: Settings
): ReadonlyArray<Line.Line> => [
  ...greeting.map((text) => Line.Notice({ text })),
  Line.Notice({
    text: `you are the ${ordinal(names.size + elsewhere.size())} here: /nick NAME, /join ROOM, /help`
  }),
  ...(rate.refill > 0 ? [Line.Limits(rate)] : []),
  Line.Called({ name })
]

const ordinal = (count: number): string => {
  const ending = count % 100 > 10 && count % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][count % 10] ?? "th"
  return `${count}${ending}`
}

// ---------------------------------------------------------------------------------------------------------------------
// Hearing
// ---------------------------------------------------------------------------------------------------------------------

const left = Effect.fail(new Parting({ farewell: "goodbye", why: "left" }))

/** Does what the lines of a client say, until its input ends. */
const listen = (
  framed: Framed.Framed<Line.Line, Wire.Incoming>,
  hall: Hall,
  member: Member.Member,
  { patience }: Settings,
  bucket: TokenBucket,
  heard: Silence.Heard
) => {
  let refused = 0

  const hear = (incoming: Wire.Incoming): Effect.Effect<unknown, Parting> =>
    Clock.clockWith((clock) => {
      heard.at = Silence.now(clock)
      const wait = bucket.take(heard.at)
      if (wait > 0) return tooFast(wait)
      refused = 0
      if (Result.isFailure(incoming)) return tell(member, Line.Refusal({ text: Command.tooLong }))
      const { answer, isLast, text } = incoming.success
      if (isLast) return left
      const doing = text === "" ? Effect.void : obey(text)
      return answer === undefined ? doing : Effect.andThen(Subscription.offer(member.subscription, answer), doing)
    })

  const tooFast = (wait: number): Effect.Effect<unknown, Parting> => {
    if (++refused > patience) {
      return Effect.fail(new Parting({ farewell: "far too fast: goodbye", why: "flooding", isFinal: true }))
    }
    return tell(member, Line.tooFast(Math.ceil(wait)))
  }

  const obey = (text: string): Effect.Effect<unknown, Parting> => {
    const command = Command.parse(text)
    if (Result.isFailure(command)) return tell(member, Line.Refusal({ text: command.failure }))
    return perform(hall, member, command.success)
  }

  const next = Effect.flatMap(Framed.receive(framed), Option.match({ onNone: () => left, onSome: hear }))
  // Lines that came together are taken together: what they bring about is then sent together.
  return Effect.forever(next, { disableYield: true }).pipe(
    Effect.catchTag(
      "FramingError",
      ({ message }) => new Parting({ farewell: message, why: "protocol error", isFinal: true })
    )
  )
}

/** Behind what it has not read yet, a client is told why it misses the rest. */
const sayTooSlow = (connection: Connection.Connection, wire: Wire.Wire, capacity: number) => {
  const text = `you read too slowly: more than ${capacity} lines were waiting for you, and are lost; goodbye`
  return Effect.timeoutOption(Effect.ignore(refuse(connection, wire, text)), lastWords)
}

const refuse = (connection: Connection.Connection, wire: Wire.Wire, text: string) =>
  Connection.writeAll(connection, [wire.encode(Line.Refusal({ text })), wire.ending(false) ?? new Uint8Array()])
