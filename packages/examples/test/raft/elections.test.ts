import { describe, expect, it } from "@effect/vitest"
import * as bugs from "../../src/raft/bugs.ts"
import { load, step } from "../../src/raft/core.ts"
import type * as Members from "../../src/raft/Members.ts"
import type { Request } from "../../src/raft/protocol.ts"
import type { State } from "../../src/raft/state.ts"
import * as Store from "../../src/raft/Store.ts"

const founders: Members.Members = new Map([1, 2, 3].map((id) => [id, `node${id}:7000`]))

describe("a trial of an election", () => {
  const started = (id: number): State =>
    load({ id, snapshotAfter: 100, maxEntries: 100, bugs: bugs.none }, [
      { _tag: "Snapshot", snapshot: Store.toSnapshot(Store.founded(founders), 0) }
    ])

  it("raises no term, and writes nothing", () => {
    const [candidate, actions] = step(started(1), [{ _tag: "Timeout" }])
    expect([candidate.term, candidate.vote]).toEqual([0, 0])
    expect(actions.map(({ _tag }) => _tag)).toEqual(["Timer", "Ask", "Ask"])
  })

  it("has the votes of nodes whose log is not newer, which stay free to vote", () => {
    const trial: Request = { _tag: "RequestVote", term: 1, candidate: 1, lastIndex: 1, lastTerm: 0, isTrial: true }
    const asked = (request: Request) => step(started(2), [{ _tag: "Asked", token: 1, request }])
    const answer = (isGranted: boolean) => [{ _tag: "Answer", token: 1, answer: { _tag: "Vote", term: 0, isGranted } }]
    expect(asked(trial)).toEqual([started(2), answer(true)])
    expect(asked({ ...trial, lastIndex: 0 })).toEqual([started(2), answer(false)])
    expect(asked({ ...trial, term: 0 })).toEqual([started(2), answer(false)])
  })
})
