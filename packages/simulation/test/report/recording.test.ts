import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { fingerprint } from "../../src/internal/report/fingerprint.ts"
import { traceInDetail } from "../../src/internal/run/failure.ts"
import { TraceBuffer } from "../../src/internal/world/traceBuffer.ts"
import { hosts, listen, pairOn } from "../fixtures/handshake.ts"

const socket = (port: number) => ({ address: "10.0.0.1", port })
const packet = {
  at: 5,
  arrival: 9,
  fate: "arrives",
  duplicate: false,
  from: "a",
  to: "b",
  source: socket(1),
  destination: socket(2),
  payload: Uint8Array.of(1, 2, 3)
} as const
const segment: Trace.Segment = {
  ...packet,
  _tag: "Segment",
  flags: 16,
  sequence: 1,
  acknowledgment: 2,
  sequenceBase: 3,
  acknowledgmentBase: 4,
  window: 5,
  sack: [],
  maximumSegmentSize: undefined,
  retransmission: false
}
const timer: Trace.Timer = {
  _tag: "Timer",
  at: 5,
  host: "a",
  source: socket(1),
  destination: socket(2),
  name: "persist"
}
const fault: Trace.Fault = {
  _tag: "Fault",
  at: 5,
  id: 1,
  phase: "begin",
  kind: "pause",
  name: "pause of a",
  hosts: ["a"],
  others: []
}
const note: Trace.Note = { _tag: "Note", at: 5, host: "a", kind: "log", text: "hello" }

const unlimited = { records: 1e6, bytes: 1e9 }
const bufferOf = (records: ReadonlyArray<Trace.Record>, limits = unlimited) => {
  const buffer = new TraceBuffer(limits)
  for (const record of records) buffer.add(record)
  return buffer.snapshot
}

describe("M1: the hash of a trace", () => {
  const variants: ReadonlyArray<Trace.Record> = [
    segment,
    { ...segment, at: 6 },
    { ...segment, at: 5 + 2 ** 32 },
    { ...segment, arrival: 10 },
    { ...segment, arrival: undefined },
    { ...segment, fate: "lost" },
    { ...segment, source: socket(3) },
    { ...segment, destination: socket(3) },
    { ...segment, source: { address: "10.0.0.2", port: 1 } },
    { ...segment, destination: { address: "10.0.0.2", port: 2 } },
    { ...segment, flags: 17 },
    { ...segment, sequence: 2 },
    { ...segment, sequenceBase: 5 },
    { ...segment, acknowledgment: 3 },
    { ...segment, window: 6 },
    { ...segment, payload: Uint8Array.of(1, 2, 4) },
    { ...segment, payload: Uint8Array.of(1, 2) },
    { ...segment, payload: Uint8Array.of(1, 2, 3, 0) },
    { ...packet, _tag: "Datagram" },
    timer,
    { ...timer, name: "giveUp" },
    { ...timer, at: 6 },
    fault,
    { ...fault, name: "pause of b" },
    note,
    { ...note, text: "hallo" },
    { ...note, host: "b" },
    { ...note, kind: "mark" }
  ]

  it("is another with every part of a record, their order, and their number", () => {
    const hashes = variants.map((record) => bufferOf([record]).hash)
    expect(new Set(hashes).size).toBe(variants.length)
    expect(hashes.every((hash) => /^[0-9a-f]{16}$/.test(hash))).toBe(true)
    const orders = [[segment, note], [note, segment], [segment], [segment, segment], [segment, note, note]]
    expect(new Set(orders.map((records) => bufferOf(records).hash)).size).toBe(orders.length)
    expect(bufferOf(variants).hash).toBe(bufferOf(variants.map((record) => ({ ...record }))).hash)
  })

  it("covers what became of a packet after it was recorded, and what is not kept", () => {
    const fates = (["arrives", "lost"] as const).map((fate) => {
      const buffer = new TraceBuffer(unlimited)
      const record = { ...segment, fate: "arrives" as Trace.Fate }
      buffer.add(record)
      record.fate = fate
      buffer.add(note)
      return buffer.snapshot.hash
    })
    expect(new Set(fates).size).toBe(2)
    expect(bufferOf(variants, { records: 1, bytes: 1e9 }).hash).toBe(bufferOf(variants).hash)
    expect(bufferOf(variants, { records: 0, bytes: 0 }).hash).toBe(bufferOf(variants).hash)
  })

  it("is that of a snapshot, however often one is taken", () => {
    const buffer = new TraceBuffer(unlimited)
    for (const record of variants) {
      buffer.add(record)
      expect(buffer.snapshot).toEqual(buffer.snapshot)
    }
    expect(buffer.snapshot.hash).toBe(bufferOf(variants).hash)
  })
})

