import { assert, describe, expect, it } from "@effect/vitest"
import * as Buggify from "@sluice/core/Buggify"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Property from "@sluice/core/Property"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Campaign from "@sluice/simulation/Campaign"
import type * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { shrink } from "../../src/internal/exploration/shrink.ts"
import { RandomStream } from "../../src/internal/time/random.ts"

const failure = (run: Simulation.Run<unknown, unknown>): unknown => {
  assert(Exit.isFailure(run.exit))
  return Cause.squash(run.exit.cause)
}

const lease = 1000

/**
 * A lock with a lease. A client that has it works in steps, and `isCareful` says whether it looks at the clock again
 * before each, as it must: it may have been paused.
 */
const leases = (isCareful: boolean) =>
  Effect.gen(function*() {
    const [server, ...clients] = yield* SimNetwork.hosts("server", "alice", "bob")
    let until = 0
    const grant = Effect.gen(function*() {
      const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
      if (now < until) return "held"
      until = now + lease
      return "yours"
    })
    yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:1" }, Framed.serve(Framing.lines(), () => grant)), {
      onFailure: "log"
    })
    // What is protected: it knows when a client had the lock last, by the right clock.
    let owner = { name: "", at: -Infinity }
    const work = Effect.fnUntraced(function*(name: string, asked: number) {
      for (let step = 0; step < 5; step++) {
        yield* Effect.sleep("100 millis")
        const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
        if (isCareful && now - asked > lease * 0.9) return
        yield* Effect.yieldNow
        yield* Property.always("one owner at a time", owner.name === name || now - owner.at > 200, { name, owner })
        yield* Property.sometimes("the lock changes hands", owner.name !== name && owner.name !== "")
        owner = { name, at: now }
      }
    })
    for (const client of clients) {
      const ask = Effect.scoped(Effect.gen(function*() {
        const framed = yield* Framed.make(
          yield* Network.connect("server:1", { connectTimeout: "1 second" }),
          Framing.lines()
        )
        const asked = Number(yield* Clock.monotonicTimeNanos) / 1e6
        const answer = yield* Effect.timeoutOption(Framed.request(framed, "take"), "1 second")
        if (Option.contains(answer, "yours")) yield* work(client.name, asked)
      }))
      yield* Host.start(client, Effect.forever(Effect.andThen(Effect.ignore(ask), Effect.sleep("50 millis"))))
    }
  })

