/** What each command does. Its sender is answered, by a line or by what happens in the room. */
import * as Effect from "effect/Effect"
import * as Command from "../protocol/Command.ts"
import * as Line from "../protocol/Line.ts"
import * as Name from "../protocol/Name.ts"
import type { Admission } from "./Admission.ts"
import type { HistoryFailed } from "./history/History.ts"
import type { Member } from "./Member.ts"
import { keep, Parting, settled, tell } from "./Member.ts"
import type { Names } from "./Names.ts"
import * as Room from "./Room.ts"
import type { Rooms } from "./Rooms.ts"

/** What all members share. */
export interface Hall {
  readonly admission: Admission
  readonly names: Names
  readonly rooms: Rooms
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
  Effect.andThen(
    hall.log(error.message),
    refuse(member, "that could not be kept, and so was not said; the server's log tells why")
  )

// More rooms than this make no list that anybody reads.
const mostRooms = 50

const actions: Actions = {
  Say: (hall, member, { text }) => say(hall, member, Line.Said({ name: member.name, text })),

  Me: (hall, member, { text }) => say(hall, member, Line.Acted({ name: member.name, text })),

  Nick: ({ names }, member, { name }) =>
    Effect.suspend(() => {
      const from = member.name
      if (!names.rename(member, name)) return refuse(member, `somebody else is called ${name}`)
      member.introduced = true
      const told = tell(member, Line.Called({ name }))
      if (member.stay === undefined || from === name) return told
      return Effect.andThen(told, Room.tellOthers(member.stay.room, Line.Renamed({ from, to: name }), member))
    }),

  Join: ({ log, rooms }, member, { room }) =>
    rooms.enter(member, room).pipe(
      Effect.andThen(Effect.sync(() => {
        member.introduced = true
      })),
      Effect.catchTag("HistoryFailed", (error) =>
        Effect.andThen(
          log(error.message),
          refuse(member, "that room cannot be read; the server's log says why")
        ))
    ),

  Leave: ({ rooms }, member) =>
    inRoom(member, (room) =>
      Effect.andThen(
        rooms.leave(member, "to nowhere"),
        tell(member, Line.Notice({ text: `you have left ${room.name}` }))
      )),

  Rooms: ({ rooms }, member) =>
    Effect.suspend(() => {
      const all = Array.from(rooms.all.values()).toSorted((a, b) => b.members.size - a.members.size)
      if (all.length === 0) return tell(member, Line.Notice({ text: "there is no room yet: /join ROOM makes one" }))
      const shown = all.slice(0, mostRooms).map(({ members, name }) => `${name} (${members.size})`)
      const more = all.length - shown.length
      const text = `rooms: ${shown.join(", ")}${more > 0 ? `, and ${more} more` : ""}`
      return tell(member, Line.Notice({ text }))
    }),

  Who: (_, member) => inRoom(member, (room) => tell(member, Room.present(room))),

  Msg: ({ names }, member, { name, text }) =>
    Effect.suspend(() => {
      const other = names.find(name)
      if (other === undefined) return refuse(member, `nobody is called ${name}`)
      return Effect.andThen(
        tell(other, Line.Whispered({ from: member.name, text })),
        tell(member, Line.Sent({ to: other.name, text }))
      )
    }),

  Ping: (_, member, { token }) => tell(member, Line.Pong({ token })),

  Pong: () => Effect.void,

  Help: (_, member) => Effect.forEach(help, (text) => tell(member, Line.Notice({ text })), { discard: true }),

  Quit: () => Effect.fail(new Parting({ farewell: "goodbye", why: "quit" }))
}

const help = [
  ...Object.entries(Command.verbs).map(([verb, { about }]) => `${Command.usage(verb).padEnd(14)} ${about}`),
  `Anything else is said to the room. ROOM and NAME have up to ${Name.longest} letters, digits, "_", "-" and "."`
]

/** Does what a command says. What is said is not waited for, but by the next command of another kind. */
export const perform = (hall: Hall, member: Member, command: Command.Command): Effect.Effect<unknown, Parting> => {
  const act = actions[command._tag] as (hall: Hall, member: Member, command: Command.Command) => Doing
  const doing = act(hall, member, command)
  return command._tag === "Say" || command._tag === "Me" ? doing : settled(member, doing)
}
