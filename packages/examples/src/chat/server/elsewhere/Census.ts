/** The members of the other servers, as those servers reported them. */
import * as Line from "../../protocol/Line.ts"
import * as Name from "../../protocol/Name.ts"
import type { Place, Whereabouts } from "./Elsewhere.ts"
import type { What } from "./news.ts"

interface Server {
  /** When its last news arrived, in monotonic milliseconds. */
  heard: number
  readonly members: Map<string, Whereabouts>
}

/** A line for a room. */
export interface Announcement {
  readonly key: string
  readonly line: Line.Line
}

const goneServer = "its server is gone"

export class Census {
  readonly #servers = new Map<string, Server>()

  #server(name: string): Server {
    const known = this.#servers.get(name)
    if (known !== undefined) return known
    const server = { heard: 0, members: new Map<string, Whereabouts>() }
    this.#servers.set(name, server)
    return server
  }

  /** Applies news of a server. Returns the lines for rooms that follow from it. */
  hear(from: string, what: What, now: number): ReadonlyArray<Announcement> {
    const server = this.#server(from)
    server.heard = now
    switch (what._tag) {
      case "Here":
        if (what.isFirst) server.members.clear()
        for (const { name, room } of what.members) {
          server.members.set(Name.fold(name), { name, room: room ?? undefined })
        }
        return []
      case "Moved":
        return move(server, { name: what.name, room: what.room ?? undefined }, what.was, what.why)
      case "Gone":
        server.members.delete(Name.fold(what.name))
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
    return gone.flatMap(([, { members }]) =>
      Array.from(members.values()).flatMap(({ name, room }) =>
        room === undefined ? [] : [{ key: room.key, line: Line.Left({ name, why: goneServer }) }]
      )
    )
  }

  /** Counts all servers as heard now: while the bus was unreachable, no news could arrive. */
  renew(now: number): void {
    for (const server of this.#servers.values()) server.heard = now
  }

  *members(): Iterable<Whereabouts> {
    for (const { members } of this.#servers.values()) yield* members.values()
  }

  find(name: string): Name.Name | undefined {
    const key = Name.fold(name)
    for (const { members } of this.#servers.values()) {
      const member = members.get(key)
      if (member !== undefined) return member.name
    }
    return undefined
  }

  inRoom(key: string): ReadonlyArray<Name.Name> {
    return Array.from(this.members()).filter(({ room }) => room?.key === key).map(({ name }) => name)
  }

  get rooms(): ReadonlyMap<string, { readonly name: Name.Name; readonly people: number }> {
    const rooms = new Map<string, Place & { people: number }>()
    for (const { room } of this.members()) {
      if (room === undefined) continue
      const known = rooms.get(room.key)
      if (known === undefined) rooms.set(room.key, { ...room, people: 1 })
      else known.people++
    }
    return rooms
  }

  get size(): number {
    return Array.from(this.#servers.values()).reduce((sum, { members }) => sum + members.size, 0)
  }
}

const move = (
  { members }: Server,
  now: Whereabouts,
  was: string | null,
  why: string | null
): ReadonlyArray<Announcement> => {
  const { name, room } = now
  const before = members.get(Name.fold(was ?? name))
  if (was !== null) members.delete(Name.fold(was))
  members.set(Name.fold(name), now)
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
