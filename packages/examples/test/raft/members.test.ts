import { describe, expect, it } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as bugs from "../../src/raft/bugs.ts"
import * as Client from "../../src/raft/client.ts"
import { type Input, load, step } from "../../src/raft/core.ts"
import * as Members from "../../src/raft/Members.ts"
import * as Node from "../../src/raft/node.ts"
import type { Operation, Record, Request } from "../../src/raft/protocol.ts"
import type { Action, State } from "../../src/raft/state.ts"
import * as Storage from "../../src/raft/Storage.ts"
import * as Store from "../../src/raft/Store.ts"

const addressOf = (id: number) => `node${id}:7000`
const membersOf = (...ids: ReadonlyArray<number>): Members.Members => new Map(ids.map((id) => [id, addressOf(id)]))
const add = (id: number): Operation => ({ _tag: "Add", id, address: addressOf(id) })
const remove = (id: number): Operation => ({ _tag: "Remove", id })

/** Starts a node, which keeps its disk when its host crashes. */
const start = Effect.fnUntraced(function*(id: number, founders: Members.Members, watch?: Node.Options["watch"]) {
  const host = yield* SimNetwork.host(`node${id}`, { disk: {} })
  const serve = Node.serve({ id, founders, listen: "tcp://0.0.0.0:7000", snapshotAfter: 5, watch })
  yield* Host.start(host, Effect.provide(serve, Storage.layer("/raft")))
  return host
})

const submit = Effect.fnUntraced(function*(nodes: ReadonlyArray<number>, operation: Operation) {
  const store = yield* Client.make({ name: `client${JSON.stringify(operation)}`, nodes: nodes.map(addressOf) })
  return yield* store.submit(operation)
}, Effect.scoped)

describe("members of a Raft", () => {
  VitestSimulation.it(
    "are replaced one after the other while the store keeps its values, also when all of them restart",
    Effect.gen(function*() {
      const founders = yield* Effect.forEach([1, 2, 3], (id) => start(id, membersOf(1, 2, 3)))
      const others = yield* Effect.forEach([4, 5, 6], (id) => start(id, Members.none))
      const client = yield* SimNetwork.host("client")
      const ask = (nodes: ReadonlyArray<number>, operation: Operation) => Host.run(client, submit(nodes, operation))
      for (let count = 0; count < 10; count++) yield* ask([1], { _tag: "Put", key: "key", value: `${count}` })
      for (const id of [1, 2, 3]) {
        yield* ask([id], add(id + 3))
        yield* ask([id, id + 3], remove(id))
      }
      yield* Fault.crash(founders)
      expect(yield* ask([4], add(4))).toBe(Members.toText(membersOf(4, 5, 6)))
      yield* Fault.crash(others)
      yield* Fault.restart(others)
      expect(yield* ask([6], { _tag: "Get", key: "key" })).toBe("9")
    })
  )

  VitestSimulation.it(
    "a node that runs on after its removal deposes no leader until it is added again, and is a member then",
    Effect.gen(function*() {
      const terms = new Set<number>()
      const watch = ({ role, term }: State) =>
        Effect.sync(() => {
          if (role._tag === "Leader") terms.add(term)
        })
      yield* Effect.forEach([1, 2], (id) => start(id, membersOf(1, 2), watch))
      yield* start(3, Members.none, watch)
      const client = yield* SimNetwork.host("client")
      const ask = (operation: Operation) => Host.run(client, submit([1, 2], operation))
      yield* ask(add(3))
      yield* ask(remove(3))
      yield* Effect.sleep("5 seconds")
      expect(terms.size).toBe(1)
      expect(yield* ask(add(3))).toBe(Members.toText(membersOf(1, 2, 3)))
    })
  )

  VitestSimulation.it(
    "a node that does not run is not added, and the last member is not removed",
    Effect.gen(function*() {
      yield* start(1, membersOf(1))
      const client = yield* SimNetwork.host("client")
      yield* SimNetwork.host("node2")
      const refused = (operation: Operation) =>
        Host.run(client, Effect.map(Effect.flip(submit([1], operation)), ({ message }) => message))
      expect(yield* refused(add(2))).toBe("cannot add node 2: it does not answer; check that it runs")
      expect(yield* refused(remove(1))).toBe("cannot remove node 1: it is the last member; add another first")
      expect(yield* refused({ _tag: "Add", id: 1, address: "node2:7000" })).toBe(
        "cannot add node 1: it is a member at node1:7000; remove it first"
      )
    })
  )
})

const started = (id: number, founders: Members.Members): State =>
  load({ id, snapshotAfter: 100, maxEntries: 100, bugs: bugs.none }, [
    { _tag: "Snapshot", snapshot: Store.toSnapshot(Store.founded(founders), 0) }
  ])

/** The state and the actions after some steps. */
const stepped = (state: State, ...inputs: ReadonlyArray<Input>): readonly [State, ReadonlyArray<Action>] => {
  let current = state
  const actions = inputs.flatMap((input) => {
    const [next, done] = step(current, [input])
    current = next
    return done
  })
  return [current, actions]
}

const requests = (actions: ReadonlyArray<Action>, to: number): ReadonlyArray<Request> =>
  actions.flatMap((action) => action._tag === "Ask" && action.peer === to ? [action.request] : [])