describe("Simulation.explore under a campaign", () => {
  it.effect(
    "finds a bug without a schedule of faults, and leaves out those that it does not need",
    () =>
      Effect.gen(function*() {
        const campaign = Campaign.make({
          faults: ["pause", "partition", "lossy", "slow", "skew"],
          lasts: ["100 millis", "3 seconds"]
        })
        const hunt = { campaign, for: "10 seconds", seeds: 200, shrink: 60 } as const
        const { failures } = yield* Simulation.explore(leases(false), hunt)
        expect(failures).toHaveLength(1)
        const [found] = failures
        expect(failure(found!)).toMatchObject({
          _tag: "SimulationPropertyViolated",
          property: "one owner at a time"
        })
        expect(found!.faults.length).toBeLessThanOrEqual(3)
        expect(found!.faults.map(({ kind }) => kind)).toContain("pause")
        // What is shown repeats it.
        const faults = JSON.parse(JSON.stringify(found!.faults)) as ReadonlyArray<Fault.RecordedFault>
        const again = yield* Simulation.explore(leases(false), {
          ...hunt,
          campaign: Campaign.replay(faults),
          seeds: [found!.seed],
          shrink: 0
        })
        expect(again.failures.map(({ trace }) => trace.hash)).toEqual([found!.trace.hash])
      }),
    300_000
  )

  it.effect("what is right passes, and every property is met", () =>
    Effect.gen(function*() {
      const campaign = Campaign.make({ faults: ["partition", "lossy", "slow", "skew"] })
      const { failures, runs, unmet } = yield* Simulation.explore(leases(true), {
        campaign,
        for: "10 seconds",
        seeds: 20
      })
      expect([failures.map(failure), runs, unmet]).toEqual([[], 20, []])
    }))

  it.effect("a replay of all faults is the same run", () =>
    Effect.gen(function*() {
      const under = (campaign: Campaign.Campaign) =>
        Simulation.record(
          Effect.scoped(Effect.gen(function*() {
            yield* campaign.start
            yield* leases(true)
            yield* Effect.sleep("30 seconds")
          })),
          { seed: 5, schedule: "random" }
        )
      const first = yield* under(Campaign.make({ faults: ["partition", "lossy", "crash", "kill", "pause", "drift"] }))
      expect(first.faults.length).toBeGreaterThan(5)
      const second = yield* under(Campaign.replay(first.faults))
      expect(second.trace.hash).toBe(first.trace.hash)
      expect(second.faults).toEqual(first.faults)
    }))

  it.effect("so it is under the default campaign, with faults at packets and faults that its end heals", () =>
    Effect.gen(function*() {
      let healed = 0
      for (let seed = 1; seed <= 6; seed++) {
        const under = (campaign: Campaign.Campaign) =>
          Simulation.record(leases(true), {
            campaign,
            for: "4 seconds",
            eventually: Effect.sleep("1 second"),
            seed,
            trace: { records: 0, bytes: 0 }
          })
        const first = yield* under(Campaign.make({ every: ["10 millis", "200 millis"] }))
        healed += first.faults.filter(({ until }) => until! > 4e6).length
        // They end with the campaign, however long they were to last.
        expect(Math.max(...first.faults.map(({ until }) => until!))).toBeLessThanOrEqual(4e6 + 1)
        const second = yield* under(Campaign.replay(first.faults))
        expect([seed, second.trace.hash]).toEqual([seed, first.trace.hash])
        expect(second.faults).toEqual(first.faults)
      }
      expect(healed).toBeGreaterThan(0)
    }))

  it.effect(
    "variations of the faults of a failure find it again in a program that has changed",
    () =>
      Effect.gen(function*() {
        const campaign = Campaign.make({ faults: ["pause", "partition"], lasts: ["100 millis", "3 seconds"] })
        const hunt = { for: "10 seconds", shrink: 40 } as const
        const { failures: [found] } = yield* Simulation.explore(leases(false), { ...hunt, campaign, seeds: 200 })
        const { faults } = found!
        // The server is farther away, so that the times no longer fit.
        const changed = Effect.gen(function*() {
          const [server, alice, bob] = yield* SimNetwork.hosts("server", "alice", "bob")
          yield* SimNetwork.link(server, alice, { latency: "77 millis" })
          yield* SimNetwork.link(server, bob, { latency: "77 millis" })
          yield* leases(false)
        })
        const again = yield* Simulation.explore(changed, { ...hunt, campaign: Campaign.vary(faults), seeds: 60 })
        expect(again.failures.map(failure)).toMatchObject([{ property: "one owner at a time" }])
        expect(again.failures[0]!.injected).toBeLessThanOrEqual(faults.length)
      }),
    120_000
  )

  it.effect("ends after its time, and the program continues without faults", () =>
    Effect.gen(function*() {
      const program = Effect.andThen(SimNetwork.hosts("a", "b"), Effect.sleep("1 minute"))
      const campaign = Campaign.make({ faults: ["partition", "pause"], every: ["10 millis", "100 millis"] })
      const { elapsed, trace } = yield* Simulation.record(program, { campaign, for: "5 seconds", seed: 1 })
      expect(Duration.toSeconds(elapsed)).toBe(60)
      const changes = trace.records.filter((record) => record._tag === "Fault")
      expect(changes.length).toBeGreaterThan(10)
      expect(changes.filter(({ at }) => at > 5e6)).toEqual([])
      const [begun, ended] = (["begin", "end"] as const).map((phase) =>
        changes.filter((change) => change.phase === phase)
      )
      expect(ended).toHaveLength(begun!.length)
    }))

  it.effect("what does not recover is not live", () =>
    Effect.gen(function*() {
      // A client that connects once and for all.
      let answers = 0
      const once = Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:1" }, (c) => Connection.pipeTo(c, c)), {
          onFailure: "log"
        })
        const ask = Effect.scoped(Effect.flatMap(Network.connect("server:1"), (c) =>
          Effect.forever(Effect.gen(function*() {
            yield* Connection.writeText(c, "?")
            yield* Connection.readExactly(c, 1)
            answers++
            yield* Effect.sleep("100 millis")
          }))))
        yield* Host.start(client, ask, { onFailure: "log" })
      })
      const before = Effect.sync(() => {
        answers = 0
      })
      const { failures } = yield* Simulation.explore(once, {
        campaign: Campaign.make({ faults: ["kill"], down: 1 }),
        for: "10 seconds",
        calm: "5 seconds",
        eventually: Effect.gen(function*() {
          yield* before
          yield* Effect.sleep("1 second")
          if (answers === 0) {
            return yield* Effect.fail(new Error("no answer in a second"))
          }
        }),
        seeds: 20
      })
      expect(failures).toHaveLength(1)
      expect(failure(failures[0]!)).toMatchObject({ _tag: "SimulationNotLive", calm: 5000 })
      expect(failures[0]!.faults).toHaveLength(1)
      expect(failures[0]!.faults[0]).toMatchObject({ kind: "kill", hosts: ["server"] })
    }))

  it.effect("invalid options fail the run, and not the exploration alone", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.scoped(Campaign.make({ faults: [] }).start))
      expect(failure(run)).toMatchObject({ reason: { _tag: "InvalidOption", option: "faults" } })
    }))
})

