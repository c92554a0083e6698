/** The replicated state: members, values by key, and for each client its last command and the answer to it. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Members from "./Members.ts"
import type { Entry, Operation, Snapshot } from "./protocol.ts"

interface Session {
  readonly sequence: number
  readonly result: string
  readonly index: number
}

export interface Store {
  /** The last entry that was applied. */
  readonly index: number
  readonly members: Members.Members
  readonly values: HashMap.HashMap<string, string>
  readonly sessions: HashMap.HashMap<string, Session>
}

// Clients that are remembered. A further client takes the place of the least recently active, on every node alike.
const maxSessions = 10_000

export const empty: Store = { index: 0, members: Members.none, values: HashMap.empty(), sessions: HashMap.empty() }

/** A new store. Its members are the first entry, so that a node without it begins with a snapshot. */
export const founded = (members: Members.Members): Store => ({ ...empty, index: 1, members })

export const get = (self: Store, key: string): string => Option.getOrElse(HashMap.get(self.values, key), () => "")

/** Applies the next entry. A repeated command returns its first answer, and has no effect. */
export const apply = (self: Store, entry: Entry, isRepeated: boolean): readonly [Store, string] => {
  const index = self.index + 1
  const { client, operation, sequence } = entry
  if (operation._tag === "Nothing") return [{ ...self, index }, ""]
  if (Members.isChange(operation)) {
    const members = Members.changed(self.members, operation)
    return [{ ...self, index, members }, Members.toText(members)]
  }
  const session = Option.getOrUndefined(HashMap.get(self.sessions, client))
  if (session !== undefined && sequence <= session.sequence && !isRepeated) return [{ ...self, index }, session.result]
  const [values, result] = run(self, operation)
  const sessions = HashMap.set(self.sessions, client, { sequence, result, index })
  return [
    { ...self, index, values, sessions: HashMap.size(sessions) > maxSessions ? withoutOldest(sessions) : sessions },
    result
  ]
}

const run = (self: Store, operation: Exclude<Operation, Members.Change>): readonly [Store["values"], string] => {
  switch (operation._tag) {
    case "Put":
      return [HashMap.set(self.values, operation.key, operation.value), ""]
    case "CompareAndSet": {
      const isSet = get(self, operation.key) === operation.from
      return [isSet ? HashMap.set(self.values, operation.key, operation.to) : self.values, String(isSet)]
    }
    case "Get":
      return [self.values, get(self, operation.key)]
    case "Nothing":
      return [self.values, ""]
  }
}

const withoutOldest = (sessions: Store["sessions"]): Store["sessions"] => {
  let oldest = ""
  let least = Infinity
  for (const [client, { index }] of sessions) {
    if (index < least) [oldest, least] = [client, index]
  }
  return HashMap.remove(sessions, oldest)
}

export const toSnapshot = (self: Store, term: number): Snapshot => ({
  index: self.index,
  term,
  members: Array.from(self.members, ([id, address]) => ({ id, address })),
  values: Array.from(self.values, ([key, value]) => ({ key, value })),
  sessions: Array.from(self.sessions, ([client, session]) => ({ client, ...session }))
})

export const fromSnapshot = ({ index, members, sessions, values }: Snapshot): Store => ({
  index,
  members: new Map(members.map(({ address, id }) => [id, address])),
  values: HashMap.fromIterable(values.map(({ key, value }) => [key, value] as const)),
  sessions: HashMap.fromIterable(sessions.map(({ client, ...session }) => [client, session] as const))
})
