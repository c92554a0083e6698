import { assert, describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { ReceiveBuffer } from "../../src/internal/kernel/tcp/receiving/receiveBuffer.ts"
import { Congestion } from "../../src/internal/kernel/tcp/sending/congestion.ts"
import { RoundTrip } from "../../src/internal/kernel/tcp/sending/roundTrip.ts"
import { checkTcp } from "../../src/internal/kernel/tcp/settings.ts"
import { sends, type State } from "../../src/internal/kernel/tcp/state.ts"

const defaults = {
  sendBuffer: 262_144,
  receiveBuffer: 262_144,
  minimumTimeout: 200_000,
  maximumTimeout: 64_000_000,
  userTimeout: 924_600_000,
  synRetries: 6,
  ephemeralPorts: { first: 32_768, last: 60_999 }
}

describe("the settings of TCP", () => {
  it.each([
    ["sendBuffer", [1, 2 ** 30], [0, 2 ** 30 + 1, 1.5]],
    ["receiveBuffer", [128, 2 ** 30], [127, 2 ** 30 + 1]],
    ["synRetries", [0, 100], [-1, 101]],
    ["minimumTimeout", [1, "2 seconds"], [0.5, 0]],
    ["maximumTimeout", [1, "2 seconds"], [0.5, 0]],
    ["userTimeout", [1, "2 seconds"], [0.5, 0]],
    ["ephemeralPorts", [[1, 1], [65_535, 65_535], [5, 9]], [[0, 9], [9, 8], [9, 65_536], [1.5, 3]]]
  ])("%s is accepted in its range, replaces the default, and is refused beyond", (option, good, bad) => {
    for (const value of good) {
      const expected = typeof value === "string"
        ? 2_000_000
        : Array.isArray(value)
        ? { first: value[0], last: value[1] }
        : option.endsWith("Timeout")
        ? Number(value) * 1000
        : value
      expect(Result.getOrThrow(checkTcp({ [option]: value }))).toEqual({ ...defaults, [option]: expected })
    }
    for (const value of bad) {
      const result = checkTcp({ [option]: value })
      assert(Result.isFailure(result))
      expect(result.failure.reason).toMatchObject({ _tag: "InvalidOption", option })
    }
    expect(Result.getOrThrow(checkTcp({}))).toEqual(defaults)
  })
})

describe("what puts received bytes in order", () => {
  it.effect("gives each byte once and in order, in pieces that are not empty, whatever came twice or overlaps", () =>
    Effect.gen(function*() {
      const size = 60
      const all = Uint8Array.from({ length: size }, (_, at) => at)
      const below = (most: number) => Random.nextIntBetween(0, most - 1)
      for (let round = 0; round < 200; round++) {
        const buffer = new ReceiveBuffer(size)
        const here = new Set<number>()
        const taken: Array<number> = []
        while (taken.length < size) {
          const start = yield* below(size)
          const end = Math.min(size, start + 1 + (yield* below(12)))
          buffer.insert(start, all.slice(start, end))
          for (let at = start; at < end; at++) here.add(at)
          let next = 0
          while (here.has(next)) next++
          expect([buffer.next, buffer.readableBytes]).toEqual([next, next - taken.length])
          expect(buffer.hasGaps).toBe(here.size > next)
          const ahead = buffer.ranges.map(([from, to]) => [from > next, !here.has(from - 1), !here.has(to), from < to])
          // The last of four ranges, no more of which fit, is whole too.
          expect(ahead).toEqual(ahead.map(() => [true, true, true, true]))
          if (buffer.readableBytes > 0) {
            expect(buffer.firstLength).toBeGreaterThan(0)
            if ((yield* below(3)) === 0) taken.push(...buffer.take(1 + (yield* below(20)))!)
          }
        }
        expect(taken).toEqual([...all])
      }
    }).pipe(Random.withSeed("order")))
})

describe("the retransmission timeout (RFC 6298)", () => {
  const settings = Result.getOrThrow(checkTcp({ minimumTimeout: 1, maximumTimeout: "10 seconds" }))

  it("is a second at first, then the smoothed time and four times its variation", () => {
    const roundTrip = new RoundTrip(settings)
    expect(roundTrip.timeout).toBe(1_000_000)
    roundTrip.measure(100_000)
    expect([roundTrip.timeout, roundTrip.least]).toEqual([100_000 + 4 * 50_000, 100_000])
    roundTrip.measure(180_000)
    // The variation is 3/4 of 50 and 1/4 of 80, and the time 7/8 of 100 and 1/8 of 180.
    expect([roundTrip.timeout, roundTrip.least]).toEqual([110_000 + 4 * 57_500, 100_000])
    for (let count = 0; count < 100; count++) roundTrip.measure(20_000)
    expect(roundTrip.timeout).toBeLessThan(22_000)
    expect(roundTrip.least).toBe(20_000)
  })

  it("doubles each time it is met, up to its most, and is itself again once something comes through", () => {
    for (const recover of [(each: RoundTrip) => each.recover(), (each: RoundTrip) => each.measure(100_000)]) {
      const roundTrip = new RoundTrip(settings)
      const timeouts = Array.from({ length: 40 }, () => {
        const { timeout } = roundTrip
        roundTrip.backOff()
        return timeout
      })
      expect(timeouts.slice(0, 5)).toEqual([1, 2, 4, 8, 10].map((seconds) => seconds * 1e6))
      expect(new Set(timeouts.slice(4))).toEqual(new Set([10e6]))
      recover(roundTrip)
      expect(roundTrip.timeout).toBeLessThanOrEqual(1_000_000)
    }
  })
})

describe("the congestion window (RFC 5681)", () => {
  const segment = 1000

  it("doubles with each round trip up to the threshold, and then grows by a segment", () => {
    const congestion = new Congestion(segment)
    expect(congestion.window).toBe(10 * segment)
    // Two windows full of segments are acknowledged.
    let sent = 0
    const roundTrip = () => {
      const segments = Math.floor(congestion.window / segment)
      for (let each = 0; each < segments; each++) congestion.acknowledged(segment, sent += segment, segment, true)
    }
    roundTrip()
    expect(congestion.window).toBe(20 * segment)
    // A window that is not used does not grow.
    congestion.acknowledged(segment, sent, segment, false)
    expect(congestion.window).toBe(20 * segment)

    congestion.lost(20 * segment, sent + 20 * segment, sent, segment)
    expect(congestion.window).toBe(10 * segment)
    // Losses of the same flood count once, and it does not grow until all of it is acknowledged.
    congestion.lost(20 * segment, sent + 25 * segment, sent + 19 * segment, segment)
    congestion.acknowledged(segment, sent + 19 * segment, segment, true)
    expect(congestion.window).toBe(10 * segment)
    congestion.acknowledged(segment, sent += 20 * segment, segment, true)
    expect(congestion.window).toBeGreaterThan(10 * segment)
    const before = congestion.window
    roundTrip()
    expect(congestion.window - before).toBeGreaterThan(0.8 * segment)
    expect(congestion.window - before).toBeLessThanOrEqual(segment)
    // What was sent after it is another flood.
    congestion.lost(8 * segment, sent + segment, sent, segment)
    expect(congestion.window).toBe(4 * segment)
  })

  it("is halved once for what was in flight together, and again from the first byte behind it", () => {
    const congestion = new Congestion(segment)
    congestion.lost(10 * segment, 20_000, 10_000, segment)
    congestion.lost(10 * segment, 25_000, 19_999, segment)
    expect(congestion.window).toBe(5 * segment)
    congestion.lost(5 * segment, 30_000, 20_000, segment)
    expect(congestion.window).toBe(2.5 * segment)
  })

  it("begins again with one segment after a timeout, and never gets smaller than two by a loss", () => {
    const congestion = new Congestion(segment)
    congestion.timedOut(8 * segment, 5000, segment)
    expect(congestion.window).toBe(segment)
    for (let each = 0; each < 3; each++) congestion.acknowledged(segment, 5000, segment, true)
    expect(congestion.window).toBe(4 * segment)
    // The threshold is half of what was in flight.
    congestion.acknowledged(segment, 5000, segment, true)
    expect(congestion.window).toBe(4 * segment + segment / 4)
    congestion.lost(segment, 9000, 6000, segment)
    expect(congestion.window).toBe(2 * segment)
  })
})

const timersOf = (program: Effect.Effect<unknown, unknown, SimNetwork.SimNetwork>, options: Simulation.Options = {}) =>
  Effect.gen(function*() {
    const { exit, trace } = yield* Simulation.record(program, options)
    yield* exit
    return trace.records.flatMap((record) => record._tag === "Timer" ? [`${record.name} ${record.at / 1e6}`] : [])
  })

const connected = Effect.fnUntraced(function*(keepAlive?: "10 seconds") {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* SimNetwork.link(server, client, { latency: "10 millis", segmentation: 0 })
  const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
  const near = yield* Effect.provide(Network.connect("server:7", { keepAlive }), Host.layer(client))
  return { server, client, near, far: yield* Listener.accept(listener) }
})

describe("the timers of a connection", () => {
  it.effect("probe a silent peer after the time of keep-alive, ten times a second apart, and give it up", () =>
    Effect.gen(function*() {
      const timers = yield* timersOf(Effect.scoped(Effect.gen(function*() {
        const { far, near, server } = yield* connected("10 seconds")
        yield* Effect.sleep("4980 millis")
        yield* Connection.writeText(far, "x")
        yield* Connection.readExactly(near, 1)
        yield* Fault.crash(server)
        yield* Effect.flip(Connection.read(near))
      })))
      const probes = Array.from({ length: 10 }, (_, index) => `keepAlive ${15 + index}.02`)
      expect(timers).toEqual([...probes, "giveUp 25.02"])
    }))

  it.effect("ask again and again whether a full window has opened, ever less often", () =>
    Effect.gen(function*() {
      const timers = yield* timersOf(Effect.scoped(Effect.gen(function*() {
        const { far, near } = yield* connected()
        const bytes = new Uint8Array(2_000_000)
        yield* Effect.forkScoped(Connection.write(near, bytes))
        yield* Effect.sleep("30 seconds")
        expect((yield* Connection.readExactly(far, bytes.length)).length).toBe(bytes.length)
      })))
      const times = timers.map((timer) => Number(timer.replace("persist ", "")))
      expect(times.length).toBeGreaterThan(3)
      const gaps = times.slice(1).map((time, index) => time - times[index]!)
      for (const [index, gap] of gaps.slice(1).entries()) expect(gap / gaps[index]!).toBeCloseTo(2, 1)
    }))

  it.effect("give up after the user timeout, and after a hundred seconds once nobody has the socket", () =>
    Effect.gen(function*() {
      const program = (waits: boolean) =>
        Effect.gen(function*() {
          const { client, near, server } = yield* connected()
          yield* Fault.partition(client, server)
          yield* Connection.writeText(near, "lost")
          // The process is killed, and its kernel keeps sending.
          if (waits) yield* Effect.flip(Connection.read(near))
          else yield* Fault.kill(client)
          yield* Effect.sleep("1 hour")
        }).pipe(Effect.scoped)
      const gaveUp = (timers: ReadonlyArray<string>) => {
        const [name, at] = timers.at(-1)!.split(" ")
        return name === "giveUp" ? Number(at) : undefined
      }
      // The first timeout after it.
      const patient = gaveUp(yield* timersOf(program(true), { tcp: { userTimeout: "30 seconds" } }))
      expect(patient).toBeGreaterThanOrEqual(30)
      expect(patient).toBeLessThan(61)
      const orphan = gaveUp(yield* timersOf(program(false)))
      expect(orphan).toBeGreaterThanOrEqual(100)
      expect(orphan).toBeLessThan(201)
    }))
})

describe("a state of TCP (RFC 9293, section 3.3.2)", () => {
  it("lets what was written be sent from the handshake on until the connection is over", () => {
    const states: ReadonlyArray<State> = [
      "CLOSED",
      "SYN_SENT",
      "SYN_RECEIVED",
      "ESTABLISHED",
      "FIN_WAIT_1",
      "FIN_WAIT_2",
      "CLOSE_WAIT",
      "CLOSING",
      "LAST_ACK",
      "TIME_WAIT"
    ]
    expect(states.filter((state) => !sends(state))).toEqual(["CLOSED", "SYN_SENT", "SYN_RECEIVED", "TIME_WAIT"])
  })
})

describe("after a retransmission timeout", () => {
  it.effect("one segment is sent, until it is acknowledged (RFC 5681, section 3.1)", () =>
    Effect.gen(function*() {
      const { exit, trace } = yield* Simulation.record(Effect.scoped(Effect.gen(function*() {
        const { client, far, near, server } = yield* connected()
        yield* Effect.forkScoped(Connection.write(near, new Uint8Array(200_000)))
        yield* Effect.sleep("15 millis")
        yield* Fault.partition(client, server)
        yield* Effect.sleep("2 seconds")
        yield* Fault.heal(client, server)
        yield* Connection.readExactly(far, 200_000)
      })))
      yield* exit
      const timeouts = trace.records.flatMap((record) =>
        record._tag === "Timer" && record.name === "retransmission" ? [record.at] : []
      )
      expect(timeouts.length).toBeGreaterThan(1)
      for (const at of timeouts) {
        const sent = trace.records.filter((record) => record._tag === "Segment" && record.at === at)
        expect(sent).toHaveLength(1)
      }
    }))
})

describe("the size of segments", () => {
  it.effect.each(
    [[576, 536, "10.0.0.1"], [1500, 1460, "10.0.0.1"], [1500, 1440, "[fd00::1]"], [68, 28, "10.0.0.1"]] as const
  )(
    "with an MTU of %d is %d to %s",
    ([mtu, size, address]) =>
      Effect.gen(function*() {
        const { exit, trace } = yield* Simulation.record(Effect.scoped(Effect.gen(function*() {
          const [server, client] = yield* SimNetwork.hosts("server", "client")
          yield* SimNetwork.link(server, client, { mtu })
          const listener = yield* Effect.provide(Network.listen("tcp://[::]:7"), Host.layer(server))
          const near = yield* Effect.provide(Network.connect(`tcp://${address}:7`), Host.layer(client))
          const far = yield* Listener.accept(listener)
          yield* Effect.forkChild(Connection.write(near, new Uint8Array(5000)))
          yield* Connection.readExactly(far, 5000)
        })))
        yield* exit
        const segments = trace.records.filter((record) => record._tag === "Segment")
        expect(Math.max(...segments.map(({ payload }) => payload.length))).toBe(size)
        expect(segments.find(({ flags }) => flags === 2)?.maximumSegmentSize).toBe(size)
        expect(segments.some(({ fate }) => fate === "tooLarge")).toBe(false)
      })
  )
})

describe("bytes that a program has read", () => {
  it.effect("are its own: when it overwrites them, neither the trace nor what is read later changes", () =>
    Effect.gen(function*() {
      const sent = Uint8Array.from({ length: 50_000 }, (_, index) => index % 251)
      const received: Array<number> = []
      const { trace } = yield* Simulation.record(
        Effect.scoped(Effect.gen(function*() {
          const [server, client] = yield* SimNetwork.hosts("server", "client")
          yield* SimNetwork.link(server, client, { loss: 0.1, segmentation: 0.3 })
          const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
          const near = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
          const far = yield* Listener.accept(listener)
          yield* Effect.forkChild(Effect.andThen(Connection.write(near, sent), Connection.end(near)))
          yield* Stream.runForEach(Connection.bytes(far), (chunk) =>
            Effect.sync(() => {
              received.push(...chunk)
              chunk.fill(255)
            }))
        })),
        { seed: 1 }
      )
      expect(received).toEqual([...sent])
      const payloads = trace.records.flatMap((each) => each._tag === "Segment" ? [...each.payload] : [])
      assert.isAbove(payloads.length, sent.length)
      expect(payloads.filter((byte) => byte === 255)).toEqual([])
    }))

  it("are a copy if they came in pieces, and otherwise a view", () => {
    const buffer = new ReceiveBuffer(100)
    const pieces = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5), Uint8Array.of(6, 7)]
    let next = 0
    for (const piece of pieces) {
      buffer.insert(next, piece)
      next += piece.length
    }
    const take = (most: number) => [[...buffer.take(most)!], buffer.hasCopied, buffer.readableBytes]
    expect(take(2)).toEqual([[1, 2], false, 5])
    expect(take(2)).toEqual([[3, 4], true, 3])
    expect(take(1)).toEqual([[5], false, 2])
    expect(take(9)).toEqual([[6, 7], false, 0])
    expect(buffer.take(1)).toBeUndefined()
  })
})
