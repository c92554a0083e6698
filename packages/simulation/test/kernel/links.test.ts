import { assert, describe, expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Host from "@sluice/simulation/Host"
import * as Link from "@sluice/simulation/Link"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { checkLink, defaults, loopback } from "../../src/internal/fabric/linkSettings.ts"
import { RandomStream } from "../../src/internal/time/random.ts"

const check = (options: object) => checkLink(options, defaults, "a link")

const blamed = (options: object): string | undefined => {
  const result = check(options)
  if (Result.isSuccess(result)) return undefined
  assert(result.failure.reason._tag === "InvalidOption")
  return result.failure.reason.option
}

describe("the settings of a link", () => {
  it.each([
    ["loss", [0, 0.5, 1], [-0.1, 1.1, NaN]],
    ["duplication", [0, 1], [-0.1, 1.1, NaN]],
    ["reordering", [0, 1], [-0.1, 1.1, NaN]],
    ["corruption", [0, 1], [-0.1, 1.1, NaN]],
    ["segmentation", [0, 1], [-0.1, 1.1, NaN]],
    ["bandwidth", [1, 1e12, Infinity], [0, 0.5, -1, NaN]],
    ["queue", [0, 1e9], [-1, NaN]],
    ["mtu", [68, 65_535], [67, 65_536, 1500.5, NaN]],
    ["jitter", [0, "1 second"], [-1, Infinity, "soon", NaN]],
    ["latency", [0, "1 second"], [-1, Infinity, "soon", NaN]]
  ])("%s is accepted in its range, replaces the default, and is refused beyond", (option, good, bad) => {
    for (const value of good) {
      const set = Result.getOrThrow(check({ [option]: value }))
      const own = set[option as keyof typeof set]
      const millis = Duration.toMillis(Duration.fromInputUnsafe(value as Duration.Input))
      const expected = option === "jitter" || option === "latency" ? millis : value
      expect(typeof own === "object" && "sample" in own ? own.sample(() => 0.5) : own).toBe(expected)
      const others = { [option]: undefined, ...(option === "latency" && { fixedLatency: 1 }) }
      expect({ ...set, ...others }).toEqual({ ...defaults, ...others })
    }
    for (const value of bad) expect(blamed({ [option]: value })).toBe(option)
  })

  it("are those of the base where they are left out", () => {
    for (const base of [defaults, loopback]) expect(Result.getOrThrow(checkLink({}, base, "a link"))).toEqual(base)
  })

  it("draw latencies by their distributions", () => {
    for (const latency of [Link.exponential({ mean: 80 }), { _tag: "Latency", sample: () => 7 } as const]) {
      expect(Result.getOrThrow(check({ latency }))).toMatchObject({ latency, fixedLatency: undefined })
    }
    expect(Result.getOrThrow(check({ latency: Duration.millis(20) })).fixedLatency).toBe(20)
    const stream = new RandomStream(1, "latency")
    const draw = (latency: Link.Latency) => Array.from({ length: 5000 }, () => latency.sample(stream.next))
    const mean = (all: ReadonlyArray<number>) => all.reduce((sum, each) => sum + each, 0) / all.length
    expect(new Set(draw(Link.fixed("20 millis")))).toEqual(new Set([20]))
    for (const least of [undefined, 0, "30 millis"] as const) {
      const all = draw(Link.exponential({ mean: "80 millis", least }))
      expect(Math.min(...all)).toBeGreaterThanOrEqual(least === "30 millis" ? 30 : 0)
      expect(Math.min(...all)).toBeLessThan(least === "30 millis" ? 31 : 1)
      expect(Math.abs(mean(all) - 80)).toBeLessThan(4)
      expect(Math.max(...all)).toBeGreaterThan(300)
    }
  })
})

/** The datagrams of a run: those of the sender, and how many arrived. */
const burst = (options: Link.Options, count: number, size: number, pause = 0) =>
  Effect.gen(function*() {
    const { exit, trace } = yield* Simulation.record(Effect.gen(function*() {
      const [a, b] = yield* SimNetwork.hosts("a", "b")
      yield* SimNetwork.link(a, b, { latency: 10, ...options })
      const receiver = yield* Effect.provide(Network.bind("udp://0.0.0.0:9", { queueCapacity: 9999 }), Host.layer(b))
      const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(a))
      for (let index = 0; index < count; index++) {
        yield* UdpSocket.send(sender, new Uint8Array(size).fill(index), "10.0.0.2:9")
        if (pause > 0) yield* Effect.sleep(pause)
      }
      yield* Effect.sleep("1 hour")
      return (yield* UdpSocket.receiveAll(receiver)).map(({ payload }) => payload)
    }))
    const received = yield* exit
    const records = trace.records.filter((record) => record._tag === "Datagram")
    return { records, received, fates: (fate: string) => records.filter((record) => record.fate === fate).length }
  })

