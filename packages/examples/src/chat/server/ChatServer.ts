/** The chat as a Layer: it runs on any Network, and keeps what was said in any History. */
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Wire from "../protocol/Wire.ts"
import { Admission } from "./Admission.ts"
import * as Board from "./Board.ts"
import { Names } from "./Names.ts"
import * as rateLimitedLog from "./rateLimitedLog.ts"
import * as Rooms from "./Rooms.ts"
import * as Session from "./Session.ts"
import * as Settings from "./Settings.ts"

/** A chat over several wires: what it does with the connections of each. All of them meet in one hall. */
export const make = Effect.fnUntraced(function*(
  settings: Partial<Settings.Settings> = {},
  wires: ReadonlyArray<Wire.Wire> = [Wire.text]
) {
  const all = { ...Settings.defaults, ...settings }
  const rooms = yield* Rooms.make(all.history, wires)
  const informed = wires.find(({ isToldOfRooms }) => isToldOfRooms)
  const hall = {
    admission: new Admission(all),
    names: new Names(),
    rooms,
    board: informed && (yield* Board.make(rooms, informed)),
    log: rateLimitedLog.make()
  }
  return (wire: Wire.Wire, changes: Partial<Settings.Settings> = {}) =>
    Session.serve(hall, { ...all, ...changes }, wire)
})

/** What a chat of lines does with each connection. */
export const handler = (settings?: Partial<Settings.Settings>) =>
  Effect.map(make(settings), (serve) => serve(Wire.text))

/** A chat of lines. */
export const layer = (options: Server.Options, settings?: Partial<Settings.Settings>) =>
  Layer.unwrap(Effect.map(handler(settings), (serve) => Server.layer(options, serve)))
