import { describe, expect, it } from "vitest"
import { between, draw, weighted } from "../../src/internal/campaign/tactic.ts"
import { Parameters } from "../../src/internal/run/parameters.ts"
import { RandomStream } from "../../src/internal/time/random.ts"
import { Streams } from "../../src/internal/time/streams.ts"
import type { Kind } from "../../src/internal/world/faultDescription.ts"
import { BuggifyPoints } from "../../src/internal/world/properties.ts"
import { Timescale } from "../../src/internal/world/timescale.ts"

const count = 4000

describe("what is drawn for a fault", () => {
  const least = 1000
  const most = 1_000_000
  const timescale = new Timescale()
  timescale.slept(400_000)
  const drawn = (kind: Kind, times = new Timescale()) => {
    const random = new RandomStream(1, kind)
    return Array.from({ length: count }, () => draw(random, [kind], [least, most], times))
  }
  const share = <A>(all: ReadonlyArray<A>, is: (each: A) => boolean) => all.filter(is).length / all.length
  // About four standard deviations.
  const near = (actual: number, expected: number) => expect(Math.abs(actual - expected)).toBeLessThan(0.032)

  it("lasts as long as it may, each order of magnitude alike; a stop is short half of the time", () => {
    const short = (kind: Kind) => share(drawn(kind), ({ lasts }) => lasts <= 5 * least)
    const usual = Math.log(5) / Math.log(most / least)
    for (const kind of ["pause", "lossy"] as const) near(short(kind), usual)
    for (const kind of ["crash", "kill", "stop"] as const) near(short(kind), 0.5 + usual / 2)
    for (const { lasts } of drawn("pause")) expect([lasts >= least, lasts <= most]).toEqual([true, true])
    // Half of the others last about as long as programs sleep.
    const isAbout = ({ lasts }: { readonly lasts: number }) => lasts >= 282_000
    const usually = Math.log(most / 282_000) / Math.log(most / least)
    near(share(drawn("pause", timescale), isAbout), 0.5 + usually / 2)
  })

  it("stops all, is turned around, and is of one link where that means something, now and then", () => {
    for (const kind of ["crash", "pause", "lossy", "partitionOneWay", "slowDisk"] as const) {
      const all = drawn(kind)
      near(share(all, ({ isBlackout }) => isBlackout), kind === "crash" ? 0.15 : 0)
      near(share(all, ({ isSwapped }) => isSwapped), kind === "partitionOneWay" ? 0.5 : 0)
      near(share(all, ({ isOneLink }) => isOneLink), kind === "lossy" || kind === "partitionOneWay" ? 0.25 : 0)
      expect(new Set(all.map((each) => each.kind))).toEqual(new Set([kind]))
      expect(new Set(all.map(({ shape }) => shape)).size).toBe(7)
      near(share(all, ({ aim }) => aim === "busiest"), 0.5)
    }
  })

  it("follows a packet of any rarity in three of five cases, soon or at once", () => {
    const all = drawn("pause")
    near(share(all, ({ packet }) => packet !== undefined), 0.6)
    const packets = all.flatMap(({ packet }) => packet ?? [])
    near(share(packets, ({ at }) => at === "to"), 0.6)
    near(share(packets, ({ delay }) => delay === 0), 0.3)
    near(share(packets, ({ rarity }) => rarity > 0.25), 0.5)
    for (const { delay, rarity } of packets) {
      expect([delay === 0 || delay >= 200, delay <= 50_000, rarity > 1 / 64, rarity <= 4]).not.toContain(false)
    }
  })

  it("is of a kind by its weight", () => {
    const all = weighted(["crash", "skew", "kill"])
    expect(all.filter((kind) => kind === "crash")).toHaveLength(8)
    expect([all.filter((kind) => kind === "skew").length, all.length]).toEqual([1, 15])
  })

  it("is of a range that may begin at zero", () => {
    const random = new RandomStream(1, "range")
    const all = Array.from({ length: 200 }, () => between(random, [0, 9]))
    expect([Math.min(...all), Math.max(...all)]).toEqual([1, 9])
    expect(between(random, [0, 0])).toBe(1)
  })
})

describe("the parameters of a run", () => {
  it("are drawn once by the seed, in their range; what is given is moved into it", () => {
    const values = (seed: number, given = {}) => {
      const parameters = new Parameters(new Streams(seed), given)
      const taken = [parameters.take("a", 1, 3), parameters.take("b", 1, 3), parameters.take("a", 7, 9)]
      expect(parameters.taken).toEqual({ a: taken[0], b: taken[1] })
      expect(taken[2]).toBe(taken[0])
      return taken
    }
    const seeds = Array.from({ length: 60 }, (_, seed) => values(seed))
    expect(new Set(seeds.map(([a]) => a))).toEqual(new Set([1, 2, 3]))
    expect(new Set(seeds.map(([a, b]) => `${a}${b}`)).size).toBe(9)
    expect(values(5)).toEqual(seeds[5])
    expect([values(1, { a: 2, b: 0 }), values(1, { a: 9, b: 3 })]).toEqual([[2, 1, 2], [3, 3, 3]])
  })
})

describe("the points of a run that may fire", () => {
  it("are each on or off for the whole run, and fire by their own chance", () => {
    let enabled = 0
    for (let seed = 0; seed < 200; seed++) {
      const points = new BuggifyPoints(new Streams(seed))
      const fired = Array.from({ length: 60 }, () => points.fires("a", 0.5)).filter(Boolean).length
      if (fired > 0) enabled++
      expect(fired === 0 || (fired > 10 && fired < 50)).toBe(true)
      expect(points.fires("a", 0)).toBe(false)
      expect(points.fires("a", 1)).toBe(fired > 0)
    }
    expect(enabled).toBeGreaterThan(30)
    expect(enabled).toBeLessThan(70)
  })
})
