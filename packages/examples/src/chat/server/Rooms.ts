/**
 * The rooms. A room opens when its first member enters, and closes when the last one leaves.
 *
 * Entering, leaving and publishing take turns, so that a member who enters sees each line once: in the history, or live.
 */
import * as Broadcast from "@sluice/core/Broadcast"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Line from "../protocol/Line.ts"
import type * as Name from "../protocol/Name.ts"
import type * as Wire from "../protocol/Wire.ts"
import { Elsewhere } from "./elsewhere/Elsewhere.ts"
import * as History from "./history/History.ts"
import * as Lookalike from "./Lookalike.ts"
import * as Member from "./Member.ts"
import * as Room from "./Room.ts"

export interface Rooms {
  readonly all: ReadonlyMap<string, Room.Room>
  /** The line that lists all rooms, including those of other servers. */
  readonly list: () => ReturnType<typeof Room.list>
  /**
   * Moves a member into a room, and shows them its last lines; with `since`, in milliseconds since 1970, the lines from then
   * on, up to 500.
   */
  readonly enter: (member: Member.Member, name: Name.Name, since?: number) => Effect.Effect<void, History.HistoryFailed>
  /** Takes a member out of their room, if they are in one. The others are told `why`, unless it is `undefined`. */
  readonly leave: (member: Member.Member, why: string | undefined) => Effect.Effect<void>
  /** Says a line in a room. Returns once it is published. */
  readonly say: (room: Room.Room, spoken: Line.Spoken) => Effect.Effect<void, History.HistoryFailed>
}

// No more than the shortest queue of a client holds.
const mostMissed = 500

/** Rooms that show their last `shown` lines, over these wires. */
export const make = Effect.fnUntraced(function*(
  shown: number,
  wires: ReadonlyArray<Wire.Wire>
): Effect.fn.Return<Rooms, never, History.History | Elsewhere> {
  const history = yield* History.History
  const elsewhere = yield* Elsewhere
  const rooms = new Map<string, Room.Room>()
  const scopes = new WeakMap<Room.Room, Scope.Closeable>()
  const turns = Semaphore.makeUnsafe(1)

  const open = Effect.fnUntraced(function*(name: Name.Name) {
    const key = Lookalike.key(name)
    const known = rooms.get(key)
    if (known !== undefined) return known
    const scope = yield* Scope.make()
    // A line that arrives meanwhile waits for its turn.
    const onEntry = (entry: History.Entry) =>
      Effect.suspend(() => {
        const room = rooms.get(key)
        return room === undefined ? Effect.void : publish(room, entry)
      })
    const recent = yield* Scope.provide(history.open(key, shown, onEntry), scope)
    const room = yield* Room.make(name, recent, wires, () => elsewhere.inRoom(key))
    rooms.set(key, room)
    scopes.set(room, scope)
    return room
  })

  const close = (room: Room.Room) =>
    Effect.suspend(() => {
      rooms.delete(Lookalike.key(room.name))
      return Scope.close(scopes.get(room)!, Exit.void)
    })

  const leave = Effect.fnUntraced(function*(member: Member.Member, why: string | undefined) {
    const { stay } = member
    if (stay === undefined) return
    const { room, scope } = stay
    member.stay = undefined
    room.members.delete(member)
    yield* Scope.close(scope, Exit.void)
    if (room.members.size === 0) yield* close(room)
    else if (why !== undefined) yield* Room.tell(room, Line.Left({ name: member.name, why }))
  })

  const missed = Effect.fnUntraced(function*(room: Room.Room, since: number) {
    const { name, recent } = room
    const reachesBack = recent.length < shown || recent.some(({ at }) => at <= since)
    const all = reachesBack ? recent : yield* history.last(Lookalike.key(name), mostMissed)
    // A history in memory has no lines beyond those of the room.
    return (all.length < recent.length ? recent : all).filter(({ at }) => at >= since)
  })

  const enter = Effect.fnUntraced(function*(member: Member.Member, name: Name.Name, since: number | undefined) {
    const room = yield* open(name)
    if (room === member.stay?.room) {
      yield* Member.tell(member, Room.present(room))
      return
    }
    const told = since === undefined
      ? room.recent
      : yield* Effect.onError(missed(room, since), () => room.members.size === 0 ? close(room) : Effect.void)
    yield* leave(member, `to ${room.name}`)
    const scope = yield* Scope.make()
    room.members.add(member)
    member.stay = { room, scope }
    for (const { at, spoken } of told) yield* Member.tell(member, Line.Past({ at, spoken, room: room.name }))
    yield* Member.tell(member, Room.present(room))
    yield* Room.tell(room, Line.Joined({ name: member.name }))
    elsewhere.moved(Member.whereabouts(member), { why: `to ${room.name}` })
    yield* Scope.provide(Broadcast.join(room.broadcasts.get(member.wire)!, member.subscription), scope)
  })

  const publish = (room: Room.Room, entry: History.Entry) =>
    turns.withPermit(Effect.suspend(() => {
      if (shown > 0) room.recent.push(entry)
      if (room.recent.length > shown) room.recent.shift()
      return Room.publish(room, entry)
    }))

  return {
    all: rooms,
    list: () => Room.list(rooms, elsewhere.rooms()),
    enter: (member, name, since) => Effect.uninterruptible(turns.withPermit(enter(member, name, since))),
    leave: (member, why) =>
      Effect.uninterruptible(turns.withPermit(Effect.suspend(() => {
        if (member.stay !== undefined) elsewhere.moved({ name: member.name, room: undefined }, { why })
        return leave(member, why)
      }))),
    say: (room, spoken) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const at = room.last = Math.max(now, room.last + 1)
        const entry = { at, spoken }
        return Effect.uninterruptible(history.keep(Lookalike.key(room.name), entry, publish(room, entry)))
      })
  }
})
