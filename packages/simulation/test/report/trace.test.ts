import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const conversation = (loss: number) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, { latency: "10 millis", loss })
    yield* Host.serve(
      server,
      Server.layer({ listen: "tcp://[::]:7" }, (connection) => Connection.pipeTo(connection, connection))
    )
    for (const address of ["10.0.0.1", "[fd00::1]"]) {
      yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* Network.connect(`tcp://${address}:7`)
          yield* Effect.forkChild(Connection.write(connection, new Uint8Array(50_000).fill(65)))
          yield* Connection.readExactly(connection, 50_000)
          yield* Connection.end(connection)
          yield* Connection.readAll(connection)
        }))
      )
      yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const socket = yield* Network.bind(address === "10.0.0.1" ? "udp://0.0.0.0:0" : "udp://[::]:0")
          yield* UdpSocket.send(socket, "odd", `${address}:9`)
          yield* UdpSocket.send(socket, new Uint8Array(5000), `${address}:9`)
        }))
      )
    }
    yield* Effect.sleep("1 second")
  })

const traceOf = (loss: number) =>
  Effect.flatMap(Simulation.record(conversation(loss), { seed: 3 }), ({ exit, trace }) => Effect.as(exit, trace))

const hasTshark = ChildProcess.spawnSync("tshark", ["--version"]).status === 0

/** What tshark reports of a trace. */
const tshark = (trace: Trace.Trace, ...options: ReadonlyArray<string>): string => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))
  try {
    const file = Path.join(folder, "trace.pcapng")
    Fs.writeFileSync(file, Trace.toPcapng(trace))
    const checks = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"].flatMap((
      name
    ) => ["-o", `${name}:TRUE`])
    return ChildProcess.execFileSync("tshark", ["-r", file, ...checks, ...options], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
  } finally {
    Fs.rmSync(folder, { recursive: true })
  }
}

describe.skipIf(!hasTshark)("toPcapng, read by tshark", () => {
  it.effect("follows the streams without a warning", () =>
    Effect.gen(function*() {
      const trace = yield* traceOf(0)
      expect(tshark(trace, "-q", "-z", "expert,warn")).not.toMatch(/Warns|Errors/)
      expect(tshark(trace, "-q", "-z", "expert,note")).not.toMatch(/retransmission|Duplicate|out-of-order/i)
      const bad = "ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0"
      expect(tshark(trace, "-Y", bad)).toBe("")
      const good = tshark(trace, "-Y", "tcp.checksum.status == 1 or udp.checksum.status == 1").trim().split("\n")
      expect(good).toHaveLength(trace.records.filter((record) => "payload" in record).length)
      for (const stream of [0, 1]) {
        const [, bytes] =
          /=+\s+([0-9a-f\s]+)=/.exec(tshark(trace, "-q", "-z", `follow,tcp,raw,${stream}`).split("Node 1:")[1]!
            .replace(/^.*\n/, "=\n")) ?? []
        expect(bytes!.replace(/\s/g, "").length / 2).toBe(100_000)
      }
    }))

  it.effect(
    "knows retransmissions and what acknowledges them, and finds no fault in the headers",
    () =>
      Effect.gen(function*() {
        const trace = yield* traceOf(0.1)
        expect(tshark(trace, "-Y", "tcp.analysis.retransmission").trim().split("\n").length).toBeGreaterThan(5)
        expect(tshark(trace, "-Y", "_ws.malformed")).toBe("")
        expect(tshark(trace, "-Y", "frame.comment contains \"lost\"").trim().split("\n")).toHaveLength(
          trace.records.filter((record) => "fate" in record && record.fate === "lost").length
        )
      })
  )
})

