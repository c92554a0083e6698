import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import type * as Trace from "@sluice/simulation/Trace"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16]

/** The segments of a run. */
const segmentsOf = (
  program: Effect.Effect<unknown, unknown, SimNetwork.SimNetwork | Scope.Scope>,
  options: Simulation.Options = {}
) =>
  Effect.gen(function*() {
    const { exit, trace } = yield* Simulation.record(program, options)
    yield* exit
    return trace.records.filter((record) => record._tag === "Segment")
  })

/** RFC 9293, section 3.4: SYN and FIN take up a number each, and data one a byte. */
const endOf = ({ flags, payload, sequence }: Trace.Segment) =>
  sequence + payload.length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0)

const byteAt = (index: number) => index % 251

const transfer = (bytes: number, latency: number) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, { latency, loss: 0.05, reordering: 0.05, duplication: 0.05 })
    const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
    const near = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
    const far = yield* Listener.accept(listener)
    const reading = yield* Effect.forkScoped(Connection.readAll(far))
    yield* Connection.write(near, Uint8Array.from({ length: bytes }, (_, index) => byteAt(index)))
    yield* Connection.end(near)
    yield* Connection.end(far)
    const received = yield* Fiber.join(reading)
    expect(received.every((byte, index) => byte === byteAt(index))).toBe(true)
    expect(received).toHaveLength(bytes)
    yield* Connection.readAll(near)
    yield* Effect.sleep("1 minute")
  })