describe("a link", () => {
  it.effect("carries as many bits a second as it says, and drops what its queue has no room for", () =>
    Effect.gen(function*() {
      // 1000 bytes with their headers take a millisecond.
      const options = { bandwidth: 8_000_000, queue: 5000 }
      const { fates, records } = yield* burst(options, 10, 972)
      const arrivals = records.flatMap(({ arrival }) => arrival === undefined ? [] : [arrival / 1000])
      expect(arrivals).toEqual([11, 12, 13, 14, 15])
      expect(fates("queueFull")).toBe(5)
      const { fates: spread } = yield* burst(options, 10, 972, 1)
      expect(spread("arrives")).toBe(10)
      const { fates: free } = yield* burst({}, 10, 972)
      expect(free("arrives")).toBe(10)
      // A packet that need not wait needs no queue.
      const { fates: alone } = yield* burst({ ...options, queue: 0 }, 3, 972, 5)
      expect(alone("arrives")).toBe(3)
    }))

  it.effect("keeps the order of packets, unless it is told to reorder them", () =>
    Effect.gen(function*() {
      const order = (received: ReadonlyArray<Uint8Array>) => received.map((payload) => payload[0]!)
      const sorted = (all: ReadonlyArray<number>) => [...all].sort((a, b) => a - b)
      const jittery = order((yield* burst({ jitter: 50 }, 100, 10, 1)).received)
      expect(jittery).toEqual(sorted(jittery))
      const reordered = order((yield* burst({ reordering: 0.3 }, 100, 10, 1)).received)
      expect(reordered).not.toEqual(sorted(reordered))
      expect(reordered).toHaveLength(100)
    }))

  it.effect("loses, duplicates and corrupts as often as it says, and jitter adds to the latency", () =>
    Effect.gen(function*() {
      const share = (count: number, of: number) => Math.round(100 * count / of)
      const lossy = yield* burst({ loss: 0.25 }, 2000, 10)
      expect(Math.abs(share(lossy.fates("lost"), 2000) - 25)).toBeLessThan(4)
      expect(lossy.received).toHaveLength(lossy.fates("arrives"))
      // Any of two fragments: the chance that both arrive is the square.
      const fragments = yield* burst({ loss: 0.25 }, 2000, 2000)
      expect(Math.abs(share(fragments.fates("lost"), 2000) - 44)).toBeLessThan(4)
      const double = yield* burst({ duplication: 0.25 }, 2000, 10)
      expect(Math.abs(share(double.records.filter(({ duplicate }) => duplicate).length, 2000) - 25)).toBeLessThan(4)
      expect(double.received).toHaveLength(double.fates("arrives"))
      const corrupt = yield* burst({ corruption: 0.25 }, 200, 10)
      const flipped = corrupt.received.map((payload, index) => {
        let bits = 0
        for (const byte of payload) for (let left = byte ^ index; left > 0; left >>= 1) bits += left & 1
        return bits
      })
      expect(new Set(flipped)).toEqual(new Set([0, 1]))
      expect(Math.abs(share(flipped.filter((bits) => bits === 1).length, 200) - 25)).toBeLessThan(12)
      // What has no byte to change is lost.
      const empty = yield* burst({ corruption: 0.25 }, 400, 0)
      expect(Math.abs(share(empty.fates("corrupted"), 400) - 25)).toBeLessThan(12)
      expect(empty.received).toHaveLength(empty.fates("arrives"))
      const { records } = yield* burst({ jitter: 20 }, 500, 10, 100)
      const took = records.map(({ arrival, at }) => (arrival! - at) / 1000)
      expect(took.every((time) => time >= 10 && time < 30)).toBe(true)
      expect(Math.max(...took) - Math.min(...took)).toBeGreaterThan(18)
    }))
})