describe("the records of a trace", () => {
  it("are the last ones, as many and as large as is allowed", () => {
    const all = Array.from({ length: 5000 }, (_, at) => ({ ...segment, at, payload: new Uint8Array(10) }))
    for (const records of [1, 7, 1024, 4999, 5000, 5001]) {
      const trace = bufferOf(all, { records, bytes: 1e9 })
      expect(trace.records).toEqual(all.slice(-records))
      expect(trace.dropped).toBe(Math.max(0, 5000 - records))
    }
    // Payloads count, and nothing else.
    expect(bufferOf(all, { records: 1e6, bytes: 30 }).records).toEqual(all.slice(-3))
    expect(bufferOf(all, { records: 1e6, bytes: 39 }).records).toEqual(all.slice(-3))
    const notes = bufferOf([...all, note, note], { records: 1e6, bytes: 10 })
    expect(notes.records).toEqual([all.at(-1), note, note])
  })

  it("around a moment are those up to it, and those behind it", () => {
    const trace = bufferOf([1, 2, 2, 3, 5].map((at) => ({ ...note, at })))
    const at = (...range: Parameters<typeof Trace.around> extends [unknown, ...infer Rest] ? Rest : never) =>
      Trace.around(trace, ...range).records.map((record) => record.at)
    expect(at(2)).toEqual([1, 2, 2, 3, 5])
    expect(at(2, { before: 2, after: 1 })).toEqual([2, 2, 3])
    expect(at(2, { before: 1, after: 0 })).toEqual([2])
    expect(at(4, { before: 1, after: 1 })).toEqual([3, 5])
    expect(at(9, { before: 2 })).toEqual([3, 5])
    expect(at(0, { after: 2 })).toEqual([1, 2])
    expect(Trace.around(trace, 4, { before: 1 }).dropped).toBe(3)
  })
})

class Point {
  readonly x: number
  constructor(x: number) {
    this.x = x
  }
}

class Place extends Point {}

describe("the fingerprint of a value", () => {
  it("is the same for what looks the same, and another for what does not", () => {
    const make = (): ReadonlyArray<unknown> => [
      undefined,
      null,
      true,
      0,
      1,
      "",
      "1",
      "null",
      () => 1,
      [],
      [[]],
      [1],
      [1, 2],
      ["1"],
      new Set([3]),
      new Map([[1, 2]]),
      {},
      { a: 1 },
      { a: 2 },
      { b: 1 },
      { a: { a: 1 } },
      new Point(1),
      new Point(2),
      { ...new Point(1) },
      new Place(1),
      new Error("a"),
      new Error("b"),
      new TypeError("a"),
      Object.assign(new Error("a"), { code: 1 }),
      new Uint8Array([9, 9]).subarray(1)
    ]
    const prints = make().map(fingerprint)
    expect(make().map(fingerprint)).toEqual(prints)
    expect(new Set(prints).size).toBe(prints.length)
    expect(fingerprint({ a: 1, b: 2 })).toBe(fingerprint({ b: 2, a: 1 }))
    expect(fingerprint(Object.assign(Object.create(null), { a: 1 }))).toBe(fingerprint({ a: 1 }))
    const stack = (text: string) => Object.assign(new Error("a"), { stack: text })
    expect(fingerprint({ e: stack("here") })).toBe(fingerprint({ e: stack("there") }))
    expect(fingerprint({ stack: 1 })).toBe(fingerprint({ stack: 2 }))
  })

  it("ends for what is deep, long or its own part", () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    expect(fingerprint(circle)).toBe("{self:…}")
    const nested = (depth: number): unknown => depth === 0 ? "end" : [nested(depth - 1)]
    expect(fingerprint(nested(7))).toContain("end")
    expect(fingerprint(nested(8))).not.toContain("end")
    expect(fingerprint(Array.from({ length: 100_000 }, () => "x".repeat(100))).length).toBeLessThan(300_000)
  })
})

describe("lines of the log in a trace", () => {
  it.effect("have all that was logged, in words, and are bounded", () =>
    Effect.gen(function*() {
      const { trace } = yield* Simulation.record(Effect.gen(function*() {
        const host = yield* SimNetwork.host("node")
        const circle: { self?: unknown } = {}
        circle.self = circle
        yield* Host.run(host, Effect.logInfo("term", 7, { leader: "a" }, new TypeError("odd"), undefined, circle))
        yield* Effect.logWarning("outside")
        yield* Effect.logError("failed", new Error("why"))
        yield* Effect.logDebug("x".repeat(2000))
      }))
      const notes = trace.records.filter((record) => record._tag === "Note")
      expect(notes.map(({ host }) => host).slice(0, 3)).toEqual(["node", "", ""])
      expect(notes.map(({ text }) => text).slice(0, 3)).toEqual([
        "INFO term 7 {\"leader\":\"a\"} TypeError: odd undefined [object Object]",
        "WARN outside",
        "ERROR failed Error: why"
      ])
      expect(notes.every(({ kind, text }) => kind === "log" && text.length <= 1000)).toBe(true)
    }))
})

