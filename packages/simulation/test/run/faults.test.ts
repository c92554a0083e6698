import { assert, describe, expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Campaign from "@sluice/simulation/Campaign"
import * as Disk from "@sluice/simulation/Disk"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimDns from "@sluice/simulation/SimDns"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

const hosts = SimNetwork.hosts("a", "b", "c")

type Hosts = Effect.Success<typeof hosts>
type Lasting = Effect.Effect<void, never, Scope.Scope | SimNetwork.SimNetwork>

/** Every fault, as text in a trace and as data. */
const faults: ReadonlyArray<readonly [string, (hosts: Hosts) => Lasting, Fault.Description]> = [
  ["partition a | b, c", ([a, b, c]) => Fault.partition(a, [b, c]), {
    kind: "partition",
    hosts: ["a"],
    others: ["b", "c"]
  }],
  ["partition a -> b", ([a, b]) => Fault.partitionOneWay(a, b), {
    kind: "partitionOneWay",
    hosts: ["a"],
    others: ["b"]
  }],
  ["IPv6 partition a | b", ([a, b]) => Fault.partitionIpv6(a, b), {
    kind: "partitionIpv6",
    hosts: ["a"],
    others: ["b"]
  }],
  ["unreachable a | b", ([a, b]) => Fault.unreachable(a, b), { kind: "unreachable", hosts: ["a"], others: ["b"] }],
  ["reset a - b", ([a, b]) => Fault.reset(a, b), { kind: "reset", hosts: ["a"], others: ["b"] }],
  ["a: at most 3 sockets", ([a]) => Fault.descriptors(a, 3), { kind: "descriptors", hosts: ["a"], amount: 3 }],
  ["DNS of a fails", ([a]) => SimDns.fail(a), { kind: "failDns", hosts: ["a"] }],
  ["DNS of a takes 250 ms", ([a]) => SimDns.slow(a, 250), { kind: "slowDns", hosts: ["a"], amount: 250 }],
  ["DNS of a, b is stale", ([a, b]) => SimDns.stale([a, b]), { kind: "staleDns", hosts: ["a", "b"] }],
  ["hold a - b", ([a, b]) => Fault.hold(a, b), { kind: "hold", hosts: ["a"], others: ["b"] }],
  ["slow a - b: 3 times", ([a, b]) => Fault.slow(a, b, 3), { kind: "slow", hosts: ["a"], others: ["b"], amount: 3 }],
  ["lossy a - b: 12.5 %", ([a, b]) => Fault.lossy(a, b, 0.125), {
    kind: "lossy",
    hosts: ["a"],
    others: ["b"],
    amount: 0.125
  }],
  ["crash of a", ([a]) => Fault.crash(a), { kind: "crash", hosts: ["a"] }],
  ["kill of a, b", ([a, b]) => Fault.kill([a, b]), { kind: "kill", hosts: ["a", "b"] }],
  ["stop of a", ([a]) => Fault.stop(a, { grace: "2 seconds" }), { kind: "stop", hosts: ["a"], amount: 2000 }],
  ["pause of a", ([a]) => Fault.pause(a), { kind: "pause", hosts: ["a"] }],
  ["turns of a take up to 5 ms", ([a]) => Fault.turns(a, 5), { kind: "turns", hosts: ["a"], amount: 5 }],
  ["clock of a ahead by 3000 ms", ([a]) => Fault.skew(a, "3 seconds"), { kind: "skew", hosts: ["a"], amount: 3000 }],
  ["clock of a behind by 7 ms", ([a]) => Fault.skew(a, -7), { kind: "skew", hosts: ["a"], amount: -7 }],
  ["clock of a runs 2 times as fast", ([a]) => Fault.drift(a, 2), { kind: "drift", hosts: ["a"], amount: 2 }],
  ["disk of a slow: 3 times", ([a]) => Disk.slow(a, 3), { kind: "slowDisk", hosts: ["a"], amount: 3 }],
  ["disk of a stalls", ([a]) => Disk.stall(a), { kind: "stallDisk", hosts: ["a"] }],
  ["disk of a full", ([a]) => Disk.fill(a), { kind: "fillDisk", hosts: ["a"] }],
  ["reads of a fail: 50 %", ([a]) => Disk.failReads(a, 0.5), { kind: "failReads", hosts: ["a"], amount: 0.5 }],
  ["syncs of a fail: 100 %", ([a]) => Disk.failSyncs(a), { kind: "failSyncs", hosts: ["a"], amount: 1 }],
  ["bit rot on a: 2", ([a]) => Disk.rot(a, 2), { kind: "rot", hosts: ["a"], amount: 2 }],
  ["TLS of a: stall", ([a]) => Fault.breakTls(a, "stall"), { kind: "breakTls", hosts: ["a"], tls: "stall" }],
  ["TLS of a: alert internal_error", ([a]) => Fault.breakTls(a, { alert: "internal_error" }), {
    kind: "breakTls",
    hosts: ["a"],
    tls: { alert: "internal_error" }
  }]
]

describe("a fault", () => {
  it.effect.each(faults)(
    "M5: %s is recorded from its beginning to its end, in words and as data",
    ([name, begin, data]) =>
      Effect.gen(function*() {
        const lasting = (fault: (hosts: Hosts) => Lasting) =>
          Effect.gen(function*() {
            const all = yield* hosts
            yield* Effect.sleep("1 second")
            yield* Effect.scoped(Effect.andThen(fault(all), Effect.sleep("10 seconds")))
            yield* Effect.sleep("1 second")
          })
        const run = yield* Simulation.record(lasting(begin))
        yield* run.exit
        const notes = run.trace.records.filter((record) => record._tag === "Fault")
        const { kind, others = [] } = data
        const common = { _tag: "Fault", id: 1, kind, hosts: [...data.hosts, ...others], others }
        expect(notes).toEqual([
          { ...common, at: 1e6, phase: "begin", name },
          { ...common, at: 11e6, phase: "end", name: `end of ${name}` }
        ])
        expect(run.faults).toEqual([{ ...data, at: 1e6, until: 11e6 }])
        // The data is the fault.
        const again = yield* Simulation.record(lasting(() => Fault.inject(data)))
        expect(again.trace.hash).toBe(run.trace.hash)
      })
  )

  it.effect("is invalid beyond its range, and nothing begins", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.gen(function*() {
        const [a, b] = yield* hosts
        const good: ReadonlyArray<Lasting> = [
          Fault.slow(a, b, 0),
          Fault.lossy(a, b, 0),
          Fault.lossy(a, b, 1),
          Fault.drift(a, 0.01),
          Fault.drift(a, 100),
          Fault.turns(a, 0),
          Fault.turns(a, "1 hour"),
          Fault.stop(a, { grace: 0 })
        ]
        for (const fault of good) yield* Effect.scoped(fault)
        const bad: ReadonlyArray<Lasting> = [
          Fault.slow(a, b, -0.1),
          Fault.slow(a, b, Infinity),
          Fault.slow(a, b, NaN),
          Fault.lossy(a, b, -0.1),
          Fault.lossy(a, b, 1.1),
          Fault.drift(a, 0.009),
          Fault.drift(a, 100.1),
          Fault.turns(a, 3_600_001),
          Fault.stop(a, { grace: -1 })
        ]
        for (const fault of bad) assert(Exit.isFailure(yield* Effect.exit(Effect.scoped(fault))))
        return good.length
      }))
      expect(run.faults).toHaveLength(yield* run.exit)
    }))
})

