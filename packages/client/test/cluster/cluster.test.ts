import { expect } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Cluster from "./Cluster.ts"

const entities = Array.from({ length: 12 }, (_, index) => `entity-${index}`)

/** A cluster of three, once each of its runners has its shards. */
const started = Effect.fnUntraced(function*(link: Parameters<typeof SimNetwork.link>[2] = {}) {
  const [a, b, c] = yield* SimNetwork.hosts("a", "b", "c")
  for (const [from, to] of [[a, b], [b, c], [a, c]] as const) yield* SimNetwork.link(from, to, link)
  const cluster = yield* Cluster.start([a, b, c])
  const owned = () => cluster.table.owners()
  const until = (holds: () => boolean) =>
    Effect.timeout(
      Effect.whileLoop({ while: () => !holds(), body: () => Effect.sleep("1 second"), step: () => {} }),
      "10 minutes"
    )
  const ask = (host: Host.Host, entity: string, number: number) =>
    Host.run(host, cluster.clients.get(host.name)!(entity).Double({ number }))
  const keep = (host: Host.Host, entity: string, number: number) =>
    Host.run(host, cluster.clients.get(host.name)!(entity).Keep({ number }))
  const isSpread = () => {
    const counts = Object.values(owned())
    return counts.length === 3 && counts.reduce((sum, count) => sum + count, 0) === Cluster.shards
  }
  yield* until(isSpread)
  /** Asks every entity from a host, and gives where each of them answers. */
  const places = Effect.fnUntraced(function*(from: Host.Host) {
    const answers = yield* Effect.forEach(entities, (entity, index) => ask(from, entity, index), {
      concurrency: "unbounded"
    })
    answers.forEach((answer, index) => expect(answer.result).toBe(index * 2))
    return answers.map((answer) => answer.host)
  })
  return { a, b, c, ask, isSpread, keep, owned, places, until }
})

VitestSimulation.it(
  "three runners spread their entities, and messages reach each from everywhere",
  Effect.gen(function*() {
    const { a, b, c, places } = yield* started()
    const fromA = yield* places(a)
    expect(new Set(fromA)).toEqual(new Set(["a", "b", "c"]))
    expect(yield* places(b)).toEqual(fromA)
    expect(yield* places(c)).toEqual(fromA)
  }),
  { seeds: 2 }
)

VitestSimulation.it(
  "the shards of a runner that has crashed move to the others, and its entities answer again",
  Effect.gen(function*() {
    const { a, b, c, isSpread, keep, owned, places, until } = yield* started()
    const before = yield* places(a)
    const orphan = entities[before.indexOf("c")]!

    yield* Fault.crash(c)
    // Asked while nobody knows of the crash yet: it waits until the entity has another home.
    const waiting = yield* Effect.forkChild(keep(b, orphan, 21))
    yield* until(() => owned()["c:34431"] === undefined && Object.keys(owned()).length === 2)
    const after = yield* places(a)
    expect(new Set(after)).toEqual(new Set(["a", "b"]))
    expect(yield* places(b)).toEqual(after)
    expect(yield* Fiber.join(waiting)).toEqual({ host: after[entities.indexOf(orphan)], result: 42 })

    yield* Fault.restart(c)
    yield* until(isSpread)
    expect(new Set(yield* places(c))).toEqual(new Set(["a", "b", "c"]))
  }),
  { seeds: 2 }
)

VitestSimulation.it(
  "a runner that the others cannot reach gives its shards away, and gets some back",
  Effect.gen(function*() {
    const { a, b, c, isSpread, owned, places, until } = yield* started()
    yield* Effect.scoped(Effect.gen(function*() {
      yield* Fault.partition(c, [a, b])
      yield* until(() => owned()["c:34431"] === undefined && Object.keys(owned()).length === 2)
      expect(new Set(yield* places(b))).toEqual(new Set(["a", "b"]))
    }))
    yield* until(isSpread)
    expect(yield* places(c)).toEqual(yield* places(a))
  }),
  { seeds: 2 }
)

VitestSimulation.it(
  "every message gets its own answer over links that lose and delay",
  Effect.gen(function*() {
    const { a, b, c, ask } = yield* started({ latency: "20 millis", jitter: "10 millis", loss: 0.05 })
    const answers = yield* Effect.forEach(
      Array.from({ length: 60 }, (_, number) => number),
      (number) => ask([a, b, c][number % 3]!, entities[number % entities.length]!, number),
      { concurrency: "unbounded" }
    )
    expect(answers.map((answer) => answer.result)).toEqual(answers.map((_, number) => number * 2))
  }),
  { seeds: 2 }
)
