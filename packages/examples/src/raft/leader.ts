/** What a leader does: it replicates its log, commits, and answers clients. */
import * as Log from "./Log.ts"
import * as Members from "./Members.ts"
import type { Entry, MessageOf } from "./protocol.ts"
import {
  applied,
  type Do,
  follow,
  has,
  isMember,
  type Leader,
  peers,
  type Progress,
  snapshotOf,
  type State,
  withLog
} from "./state.ts"
import * as Store from "./Store.ts"

export const lead = (state: State, act: Do): State => {
  const last = Log.lastIndex(state.log)
  // Who takes entries of earlier terms for committed by counting sees no need for one of the own term.
  const start: Entry = { term: state.term, client: "", sequence: 0, operation: { _tag: "Nothing" } }
  const entries = has(state, "commitsEarlierTerms") ? [] : [start]
  const role: Leader = {
    _tag: "Leader",
    progress: new Map(),
    round: 0,
    heartbeat: 0,
    missed: 0,
    reads: [],
    first: last + entries.length,
    waiting: new Map(),
    pending: undefined
  }
  return committed(replicate(appended({ ...state, role }, entries, act), role, true, act), act)
}

export const appended = (state: State, entries: ReadonlyArray<Entry>, act: Do): State => {
  const last = Log.lastIndex(state.log)
  act({ _tag: "Write", record: { _tag: "Entries", index: last + 1, entries } })
  return withLog(state, Log.replaceAfter(state.log, last, entries))
}

// Heartbeats without a majority before a leader steps down, so that waiting clients ask another node.
const maxMissed = 10

export const beat = (state: State, leader: Leader, act: Do): State => {
  const missed = isHeard(state, leader, leader.heartbeat) ? 0 : leader.missed + 1
  if (missed > maxMissed || !isMember(state)) return follow(state, state.term, 0, act)
  const pending = leader.pending && { ...leader.pending, beats: leader.pending.beats + 1 }
  return replicate(state, { ...leader, missed, pending, heartbeat: leader.round + 1 }, true, act)
}

/** Whether a majority, itself included if it is a member, has answered a round. */
const isHeard = ({ members, settings: { id } }: State, { progress }: Leader, round: number): boolean =>
  Members.isMajority(members, (member) => member === id || (progress.get(member)?.round ?? 0) >= round)

/** Sends each peer the entries that it lacks; at a heartbeat, or when a read waits for the next round, sends to all. */
export const replicate = (state: State, leader: Leader, isHeartbeat: boolean, act: Do): State => {
  const { id, maxEntries } = state.settings
  const isRound = isHeartbeat || leader.reads.some((read) => read.round > leader.round)
  const round = isRound ? leader.round + 1 : leader.round
  if (isHeartbeat) act({ _tag: "Timer", isLeader: true })
  const progress = new Map<Members.Id, Progress>()
  const { commit, log, term } = state
  for (const [peer, address] of peers({ ...state, role: leader })) {
    const known = leader.progress.get(peer) ?? { next: Log.lastIndex(log) + 1, match: 0, round: 0 }
    progress.set(peer, known)
    if (!isRound && known.next > Log.lastIndex(log)) continue
    const previousIndex = known.next - 1
    const previousTerm = Log.termAt(log, previousIndex)
    if (previousTerm === undefined) {
      const snapshot = snapshotOf(state)
      act({ _tag: "Ask", peer, address, request: { _tag: "Install", term, leader: id, round, snapshot } })
      progress.set(peer, { ...known, next: snapshot.index + 1 })
      continue
    }
    const entries = Log.slice(log, known.next, maxEntries)
    const request = { _tag: "Append", term, leader: id, round, previousIndex, previousTerm, commit, entries } as const
    act({ _tag: "Ask", peer, address, request })
    progress.set(peer, { ...known, next: known.next + entries.length })
  }
  return { ...state, role: { ...leader, round, progress } }
}

export const matched = (
  state: State,
  peer: Members.Id,
  request: MessageOf<"Append" | "Install">,
  { index, isMatch, term }: MessageOf<"Appended">,
  act: Do
): State => {
  const { log, role } = state
  const known = role._tag === "Leader" ? role.progress.get(peer) : undefined
  if (role._tag !== "Leader" || known === undefined || term !== state.term || request.term !== term) return state
  const end = request._tag === "Install" ? request.snapshot.index : request.previousIndex + request.entries.length
  const replicated = has(state, "overstatesMatches") ? Log.lastIndex(log) : end
  const match = isMatch ? Math.max(known.match, replicated) : known.match
  // Requests are pipelined, so only a mismatch moves `next` back.
  const next = isMatch ? Math.max(known.next, match + 1) : Math.max(match + 1, Math.min(known.next, index + 1))
  const progress = new Map(role.progress).set(peer, { next, match, round: Math.max(known.round, request.round) })
  return committed({ ...state, role: { ...role, progress } }, act)
}

/** Commits the entries that a majority has, and answers waiting clients. */
export const committed = (state: State, act: Do): State => {
  const { commit, log, members, role, settings: { id } } = state
  if (role._tag !== "Leader") return state
  const last = (member: Members.Id) => member === id ? Log.lastIndex(log) : role.progress.get(member)?.match ?? 0
  const counted = has(state, "countsRemovedLeaders") ? new Set([id, ...members.keys()]) : members.keys()
  const all = Array.from(counted, last).sort((a, b) => b - a)
  const index = all[Math.floor(members.size / 2)]!
  const isOwn = Log.termAt(log, index) === state.term || has(state, "commitsEarlierTerms")
  return answerReads(applied(index > commit && isOwn ? { ...state, commit: index } : state, act), act)
}

export const answerReads = (state: State, act: Do): State => {
  const { role, store } = state
  if (role._tag !== "Leader" || role.reads.length === 0) return state
  const rest = role.reads.filter(({ index, key, round, token }) => {
    if (index > store.index || !isHeard(state, role, round)) return true
    act({ _tag: "Answer", token, answer: { _tag: "Done", result: Store.get(store, key) } })
    return false
  })
  return { ...state, role: { ...role, reads: rest } }
}

export const submitted = (
  state: State,
  role: Leader,
  token: number,
  request: MessageOf<"Submit">,
  act: Do
): State => {
  const { store, term } = state
  const { client, operation, sequence } = request
  if (operation._tag === "Get") {
    const { key } = operation
    if (has(state, "readsLocally")) {
      act({ _tag: "Answer", token, answer: { _tag: "Done", result: Store.get(store, key) } })
      return state
    }
    const index = Math.max(state.commit, role.first)
    return { ...state, role: { ...role, reads: [...role.reads, { token, key, index, round: role.round + 1 }] } }
  }
  const next = appended(state, [{ term, client, sequence, operation }], act)
  const waiting = new Map(role.waiting).set(Log.lastIndex(next.log), token)
  return committed({ ...next, role: { ...role, waiting } }, act)
}
