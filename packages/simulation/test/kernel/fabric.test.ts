import { describe, expect, it } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import { Bottleneck } from "../../src/internal/fabric/bottleneck.ts"
import { copy } from "../../src/internal/fabric/copyPool.ts"
import { FlowTable } from "../../src/internal/fabric/flowTable.ts"
import type { HostState } from "../../src/internal/kernel/host.ts"
import { RandomStream } from "../../src/internal/time/random.ts"
import { Timescale } from "../../src/internal/world/timescale.ts"
import { World } from "../../src/internal/world/world.ts"

describe("a bottleneck", () => {
  // A byte each microsecond.
  const settings = { bandwidth: 8e6, queue: 100 }

  it("sends packets one after the other, each as long as its bits need, and rests between them", () => {
    const line = new Bottleneck()
    const departures = [[0, 10], [0, 20], [5, 30], [1000, 1], [1000.5, 1]] as const
    expect(departures.map(([at, size]) => line.departure(at, size, settings))).toEqual([10, 30, 60, 1001, 1002])
  })

  it("drops what its queue has no room for, but sends any packet that need not wait", () => {
    const line = new Bottleneck()
    expect(line.departure(0, 1000, settings)).toBe(1000)
    // 100 bytes are still to be sent.
    expect(line.departure(900, 1, settings)).toBe(undefined)
    expect(line.departure(950, 51, settings)).toBe(undefined)
    expect(line.departure(950, 50, settings)).toBe(1050)
    expect(line.departure(1050, 500, settings)).toBe(1550)
    expect(line.departure(0, 5, { bandwidth: Infinity, queue: 0 })).toBe(undefined)
  })
})

describe("copies of bytes", () => {
  it("have no byte in common with each other or the original", () => {
    const random = new RandomStream(1, "copies")
    const originals = Array.from({ length: 300 }, (_, index) => new Uint8Array(random.below(10_000)).fill(index + 1))
    const copies = originals.map(copy)
    for (const [index, bytes] of originals.entries()) bytes.fill(index)
    for (const [index, bytes] of copies.entries()) expect(bytes.every((byte) => byte === (index + 1) % 256)).toBe(true)
  })

  it("share memory, up to 8 KiB each and 64 KiB together", () => {
    const together = (size: number) => {
      const counts = new Map<ArrayBufferLike, number>()
      for (let count = 0; count < 40; count++) {
        const { buffer } = copy(new Uint8Array(size))
        counts.set(buffer, (counts.get(buffer) ?? 0) + 1)
      }
      // The first and the last one were shared with others.
      return new Set([...counts.values()].slice(1, -1))
    }
    expect(together(8192)).toEqual(new Set([8]))
    expect(together(8193)).toEqual(new Set([1]))
  })
})

describe("the flows that a middlebox remembers", () => {
  const client = { address: "10.0.0.1", port: 5000 }
  const server = { address: "10.0.0.2", port: 80 }
  const datagram = { protocol: "udp", source: client, destination: server, opens: false, resets: false } as const
  const answer = { ...datagram, source: server, destination: client }
  const segment = { ...datagram, protocol: "tcp" } as const

  it("are open for as long as each packet follows within the timeout", () => {
    const table = new FlowTable()
    expect(table.passes(datagram, 0, 10)).toBe(true)
    expect([10, 20, 30].map((now) => table.passes(answer, now, 10, false))).toEqual([true, true, true])
    expect(table.passes(answer, 41, 10)).toBe(false)
    expect([table.passes(datagram, 41, 10, false), table.passes(datagram, 41, 10)]).toEqual([false, true])
    expect(table.passes(answer, 50, 10, false)).toBe(true)
  })

  it("of TCP begin with SYN, from either side; resets and errors always pass, and begin none", () => {
    const table = new FlowTable()
    expect(table.passes(segment, 0, 10)).toBe(false)
    expect(table.passes({ ...segment, resets: true }, 0, 10, false)).toBe(true)
    expect(table.passes({ ...datagram, protocol: "icmp" }, 0, 10, false)).toBe(true)
    expect(table.passes(segment, 0, 10)).toBe(false)
    expect(table.passes({ ...segment, opens: true }, 0, 10, false)).toBe(false)
    expect(table.passes({ ...segment, opens: true }, 0, 10)).toBe(true)
    expect(table.passes(segment, 5, 10, false)).toBe(true)
    // Datagrams between the same sockets are another flow.
    expect(table.passes(answer, 5, 10, false)).toBe(false)
    expect(table.passes({ ...segment, source: server, destination: client, opens: true }, 50, 10)).toBe(true)
  })

  it("are 65,536 at most: the oldest is forgotten, and what is used again is not old", () => {
    const table = new FlowTable()
    const from = (port: number) => ({ ...datagram, source: { address: `10.1.${port >> 8}.${port & 255}`, port: 1 } })
    for (let port = 0; port < 65_536; port++) table.passes(from(port), 0, 10)
    expect(table.passes(from(0), 0, 10, false)).toBe(true)
    // The first flow ends, and begins again.
    expect(table.passes(from(0), 100, 10)).toBe(true)
    expect(table.passes(from(65_535), 100, 200, false)).toBe(true)
    table.passes(datagram, 100, 10)
    expect([0, 1, 2].map((port) => table.passes(from(port), 100, 200, false))).toEqual([true, false, true])
  })
})

describe("the durations that programs sleep for", () => {
  it.effect("are known to the network, by the clocks of their hosts", () =>
    Simulation.run(
      Effect.gen(function*() {
        const host = yield* SimNetwork.host("a")
        const random = new RandomStream(1, "timescale")
        const { timescale } = World.of(host as HostState)
        expect(timescale.draw(random, [1, 1e12])).toBe(undefined)
        yield* Fault.drift(host, 10)
        yield* Host.run(host, Effect.sleep("1 hour"))
        const drawn = Array.from({ length: 100 }, () => timescale.draw(random, [1, 1e12])!)
        expect(Math.min(...drawn)).toBeGreaterThan(3600e6 * 0.7)
        expect(Math.max(...drawn)).toBeLessThan(3600e6 * 2.83)
      }).pipe(Effect.scoped)
    ))

  it("are drawn from if they are in the range; one of a magnitude is kept", () => {
    const random = new RandomStream(1, "timescale")
    const times = new Timescale()
    const draw = (least: number, most: number) => times.draw(random, [least, most])
    for (const nothing of [0, 0.5, Infinity]) times.slept(nothing)
    expect(draw(0, Infinity)).toBe(undefined)
    times.slept(1)
    for (let count = 0; count < 20; count++) expect([1, 2, 3]).toContain(draw(1, 10))
    times.slept(1000)
    expect([draw(999, 999), draw(1001, 2000)]).toEqual([undefined, undefined])
    const drawn = Array.from({ length: 200 }, () => draw(1000, 1000))
    expect(new Set(drawn)).toEqual(new Set([1000]))
    const around = Array.from({ length: 200 }, () => draw(500, 5000)!)
    expect(Math.min(...around)).toBeGreaterThan(700)
    expect(Math.min(...around)).toBeLessThan(900)
    expect(Math.max(...around)).toBeLessThan(2830)
    expect(Math.max(...around)).toBeGreaterThan(2000)
  })
})
