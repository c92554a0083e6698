/**
 * One client, from its first line to its last.
 *
 * 1. It gets a name, and is greeted.
 * 2. Its lines are commands, done in their order. What it is sent waits in its queue, and is written as it reads.
 * 3. It ends when it says so, when its input ends, when it floods, when nothing is heard of it for too long, when it
 *    reads too slowly, or when the server closes. Each time it is told why, behind all that was on its way to it.
 *
 * Two fibers serve it: one listens, and one writes until its queue has ended. What else a client needs is shared by all.
 */
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Subscription from "@sluice/core/Subscription"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Command from "../protocol/Command.ts"
import * as Line from "../protocol/Line.ts"
import type * as Wire from "../protocol/Wire.ts"
import type { Source } from "./Admission.ts"
import { type Hall, perform } from "./commands.ts"
import { Deadline } from "./Deadlines.ts"
import * as Member from "./Member.ts"
import { Parting, tell, whereabouts } from "./Member.ts"
import type { Settings } from "./Settings.ts"
import { now, Watch, type Watched } from "./Watch.ts"

/** How long the last words may take to be read. */
const lastWords = Duration.seconds(5)

/** What the clients of one wire share. */
interface Shared {
  readonly hall: Hall
  readonly settings: Settings
  readonly wire: Wire.Wire
  readonly watch: Watch
}

/** Serves the clients of a wire. */
export const serve = (hall: Hall, settings: Settings, wire: Wire.Wire) => {
  const shared = { hall, settings, wire, watch: new Watch(settings) }
  return Effect.fnUntraced(function*(connection: Connection.Connection) {
    const session = yield* Effect.catchTag(
      begin(shared, connection),
      "Full",
      ({ message }) => Effect.andThen(Effect.ignore(refuse(connection, wire, message)), Effect.logDebug(message))
    )
    if (session === undefined) return
    const written = yield* Effect.result(Subscription.writeTo(session.member.subscription, connection))
    yield* session.stop
    if (Result.isSuccess(written)) return
    // People come and go: a broken connection is no event for the log.
    if (written.failure._tag === "NetworkError") return yield* Effect.logDebug(written.failure.message)
    // The last words may be what is too much.
    yield* session.leave("too slow")
    yield* sayTooSlow(connection, wire, written.failure.capacity)
  })
}

/** Makes a member of a client, with the name of a guest; greets it, and listens to it from now on. */
const begin = Effect.fnUntraced(function*(shared: Shared, connection: Connection.Connection) {
  const { hall: { admission, board, elsewhere, names }, settings, wire } = shared
  const framed = yield* Framed.make(connection, wire.framing)
  const subscription = yield* Subscription.make<Uint8Array>({ capacity: settings.queue })
  const source = yield* admission.enter(connection)
  const member = Member.make(names.guest(), wire, subscription)
  const session = new Session(shared, connection, source, member, yield* Effect.scope)
  yield* Effect.addFinalizer(() => session.close)
  names.assign(member)
  elsewhere.moved(whereabouts(member))
  if (wire.isToldOfRooms) yield* board?.join(subscription) ?? Effect.void
  for (const line of greeting(shared, member)) yield* tell(member, line)
  yield* session.start(framed)
  return session
}, Effect.uninterruptible)

