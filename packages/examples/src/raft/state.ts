/** The state of a node, and what its roles have in common. */
import type { Bug, Bugs } from "./bugs.ts"
import * as Log from "./Log.ts"
import type { Answer, Record, Request, Snapshot } from "./protocol.ts"
import * as Store from "./Store.ts"

/** Nodes are numbered from 1. */
export type Id = number

/** The constants of a node. */
export interface Settings {
  readonly id: Id
  readonly peers: ReadonlyArray<Id>
  /** Entries in a log before a snapshot is taken. */
  readonly snapshotAfter: number
  /** Entries in one message. */
  readonly maxEntries: number
  readonly bugs: Bugs
}

/** What a node does after a step. All writes are synced before any message is sent. */
export type Action =
  | { readonly _tag: "Write"; readonly record: Record }
  | { readonly _tag: "Ask"; readonly peer: Id; readonly request: Request }
  | { readonly _tag: "Answer"; readonly token: number; readonly answer: Answer }
  /** Restarts the timer: for heartbeats of a leader, for elections otherwise. */
  | { readonly _tag: "Timer"; readonly isLeader: boolean }

export interface Follower {
  readonly _tag: "Follower"
  /** 0 if it is not known. */
  readonly leader: Id
}

interface Candidate {
  readonly _tag: "Candidate"
  readonly votes: ReadonlySet<Id>
}

/** What a leader knows of a peer. */
interface Progress {
  /** The next entry to send. */
  readonly next: number
  /** The last entry that it certainly has. */
  readonly match: number
  /** The last round of heartbeats that it has answered. */
  readonly round: number
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
  readonly progress: ReadonlyMap<Id, Progress>
  readonly round: number
  /** The round of the last heartbeat, and how many in a row a majority has not answered. */
  readonly heartbeat: number
  readonly missed: number
  readonly reads: ReadonlyArray<Read>
  /** The first entry of its term. Once it is committed, so is all that earlier leaders committed. */
  readonly first: number
  /** For each entry that a client waits for, the token of its answer. */
  readonly waiting: ReadonlyMap<number, number>
}

export interface State {
  readonly settings: Settings
  readonly term: number
  /** 0 for none. */
  readonly vote: Id
  readonly log: Log.Log
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
export const follow = (state: State, term: number, leader: Id, act: Do): State => {
  if (state.role._tag === "Leader") {
    const answer: Answer = { _tag: "Redirect", leader }
    for (const token of state.role.waiting.values()) act({ _tag: "Answer", token, answer })
    for (const { token } of state.role.reads) act({ _tag: "Answer", token, answer })
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

export const isMajority = ({ settings }: State, count: number): boolean => 2 * count > settings.peers.length + 1

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
