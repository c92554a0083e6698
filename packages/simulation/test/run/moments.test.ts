import { describe, expect, it } from "vitest"
import { Moments } from "../../src/internal/campaign/moments.ts"
import { vary } from "../../src/internal/campaign/replay.ts"
import type { HostState } from "../../src/internal/kernel/host.ts"
import { type Event, EventQueue } from "../../src/internal/time/eventQueue.ts"
import { RandomStream } from "../../src/internal/time/random.ts"
import { Streams } from "../../src/internal/time/streams.ts"
import type { RecordedFault } from "../../src/internal/world/faultDescription.ts"
import { Timescale } from "../../src/internal/world/timescale.ts"

const [a, b] = [{ name: "a" }, { name: "b" }] as unknown as [HostState, HostState]
const heartbeat = Uint8Array.of(1, 0, 0)
const vote = Uint8Array.of(2, 0, 0, 0, 0)

/** Varies faults in a run of a seed in which packets arrive; returns the hosts that they hit. */
const varied = (
  seed: number,
  faults: ReadonlyArray<RecordedFault>,
  packets: ReadonlyArray<readonly [string, string]>
) => {
  const names = ["a", "b", "c", "d", "client", "other"]
  const hosts = new Map(names.map((name, index) => [name, { name, isServer: index < 4 }]))
  const queue = new EventQueue()
  const hit: Array<string> = []
  let abandoned: number | undefined
  const world = {
    streams: new Streams(seed),
    hosts,
    engine: {
      now: 0,
      schedule: (event: Event, at: number) => queue.add(event, Math.max(world.engine.now, at)),
      cancel: (event: Event) => queue.cancel(event)
    },
    faults: {
      begin: ({ hosts, others }: RecordedFault) => void hit.push([...hosts, ...others ?? []].join("")),
      end: () => {},
      cutShort: () => {}
    },
    onAbandoned: () => abandoned = world.engine.now,
    onArrival: undefined as ((packet: object, to: unknown) => void) | undefined
  }
  const stop = vary(world as never, faults, 1000)
  const arrive = (index: number): Event => ({
    place: -1,
    run: () => {
      const [from, to] = packets[index % packets.length]!
      world.onArrival?.({ from: { name: from }, payload: vote }, hosts.get(to))
      if (abandoned === undefined) queue.add(arrive(index + 1), world.engine.now + 10_000)
    }
  })
  queue.add(arrive(0), 10_000)
  while (queue.nextAt < Infinity) {
    world.engine.now = queue.nextAt
    queue.take()!.run()
  }
  stop()
  expect(abandoned).toBeGreaterThan(0)
  return hit
}

describe("faults in a run that differs from theirs", () => {
  const sort = (() => {
    const moments = new Moments(new RandomStream(1, "moments"))
    moments.arrived({ from: a, to: b }, vote, 0)
    return moments.before(["a"], 0)!.sort
  })()
  const fault = (at: number, hosts: string, others: string, after?: readonly [string, string]): RecordedFault => ({
    kind: "partition",
    at,
    until: undefined,
    hosts: [...hosts],
    others: [...others],
    after: after === undefined ? undefined : { from: after[0], to: after[1], sort, delay: 1000 }
  })
  const outcomes = (faults: ReadonlyArray<RecordedFault>, packets: ReadonlyArray<readonly [string, string]>) => {
    const all = new Set<string>()
    for (let seed = 1; seed <= 100; seed++) all.add(varied(seed, faults, packets).join(" "))
    return all
  }

  it("hit the servers that have the same parts in the packets, each part one server", () => {
    const faults = [fault(50_000, "a", "b", ["a", "b"]), fault(90_000, "b", "a"), fault(95_000, "c", "d")]
    const all = outcomes(faults, [["c", "d"]])
    // As recorded, where no packet is waited for; and as the packets go.
    expect(all).toContain("ab ba cd")
    expect(all).toContain("cd dc ab")
    for (const each of all) {
      const [first, second, third] = each.split(" ")
      expect([...first!].reverse().join("")).toBe(second)
      expect(new Set(`${first}${third}`).size).toBe(4)
    }
  })

  it("follow packets of their sort, and no others", () => {
    const faults = [fault(50_000, "a", "b", ["a", "b"])]
    const others = Array.from({ length: 200 }, () => ["client", "other"] as const)
    expect(outcomes(faults, [["c", "d"], ...others])).toEqual(new Set(["ab", "cd"]))
    const ofAnotherSort = faults.map((each) => ({ ...each, after: { ...each.after!, sort: sort + 1 } }))
    expect(outcomes(ofAnotherSort, [["c", "d"]])).toEqual(new Set(["ab"]))
  })

  it("take clients for clients, whichever they are, and never for servers", () => {
    const all = outcomes([fault(50_000, "a", "", ["client", "a"])], [["a", "c"], ["other", "b"], ["c", "client"]])
    expect([...all].sort()).toEqual(["a", "b"])
  })
})

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
