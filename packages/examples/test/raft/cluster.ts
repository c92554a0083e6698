/**
 * The cluster in a simulation: nodes with disks, clients that write and read, an operator who changes the members, and what
 * must hold of them.
 */
import * as Property from "@sluice/core/Property"
import * as Campaign from "@sluice/simulation/Campaign"
import * as History from "@sluice/simulation/History"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Random from "effect/Random"
import type { Bug } from "../../src/raft/bugs.ts"
import * as Client from "../../src/raft/client.ts"
import * as Log from "../../src/raft/Log.ts"
import * as Members from "../../src/raft/Members.ts"
import * as Node from "../../src/raft/node.ts"
import { type Entry, framing, type Operation } from "../../src/raft/protocol.ts"
import type { State } from "../../src/raft/state.ts"
import * as Storage from "../../src/raft/Storage.ts"
import type * as Store from "../../src/raft/Store.ts"

export class NotLinearizable extends Data.TaggedError("NotLinearizable")<{ readonly call: string }> {
  override get message(): string {
    return `the answers are not those of one store: ${this.call} has no place`
  }
}

type Call = History.RegisterCall<string> & { readonly key: string }

const seconds = 8
const port = 7000
const keys = ["x", "y"]
const names = ["node1", "node2", "node3", "node4"]
const addresses = names.map((name) => `${name}:${port}`)
const founders: Members.Members = new Map(addresses.slice(0, 3).map((address, index) => [index + 1, address]))

const isSameStore = (self: Store.Store, { members, values }: Store.Store): boolean =>
  Equal.equals(self.values, values) && Members.toText(self.members) === Members.toText(members)

/** What holds of all nodes together, looked at whenever the state of one has changed. */
const invariants = () => {
  const leaders = new Map<number, number>()
  // Entries by their index, and the terms in which they were known to be committed. Some are in snapshots before they are seen.
  const committed: Array<{ readonly entry: Entry; readonly term: number } | undefined> = []
  const applied = new Map<number, Store.Store>()
  const seen = new Map<number, number>()
  return Effect.fnUntraced(function*({ commit, log, role, settings: { id }, store, term }: State, isOnDisk: boolean) {
    if (role._tag === "Leader" && leaders.get(term) !== id) {
      const leader = leaders.get(term) ?? id
      leaders.set(term, leader)
      yield* Property.always("a term has one leader", leader === id, { term, leader, id })
      const missing = committed.findIndex((each, index) =>
        each !== undefined && index > log.base && each.term < term && Log.termAt(log, index) !== each.entry.term
      )
      yield* Property.always("a leader has all that earlier terms committed", missing === -1, { id, missing })
    }
    // A sole member commits before it syncs, and answers after that.
    if (!isOnDisk) return
    // What was committed before was looked at.
    const before = seen.get(id)
    seen.set(id, commit)
    const from = before === undefined || before > commit ? log.base : Math.max(log.base, before)
    for (let index = from + 1; index <= commit; index++) {
      const entry = Log.entryAt(log, index)
      const { entry: first } = committed[index] ??= { entry, term }
      if (first === entry) continue
      const isSame = first.term === entry.term && first.client === entry.client && first.sequence === entry.sequence
      yield* Property.always("what is committed stays", isSame, { index, first, entry })
    }
    const { index } = store
    const known = applied.get(index) ?? store
    applied.set(index, known)
    yield* Property.always("stores with the same entries are equal", isSameStore(known, store), { index, id })
  })
}

const client = Effect.fnUntraced(function*(
  name: string,
  history: History.History<Call, string | boolean | void>
) {
  let count = 0
  const seen = new Map<string, string>()
  // A client that has crashed is another one from then on.
  const incarnation = `${name}${history.events}`
  const store = yield* Client.make({ name: incarnation, nodes: addresses, timeout: "3 seconds" })
  const submit = (operation: Operation) => store.submit(operation)
  while (true) {
    const key = keys[Math.floor((yield* Random.next) * keys.length)]!
    const choice = yield* Random.next
    const value = `${incarnation}/${++count}`
    if (choice < 0.5) {
      const read = Effect.tap(submit({ _tag: "Get", key }), (value) => Effect.sync(() => seen.set(key, value)))
      yield* Effect.ignore(History.call(history, name, { name: "read", key }, read))
    } else if (choice < 0.65) {
      const from = seen.get(key) ?? ""
      const swap = Effect.map(submit({ _tag: "CompareAndSet", key, from, to: value }), (result) => result === "true")
      yield* Effect.ignore(History.call(history, name, { name: "compareAndSet", key, from, to: value }, swap))
    } else {
      const put = Effect.asVoid(submit({ _tag: "Put", key, value }))
      yield* Effect.ignore(History.call(history, name, { name: "write", key, value }, put))
    }
    yield* Effect.sleep((yield* Random.next) * 100)
  }
})

