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
import { elements } from "../fixtures/xml.ts"

/** A run with a record of every kind: segments, datagrams, timers, faults, marks, and packets that do not arrive. */
const eventful = Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* SimNetwork.host("idle")
  yield* SimNetwork.link(server, client, { latency: "10 millis", segmentation: 0 })
  yield* Host.serve(
    server,
    Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))
  )
  yield* Host.run(
    client,
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* Network.connect("tcp://10.0.0.1:7")
      yield* Connection.writeText(connection, "hi <&>")
      yield* Connection.readExactly(connection, 6)
      yield* Trace.mark("a < b &\n  \"c\"; d")
      yield* Fault.partition(server, client)
      yield* Connection.writeText(connection, "late")
      yield* Effect.sleep("300 millis")
      yield* Fault.heal(server, client)
      yield* Connection.readExactly(connection, 4)
      const socket = yield* Network.bind("udp://0.0.0.0:5000")
      yield* UdpSocket.send(socket, new Uint8Array(30), "10.0.0.1:9")
      yield* UdpSocket.send(socket, "self", "127.0.0.1:5000")
      yield* UdpSocket.send(socket, "nobody", "10.9.9.9:9")
      yield* Connection.end(connection)
      yield* Connection.readAll(connection)
      yield* Effect.sleep("1 second")
    }))
  )
})

const traced = Effect.gen(function*() {
  const { exit, trace } = yield* Simulation.record(eventful, { seed: 1 })
  yield* exit
  return trace
})

describe("a trace as text", () => {
  it.effect("has a line for every record, with what tcpdump would print of it", () =>
    Effect.gen(function*() {
      const client = "client 10.0.0.2:4000 > server 10.0.0.1:7"
      const server = "server 10.0.0.1:7 > client 10.0.0.2:4000"
      const again = "win 262144, length 6: \"hi <&>\" (retransmission)"
      const trace = yield* traced
      const [first] = trace.records.filter((record) => record._tag === "Segment")
      const text = Trace.toText(trace).replaceAll(`:${first!.source.port}`, ":4000")
      expect(text.split("\n")).toEqual([
        `0.000000 ${client}: Flags [S], seq 0, win 65535, length 0`,
        `0.010000 ${server}: Flags [S.], seq 0, ack 1, win 65535, length 0`,
        `0.020000 ${client}: Flags [.], ack 1, win 262144, length 0`,
        `0.020000 ${client}: Flags [P.], seq 1:7, ack 1, win 262144, length 6: "hi <&>"`,
        `0.030000 ${server}: Flags [P.], seq 1:7, ack 7, win 262144, length 6: "hi <&>"`,
        "0.040000 client: mark: a < b & | \"c\"; d",
        "0.040000 *** partition server | client",
        `0.040000 ${client}: Flags [P.], seq 7:11, ack 7, win 262144, length 4: "late" (dropped, partitioned)`,
        "0.250000 server 10.0.0.1:7 > 10.0.0.2:4000: retransmission timeout",
        `0.250000 ${server}: Flags [P.], seq 1:7, ack 7, ${again} (dropped, partitioned)`,
        "0.260000 client 10.0.0.2:4000 > 10.0.0.1:7: retransmission timeout",
        `0.260000 ${client}: Flags [P.], seq 7:11, ack 7, win 262144, length 4: "late" (retransmission) (dropped, partitioned)`,
        "0.340000 *** end of partition server | client",
        "0.690000 server 10.0.0.1:7 > 10.0.0.2:4000: retransmission timeout",
        `0.690000 ${server}: Flags [P.], seq 1:7, ack 7, ${again}`,
        "0.700000 client 10.0.0.2:4000 > 10.0.0.1:7: retransmission timeout",
        `0.700000 ${client}: Flags [P.], seq 7:11, ack 7, win 262144, length 4: "late" (retransmission)`,
        `0.700000 ${client}: Flags [.], ack 7, win 262144, length 0`,
        `0.710000 ${server}: Flags [P.], seq 7:11, ack 11, win 262144, length 4: "late"`,
        "0.720000 client 10.0.0.2:5000 > server 10.0.0.1:9: UDP, length 30",
        "0.720000 client 127.0.0.1:5000 > client 127.0.0.1:5000: UDP, length 4: \"self\"",
        "0.720000 client 10.0.0.2:5000 > nowhere 10.9.9.9:9: UDP, length 6: \"nobody\" (dropped, nobody has the address)",
        `0.720000 ${client}: Flags [F.], seq 11, ack 11, win 262144, length 0`,
        `0.730000 ${server}: Flags [.], ack 12, win 262144, length 0`,
        `0.730000 ${server}: Flags [F.], seq 11, ack 12, win 262144, length 0`,
        `0.740000 ${client}: Flags [.], ack 12, win 262144, length 0`
      ])
    }))

  it.effect("says how many records are not kept", () =>
    Effect.gen(function*() {
      const trace = yield* traced
      expect(Trace.toText(Trace.last(trace, 1)).split("\n")[0]).toBe(
        `... ${trace.records.length - 1} records before these are not kept`
      )
      expect(Trace.last(trace, 1000)).toEqual(trace)
    }))
})