describe("Property and Buggify", () => {
  it.effect("are nothing outside of a simulation", () =>
    Effect.gen(function*() {
      yield* Property.always("never true", false)
      yield* Property.unreachable("here")
      const chances = yield* Effect.forEach(Array.from({ length: 100 }), () => Buggify.chance("often", 1))
      expect(chances).not.toContain(true)
    }))

  it.effect("what never was is reported, and a violation ends the run where it is", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* Property.sometimes("leader changes", false)
        yield* Property.reachable("started")
        yield* Effect.sleep("1 second")
      })
      const { unmet } = yield* Simulation.explore(program, { seeds: 3, unmet: "report" })
      expect(unmet).toEqual(["leader changes"])
      expect(yield* Effect.flip(Simulation.explore(program, { seeds: 3 }))).toMatchObject({
        _tag: "SimulationUnmet",
        properties: ["leader changes"],
        runs: 3
      })
      const run = yield* Simulation.record(Effect.gen(function*() {
        const node = yield* SimNetwork.host("node")
        yield* Host.start(
          node,
          Effect.andThen(Effect.sleep("1 second"), Property.unreachable("two leaders", { term: 7 }))
        )
        yield* Effect.sleep("1 minute")
      }))
      expect(failure(run)).toMatchObject({ property: "two leaders", at: 1000, details: "{term:7}" })
      expect(run.properties).toEqual([{ name: "two leaders", kind: "unreachable", passed: 1, held: 0 }])
    }))

  it.effect("what must hold eventually holds when the program comes by for the last time", () =>
    Effect.gen(function*() {
      const recovers = (...states: ReadonlyArray<boolean>) =>
        Simulation.record(
          Effect.forEach(states, (isUp) =>
            Effect.andThen(Property.eventually("all are up", isUp), Effect.sleep("1 second")))
        )
      expect(yield* recovers(false, true)).toMatchObject({ exit: { _tag: "Success" } })
      expect(failure(yield* recovers(true, false))).toMatchObject({
        _tag: "SimulationPropertyViolated",
        property: "all are up",
        at: 2000
      })
    }))

  it.effect("at most 10,000 names are waited for", () =>
    Effect.gen(function*() {
      const say = (isUp: boolean, count: number) =>
        Effect.forEach(Array.from({ length: count }), (_, index) => Property.eventually(`${index}`, isUp), {
          discard: true
        })
      const run = yield* Simulation.record(Effect.andThen(say(false, 10_001), say(true, 10_000)))
      expect(run.exit._tag).toBe("Success")
      expect(run.properties).toHaveLength(10_000)
      expect(failure(yield* Simulation.record(Effect.andThen(say(false, 10_000), say(true, 9_999))))).toMatchObject({
        property: "9999"
      })
    }))

  it.effect("a quarter of the seeds enable a point", () =>
    Effect.gen(function*() {
      const fires = Effect.forEach(Array.from({ length: 20 }), () => Buggify.chance("rare", 0.5))
      const runs = yield* Effect.forEach(
        Array.from({ length: 200 }, (_, seed) => seed),
        (seed) => Simulation.run(fires, { seed })
      )
      const enabled = runs.filter((run) => run.includes(true)).length
      expect(enabled).toBeGreaterThan(25)
      expect(enabled).toBeLessThan(80)
      expect(yield* Simulation.run(fires, { seed: 3 })).toEqual(runs[3])
    }))
})

describe("shrink", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index)
  const shrunk = Effect.fnUntraced(function*(needed: ReadonlyArray<number>, groupOf?: (each: number) => string) {
    let runs = 0
    const list = yield* shrink(hundred, (candidates) =>
      Effect.sync(() => {
        const index = candidates.findIndex((list) => needed.every((each) => list.includes(each)))
        runs += index === -1 ? candidates.length : index + 1
        return index
      }), groupOf)
    return { list, runs }
  })

  it.effect("keeps what is needed, in its order", () =>
    Effect.gen(function*() {
      expect((yield* shrunk([3, 50, 97])).list).toEqual([3, 50, 97])
      expect(yield* shrunk([])).toEqual({ list: [], runs: 1 })
      expect((yield* shrunk([42])).runs).toBeLessThan(40)
    }))

  it.effect("begins with the last ones, and with groups", () =>
    Effect.gen(function*() {
      expect((yield* shrunk([98, 99])).runs).toBeLessThan(6)
      const tens = yield* shrunk([10, 19], (each) => String(Math.floor(each / 10)))
      expect(tens.list).toEqual([10, 19])
      expect(tens.runs).toBeLessThan((yield* shrunk([10, 19])).runs)
    }))

  it.effect("keeps what is needed and nothing else, in few runs, whatever that is", () =>
    Effect.gen(function*() {
      const random = new RandomStream(1, "needed")
      for (let round = 0; round < 60; round++) {
        const needed = hundred.filter(() => random.chance((1 + round % 6) / 100))
        const { list, runs } = yield* shrunk(needed)
        expect(list).toEqual(needed)
        expect(runs).toBeLessThan(26 + 15 * needed.length)
      }
    }))

  it.effect("keeps all of what does not fail again", () =>
    Effect.gen(function*() {
      expect(yield* shrink(hundred, () => Effect.succeed(-1))).toEqual(hundred)
    }))
})
