/** The members of the other servers, as those servers reported them. */
import * as Line from "../../protocol/Line.ts"
import * as Name from "../../protocol/Name.ts"
import type { Place, Whereabouts } from "./Elsewhere.ts"
import type { What } from "./news.ts"

/** A line for a room. */
export interface Announcement {
  readonly key: string
  readonly line: Line.Line
}

const goneServer = "its server is gone"

/** The members of one server, by their names and by their rooms. */
class Members {
  /** When the last news of the server arrived, in monotonic milliseconds. */
  heard = 0
  readonly #all = new Map<string, Whereabouts>()
  readonly #rooms = new Map<string, Map<string, Whereabouts>>()

  get size(): number {
    return this.#all.size
  }

  get(name: string): Whereabouts | undefined {
    return this.#all.get(Name.fold(name))
  }

  set(member: Whereabouts): void {
    this.delete(member.name)
    const key = Name.fold(member.name)
    this.#all.set(key, member)
    if (member.room === undefined) return
    const room = this.#rooms.get(member.room.key)
    if (room === undefined) this.#rooms.set(member.room.key, new Map([[key, member]]))
    else room.set(key, member)
  }

  delete(name: string): void {
    const key = Name.fold(name)
    const { room } = this.#all.get(key) ?? {}
    this.#all.delete(key)
    if (room === undefined) return
    const members = this.#rooms.get(room.key)
    members?.delete(key)
    if (members?.size === 0) this.#rooms.delete(room.key)
  }

  clear(): void {
    this.#all.clear()
    this.#rooms.clear()
  }

  /** The rooms, each with its first member and how many there are. */
  *rooms(): Iterable<readonly [Place, number]> {
    for (const members of this.#rooms.values()) {
      const [first] = members.values()
      if (first?.room !== undefined) yield [first.room, members.size]
    }
  }

  inRoom(key: string): Iterable<Whereabouts> {
    return this.#rooms.get(key)?.values() ?? []
  }

  [Symbol.iterator](): Iterator<Whereabouts> {
    return this.#all.values()
  }
}

export class Census {
  readonly #servers = new Map<string, Members>()

  #server(name: string): Members {
    const known = this.#servers.get(name)
    if (known !== undefined) return known
    const server = new Members()
    this.#servers.set(name, server)
    return server
  }

  /** Applies news of a server. Returns the lines for rooms that follow from it. */
  hear(from: string, what: What, now: number): ReadonlyArray<Announcement> {
    const server = this.#server(from)
    server.heard = now
    switch (what._tag) {
      case "Here":
        if (what.isFirst) server.clear()
        for (const { name, room } of what.members) server.set({ name, room: room ?? undefined })
        return []
      case "Moved":
        return move(server, { name: what.name, room: what.room ?? undefined }, what.was, what.why)
      case "Gone":
        server.delete(what.name)
        return []
      case "Bye":
        this.#servers.delete(from)
        return []
      default:
        return []
    }
  }

  /** Removes the servers that have been silent since a time. Returns the lines for the rooms of their members. */
  forget(since: number): ReadonlyArray<Announcement> {
    const gone = Array.from(this.#servers).filter(([, { heard }]) => heard < since)
    for (const [name] of gone) this.#servers.delete(name)
    return gone.flatMap(([, members]) =>
      Array.from(members).flatMap(({ name, room }) =>
        room === undefined ? [] : [{ key: room.key, line: Line.Left({ name, why: goneServer }) }]
      )
    )
  }

  /** Counts all servers as heard now: while the bus was unreachable, no news could arrive. */
  renew(now: number): void {
    for (const server of this.#servers.values()) server.heard = now
  }

  find(name: string): Name.Name | undefined {
    for (const members of this.#servers.values()) {
      const member = members.get(name)
      if (member !== undefined) return member.name
    }
    return undefined
  }

  inRoom(key: string): ReadonlyArray<Name.Name> {
    return Array.from(this.#servers.values()).flatMap((members) => Array.from(members.inRoom(key), ({ name }) => name))
  }

  get rooms(): ReadonlyMap<string, { readonly name: Name.Name; readonly people: number }> {
    const rooms = new Map<string, Place & { people: number }>()
    for (const members of this.#servers.values()) {
      for (const [room, people] of members.rooms()) {
        const known = rooms.get(room.key)
        if (known === undefined) rooms.set(room.key, { ...room, people })
        else known.people += people
      }
    }
    return rooms
  }

  get size(): number {
    return Array.from(this.#servers.values()).reduce((sum, { size }) => sum + size, 0)
  }
}

const move = (
  members: Members,
  now: Whereabouts,
  was: string | null,
  why: string | null
): ReadonlyArray<Announcement> => {
  const { name, room } = now
  const before = members.get(was ?? name)
  if (was !== null) members.delete(was)
  members.set(now)
  const announcements: Array<Announcement> = []
  const left = before?.room
  if (left !== undefined && was !== null && was !== name) {
    announcements.push({ key: left.key, line: Line.Renamed({ from: was, to: name }) })
  }
  if (left?.key === room?.key) return announcements
  if (left !== undefined && why !== null) announcements.push({ key: left.key, line: Line.Left({ name, why }) })
  if (room !== undefined) announcements.push({ key: room.key, line: Line.Joined({ name }) })
  return announcements
}
