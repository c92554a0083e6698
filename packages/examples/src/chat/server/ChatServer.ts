/** The chat as a Layer: it runs on any Network, and keeps what was said in any History. */
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Admission } from "./Admission.ts"
import { Names } from "./Names.ts"
import * as rateLimitedLog from "./rateLimitedLog.ts"
import * as Rooms from "./Rooms.ts"
import * as Session from "./Session.ts"
import * as Settings from "./Settings.ts"

/** What a chat does with each connection: all of them meet in one hall. */
export const handler = Effect.fnUntraced(function*(settings: Partial<Settings.Settings> = {}) {
  const all = { ...Settings.defaults, ...settings }
  const hall = {
    admission: new Admission(all),
    names: new Names(),
    rooms: yield* Rooms.make(all.history),
    log: rateLimitedLog.make()
  }
  return Session.serve(hall, all)
})

/** A chat. */
export const layer = (options: Server.Options, settings?: Partial<Settings.Settings>) =>
  Layer.unwrap(Effect.map(handler(settings), (serve) => Server.layer(options, serve)))
