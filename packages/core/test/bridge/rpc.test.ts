import { describe, expect } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import type * as Link from "@sluice/simulation/Link"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Arithmetic from "./Arithmetic.ts"
import { checks } from "./rpcs.ts"

let paths = 0
const subjects = {
  "TCP": { listen: () => "tcp://127.0.0.1:0" },
  "Unix-domain": { listen: () => `unix:///run/${++paths}` }
}

const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(Effect.scoped(effect), Logger.layer([]))

for (const [name, subject] of Object.entries(subjects)) {
  describe(`Effect RPC over ${name}, in a simulation`, () => {
    for (const [what, check] of Object.entries(checks(subject))) {
      VitestSimulation.it(
        what,
        Effect.flatMap(SimNetwork.host("host"), (host) => Host.run(host, quiet(check))),
        { seeds: 5 }
      )
    }
  })
}

/** A server and a client on hosts of their own, and a link between them that is as it is told. */
const apart = Effect.fnUntraced(function*(link: Link.Options) {
  const [here, there] = yield* SimNetwork.hosts("client", "server")
  yield* SimNetwork.link(here, there, link)
  const journal = new Arithmetic.Journal()
  yield* Host.serve(there, Arithmetic.server(journal, { listen: "tcp://0.0.0.0:9000" }))
  const client = yield* Host.run(here, Arithmetic.client("tcp://server:9000", { retryTransientErrors: true }))
  return { client, here, journal, there }
})

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** Calls now and then, for two minutes, and counts the answers. Each must be right, or a typed failure. */
const callThroughout = Effect.fnUntraced(function*({ client, journal }: Effect.Success<ReturnType<typeof apart>>) {
  const ends = { answered: 0, failed: 0 }
  const exits = yield* Effect.forEach(
    numbers(400),
    (number) => Effect.exit(Effect.delay(client.Double({ number }), number * 300)),
    { concurrency: "unbounded" }
  )
  exits.forEach((exit, index) => {
    const times = journal.doubled.get(index + 1) ?? 0
    if (Exit.isSuccess(exit)) {
      expect({ answer: exit.value, times }).toEqual({ answer: (index + 1) * 2, times: 1 })
      ends.answered++
    } else {
      expect(Cause.squash(exit.cause)).toMatchObject({ _tag: "RpcClientError" })
      expect(Cause.hasDies(exit.cause)).toBe(false)
      expect(times).toBeLessThanOrEqual(1)
      ends.failed++
    }
  })
  return ends
})

describe("Effect RPC over a network that fails", () => {
  VitestSimulation.it(
    "every call is answered once through loss, and every stream comes whole",
    quiet(Effect.gen(function*() {
      const both = yield* apart({
        latency: "10 millis",
        jitter: "5 millis",
        loss: 0.1,
        reordering: 0.1,
        duplication: 0.05
      })
      const { client } = both
      const [streams, ends] = yield* Effect.all([
        Effect.forEach([50, 100], (limit) => Stream.runCollect(client.CountTo({ limit })), { concurrency: 2 }),
        callThroughout(both)
      ], { concurrency: 2 })
      expect(streams).toEqual([numbers(50), numbers(100)])
      expect(ends).toEqual({ answered: 400, failed: 0 })
    })),
    { seeds: 10 }
  )

  VitestSimulation.it(
    "calls that a partition cuts fail, and are answered after it",
    quiet(Effect.gen(function*() {
      const both = yield* apart({ latency: "20 millis" })
      const partitions = Effect.gen(function*() {
        for (let round = 0; round < 2; round++) {
          yield* Effect.sleep(yield* Random.nextIntBetween(1_000, 10_000))
          yield* Effect.scoped(Effect.andThen(Fault.partition(both.here, both.there), Effect.sleep("20 seconds")))
        }
      })
      const [, ends] = yield* Effect.all([partitions, callThroughout(both)], { concurrency: 2 })
      expect(ends.failed).toBeGreaterThan(20)
      expect(ends.answered).toBeGreaterThan(200)
      expect(yield* both.client.Double({ number: 500 })).toBe(1000)
    })),
    { seeds: 20 }
  )

  VitestSimulation.it(
    "calls that a crash cuts fail, and are answered after the restart",
    quiet(Effect.gen(function*() {
      const both = yield* apart({ latency: "20 millis", loss: 0.01 })
      const crashes = Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          yield* Effect.sleep(yield* Random.nextIntBetween(1_000, 10_000))
          yield* Effect.scoped(Effect.andThen(Fault.crash(both.there), Effect.sleep("5 seconds")))
        }
      })
      const [, ends] = yield* Effect.all([crashes, callThroughout(both)], { concurrency: 2 })
      expect(ends.failed).toBeGreaterThan(10)
      expect(ends.answered).toBeGreaterThan(200)
      expect(yield* both.client.Double({ number: 500 })).toBe(1000)
    })),
    { seeds: 20 }
  )
})