describe("a payload in a trace", () => {
  const shown = (payload: Uint8Array | string) => {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload
    const text = Trace.toText(bufferOf([{ ...packet, _tag: "Datagram", payload: bytes }]))
    return text.split(`length ${bytes.length}`)[1]
  }

  it("is shown if it is short and plain text, line endings included", () => {
    for (const text of [" ~", "a\r\nb\n", "x".repeat(24)]) expect(shown(text)).toBe(`: ${JSON.stringify(text)}`)
    for (const other of ["", "x".repeat(25), "é", "a\tb", "\u007f", Uint8Array.of(31), Uint8Array.of(97, 0)]) {
      expect(shown(other)).toBe("")
    }
  })
})

describe("a handshake in a trace", () => {
  const authority = SimCertificate.authority("Test CA")

  it.effect("is told by the names of its messages, and data by its length", () =>
    Effect.gen(function*() {
      const names = (versions: ReadonlyArray<"TLSv1.2" | "TLSv1.3">) =>
        Effect.gen(function*() {
          const { exit, trace } = yield* Simulation.record(Effect.scoped(Effect.gen(function*() {
            const ends = yield* hosts({ latency: "1 millis", segmentation: 0 }, { client: { tls: { versions } } })
            const { listener } = yield* listen(ends.server, {
              tls: {
                certificates: [authority.issue({ names: ["server"] })],
                clientCertificates: "required",
                authorities: authority.certificate,
                resumption: false
              }
            })
            const { client } = yield* pairOn(listener, ends.client, {
              authorities: authority.certificate,
              certificate: authority.issue({ commonName: "client" })
            })
            yield* Connection.end(client)
            yield* Effect.sleep("1 second")
          })))
          yield* exit
          return Trace.toText(trace).split("\n").flatMap((line) => {
            const [, from, said] = /^\S+ (\w+) .* length \d+: TLS (.*)$/.exec(line) ?? []
            return said === undefined ? [] : [`${from}: ${said}`]
          })
        })
      const after = ["server: 1 byte", "client: 1 byte", "client: close_notify", "server: close_notify"]
      expect(yield* names(["TLSv1.3"])).toEqual([
        "client: ClientHello",
        "server: ServerHello, CertificateRequest, Certificate, Finished",
        "client: Certificate, Finished",
        ...after
      ])
      expect(yield* names(["TLSv1.2"])).toEqual([
        "client: ClientHello",
        "server: ServerHello, Certificate, CertificateRequest, ServerHelloDone",
        "client: Certificate, ClientKeyExchange, Finished",
        "server: Finished",
        ...after
      ])
    }))
})

describe("the clocks of a host", () => {
  it.effect("keep what they gained by a drift when it ends", () =>
    Simulation.run(Effect.gen(function*() {
      const host = yield* SimNetwork.host("node")
      const nanos = Host.run(host, Clock.monotonicTimeNanos)
      const seconds = Effect.map(nanos, (time) => Number(time) / 1e9)
      const drifting = (rate: number) =>
        Effect.scoped(Effect.andThen(Fault.drift(host, rate), Effect.sleep("10 seconds")))
      yield* drifting(2)
      expect(yield* seconds).toBe(20)
      yield* Effect.sleep("5 seconds")
      expect(yield* seconds).toBe(25)
      yield* drifting(0.5)
      expect(yield* seconds).toBe(30)
      const begun = yield* Clock.currentTimeMillis
      yield* Effect.scoped(Effect.andThen(Fault.drift(host, 4), Host.run(host, Effect.sleep("8 seconds"))))
      expect((yield* Clock.currentTimeMillis) - begun).toBe(2000)
      expect(yield* seconds).toBe(38)
    })))
})

describe("the detailed trace of a failure", () => {
  it.effect("tells what its last 3,000 records waited for, and records the earlier ones as before", () =>
    Effect.gen(function*() {
      const marks = (count: number) =>
        Effect.forEach(
          Array.from({ length: count }, (_, index) => index),
          (index) => Effect.andThen(Trace.mark(`${index}`), Effect.sleep("1 second"))
        )
      const detailed = Effect.fnUntraced(function*(count: number) {
        const program = Effect.withSpan(marks(count), "marking")
        const plain = yield* Simulation.record(program)
        const trace = yield* traceInDetail(plain, undefined, (trace) => Simulation.record(program, { trace }))
        expect(trace.hash).toBe(plain.trace.hash)
        return Math.min(...trace.waits!.map(({ at }) => at)) / 1e6
      })
      expect(yield* detailed(3500)).toBe(500)
      expect(yield* detailed(100)).toBe(1)
    }))
})
