/**
 * Raft (Ongaro and Ousterhout, 2014) as a function from a state and inputs to the next state and actions, without time,
 * network or disk.
 */
import * as Change from "./change.ts"
import * as Follower from "./follower.ts"
import * as Leader from "./leader.ts"
import * as Log from "./Log.ts"
import * as Members from "./Members.ts"
import type { Answer, MessageOf, Record, Request } from "./protocol.ts"
import { type Action, ballot, type Do, follow, isMember, peers, type Settings, type State, withLog } from "./state.ts"
import * as Store from "./Store.ts"

/** What happened. */
export type Input =
  /** The election timeout passed without a leader, or, for a leader, a heartbeat is due. */
  | { readonly _tag: "Timeout" }
  /** A request. The token identifies its answer. */
  | { readonly _tag: "Asked"; readonly token: number; readonly request: Request }
  /** A peer has answered a request. */
  | { readonly _tag: "Answered"; readonly by: Members.Id; readonly request: Request; readonly answer: Answer }

/** The state at startup, from stored records. */
export const load = (settings: Settings, records: ReadonlyArray<Record>): State => {
  let state: State = {
    settings,
    term: 0,
    vote: 0,
    log: Log.empty,
    members: Members.none,
    commit: 0,
    store: Store.empty,
    role: { _tag: "Follower", leader: 0 }
  }
  for (const record of records) {
    switch (record._tag) {
      case "Ballot":
        state = { ...state, term: record.term, vote: record.vote }
        break
      case "Entries": {
        const log = Log.replaceAfter(state.log, record.index - 1, record.entries)
        state = settings.bugs.has("forgetsMembers") ? { ...state, log } : withLog(state, log)
        break
      }
      case "Snapshot": {
        const { index, term } = record.snapshot
        const store = Store.fromSnapshot(record.snapshot)
        state = withLog({ ...state, commit: index, store }, { base: index, baseTerm: term, entries: [] })
      }
    }
  }
  return state
}

/** Handles inputs, and returns actions. The inputs of one step share writes and messages. */
export const step = (state: State, inputs: ReadonlyArray<Input>): readonly [State, ReadonlyArray<Action>] => {
  const actions: Array<Action> = []
  const act: Do = (action) => void actions.push(action)
  let next = state
  for (const input of inputs) next = take(next, input, act)
  if (next.role._tag === "Leader" && next.role.pending !== undefined) {
    next = Change.advanced(next, next.role, next.role.pending, act)
  }
  if (next.role._tag === "Leader") next = Leader.answerReads(Leader.replicate(next, next.role, false, act), act)
  return [next, actions]
}

const take = (state: State, input: Input, act: Do): State => {
  switch (input._tag) {
    case "Timeout":
      return state.role._tag === "Leader" ? Leader.beat(state, state.role, act) : campaign(state, act)
    case "Asked":
      return asked(state, input.token, input.request, act)
    case "Answered":
      return answered(state, input.by, input.request, input.answer, act)
  }
}

const campaign = (state: State, act: Do): State => {
  if (!isMember(state)) return follow(state, state.term, 0, act)
  const { id } = state.settings
  const term = state.term + 1
  const next: State = { ...state, term, vote: id, role: { _tag: "Candidate", votes: new Set([id]) } }
  ballot(next, act)
  act({ _tag: "Timer", isLeader: false })
  const lastIndex = Log.lastIndex(next.log)
  const lastTerm = Log.lastTerm(next.log)
  const request: Request = { _tag: "RequestVote", term, candidate: id, lastIndex, lastTerm }
  for (const [peer, address] of peers(next)) act({ _tag: "Ask", peer, address, request })
  return Members.isMajority(next.members, (member) => member === id) ? Leader.lead(next, act) : next
}

const counted = (state: State, by: Members.Id, { isGranted, term }: MessageOf<"Vote">, act: Do): State => {
  if (state.role._tag !== "Candidate" || !isGranted || term !== state.term) return state
  const votes = new Set([...state.role.votes, by])
  const next: State = { ...state, role: { _tag: "Candidate", votes } }
  return Members.isMajority(next.members, (id) => votes.has(id)) ? Leader.lead(next, act) : next
}

const asked = (state: State, token: number, request: Request, act: Do): State => {
  switch (request._tag) {
    case "RequestVote":
      return Follower.vote(state, token, request, act)
    case "Append":
      return Follower.append(state, token, request, act)
    case "Install":
      return Follower.install(state, token, request, act)
    case "Submit":
      return submitted(state, token, request, act)
  }
}

const submitted = (state: State, token: number, request: MessageOf<"Submit">, act: Do): State => {
  const { members, role } = state
  if (role._tag !== "Leader") {
    const address = (role._tag === "Follower" ? members.get(role.leader) : undefined) ?? ""
    act({ _tag: "Answer", token, answer: { _tag: "Redirect", address } })
    return state
  }
  return Members.isChange(request.operation)
    ? Change.requested(state, role, token, request.operation, act)
    : Leader.submitted(state, role, token, request, act)
}

const answered = (state: State, by: Members.Id, request: Request, answer: Answer, act: Do): State => {
  if (answer._tag !== "Vote" && answer._tag !== "Appended") return state
  if (answer.term > state.term) return follow(state, answer.term, 0, act)
  if (answer._tag === "Vote") return counted(state, by, answer, act)
  return request._tag === "Append" || request._tag === "Install"
    ? Leader.matched(state, by, request, answer, act)
    : state
}
