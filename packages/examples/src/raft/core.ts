/**
 * Raft (Ongaro and Ousterhout, 2014) as a function from a state and inputs to the next state and actions, without time,
 * network or disk.
 */
import * as Follower from "./follower.ts"
import * as Leader from "./leader.ts"
import * as Log from "./Log.ts"
import type { Answer, MessageOf, Record, Request } from "./protocol.ts"
import { type Action, ballot, type Do, follow, type Id, isMajority, type Settings, type State } from "./state.ts"
import * as Store from "./Store.ts"

/** What happened. */
export type Input =
  /** The election timeout passed without a leader, or, for a leader, a heartbeat is due. */
  | { readonly _tag: "Timeout" }
  /** A request. The token identifies its answer. */
  | { readonly _tag: "Asked"; readonly token: number; readonly request: Request }
  /** A peer has answered a request. */
  | { readonly _tag: "Answered"; readonly by: Id; readonly request: Request; readonly answer: Answer }

/** The state at startup, from stored records. */
export const load = (settings: Settings, records: ReadonlyArray<Record>): State => {
  let state: State = {
    settings,
    term: 0,
    vote: 0,
    log: Log.empty,
    commit: 0,
    store: Store.empty,
    role: { _tag: "Follower", leader: 0 }
  }
  for (const record of records) {
    switch (record._tag) {
      case "Ballot":
        state = { ...state, term: record.term, vote: record.vote }
        break
      case "Entries":
        state = { ...state, log: Log.replaceAfter(state.log, record.index - 1, record.entries) }
        break
      case "Snapshot": {
        const { index, term } = record.snapshot
        const store = Store.fromSnapshot(record.snapshot)
        state = { ...state, log: { base: index, baseTerm: term, entries: [] }, commit: index, store }
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
  const { id, peers } = state.settings
  const term = state.term + 1
  const next: State = { ...state, term, vote: id, role: { _tag: "Candidate", votes: new Set([id]) } }
  ballot(next, act)
  act({ _tag: "Timer", isLeader: false })
  const lastIndex = Log.lastIndex(next.log)
  const lastTerm = Log.lastTerm(next.log)
  for (const peer of peers) {
    act({ _tag: "Ask", peer, request: { _tag: "RequestVote", term, candidate: id, lastIndex, lastTerm } })
  }
  return isMajority(next, 1) ? Leader.lead(next, act) : next
}

const counted = (state: State, by: Id, { isGranted, term }: MessageOf<"Vote">, act: Do): State => {
  if (state.role._tag !== "Candidate" || !isGranted || term !== state.term) return state
  const votes = new Set([...state.role.votes, by])
  const next: State = { ...state, role: { _tag: "Candidate", votes } }
  return isMajority(next, votes.size) ? Leader.lead(next, act) : next
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
      return Leader.submitted(state, token, request, act)
  }
}

const answered = (state: State, by: Id, request: Request, answer: Answer, act: Do): State => {
  if (answer._tag !== "Vote" && answer._tag !== "Appended") return state
  if (answer.term > state.term) return follow(state, answer.term, 0, act)
  if (answer._tag === "Vote") return counted(state, by, answer, act)
  return request._tag === "Append" || request._tag === "Install"
    ? Leader.matched(state, by, request, answer, act)
    : state
}
