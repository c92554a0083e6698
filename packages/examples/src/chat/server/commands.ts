/** What each command does. Its sender is answered, by a line or by what happens in the room. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Redacted from "effect/Redacted"
import * as Command from "../protocol/Command.ts"
import * as Line from "../protocol/Line.ts"
import * as Name from "../protocol/Name.ts"
import type { Admission } from "./Admission.ts"
import type { Board } from "./Board.ts"
import type { Elsewhere, Unreachable } from "./elsewhere/Elsewhere.ts"
import type { HistoryFailed } from "./history/History.ts"
import type { Mail, MailFailed } from "./mail/Mail.ts"
import type { Member } from "./Member.ts"
import { dismiss, keep, Parting, settled, tell, whereabouts } from "./Member.ts"
import type { Names } from "./Names.ts"
import * as Room from "./Room.ts"
import type { Rooms } from "./Rooms.ts"

/** What all members share. */
export interface Hall {
  readonly admission: Admission
  readonly names: Names
  readonly rooms: Rooms
  readonly elsewhere: Elsewhere["Service"]
  readonly mail: Mail["Service"]
  /** For the wires that show the list of rooms, if any. */
  readonly board: Board | undefined
  /** Logs an error, at most once a second. */
  readonly log: (message: string) => Effect.Effect<void>
}

type Doing = Effect.Effect<unknown, Parting>

type Actions = {
  readonly [Tag in Command.Command["_tag"]]: (
    hall: Hall,
    member: Member,
    command: Extract<Command.Command, { readonly _tag: Tag }>
  ) => Doing
}

const refuse = (member: Member, text: string) => tell(member, Line.Refusal({ text }))

const inRoom = (member: Member, act: (room: Room.Room) => Doing): Doing =>
  member.stay === undefined
    ? refuse(member, "you are in no room: /join ROOM enters one, /rooms shows which there are")
    : act(member.stay.room)

const say = (hall: Hall, member: Member, spoken: Line.Spoken): Doing =>
  inRoom(
    member,
    (room) =>
      keep(
        member,
        Effect.catchTag(hall.rooms.say(room, spoken), "HistoryFailed", (error) => notKept(hall, member, error))
      )
  )

const notKept = (hall: Hall, member: Member, error: HistoryFailed) =>
  error.isWaiting ? tell(member, Line.Notice({ text: waiting })) : Effect.andThen(
    hall.log(error.message),
    refuse(member, "that could not be kept, and so was not said; the server's log tells why")
  )

const waiting = "that is not said yet: the other servers cannot be reached; it is said when they can"

const enter = ({ log, rooms }: Hall, member: Member, room: Name.Name, since?: number): Doing =>
  rooms.enter(member, room, since).pipe(
    Effect.andThen(Effect.sync(() => {
      member.introduced = true
    })),
    Effect.catchTag("HistoryFailed", (error) =>
      Effect.andThen(
        log(error.message),
        refuse(member, "that room cannot be read; the server's log says why")
      ))
  )

/** Tells the other servers of the new name of a member. */
export const moved = ({ elsewhere }: Hall, member: Member, was: Name.Name): Effect.Effect<void> =>
  Effect.suspend(() => {
    elsewhere.moved(whereabouts(member), { was })
    return elsewhere.release(was, member.name)
  })

/** Takes a name over from another connection of the same user, and ends that connection. */
const replace = ({ names, rooms }: Hall, member: Member, name: Name.Name): Effect.Effect<void> =>
  Effect.suspend(() => {
    const other = names.find(name)
    const isSame = other?.token !== undefined && Equal.equals(other.token, member.token)
    if (!isSame || other === member) return Effect.void
    const parting = new Parting({ farewell: "you came back on another connection", why: undefined, isFinal: true })
    return settled(other, rooms.leave(other, "reconnected")).pipe(
      Effect.andThen(Effect.sync(() => names.demote(other))),
      Effect.andThen(dismiss(other, parting))
    )
  })

/** Records whose name this is, for private messages while they are away. */
const remember = ({ log, mail }: Hall, name: string, token: Member["token"]): Effect.Effect<void> =>
  Effect.catch(mail.own(name, token), ({ message }) => log(message))

/** Gives a member with a token the private messages that were sent while they were away. */
const collect = Effect.fnUntraced(function*(hall: Hall, member: Member) {
  const { log, mail } = hall
  yield* remember(hall, member.name, member.token)
  if (member.token === undefined) return
  const letters = yield* Effect.catch(mail.take(member.token), ({ message }) => Effect.as(log(message), []))
  for (const letter of letters) yield* tell(member, Line.Whispered(letter))
})