const greeting = (
  { hall: { elsewhere, names }, settings: { greeting, rate } }: Shared,
  { name }: Member.Member
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

/** A client that is served. */
class Session implements Watched {
  readonly member: Member.Member
  readonly introduction: Deadline<Watched> = new Deadline(this)
  readonly silence: Deadline<Watched> = new Deadline(this)
  readonly #shared: Shared
  readonly #connection: Connection.Connection
  readonly #source: Source
  readonly #scope: Scope.Scope
  #listening: Fiber.Fiber<void> | undefined = undefined
  // Lines in a row that came too fast.
  #refused = 0

  constructor(
    shared: Shared,
    connection: Connection.Connection,
    source: Source,
    member: Member.Member,
    scope: Scope.Scope
  ) {
    this.#shared = shared
    this.#connection = connection
    this.#source = source
    this.member = member
    this.#scope = scope
  }

  /** Does what the lines of the client say, until it or its input ends, or this is stopped. */
  start(framed: Framed.Framed<Line.Line, Wire.Incoming>): Effect.Effect<void> {
    const next = Effect.flatMap(Framed.receive(framed), (line) => Option.isNone(line) ? left : this.#hear(line.value))
    // Lines that came together are taken together: what they bring about is then sent together.
    const listening = Effect.exit(Effect.forever(next, { disableYield: true }))
    return Effect.flatMap(Effect.forkDetach(Effect.flatMap(listening, (exit) => this.#over(exit))), (fiber) => {
      this.#listening = fiber
      return this.#shared.watch.add(this)
    })
  }

  #over(exit: Exit.Exit<never, Parting | Framed.FramedError>): Effect.Effect<void> {
    // The session ends with a defect.
    if (Exit.hasDies(exit)) return Effect.andThen(Subscription.end(this.member.subscription), Effect.orDie(exit))
    const failure = Option.getOrUndefined(Exit.findErrorOption(exit))
    switch (failure?._tag) {
      case "Parting":
        return this.#part(failure)
      case "FramingError":
        return this.#part(new Parting({ farewell: failure.message, why: "protocol error", isFinal: true }))
      default:
        return Effect.void
    }
  }

  /** Stops listening. A defect met there is one of the session. */
  get stop(): Effect.Effect<void> {
    const fiber = this.#listening!
    const met = Effect.flatMap(Fiber.await(fiber), (exit) => Exit.hasDies(exit) ? exit : Effect.void)
    return Effect.andThen(Fiber.interrupt(fiber), met)
  }

  #hear(incoming: Wire.Incoming): Effect.Effect<unknown, Parting> {
    return Clock.clockWith((clock) => {
      const { member } = this
      const time = now(clock)
      this.#shared.watch.hear(this, time)
      const wait = this.#source.bucket.take(time)
      if (wait > 0) return this.#refuse(wait)
      this.#refused = 0
      if (Result.isFailure(incoming)) return tell(member, Line.Refusal({ text: Command.tooLong }))
      const { answer, isLast, text } = incoming.success
      if (isLast) return left
      const doing = text === "" ? Effect.void : this.#obey(text)
      return answer === undefined ? doing : Effect.andThen(Subscription.offer(member.subscription, answer), doing)
    })
  }

  #refuse(wait: number): Effect.Effect<unknown, Parting> {
    if (++this.#refused > this.#shared.settings.patience) {
      return Effect.fail(new Parting({ farewell: "far too fast: goodbye", why: "flooding", isFinal: true }))
    }
    return tell(this.member, Line.tooFast(Math.ceil(wait)))
  }

  #obey(text: string): Effect.Effect<unknown, Parting> {
    const command = Command.parse(text)
    if (Result.isFailure(command)) return tell(this.member, Line.Refusal({ text: command.failure }))
    return perform(this.#shared.hall, this.member, command.success)
  }

  /** Parts with the client, which is told why. The session ends once that is written. */
  #part(parting: Parting): Effect.Effect<void> {
    return this.leave(parting.why).pipe(
      Effect.andThen(Member.dismiss(this.member, parting)),
      Effect.andThen(Effect.sleep(lastWords)),
      Effect.andThen(Connection.abort(this.#connection))
    )
  }

  end(parting: Parting): Effect.Effect<void> {
    return Effect.asVoid(Effect.forkIn(Effect.andThen(this.stop, this.#part(parting)), this.#scope))
  }

  /** Takes the client out of its room. */
  leave(why: string | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#shared.watch.remove(this)
      return Member.settled(this.member, this.#shared.hall.rooms.leave(this.member, why))
    })
  }

  /** Stops listening, and releases what the client has. */
  get close(): Effect.Effect<void> {
    const { admission, elsewhere, names } = this.#shared.hall
    const stopped = this.#listening === undefined ? Effect.void : Fiber.interrupt(this.#listening)
    return Effect.flatMap(Effect.andThen(stopped, this.leave("connection lost")), () => {
      const { name } = this.member
      names.release(name)
      elsewhere.gone(name)
      admission.leave(this.#source)
      return Effect.asVoid(Effect.forkDetach(elsewhere.release(name)))
    })
  }
}

const left = Effect.fail(new Parting({ farewell: "goodbye", why: "left" }))

/** Behind what it has not read yet, a client is told why it misses the rest. */
const sayTooSlow = (connection: Connection.Connection, wire: Wire.Wire, capacity: number) => {
  const text = `you read too slowly: more than ${capacity} lines were waiting for you, and are lost; goodbye`
  return Effect.timeoutOption(Effect.ignore(refuse(connection, wire, text)), lastWords)
}

const refuse = (connection: Connection.Connection, wire: Wire.Wire, text: string) =>
  Connection.writeAll(connection, [wire.encode(Line.Refusal({ text })), wire.ending(false) ?? new Uint8Array()])
