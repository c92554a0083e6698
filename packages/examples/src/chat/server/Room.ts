/** A room: who is in it, what was said in it last, and a broadcast to all of them. */
import * as Broadcast from "@sluice/core/Broadcast"
import type { FramingError } from "@sluice/core/FramingError"
import * as Effect from "effect/Effect"
import * as Line from "../protocol/Line.ts"
import type { Name } from "../protocol/Name.ts"
import * as Wire from "../protocol/Wire.ts"
import type { Entry } from "./history/History.ts"
import type { Member } from "./Member.ts"

export interface Room {
  readonly name: Name
  readonly members: Set<Member>
  /** The last entries, the oldest first: at most as many as are shown. */
  readonly recent: Array<Entry>
  readonly broadcast: Broadcast.Broadcast<Line.Line, Uint8Array, FramingError>
}

export const make = (name: Name, recent: ReadonlyArray<Entry>): Effect.Effect<Room> =>
  Effect.map(Effect.orDie(Broadcast.framed(Wire.server)), (broadcast) => ({
    name,
    members: new Set<Member>(),
    recent: [...recent],
    broadcast
  }))

/** Says something to all who are there. */
export const tell = (room: Room, line: Line.Line): Effect.Effect<void> =>
  Effect.orDie(Broadcast.publish(room.broadcast, line))

/** Says something to all who are there but one. */
export const tellOthers = (room: Room, line: Line.Line, but: Member): Effect.Effect<void> =>
  Effect.orDie(Broadcast.publishExcept(room.broadcast, line, but.subscription))

// More names than this make no line that anybody reads.
const mostNames = 50

/** Who is there. */
export const present = ({ members, name }: Room): Line.Line => {
  const names: Array<Name> = []
  for (const member of members) {
    if (names.length === mostNames) break
    names.push(member.name)
  }
  return Line.Present({ room: name, names, more: members.size - names.length })
}
