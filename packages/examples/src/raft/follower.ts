/** What a follower does: it votes, and accepts entries and snapshots. */
import * as Log from "./Log.ts"
import type { MessageOf } from "./protocol.ts"
import { applied, ballot, type Do, follow, has, saved, type State, withLog } from "./state.ts"
import * as Store from "./Store.ts"

export const vote = (state: State, token: number, request: MessageOf<"RequestVote">, act: Do): State => {
  // A node that was removed may not know it. It must not disturb a leader.
  const hasLeader = state.role._tag === "Leader" || (state.role._tag === "Follower" && state.role.leader !== 0)
  if (hasLeader && !state.members.has(request.candidate)) {
    act({ _tag: "Answer", token, answer: { _tag: "Vote", term: state.term, isGranted: false } })
    return state
  }
  let next = request.term > state.term ? follow(state, request.term, 0, act) : state
  const isCurrent = Log.lastTerm(next.log) < request.lastTerm ||
    (Log.lastTerm(next.log) === request.lastTerm && Log.lastIndex(next.log) <= request.lastIndex)
  const isFree = next.vote === 0 || next.vote === request.candidate
  const isGranted = request.term === next.term && isFree && (isCurrent || has(next, "electsStaleLogs"))
  if (isGranted) {
    next = { ...next, vote: request.candidate }
    ballot(next, act)
    act({ _tag: "Timer", isLeader: false })
  }
  act({ _tag: "Answer", token, answer: { _tag: "Vote", term: next.term, isGranted } })
  return next
}

const heard = (state: State, request: MessageOf<"Append" | "Install">, act: Do): State | undefined => {
  if (request.term < state.term && !has(state, "followsDeposedLeaders")) return undefined
  act({ _tag: "Timer", isLeader: false })
  return follow(state, Math.max(request.term, state.term), request.leader, act)
}

export const append = (state: State, token: number, request: MessageOf<"Append">, act: Do): State => {
  const answer = (term: number, isMatch: boolean, index: number) =>
    act({ _tag: "Answer", token, answer: { _tag: "Appended", term, isMatch, index } })
  const followed = heard(state, request, act)
  if (followed === undefined) {
    answer(state.term, false, 0)
    return state
  }
  let next = followed
  const { entries, previousIndex } = request
  const base = next.log.base
  // Entries inside the snapshot are committed, and therefore equal.
  const known = Math.max(0, base - previousIndex)
  const previous = previousIndex + known
  const end = previousIndex + entries.length
  if (end >= previous && Log.termAt(next.log, previous) !== (known > 0 ? next.log.baseTerm : request.previousTerm)) {
    answer(next.term, false, Math.min(Log.lastIndex(next.log), previous - 1))
    return has(next, "commitsUnverified")
      ? committed(next, Math.min(request.commit, Log.lastIndex(next.log)), act)
      : next
  }
  let same = known
  if (!has(next, "truncatesMatchingLogs")) {
    while (same < entries.length && Log.termAt(next.log, previousIndex + 1 + same) === entries[same]!.term) same++
  }
  if (same < entries.length) {
    const index = previousIndex + 1 + same
    const added = entries.slice(same)
    act({ _tag: "Write", record: { _tag: "Entries", index, entries: added } })
    next = withLog(next, Log.replaceAfter(next.log, index - 1, added))
  }
  next = committed(next, Math.min(request.commit, end), act)
  answer(next.term, true, end)
  return next
}

const committed = (state: State, index: number, act: Do): State =>
  applied({ ...state, commit: Math.max(state.commit, index) }, act)

export const install = (state: State, token: number, request: MessageOf<"Install">, act: Do): State => {
  const next = heard(state, request, act)
  const { index, term } = request.snapshot
  const isMatch = next !== undefined
  act({ _tag: "Answer", token, answer: { _tag: "Appended", term: (next ?? state).term, isMatch, index } })
  if (next === undefined || index <= next.commit) return next ?? state
  const log = Log.compact(next.log, index, term)
  return saved(withLog({ ...next, commit: index, store: Store.fromSnapshot(request.snapshot) }, log), act)
}