/** Milliseconds that a datagram takes between hosts; `undefined`: it does not arrive within a minute. */
const travel = (from: Host.Host, to: Host.Host, address: string) =>
  Effect.scoped(Effect.gen(function*() {
    const receiver = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(to))
    const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(from))
    const begun = yield* Clock.currentTimeMillis
    yield* UdpSocket.send(sender, "x", `${address}:9`)
    const got = yield* Effect.timeoutOption(UdpSocket.receive(receiver), "1 minute")
    return got._tag === "None" ? undefined : (yield* Clock.currentTimeMillis) - begun
  }))

describe("faults together", () => {
  it.effect("add up, and each takes away what it brought when it ends, in any order", () =>
    Simulation.run(Effect.gen(function*() {
      const [a, b] = yield* hosts
      yield* SimNetwork.link(a, b, { latency: "10 millis" })
      const there = travel(a, b, "10.0.0.2")
      const back = travel(b, a, "10.0.0.1")
      const both = Effect.all([there, back])
      const begin = (fault: Lasting) =>
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          yield* Scope.provide(fault, scope)
          return Scope.close(scope, Exit.void)
        })
      expect(yield* both).toEqual([10, 10])
      const fast = yield* begin(Fault.slow(a, b, 3))
      expect(yield* both).toEqual([30, 30])
      const faster = yield* begin(Fault.slow(a, b, 2))
      expect(yield* both).toEqual([60, 60])
      yield* fast
      expect(yield* both).toEqual([20, 20])
      const oneWay = yield* begin(Fault.partitionOneWay(b, a))
      const whole = yield* begin(Fault.partition(a, b))
      expect(yield* both).toEqual([undefined, undefined])
      yield* whole
      expect(yield* both).toEqual([20, undefined])
      yield* Effect.all([oneWay, faster])
      expect(yield* both).toEqual([10, 10])
      const lost = yield* begin(Fault.lossy(a, b, 1))
      expect(yield* both).toEqual([undefined, undefined])
      yield* lost
      expect(yield* both).toEqual([10, 10])

      const clock = Effect.map(Host.run(a, Clock.currentTimeMillis), Number)
      const ahead = (since: number) => Effect.zipWith(clock, Clock.currentTimeMillis, (own, all) => own - all - since)
      const first = yield* begin(Fault.skew(a, "1 hour"))
      const second = yield* begin(Fault.skew(a, "-10 minutes"))
      expect(yield* ahead(0)).toBe(3_000_000)
      yield* first
      expect(yield* ahead(0)).toBe(-600_000)
      yield* second
      expect(yield* ahead(0)).toBe(0)
    })))

  it.effect("are healed for the hosts that are named, and for all", () =>
    Simulation.run(Effect.gen(function*() {
      const [a, b, c] = yield* hosts
      const arrives = Effect.all([travel(a, b, "10.0.0.2"), travel(a, c, "10.0.0.3"), travel(b, c, "10.0.0.3")])
      const who = Effect.map(arrives, (times) => times.map((time) => time !== undefined))
      yield* Fault.partition(a, [b, c])
      yield* Fault.partition(b, c)
      expect(yield* who).toEqual([false, false, false])
      yield* Fault.heal(a, c)
      expect(yield* who).toEqual([false, true, false])
      yield* Fault.healAll
      expect(yield* who).toEqual([true, true, true])
      const recorded = yield* Fault.recorded
      const now = Number(yield* Clock.monotonicTimeNanos) / 1000
      expect(recorded.map(({ until }) => until !== undefined && until < now)).toEqual([true, true])
    })))
})