/** Keeps a private message for a user who is away. */
const leaveFor = Effect.fnUntraced(function*({ mail }: Hall, member: Member, name: Name.Name, text: string) {
  const at = yield* Clock.currentTimeMillis
  const isKept = yield* mail.keep(name, { from: member.name, text, at })
  if (!isKept) return yield* refuse(member, `nobody is called ${name}`)
  yield* tell(member, Line.Sent({ to: name, text }))
  return yield* tell(member, Line.Notice({ text: `${name} is away, and gets that on return` }))
})

const mayBeLost = ({ log }: Hall, member: Member, name: string, message: string) =>
  Effect.andThen(log(message), refuse(member, `that may not have arrived: ${name} cannot be reached now`))

const actions: Actions = {
  Say: (hall, member, { text }) => say(hall, member, Line.Said({ name: member.name, text })),

  Me: (hall, member, { text }) => say(hall, member, Line.Acted({ name: member.name, text })),

  Nick: (hall, member, { name }) =>
    Effect.gen(function*() {
      yield* replace(hall, member, name)
      const { elsewhere, names } = hall
      const from = member.name
      const isFree = !names.isTaken(member, name) && (yield* elsewhere.claim(name, member.token))
      if (!isFree || !names.rename(member, name)) {
        yield* tell(member, Line.nameTaken(name))
        return
      }
      member.introduced = true
      yield* tell(member, Line.Called({ name }))
      yield* collect(hall, member)
      if (from !== name) {
        yield* moved(hall, member, from)
        if (member.stay !== undefined) {
          yield* Room.tellOthers(member.stay.room, Line.Renamed({ from, to: name }), member)
        }
      }
    }).pipe(
      Effect.catchTag("Unreachable", ({ message }) =>
        Effect.andThen(
          hall.log(message),
          refuse(member, "names cannot be changed now: the other servers cannot be reached; try again later")
        ))
    ),

  Join: (hall, member, { room }) => enter(hall, member, room),

  Rejoin: (hall, member, { at, room }) => enter(hall, member, room, Number(at)),

  Leave: ({ rooms }, member) =>
    inRoom(member, (room) =>
      Effect.andThen(
        rooms.leave(member, "to nowhere"),
        tell(member, Line.Notice({ text: `you have left ${room.name}` }))
      )),

  Rooms: ({ rooms }, member) =>
    Effect.suspend(() => {
      const line = rooms.list()
      const none = Line.Notice({ text: "there is no room yet: /join ROOM makes one" })
      return tell(member, line.rooms.length === 0 ? none : line)
    }),

  Who: (_, member) => inRoom(member, (room) => tell(member, Room.present(room))),

  Msg: (hall, member, { name, text }) =>
    Effect.suspend((): Effect.Effect<boolean, MailFailed | Unreachable> => {
      const { elsewhere, names } = hall
      const other = names.find(name)
      const to = other?.name ?? elsewhere.find(name)
      if (to === undefined) return leaveFor(hall, member, name, text)
      const sending = other === undefined
        ? elsewhere.whisper(to, member.name, text)
        : tell(other, Line.Whispered({ from: member.name, text }))
      return Effect.andThen(sending, tell(member, Line.Sent({ to, text })))
    }).pipe(
      Effect.catchTags({
        Unreachable: ({ message }) => mayBeLost(hall, member, name, message),
        MailFailed: ({ message }) => mayBeLost(hall, member, name, message)
      })
    ),

  Token: (_, member, { secret }) =>
    Effect.sync(() => {
      member.token = Redacted.make(secret)
    }),

  Ping: (_, member, { token }) => tell(member, Line.Pong({ token })),

  Pong: () => Effect.void,

  Help: (_, member) => Effect.forEach(help, (text) => tell(member, Line.Notice({ text })), { discard: true }),

  Quit: (hall, member) =>
    Effect.andThen(
      remember(hall, member.name, undefined),
      Effect.fail(new Parting({ farewell: "goodbye", why: "quit", isFinal: true }))
    )
}

const help = [
  ...Object.entries(Command.verbs).map(([verb, { about }]) => `${Command.usage(verb).padEnd(14)} ${about}`),
  `Anything else is said to the room. ROOM and NAME have up to ${Name.longest} letters, digits, "_", "-" and "."`
]

/** Runs a command. A line that is said is kept in the background; the next command of another kind waits for it. */
export const perform = (hall: Hall, member: Member, command: Command.Command): Effect.Effect<unknown, Parting> => {
  const act = actions[command._tag] as (hall: Hall, member: Member, command: Command.Command) => Doing
  const doing = act(hall, member, command)
  return command._tag === "Say" || command._tag === "Me" ? doing : settled(member, doing)
}
