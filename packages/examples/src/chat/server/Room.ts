/** A room: who is in it, what was said in it last, and a broadcast to all of them. */
import * as Broadcast from "@sluice/core/Broadcast"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import * as Line from "../protocol/Line.ts"
import type { Name } from "../protocol/Name.ts"
import type * as Wire from "../protocol/Wire.ts"
import type { Entry } from "./history/History.ts"
import type { Member } from "./Member.ts"

export interface Room {
  readonly name: Name
  readonly members: Set<Member>
  /** The members on other servers. */
  readonly elsewhere: () => ReadonlyArray<Name>
  /** The last entries, the oldest first: at most as many as are shown. */
  readonly recent: Array<Entry>
  /** The time of the last line. The next line gets a later one. */
  last: number
  /** A broadcast for each wire, which encodes a line once. */
  readonly broadcasts: ReadonlyMap<Wire.Wire, WireBroadcast>
}

/** A broadcast to the members of one wire. */
export type WireBroadcast = Broadcast.Broadcast<Line.Line, Uint8Array, FramingError>

export const make = Effect.fnUntraced(function*(
  name: Name,
  recent: ReadonlyArray<Entry>,
  wires: ReadonlyArray<Wire.Wire>,
  elsewhere: () => ReadonlyArray<Name>
): Effect.fn.Return<Room> {
  const broadcasts = new Map<Wire.Wire, WireBroadcast>()
  for (const wire of wires) broadcasts.set(wire, yield* Effect.orDie(Broadcast.framed(wire.framing)))
  return { name, members: new Set(), elsewhere, recent: [...recent], last: recent.at(-1)?.at ?? 0, broadcasts }
})

const each = (
  { broadcasts }: Room,
  publish: (broadcast: WireBroadcast, wire: Wire.Wire) => Effect.Effect<void, FramingError>
): Effect.Effect<void> => {
  const all = Array.from(broadcasts, ([wire, to]) => Effect.orDie(publish(to, wire)))
  return all.length === 1 ? all[0]! : Effect.all(all, { discard: true })
}

/** Sends a line to all members on this server. */
export const tell = (room: Room, line: Line.Line): Effect.Effect<void> =>
  each(room, (broadcast) => Broadcast.publish(broadcast, line))

/** Sends a line to all members on this server but one. */
export const tellOthers = (room: Room, line: Line.Line, but: Member): Effect.Effect<void> =>
  each(room, (broadcast) => Broadcast.publishExcept(broadcast, line, but.subscription))

/** Sends an entry to all members on this server. */
export const publish = (room: Room, entry: Entry): Effect.Effect<void> => {
  const past = Line.Past({ ...entry, room: room.name })
  return each(room, (broadcast, wire) => Broadcast.publish(broadcast, wire.live(past)))
}

// More names than this make no line that anybody reads.
const mostNames = 50

/** The line that lists the members. */
export const present = ({ elsewhere, members, name }: Room): Line.Line => {
  const others = elsewhere()
  const names: Array<Name> = []
  for (const member of members) {
    if (names.length === mostNames) break
    names.push(member.name)
  }
  names.push(...others.slice(0, mostNames - names.length))
  return Line.Present({ room: name, names, more: members.size + others.length - names.length })
}

// More rooms than this make no list that anybody reads.
const mostRooms = 50

/** The line that lists rooms, those with most people first. `elsewhere`: the rooms of other servers, by key. */
export const list = (
  rooms: ReadonlyMap<string, Room>,
  elsewhere: ReadonlyMap<string, { readonly name: Name; readonly people: number }>
) => {
  const here = Array.from(rooms, ([key, { members, name, recent }]) => ({
    name,
    people: members.size + (elsewhere.get(key)?.people ?? 0),
    last: recent.at(-1)?.at ?? 0
  }))
  const others = Array.from(elsewhere).filter(([key]) => !rooms.has(key)).map(([, room]) => ({ ...room, last: 0 }))
  const all = [...here, ...others].toSorted((a, b) => b.people - a.people)
  return Line.Rooms({ rooms: all.slice(0, mostRooms), more: Math.max(0, all.length - mostRooms) })
}
