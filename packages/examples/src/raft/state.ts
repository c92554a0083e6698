/** The state of a node, and what its roles have in common. */
import type { Bug, Bugs } from "./bugs.ts"
import * as Log from "./Log.ts"
import * as Members from "./Members.ts"
import type { Answer, Record, Request, Snapshot } from "./protocol.ts"
import * as Store from "./Store.ts"

/** The constants of a node. */
export interface Settings {
  readonly id: Members.Id
  /** Entries in a log before a snapshot is taken. */
  readonly snapshotAfter: number
  /** Entries in one message. */
  readonly maxEntries: number
  readonly bugs: Bugs
}

/** What a node does after a step. All writes are synced before any message is sent. */
export type Action =
  | { readonly _tag: "Write"; readonly record: Record }
  | { readonly _tag: "Ask"; readonly peer: Members.Id; readonly address: string; readonly request: Request }
  | { readonly _tag: "Answer"; readonly token: number; readonly answer: Answer }
  /** Restarts the timer: for heartbeats of a leader, for elections otherwise. */
  | { readonly _tag: "Timer"; readonly isLeader: boolean }

export interface Follower {
  readonly _tag: "Follower"
  /** 0 if it is not known. */
  readonly leader: Members.Id
}

interface Candidate {
  readonly _tag: "Candidate"
  readonly votes: ReadonlySet<Members.Id>
}

/** What a leader knows of a peer. */
export interface Progress {
  /** The next entry to send. */
  readonly next: number
  /** The last entry that it certainly has. */
  readonly match: number
  /** The last round of heartbeats that it has answered. */
  readonly round: number
}

/** A change of the members that is not in the log yet. */
export interface Pending {
  readonly token: number
  readonly change: Members.Change
  /** The heartbeats since it was asked for. */
  readonly beats: number
  /** A new node catches up in rounds: to have the log up to `goal`, which was its end after `began` heartbeats. */
  readonly goal: number
  readonly began: number
}

interface Read {
  readonly token: number
  readonly key: string
  /** It is answered when the entry at `index` is applied, and a majority has answered `round`. */
  readonly index: number
  readonly round: number
}

export interface Leader {
  readonly _tag: "Leader"
  readonly progress: ReadonlyMap<Members.Id, Progress>
  readonly round: number
  /** The round of the last heartbeat, and how many in a row a majority has not answered. */
  readonly heartbeat: number
  readonly missed: number
  readonly reads: ReadonlyArray<Read>
  /** The first entry of its term. Once it is committed, so is all that earlier leaders committed. */
  readonly first: number
  /** For each entry that a client waits for, the token of its answer. */
  readonly waiting: ReadonlyMap<number, number>
  readonly pending: Pending | undefined
}

export interface State {
  readonly settings: Settings
  readonly term: number
  /** 0 for none. */
  readonly vote: Members.Id
  readonly log: Log.Log
  /** The members after all changes in the log, committed or not. */
  readonly members: Members.Members
  readonly commit: number
  readonly store: Store.Store
  readonly role: Follower | Candidate | Leader
}

export type Do = (action: Action) => void

export const has = ({ settings }: State, bug: Bug): boolean => settings.bugs.has(bug)

export const ballot = (state: State, act: Do): void =>
  act({
    _tag: "Write",
    record: {
      _tag: "Ballot",
      term: has(state, "forgetsTerms") ? 0 : state.term,
      vote: has(state, "forgetsVotes") ? 0 : state.vote
    }
  })

/** Follows a leader, or 0 while there is none, in the same or a later term. */
export const follow = (state: State, term: number, leader: Members.Id, act: Do): State => {
  if (state.role._tag === "Leader") {
    const answer: Answer = { _tag: "Redirect", address: state.members.get(leader) ?? "" }
    for (const token of state.role.waiting.values()) act({ _tag: "Answer", token, answer })
    for (const { token } of state.role.reads) act({ _tag: "Answer", token, answer })
    if (state.role.pending !== undefined) act({ _tag: "Answer", token: state.role.pending.token, answer })
    act({ _tag: "Timer", isLeader: false })
  }
  const next: State = {
    ...state,
    term,
    vote: term > state.term ? 0 : state.vote,
    role: { _tag: "Follower", leader }
  }
  if (term > state.term) ballot(next, act)
  return next
}

/** Another log, and the members that it makes. */
export const withLog = (state: State, log: Log.Log): State => {
  const { index, members } = state.store
  return { ...state, log, members: Members.after(members, Log.slice(log, index + 1, Infinity)) }
}

/** Whether a node may lead: as a member, or one until its removal is committed. */
export const isMember = ({ members, settings: { id }, store }: State): boolean =>
  members.has(id) || store.members.has(id)

/** The other members, and a node that is being added. */
export const peers = ({ members, role, settings: { id } }: State): Members.Members => {
  const others = new Map(members)
  others.delete(id)
  if (role._tag === "Leader" && role.pending?.change._tag === "Add" && !members.has(role.pending.change.id)) {
    others.set(role.pending.change.id, role.pending.change.address)
  }
  return others
}

/** Applies what is committed, and takes a snapshot when the log has become long. */
export const applied = (state: State, act: Do): State => {
  const { commit, log, role } = state
  if (state.store.index >= commit) return state
  let { store } = state
  const waiting = role._tag === "Leader" ? new Map(role.waiting) : undefined
  while (store.index < commit) {
    const [next, result] = Store.apply(store, Log.entryAt(log, store.index + 1), has(state, "repeatsWrites"))
    store = next
    const token = waiting?.get(store.index)
    if (token !== undefined) act({ _tag: "Answer", token, answer: { _tag: "Done", result } })
    waiting?.delete(store.index)
  }
  const next: State = {
    ...state,
    store,
    role: role._tag === "Leader" && waiting !== undefined ? { ...role, waiting } : role
  }
  return commit - log.base < state.settings.snapshotAfter
    ? next
    : saved({ ...next, log: Log.compact(log, commit, Log.termAt(log, commit)!) }, act)
}

export const snapshotOf = (state: State): Snapshot => {
  const snapshot = Store.toSnapshot(state.store, Log.termAt(state.log, state.store.index)!)
  return has(state, "snapshotsWithoutSessions") ? { ...snapshot, sessions: [] } : snapshot
}

/** Writes a snapshot, and after it the vote and the remaining entries. */
export const saved = (state: State, act: Do): State => {
  const { log } = state
  act({ _tag: "Write", record: { _tag: "Snapshot", snapshot: snapshotOf(state) } })
  ballot(state, act)
  act({ _tag: "Write", record: { _tag: "Entries", index: log.base + 1, entries: log.entries } })
  return state
}