const written = (actions: ReadonlyArray<Action>): ReadonlyArray<Record> =>
  actions.flatMap((action) => action._tag === "Write" ? [action.record] : [])

const changesIn = (records: ReadonlyArray<Record>): ReadonlyArray<Operation> =>
  records.flatMap((record) => record._tag === "Entries" ? record.entries.map(({ operation }) => operation) : [])
    .filter(Members.isChange)

/** A follower has accepted these requests. */
const accepted = (by: number, sent: ReadonlyArray<Request>): ReadonlyArray<Input> =>
  sent.flatMap((request): ReadonlyArray<Input> =>
    request._tag === "Append"
      ? [{
        _tag: "Answered",
        by,
        request,
        answer: {
          _tag: "Appended",
          term: request.term,
          isMatch: true,
          index: request.previousIndex + request.entries.length
        }
      }]
      : []
  )

const elected = (state: State): readonly [State, ReadonlyArray<Action>] => {
  const [candidate, asked] = stepped(state, { _tag: "Timeout" })
  const [request] = requests(asked, 2)
  return stepped(candidate, {
    _tag: "Answered",
    by: 2,
    request: request!,
    answer: { _tag: "Vote", term: candidate.term, isGranted: true }
  })
}

const change = (token: number, operation: Operation): Input => ({
  _tag: "Asked",
  token,
  request: { _tag: "Submit", client: "client", sequence: token, operation }
})

describe("a leader", () => {
  it("changes the members only after it has committed an entry of its own term, and then one at a time", () => {
    const [leader, begun] = elected(started(1, membersOf(1, 2, 3)))
    const [asked, early] = stepped(leader, change(1, remove(3)))
    expect(changesIn(written(early))).toEqual([])
    const [changing, late] = stepped(asked, ...accepted(2, requests(begun, 2)))
    expect(changesIn(written(late))).toEqual([remove(3)])
    const [more, second] = stepped(changing, change(2, remove(2)))
    expect(changesIn(written(second))).toEqual([])
    const [, third] = stepped(more, ...accepted(2, requests(late, 2)))
    expect(changesIn(written(third))).toEqual([remove(2)])
  })

  it("that is removed does not count itself, and steps down when that is committed", () => {
    const [leader, begun] = elected(started(1, membersOf(1, 2, 3)))
    const [removed, actions] = stepped(leader, ...accepted(2, requests(begun, 2)), change(1, remove(1)))
    const [waiting, first] = stepped(removed, ...accepted(2, requests(actions, 2)))
    expect([waiting.store.members.has(1), first.some(({ _tag }) => _tag === "Answer")]).toEqual([true, false])
    const [done, second] = stepped(waiting, ...accepted(3, requests(actions, 3)))
    expect(second).toContainEqual({
      _tag: "Answer",
      token: 1,
      answer: { _tag: "Done", result: Members.toText(membersOf(2, 3)) }
    })
    const [after] = stepped(done, { _tag: "Timeout" })
    expect(after.role._tag).toBe("Follower")
    const [idle, none] = stepped(after, { _tag: "Timeout" })
    expect([idle.term, none]).toEqual([after.term, []])
  })
})

describe("a node that was removed", () => {
  const request: Input = {
    _tag: "Asked",
    token: 1,
    request: { _tag: "RequestVote", term: 50, candidate: 9, lastIndex: 100, lastTerm: 49 }
  }

  it("does not disturb a leader or its followers", () => {
    const [leader, begun] = elected(started(1, membersOf(1, 2, 3)))
    const [append] = requests(begun, 2)
    const [follower] = stepped(started(2, membersOf(1, 2, 3)), { _tag: "Asked", token: 0, request: append! })
    for (const state of [leader, follower]) {
      const [next, actions] = stepped(state, request)
      expect([next.term, next.role._tag]).toEqual([1, state.role._tag])
      expect(actions).toEqual([{ _tag: "Answer", token: 1, answer: { _tag: "Vote", term: 1, isGranted: false } }])
    }
  })

  it("gets the votes of nodes without a leader: its removal may be what they lack", () => {
    const [next] = stepped(started(2, membersOf(1, 2, 3)), request)
    expect([next.term, next.vote]).toEqual([50, 9])
  })
})

describe("a node that restarts", () => {
  it("has the members of its log, committed or not, and without what a leader has truncated", () => {
    const [leader, begun] = elected(started(1, membersOf(1, 2, 3)))
    const [asked, actions] = stepped(leader, ...accepted(2, requests(begun, 2)), change(1, remove(3)))
    const records: ReadonlyArray<Record> = [
      { _tag: "Snapshot", snapshot: Store.toSnapshot(Store.founded(membersOf(1, 2, 3)), 0) },
      ...written(begun),
      ...written(actions)
    ]
    const again = load(asked.settings, records)
    expect(again.members).toEqual(membersOf(1, 2))
    const truncating: Request = {
      _tag: "Append",
      term: 7,
      leader: 3,
      round: 1,
      previousIndex: 2,
      previousTerm: 1,
      commit: 2,
      entries: [{ term: 7, client: "", sequence: 0, operation: { _tag: "Nothing" } }]
    }
    const [truncated] = stepped(again, { _tag: "Asked", token: 1, request: truncating })
    expect(truncated.members).toEqual(membersOf(1, 2, 3))
  })
})
