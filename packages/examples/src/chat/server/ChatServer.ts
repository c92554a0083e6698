/** The chat as a Layer: it runs on any Network, and keeps what was said in any History. */
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Line from "../protocol/Line.ts"
import * as Wire from "../protocol/Wire.ts"
import { Admission } from "./Admission.ts"
import * as Board from "./Board.ts"
import { type Hall, moved } from "./commands.ts"
import { Elsewhere, type Here, layerNone } from "./elsewhere/Elsewhere.ts"
import { layerMemory, Mail } from "./mail/Mail.ts"
import * as Member from "./Member.ts"
import { Names } from "./Names.ts"
import * as rateLimitedLog from "./rateLimitedLog.ts"
import * as Room from "./Room.ts"
import * as Rooms from "./Rooms.ts"
import * as Session from "./Session.ts"
import * as Settings from "./Settings.ts"

/** A chat over several wires, as one of several servers. Returns a function from a wire to the handler of its connections. */
export const makeShared = Effect.fnUntraced(function*(
  settings: Partial<Settings.Settings> = {},
  wires: ReadonlyArray<Wire.Wire> = [Wire.text]
) {
  const all = { ...Settings.defaults, ...settings }
  const rooms = yield* Rooms.make(all.history, wires)
  const elsewhere = yield* Elsewhere
  const mail = yield* Mail
  const names = new Names(elsewhere.tag)
  const informed = wires.find(({ isToldOfRooms }) => isToldOfRooms)
  const hall = {
    admission: new Admission(all),
    names,
    rooms,
    elsewhere,
    mail,
    board: informed && (yield* Board.make(rooms, informed)),
    log: rateLimitedLog.make()
  }
  yield* elsewhere.connect(here(hall))
  return (wire: Wire.Wire, changes: Partial<Settings.Settings> = {}) =>
    Session.serve(hall, { ...all, ...changes }, wire)
})

/** What this server does with news from the others. */
const here = (hall: Hall): Here => {
  const { names, rooms } = hall
  const inRoom = (key: string, line: Line.Line) => {
    const room = rooms.all.get(key)
    return room === undefined ? Effect.void : Room.tell(room, line)
  }
  return {
    members: () => Array.from(names.members, Member.whereabouts),
    tell: inRoom,
    tellAll: (line) => Effect.forEach(rooms.all.keys(), (key) => inRoom(key, line), { discard: true }),
    whisper: (to, from, text) => {
      const member = names.find(to)
      return member === undefined ? Effect.void : Effect.asVoid(Member.tell(member, Line.Whispered({ from, text })))
    },
    onNameLost: (key) =>
      Effect.suspend(() => {
        const member = names.holder(key)
        if (member === undefined) return Effect.void
        const from = member.name
        names.demote(member)
        const { name, stay } = member
        return Effect.all([
          Member.tell(member, Line.Refusal({ text: `the name ${from} is taken on another server` })),
          Member.tell(member, Line.Called({ name })),
          stay === undefined ? Effect.void : Room.tellOthers(stay.room, Line.Renamed({ from, to: name }), member),
          moved(hall, member, from)
        ], { discard: true })
      })
  }
}

/** What a single server needs of others: nothing. */
export const layerAlone = Layer.merge(layerNone, layerMemory)

/** A chat over several wires, on a single server. */
export const make = (settings?: Partial<Settings.Settings>, wires?: ReadonlyArray<Wire.Wire>) =>
  Effect.provide(makeShared(settings, wires), layerAlone)

/** The handler of a chat of lines, on a single server. */
export const handler = (settings?: Partial<Settings.Settings>) =>
  Effect.map(make(settings), (serve) => serve(Wire.text))

/** A chat of lines, on a single server. */
export const layer = (options: Server.Options, settings?: Partial<Settings.Settings>) =>
  Layer.provide(layerShared(options, settings), layerAlone)

/** A chat of lines, as one of several servers. */
export const layerShared = (options: Server.Options, settings?: Partial<Settings.Settings>) =>
  Layer.unwrap(Effect.map(makeShared(settings), (serve) => Server.layer(options, serve(Wire.text))))