describe("toPcapng", () => {
  const socket = (port: number) => ({ address: "10.0.0.1", port })
  const packet = {
    at: 0,
    arrival: 1,
    fate: "arrives",
    duplicate: false,
    from: "a",
    to: "b",
    source: socket(1),
    destination: socket(2)
  } as const
  const records = (payload: Uint8Array): ReadonlyArray<Trace.Segment | Trace.Datagram> => {
    const rest = { sequence: 1, acknowledgment: 2, sequenceBase: 3, acknowledgmentBase: 4, window: 5, sack: [] }
    return [
      { ...packet, ...rest, _tag: "Segment", payload, flags: 16, maximumSegmentSize: undefined, retransmission: false },
      { ...packet, _tag: "Datagram", payload }
    ]
  }
  /** The IP packet of a record: header, and what follows it. */
  const packetOf = (record: Trace.Record) => {
    const bytes = Trace.toPcapng({ records: [record], dropped: 0, hosts: ["a", "b"], hash: "" })
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    let at = 0
    while (view.getUint32(at, true) !== 6) at += view.getUint32(at + 4, true)
    const ip = bytes.subarray(at + 28 + 14, at + 28 + view.getUint32(at + 20, true))
    return { header: ip.subarray(0, 20), content: ip.subarray(20) }
  }
  const words = (bytes: Uint8Array) => {
    let sum = 0
    for (let at = 0; at < bytes.length; at += 2) sum += bytes[at]! * 256 + (bytes[at + 1] ?? 0)
    return sum
  }
  const checksumOf = (record: Trace.Record) => {
    const { content } = packetOf(record)
    return words(content.subarray(record._tag === "Segment" ? 16 : 6).subarray(0, 2))
  }

  it("has checksums with which the words of each packet sum up to a multiple of 65,535 (RFC 1071)", () => {
    const payloads = [[], [1], [255, 255], [1, 2, 3], new Array<number>(1000).fill(255)].map((each) =>
      new Uint8Array(each)
    )
    for (const record of payloads.flatMap(records)) {
      const { content, header } = packetOf(record)
      expect(words(header) % 65_535).toBe(0)
      const pseudo = words(header.subarray(12)) + content.length + header[9]!
      expect((pseudo + words(content)) % 65_535).toBe(0)
    }
  })

  it("writes a checksum of zero as 65,535 for UDP, where zero says that there is none (RFC 768)", () => {
    const [segment, datagram] = records(new Uint8Array(2)).map((record) => {
      const sum = checksumOf(record)
      return checksumOf({ ...record, payload: Uint8Array.of(sum >> 8, sum & 255) } as Trace.Record)
    })
    expect([segment, datagram]).toEqual([0, 65_535])
  })
})

const short = Effect.gen(function*() {
  const [a, b] = yield* SimNetwork.hosts("a", "b")
  const socket = yield* Effect.provide(Network.bind("udp://0.0.0.0:1000"), Host.layer(a))
  yield* UdpSocket.send(socket, "there", "10.0.0.2:9")
  yield* Fault.partition(a, b)
  yield* UdpSocket.send(socket, "not there", "10.0.0.2:9")
  yield* Effect.sleep("1 second")
})

describe("Trace", () => {
  it.effect("toText is like tcpdump", () =>
    Effect.gen(function*() {
      const { trace } = yield* Simulation.record(short)
      expect(Trace.toText(trace)).toBe([
        "0.000000 a 10.0.0.1:1000 > b 10.0.0.2:9: UDP, length 5: \"there\"",
        "0.000000 *** partition a | b",
        "0.000000 a 10.0.0.1:1000 > b 10.0.0.2:9: UDP, length 9: \"not there\" (dropped, partitioned)"
      ].join("\n"))
    }))

  it.effect("toMermaid is a sequence diagram", () =>
    Effect.gen(function*() {
      const { trace } = yield* Simulation.record(short)
      expect(Trace.toMermaid(trace)).toBe([
        "sequenceDiagram",
        "  participant h0 as a",
        "  participant h1 as b",
        "  h0->>h1: 0 ms: UDP \"there\"",
        "  Note over h0,h1: 0 ms: partition a | b",
        "  h0-xh1: 0 ms: UDP \"not there\", dropped, partitioned"
      ].join("\n"))
    }))

  it.effect("toSvg draws every packet, and marks what does not arrive", () =>
    Effect.gen(function*() {
      const svg = Trace.toSvg((yield* Simulation.record(short)).trace)
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>$/)
      expect(svg.match(/marker-end/g)).toHaveLength(1)
      expect(svg.match(/class="gone"/g)).toHaveLength(1)
      expect(svg).toContain("partition a | b")
    }))

  it.effect("keeps the last records only, and hashes all", () =>
    Effect.gen(function*() {
      const whole = yield* Simulation.record(conversation(0), { seed: 3 })
      const part = yield* Simulation.record(conversation(0), { seed: 3, trace: { records: 10 } })
      const none = yield* Simulation.record(conversation(0), { seed: 3, trace: false })
      expect(part.trace.records).toEqual(whole.trace.records.slice(-10))
      expect(part.trace.dropped).toBe(whole.trace.records.length - 10)
      expect(part.trace.hash).toBe(whole.trace.hash)
      expect(none.trace.records).toEqual([])
      expect(none.steps).toBe(whole.steps)
      expect(Trace.last(whole.trace, 3).records).toHaveLength(3)
    }))
})