describe("a trace as SVG", () => {
  it.effect("is XML with a lifeline for each host, an arrow for each packet, and times in their order", () =>
    Effect.gen(function*() {
      const trace = yield* traced
      const all = elements(Trace.toSvg(trace))
      const [svg] = all
      const [width, height] = [Number(svg!.attributes.width), Number(svg!.attributes.height)]
      const number = (attributes: Record<string, string>, name: string) => {
        const value = Number(attributes[name])
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(name.startsWith("x") ? width : height)
        return value
      }
      const lines = all.filter(({ name }) => name === "line").map(({ attributes }) => ({
        class: attributes.class,
        isArrow: "marker-end" in attributes,
        from: [number(attributes, "x1"), number(attributes, "y1")] as const,
        to: [number(attributes, "x2"), number(attributes, "y2")] as const
      }))
      // Hosts that have no part are not drawn.
      const lives = lines.filter((line) => line.class === "life")
      expect(all.filter(({ attributes }) => attributes["font-weight"] === "bold").map(({ text }) => text)).toEqual([
        "server",
        "client"
      ])
      const columns = new Map(["server", "client"].map((host, index) => [host, lives[index]!.from[0]]))
      expect(lives.map(({ from, to }) => from[0] === to[0] && from[1] < to[1])).toEqual([true, true])
      expect(new Set(columns.values()).size).toBe(2)

      const packets = trace.records.filter((record) => "payload" in record)
      const traveling = packets.filter(({ from, to }) => from !== to)
      const arrows = lines.filter((line) => line.isArrow || line.class === "gone")
      expect(arrows).toHaveLength(traveling.length)
      for (const [index, { at, arrival, fate, from, to }] of traveling.entries()) {
        const arrow = arrows[index]!
        expect(arrow.isArrow).toBe(fate === "arrives")
        expect(arrow.from[0]).toBe(columns.get(from))
        if (fate === "arrives") expect(arrow.to[0]).toBe(columns.get(to))
        expect(arrow.to[1]).toBeGreaterThan(arrow.from[1])
        // What happens at one time is at one height.
        const row = arrows.find((_, other) => traveling[other]!.at === at)!
        expect(arrow.from[1]).toBe(row.from[1])
        const answer = traveling.findIndex((other) => other.at === arrival)
        if (fate === "arrives" && answer >= 0) expect(arrow.to[1]).toBe(arrows[answer]!.from[1])
      }
      expect(all.filter(({ name }) => name === "path").length).toBe(
        1 + packets.filter(({ fate }) => fate !== "arrives").length
      )

      const times = all.filter(({ attributes }) => attributes.class === "time")
      expect(times.map(({ text }) => text)).toEqual(trace.records.map(({ at }) => `${at / 1000} ms`))
      const rows = [...new Set(times.map(({ attributes }) => number(attributes, "y")))]
      const gaps = rows.slice(1).map((y, index) => y - rows[index]!)
      expect(gaps.every((gap) => gap >= 14)).toBe(true)
      // A pause is cut short, however long.
      const moments = [...new Set(trace.records.map(({ at }) => at))]
      const longest = moments.slice(1).map((at, index) => at - moments[index]!).indexOf(350_000)
      expect(gaps[longest]).toBe(60)

      const texts = all.map(({ text }) => text)
      expect(texts).toContain("client: mark: a < b & | \"c\"; d")
      expect(texts.filter((text) => text.includes("\"hi <&>\""))).toHaveLength(4)
      expect(texts).toContain("UDP \"self\" (to itself)")
      expect(texts.filter((text) => text === "partition server | client")).toHaveLength(1)
      expect(texts.filter((text) => text === "retransmission timeout")).toHaveLength(4)
    }))
})

describe("a trace as a Mermaid diagram", () => {
  it.effect("crosses out what does not arrive, and escapes what ends a statement", () =>
    Effect.gen(function*() {
      const trace = yield* traced
      const lines = Trace.toMermaid(trace).split("\n").map((line) => line.trim())
      expect(lines.slice(0, 3)).toEqual(["sequenceDiagram", "participant h0 as server", "participant h1 as client"])
      expect(lines).toHaveLength(3 + trace.records.length)
      const packets = trace.records.filter((record) => "payload" in record)
      const arrows = lines.flatMap((line) => /^(h\d)(->>|-x)(h\d): /.exec(line)?.slice(1) ?? [])
      const ids: Record<string, string> = { server: "h0", client: "h1", "": "h1" }
      expect(arrows).toEqual(
        packets.flatMap(({ fate, from, to }) => [ids[from], fate === "arrives" ? "->>" : "-x", ids[to]])
      )
      expect(lines).toContain("Note over h1: 40 ms: client: mark: a < b & | \"c\"#59; d")
      expect(lines).toContain("Note over h0,h1: 340 ms: end of partition server | client")
      expect(lines).toContain("Note over h0: 250 ms: retransmission timeout")
    }))
})