describe("a campaign", () => {
  const five = SimNetwork.hosts("a", "b", "c", "d", "e")
  const minutes = (options: (all: Effect.Success<typeof five>) => Campaign.Options, seed: number) =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(
        Effect.gen(function*() {
          const all = yield* five
          yield* Effect.scoped(Effect.andThen(Campaign.make(options(all)).start, Effect.sleep("10 minutes")))
          yield* Effect.sleep("10 minutes")
        }),
        { seed, limit: { time: "1 hour" } }
      )
      yield* run.exit
      return run.faults
    })

  /** How many hosts of the faults that stop hosts are down at once, at most. */
  const mostDown = (faults: ReadonlyArray<Fault.RecordedFault>) => {
    const stopping = faults.filter(({ kind }) => kind === "crash" || kind === "kill" || kind === "stop")
    const down = (at: number) =>
      stopping.filter((each) => each.at <= at && at < each.until!).flatMap(({ hosts }) => hosts)
    return Math.max(0, ...stopping.map(({ at }) => new Set(down(at)).size))
  }

  it.effect("injects what it may, as long as it may, and nothing after its Scope has closed", () =>
    Effect.gen(function*() {
      const seen = new Set<string>()
      const sides = new Set<string>()
      let failures = 0
      for (let seed = 1; seed <= 12; seed++) {
        const faults = yield* minutes((all) => ({ targets: () => all, lasts: ["1 second", "5 seconds"] }), seed)
        expect(faults.length).toBeGreaterThan(10)
        for (const { amount, at, hosts, kind, others, until } of faults) {
          seen.add(kind)
          assert(at < 600e6)
          assert(until! - at <= 5e6)
          // The end of the campaign ends the last ones.
          assert(until! - at >= 1e6 || until! >= 600e6)
          assert(hosts.length > 0)
          if (others !== undefined) {
            assert(others.length > 0 && !others.some((other) => hosts.includes(other)))
            sides.add(`${hosts.length} ${others.length}`)
          }
          const [least, most] = ranges[kind] ?? [undefined, undefined]
          if (least === undefined) assert(amount === undefined)
          else assert(amount! >= least && amount! <= most!)
        }
        // Of five, two may be down, or all together.
        const blackouts = faults.filter(({ hosts, others }) => others === undefined && hosts.length > 1)
        failures += blackouts.length
        expect(blackouts.every(({ kind }) => kind === "crash" || kind === "kill" || kind === "stop")).toBe(true)
        expect(mostDown(faults.filter((fault) => !blackouts.includes(fault)))).toBeLessThanOrEqual(2)
      }
      expect([...seen].sort()).toEqual(
        [...Object.keys(ranges), "partition", "partitionOneWay", "hold", "crash", "kill", "pause"].sort()
      )
      expect(failures).toBeGreaterThan(3)
      // One host against one, against all others, and groups.
      expect([...sides]).toEqual(expect.arrayContaining(["1 1", "1 4", "2 3", "3 2"]))
    }))

  const ranges: Partial<Record<Fault.Kind, readonly [number, number]>> = {
    slow: [2, 100],
    lossy: [0.05, 0.8],
    stop: [1, 10_000],
    turns: [0.02, 4],
    skew: [-1e7, 1e7],
    drift: [0.9, 1.1]
  }

  it.effect("breaks names, IPv6 and connections too, if it is told to", () =>
    Effect.gen(function*() {
      const faults = yield* minutes((all) => ({
        targets: () => all,
        faults: Campaign.networkFaults,
        every: ["10 millis", "100 millis"],
        lasts: ["10 millis", "100 millis"]
      }), 3)
      const seen = new Set(faults.map(({ kind }) => kind))
      expect(seen.size).toBeGreaterThan(2)
      expect(Campaign.networkFaults).toEqual(expect.arrayContaining([...seen]))
      for (const { amount, kind } of faults) {
        if (kind === "descriptors") assert(amount! >= 0 && amount! < 20)
        else if (kind === "slowDns") assert(amount! >= 10 && amount! <= 10_000)
        else assert(amount === undefined)
      }
    }))

  it.effect("keeps to the kinds, the targets, the roles, the times and the number of hosts that it is given", () =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= 4; seed++) {
        const down = seed - 1
        const crash = (seed: number) =>
          minutes((all) => ({ targets: () => all, faults: ["crash", "stop"], down, every: [5, 2000] }), seed)
        const crashes = yield* crash(seed)
        // Some seeds have one fault at a time.
        const more = yield* Effect.forEach([seed + 10, seed + 20], crash)
        expect(Math.max(...[crashes, ...more].map(mostDown))).toBe(down)
        const some = yield* minutes(([a, b]) => ({
          faults: ["pause", "partition", "breakTls"],
          targets: () => [a, b],
          roles: [() => [b]]
        }), seed)
        expect(some.every(({ hosts, others = [] }) => [...hosts, ...others].every((each) => "ab".includes(each)))).toBe(
          true
        )
        // Half of them are aimed at the role, and of the others some hit it by chance.
        const aimed = some.filter(({ hosts }) => hosts[0] === "b").length / some.length
        expect(aimed).toBeGreaterThan(0.45)
        const times = crashes.map(({ at }) => at)
        const gaps = times.slice(1).map((at, index) => at - times[index]!)
        if (down === 3) expect(Math.min(...gaps)).toBeGreaterThan(100)
      }
    }))

  it.effect("is refused with options that cannot be", () =>
    Simulation.run(Effect.gen(function*() {
      yield* five
      const option = (options: Campaign.Options) =>
        Effect.map(Effect.exit(Effect.scoped(Campaign.make(options).start)), (exit) =>
          Exit.isSuccess(exit) ? undefined : JSON.stringify(exit.cause).match(/"option":"(\w+)"/)?.[1])
      const day = "1 day"
      for (const good of [{}, { down: 0 }, { every: [1, day] }, { lasts: [0, 0] }, { lasts: [day, day] }] as const) {
        expect(yield* option(good)).toBeUndefined()
      }
      for (
        const [name, bad] of [
          ["faults", []],
          ["faults", ["flood"]],
          ["down", -1],
          ["down", 0.5],
          ["every", [0, 10]],
          ["every", [10, 9]],
          ["every", [1, "25 hours"]],
          ["lasts", [-1, 1]],
          ["lasts", [2, 1]]
        ] as const
      ) {
        expect(yield* option({ [name]: bad } as never)).toBe(name)
      }
    })))
})
