import { describe, expect, it } from "vitest"
import { Moments } from "../../src/internal/campaign/moments.ts"
import type { HostState } from "../../src/internal/kernel/host.ts"
import { RandomStream } from "../../src/internal/time/random.ts"
import { Timescale } from "../../src/internal/world/timescale.ts"

const [a, b] = [{ name: "a" }, { name: "b" }] as unknown as [HostState, HostState]
const heartbeat = Uint8Array.of(1, 0, 0)
const vote = Uint8Array.of(2, 0, 0, 0, 0)

describe("Moments", () => {
  it("strike at rare packets, however common others are, and at each once", () => {
    let struck = 0
    let rare = 0
    for (let seed = 1; seed <= 50; seed++) {
      const moments = new Moments(new RandomStream(seed, "moments"))
      for (let at = 0; at < 40; at++) moments.arrived({ from: a, to: b }, heartbeat, at)
      let count = 0
      const isOver = moments.wait(moments.rare(0.5), ({ from }) => {
        count++
        if (from === b) rare++
      })
      for (let at = 40; at < 80; at++) moments.arrived({ from: a, to: b }, heartbeat, at)
      for (let at = 80; at < 83; at++) moments.arrived({ from: b, to: a }, vote, at)
      expect(isOver()).toBe(count === 1)
      struck += count
    }
    expect(struck).toBeGreaterThan(15)
    expect(rare / struck).toBeGreaterThan(0.9)
  })

  it("name a rare packet shortly before a fault of its hosts", () => {
    const moments = new Moments(new RandomStream(1, "moments"))
    expect(moments.before(["a"], 5)).toBeUndefined()
    for (let at = 0; at < 10; at++) moments.arrived({ from: a, to: b }, heartbeat, at)
    moments.arrived({ from: b, to: a }, vote, 10)
    for (let at = 11; at < 20; at++) moments.arrived({ from: a, to: b }, heartbeat, at)
    expect(moments.before(["b", "c"], 30)).toMatchObject({ from: "b", to: "a", delay: 20 })
    // Long after it, the last heartbeat is nearer.
    for (let at = 400_000; at < 400_001; at++) moments.arrived({ from: a, to: b }, heartbeat, at)
    expect(moments.before(["a"], 400_100)).toMatchObject({ from: "a", to: "b", delay: 100 })
    expect(moments.before(["c"], 400_100)).toBeUndefined()
  })

  it("are not waited for any more once the wait is ended", () => {
    const moments = new Moments(new RandomStream(1, "moments"))
    const isOver = moments.wait(moments.rare(1), () => expect.unreachable())
    expect(isOver()).toBe(false)
    moments.arrived({ from: a, to: b }, vote, 0)
  })

  it("know who has sent the most of late", () => {
    const moments = new Moments(new RandomStream(1, "moments"))
    for (let at = 0; at < 10; at++) moments.arrived({ from: a, to: b }, vote, at)
    moments.arrived({ from: b, to: a }, heartbeat, 20)
    expect(moments.busiest([a, b])).toBe(a)
    // Two windows of half a second later, what was before does not count.
    for (const at of [700_000, 1_200_000]) moments.arrived({ from: b, to: a }, heartbeat, at)
    expect(moments.busiest([a, b])).toBe(b)
  })
})

describe("Timescale", () => {
  it("draws about what programs sleep, within a range", () => {
    const timescale = new Timescale()
    const random = new RandomStream(1, "timescale")
    expect(timescale.draw(random, [1, 1e9])).toBeUndefined()
    for (const micros of [0, Infinity, 150_000, 5_000_000]) timescale.slept(micros)
    for (let count = 0; count < 20; count++) {
      const drawn = timescale.draw(random, [10_000, 1_000_000])!
      expect(drawn).toBeGreaterThanOrEqual(150_000 * Math.SQRT1_2 - 1)
      expect(drawn).toBeLessThanOrEqual(150_000 * 2 * Math.SQRT2 + 1)
    }
    expect(timescale.draw(random, [10, 100])).toBeUndefined()
  })
})
