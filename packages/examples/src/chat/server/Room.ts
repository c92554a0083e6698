/** A room: who is in it, what was said in it last, and a broadcast to all of them. */
import * as Broadcast from "@sluice/core/Broadcast"
import type { FramingError } from "@sluice/core/FramingError"
import * as Effect from "effect/Effect"
import * as Line from "../protocol/Line.ts"
import type { Name } from "../protocol/Name.ts"
import type * as Wire from "../protocol/Wire.ts"
import type { Entry } from "./history/History.ts"
import type { Member } from "./Member.ts"

export interface Room {
  readonly name: Name
  readonly members: Set<Member>
  /** The last entries, the oldest first: at most as many as are shown. */
  readonly recent: Array<Entry>
  /** When something was said last, so that no two lines have one time. */
  last: number
  /** One for each wire: a line is encoded once for all who share it. */
  readonly broadcasts: ReadonlyMap<Wire.Wire, WireBroadcast>
}

/** A broadcast to those who share a wire. */
export type WireBroadcast = Broadcast.Broadcast<Line.Line, Uint8Array, FramingError>

export const make = Effect.fnUntraced(function*(
  name: Name,
  recent: ReadonlyArray<Entry>,
  wires: ReadonlyArray<Wire.Wire>
): Effect.fn.Return<Room> {
  const broadcasts = new Map<Wire.Wire, WireBroadcast>()
  for (const wire of wires) broadcasts.set(wire, yield* Effect.orDie(Broadcast.framed(wire.framing)))
  return { name, members: new Set(), recent: [...recent], last: recent.at(-1)?.at ?? 0, broadcasts }
})

const each = (
  { broadcasts }: Room,
  publish: (broadcast: WireBroadcast, wire: Wire.Wire) => Effect.Effect<void, FramingError>
): Effect.Effect<void> => {
  const all = Array.from(broadcasts, ([wire, to]) => Effect.orDie(publish(to, wire)))
  return all.length === 1 ? all[0]! : Effect.all(all, { discard: true })
}

/** Says something to all who are there. */
export const tell = (room: Room, line: Line.Line): Effect.Effect<void> =>
  each(room, (broadcast) => Broadcast.publish(broadcast, line))

/** Says something to all who are there but one. */
export const tellOthers = (room: Room, line: Line.Line, but: Member): Effect.Effect<void> =>
  each(room, (broadcast) => Broadcast.publishExcept(broadcast, line, but.subscription))

/** Tells all who are there what a member said. */
export const publish = (room: Room, entry: Entry): Effect.Effect<void> => {
  const past = Line.Past({ ...entry, room: room.name })
  return each(room, (broadcast, wire) => Broadcast.publish(broadcast, wire.live(past)))
}

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

// More rooms than this make no list that anybody reads.
const mostRooms = 50

/** The rooms, those with most people first. */
export const list = (rooms: Iterable<Room>) => {
  const all = Array.from(rooms).toSorted((a, b) => b.members.size - a.members.size)
  return Line.Rooms({
    rooms: all.slice(0, mostRooms).map(({ members, name, recent }) => ({
      name,
      people: members.size,
      last: recent.at(-1)?.at ?? 0
    })),
    more: Math.max(0, all.length - mostRooms)
  })
}