describe("the segments of a connection", () => {
  it.effect("keep the rules of RFC 9293 and RFC 2018, through loss, reordering and duplication", () =>
    Effect.gen(function*() {
      for (const seed of [1, 2]) {
        const segments = yield* segmentsOf(transfer(60_000, 10), { seed })
        for (const host of ["server", "client"]) {
          const sent = segments.filter(({ from }) => from === host)
          const other = segments.filter(({ from }) => from !== host)
          const bases = new Set(sent.map(({ sequenceBase }) => sequenceBase))
          expect(bases.size).toBe(1)
          let edge = 0
          let acknowledged = 0
          for (const segment of sent) {
            const { acknowledgment, at, flags, payload, sack, sequence } = segment
            // The answer to a duplicate that comes when its connection is closed.
            if (flags & RST) continue
            // The first has no acknowledgment, and all others have.
            expect((flags & ACK) !== 0).toBe(flags !== SYN)
            // Nothing is sent that leaves a gap, and the first byte has the number 1.
            expect(sequence).toBeLessThanOrEqual(edge)
            expect(payload.every((byte, index) => byte === byteAt(sequence - 1 + index))).toBe(true)
            const isNew = endOf(segment) > edge
            // A duplicate is the network's.
            if (!isNew && !segment.duplicate && endOf(segment) > sequence) expect(segment.retransmission).toBe(true)
            if (isNew && sequence === edge) expect(segment.retransmission).toBe(false)
            edge = Math.max(edge, endOf(segment))
            if ((flags & ACK) === 0) continue
            // An acknowledgment never goes back, and is for what has come.
            expect(acknowledgment).toBeGreaterThanOrEqual(acknowledged)
            acknowledged = acknowledgment
            const come = other.filter(({ arrival, fate }) => fate === "arrives" && arrival! <= at)
            expect(acknowledgment).toBeLessThanOrEqual(Math.max(...come.map(endOf)))
            for (const [start, end] of sack) {
              expect(start).toBeGreaterThan(acknowledgment)
              expect(end).toBeGreaterThan(start)
              expect(come.some((each) => each.sequence <= start && start < endOf(each))).toBe(true)
              const edges = come.flatMap((each) => [each.sequence + each.payload.length, endOf(each)])
              expect(edges).toContain(end)
            }
          }
          expect(acknowledged).toBe(Math.max(...other.map(endOf)))
        }
        expect(segments.some(({ sack }) => sack.length > 0)).toBe(true)
        // The largest segment is told with SYN and kept to.
        const first = segments.filter(({ flags }) => flags & SYN)
        expect(first.every(({ maximumSegmentSize }) => maximumSegmentSize === 1460)).toBe(true)
        expect(Math.max(...segments.map(({ payload }) => payload.length))).toBe(1460)
        expect(segments.filter(({ flags, maximumSegmentSize }) => !(flags & SYN) && maximumSegmentSize !== undefined))
          .toEqual([])
      }
    }))

  it.effect("announce no room once the peer has ended, however late the program reads", () =>
    Effect.gen(function*() {
      const segments = yield* segmentsOf(Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        yield* SimNetwork.link(server, client, { latency: 1, segmentation: 0 })
        const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
        const near = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
        const far = yield* Listener.accept(listener)
        yield* Connection.write(near, new Uint8Array(200_000))
        yield* Connection.end(near)
        yield* Effect.sleep("5 seconds")
        expect((yield* Connection.readAll(far)).length).toBe(200_000)
        yield* Effect.sleep("5 seconds")
        yield* Connection.end(far)
        yield* Effect.sleep("5 seconds")
      }))
      const ended = segments.find(({ flags, from }) => from === "client" && flags & FIN)!
      const answers = segments.filter(({ from }) => from === "server")
      const last = answers.findIndex(({ acknowledgment }) => acknowledgment === endOf(ended))
      expect(last).toBeGreaterThan(0)
      expect(answers.slice(last + 1).map(({ flags }) => flags & FIN)).toEqual([FIN])
    }))

  it.effect("hold as much as fits, and reads give all that has come, unless the link divides what is written", () =>
    Effect.gen(function*() {
      const parts = Effect.fnUntraced(function*(segmentation: number) {
        const reads: Array<number> = []
        const segments = yield* segmentsOf(Effect.gen(function*() {
          const [server, client] = yield* SimNetwork.hosts("server", "client")
          yield* SimNetwork.link(server, client, { latency: "10 millis", segmentation })
          const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
          const near = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
          const far = yield* Listener.accept(listener)
          yield* Connection.write(near, new Uint8Array(10_000))
          yield* Connection.end(near)
          yield* Effect.sleep("5 seconds")
          yield* Stream.runForEach(Connection.bytes(far), ({ length }) => Effect.sync(() => reads.push(length)))
        }))
        const sizes = segments.flatMap(({ from, payload }) =>
          from === "client" && payload.length > 0 ? [payload.length] : []
        )
        return [reads, sizes] as const
      })
      const [reads, sizes] = yield* parts(0)
      expect([reads, sizes]).toEqual([[10_000], [1460, 1460, 1460, 1460, 1460, 1460, 1240]])
      const [partsRead, partsSent] = yield* parts(1)
      expect(partsRead.length).toBeGreaterThan(5)
      expect(partsSent.length).toBeGreaterThan(8)
      expect(partsRead.reduce((sum, each) => sum + each, 0)).toBe(10_000)
    }))

  it.effect("that reach nobody are reset as RFC 9293 says, section 3.10.7.1, and a reset is never answered", () =>
    Effect.gen(function*() {
      const segments = yield* segmentsOf(Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        yield* SimNetwork.link(server, client, { latency: "10 millis" })
        const dial = (port: number) => Effect.provide(Network.connect(`tcp://10.0.0.1:${port}`), Host.layer(client))
        expect((yield* Effect.flip(dial(8))).reason._tag).toBe("ConnectionRefused")

        const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
        const near = yield* dial(7)
        yield* Listener.accept(listener)
        yield* Fault.crash(server)
        yield* Fault.restart(server)
        yield* Connection.writeText(near, "are you there?")
        expect((yield* Effect.flip(Connection.read(near))).reason._tag).toBe("ConnectionReset")
      }))
      const resets = segments.filter(({ flags }) => flags & RST)
      expect(resets).toHaveLength(2)
      const [refused, unknown] = resets
      const syn = segments.find(({ destination }) => destination.port === 8)!
      expect(refused).toMatchObject({ flags: RST | ACK, sequence: 0, acknowledgment: endOf(syn) })
      expect(refused!.acknowledgmentBase).toBe(syn.sequenceBase)
      const asked = segments.find(({ payload }) => payload.length > 0)!
      expect(unknown).toMatchObject({ flags: RST, sequence: asked.acknowledgment, payload: new Uint8Array(0) })
      expect(unknown!.sequenceBase).toBe(asked.acknowledgmentBase)
      expect(segments.at(-1)).toBe(unknown)
    }))
})

describe("the ports of a host", () => {
  const range = { tcp: { ephemeralPorts: [40_000, 40_002] as const } }

  it.effect("are given to connections one each, and never one that something listens on", () =>
    Simulation.run(
      Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        const onServer = Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
        yield* onServer
        const other = yield* Effect.provide(Network.listen("tcp://0.0.0.0:8"), Host.layer(server))
        const dial = (port: number) => Effect.provide(Network.connect(`tcp://10.0.0.1:${port}`), Host.layer(client))
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Effect.provide(Network.listen("tcp://0.0.0.0:40001"), Host.layer(client))
          const ports = [yield* dial(7), yield* dial(7)].map((connection) => portOf(connection))
          expect(ports.toSorted()).toEqual([40_000, 40_002])
          expect((yield* Effect.flip(dial(7))).reason._tag).toBe("PortsExhausted")
          // The same port may serve for another destination.
          expect([40_000, 40_002]).toContain(portOf(yield* dial(8)))
        }))
        // Nobody listens any more.
        expect(portOf(yield* dial(7))).toBe(40_001)
        yield* Listener.accept(other)
      }),
      range
    ))
})

const portOf = ({ localAddress }: Connection.Connection): number =>
  NetAddress.isInetAddress(localAddress) ? localAddress.port : 0
