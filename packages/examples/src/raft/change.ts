/**
 * How a leader changes the members (Ongaro's dissertation, 2014, chapter 4): one node at a time, and a new one only when it
 * has caught up.
 */
import * as Equal from "effect/Equal"
import { appended, committed } from "./leader.ts"
import * as Log from "./Log.ts"
import * as Members from "./Members.ts"
import type { Answer, Entry } from "./protocol.ts"
import type { Do, Leader, Pending, State } from "./state.ts"

// Heartbeats in which a new node must answer, and in which it must catch up.
const maxSilent = 10
const maxBeats = 50

/** Takes a request for a change, in place of one that has not begun. */
export const requested = (state: State, leader: Leader, token: number, change: Members.Change, act: Do): State => {
  const { pending } = leader
  if (pending !== undefined) refuse(pending, "another change was asked for after it; ask again", act)
  const next = pending !== undefined && Equal.equals(pending.change, change)
    ? { ...pending, token }
    : { token, change, goal: Log.lastIndex(state.log), began: 0, beats: 0 }
  return { ...state, role: { ...leader, pending: next } }
}

const refuse = ({ change, token }: Pending, why: string, act: Do): void => {
  const doing = change._tag === "Add" ? "add" : "remove"
  act({ _tag: "Answer", token, answer: { _tag: "Refused", why: `cannot ${doing} node ${change.id}: ${why}` } })
}

/** Appends the pending change as soon as that is safe, or refuses it. */
export const advanced = (state: State, leader: Leader, pending: Pending, act: Do): State => {
  const { log, members, term } = state
  const { beats, change, goal, token } = pending
  const rest: State = { ...state, role: { ...leader, pending: undefined } }
  const refused = (why: string): State => {
    refuse(pending, why, act)
    return rest
  }
  if (beats > maxBeats) return refused("it has not caught up in time; ask again")
  if (!isSettled(state, leader)) return state
  const next = Members.changed(members, change)
  if (next === members) {
    const answer: Answer = { _tag: "Done", result: Members.toText(members) }
    act({ _tag: "Answer", token, answer })
    return rest
  }
  if (next.size === 0) return refused("it is the last member; add another first")
  if (change._tag === "Add") {
    const address = members.get(change.id)
    if (address !== undefined) return refused(`it is a member at ${address}; remove it first`)
    const { match = 0, round = 0 } = leader.progress.get(change.id) ?? {}
    if (round === 0 && beats > maxSilent) return refused("it does not answer; check that it runs")
    if (match < goal) return state
    // What was appended meanwhile takes another round, unless that took less than two heartbeats.
    if (beats - pending.began > 1) {
      return { ...state, role: { ...leader, pending: { ...pending, goal: Log.lastIndex(log), began: beats } } }
    }
  }
  const entry: Entry = { term, client: "", sequence: 0, operation: change }
  const waiting = new Map(leader.waiting).set(Log.lastIndex(log) + 1, token)
  return committed(appended({ ...rest, role: { ...leader, pending: undefined, waiting } }, [entry], act), act)
}

/**
 * Whether the last change is committed, and an entry of this term. Without the second, two leaders in turn may each have
 * made a change to the same members, with majorities that share no node.
 */
const isSettled = (state: State, leader: Leader): boolean => {
  const { commit, log } = state
  const later = Log.slice(log, commit + 1, Infinity)
  return commit >= leader.first && later.every(({ operation }) => !Members.isChange(operation))
}