/** Adds and removes nodes, one after the other. */
const operator = Effect.fnUntraced(function*(changes: number) {
  const store = yield* Client.make({ name: "operator", nodes: addresses, timeout: "2 seconds" })
  for (let count = 0; count < changes; count++) {
    yield* Effect.sleep((yield* Random.next) * 1500)
    const id = 1 + Math.floor((yield* Random.next) * names.length)
    const change: Operation = (yield* Random.nextBoolean)
      ? { _tag: "Add", id, address: addresses[id - 1]! }
      : { _tag: "Remove", id }
    yield* Effect.ignore(store.submit(change))
  }
})

// Without changes, the other bugs show in fewer seeds.
const withChanges = new Set<Bug | undefined>([undefined, "forgetsMembers", "countsRemovedLeaders"])

/** Runs a cluster with a bug, or with none, and checks what its clients saw. */
export const cluster = (bug?: Bug) =>
  Effect.gen(function*() {
    const bugs = new Set(bug === undefined ? [] : [bug])
    const watch = invariants()
    const latency = yield* Simulation.parameter("milliseconds of a sync", { least: 0, most: 50 })
    const maxEntries = yield* Simulation.parameter("entries in a message", { least: 1, most: 3 })
    const snapshotAfter = yield* Simulation.parameter("entries before a snapshot", { least: 5, most: 50 })
    const clients = yield* Simulation.parameter("clients", { least: 1, most: 4 })
    const changes = withChanges.has(bug)
      ? yield* Simulation.parameter("changes of the members", { least: 0, most: 8 })
      : 0
    const hosts = yield* Effect.forEach(changes > 0 ? names : names.slice(0, 3), (name) =>
      SimNetwork.host(name, { disk: { syncLatency: latency } }))
    for (const [index, host] of hosts.entries()) {
      const settings = {
        id: index + 1,
        founders: index < 3 ? founders : Members.none,
        listen: `tcp://0.0.0.0:${port}`,
        bugs,
        watch,
        maxEntries,
        snapshotAfter
      }
      yield* Host.start(host, Effect.provide(Node.serve(settings), Storage.layer("/raft")))
    }
    const history = History.make<Call, string | boolean | void>()
    for (const name of ["a", "b", "c", "d"].slice(0, clients)) {
      yield* Host.start(yield* SimNetwork.host(name), client(name, history))
    }
    if (changes > 0) {
      yield* Host.start(yield* SimNetwork.host("operator"), operator(changes))
    }
    yield* Effect.sleep(seconds * 1000)
    const { verdict, violation } = History.checkLinearizable(history, History.keyValue(""))
    const answered = history.calls.filter((call) =>
      call.end !== undefined
    ).length
    yield* Property.sometimes("clients get answers", answered > 20)
    if (verdict === "violation") {
      const call = `${violation?.client}: ${JSON.stringify(violation?.input)} -> ${JSON.stringify(violation?.output)}`
      yield* Effect.fail(new NotLinearizable({ call }))
    }
  })

/** Once all faults are healed, a client is served. */
export const isServed = Effect.gen(function*() {
  const host = yield* SimNetwork.host("judge")
  const served = Effect.scoped(Effect.gen(function*() {
    const name = `judge${yield* Random.nextInt}`
    const store = yield* Client.make({ name, nodes: addresses, timeout: "1 second" })
    yield* store.submit({ _tag: "Get", key: "x" })
  }))
  yield* Host.run(host, served)
})

/**
 * How the cluster is explored: with the default faults. They are short and close together, because nodes that
 * elect a leader within 300 ms have time for many elections.
 */
export const options = {
  campaign: Campaign.make({ every: ["10 millis", "1 second"], lasts: ["10 millis", "1 second"] }),
  for: seconds * 1000,
  eventually: isServed,
  decode: { [port]: framing }
} as const
