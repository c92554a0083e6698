import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Mqtt from "@sluice/codec/formats/Mqtt"
import * as Postgres from "@sluice/codec/formats/Postgres"
import * as Resp from "@sluice/codec/formats/Resp"
import * as WebSocket from "@sluice/codec/formats/WebSocket"
import * as Framing from "@sluice/framing/Framing"
// @ts-expect-error has no types
import dnsPacket from "dns-packet"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import mqttPacket from "mqtt-packet"
import { PassThrough } from "node:stream"
import * as PgProtocol from "pg-protocol"
// @ts-expect-error has no types
import RedisParser from "redis-parser"
import { describe, expect, it } from "vitest"
// @ts-expect-error has no types
import { Sender } from "ws"
import { captures, hex } from "./formats.ts"

const decodeAll = <A>(codec: Codec.Codec<A>, ...chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<A> =>
  Result.getOrThrow(Framing.decodeAll(Codec.framing(codec), chunks))

const nameOf = ({ name }: { readonly name: string }): string => name

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe("RESP", () => {
  const plain = (value: Resp.Value): unknown => {
    switch (value._tag) {
      case "Text":
        return value.text
      case "Error":
        return { error: value.text }
      case "Number":
        return value.value
      case "Bulk":
        return text(value.bytes)
      case "Array":
        return value.items.map(plain)
      default:
        return null
    }
  }

  it("is what redis-parser makes of what redis-server sent", () => {
    const bytes = hex(captures.resp2.map(([, response]) => response).join(""))
    const others: Array<unknown> = []
    const parser = new RedisParser({
      returnReply: (reply: unknown) => others.push(reply),
      returnError: (error: Error) => others.push({ error: error.message })
    })
    parser.execute(Buffer.from(bytes))
    expect(decodeAll(Resp.value, bytes).map(plain)).toEqual(others)
  })
})

describe("MQTT", () => {
  it.each([[4, captures.mqtt311], [5, captures.mqtt5]] as const)(
    "is what mqtt-packet makes of what mosquitto %i sent",
    (version: 4 | 5, connections: ReadonlyArray<{ readonly client: string; readonly server: string }>) => {
      // mqtt-packet refuses a DISCONNECT of MQTT 5 without a reason code, which the standard allows (3.14.2.1).
      const streams = connections.flatMap((
        { client, server }
      ) => [version === 5 ? client.replace("e000", "") : client, server])
      for (const bytes of streams.map(hex)) {
        const others: Array<Record<string, unknown>> = []
        const parser = mqttPacket.parser({ protocolVersion: version })
        parser.on("packet" as never, (packet: Record<string, unknown>) => others.push(packet))
        parser.parse(Buffer.from(bytes))
        const own = decodeAll(Mqtt.packet(version), bytes)
        expect(own.map((packet) => packet._tag.toLowerCase())).toEqual(others.map(({ cmd }) => cmd))
        for (const [i, packet] of own.entries()) {
          if (packet._tag !== "Publish") continue
          const { dup, messageId, payload, qos, retain, topic } = others[i]!
          expect([packet.topic, packet.qos, packet.retain, packet.duplicate, packet.id, text(packet.payload)])
            .toEqual([topic, qos, retain, dup, messageId, String(payload)])
        }
      }
    }
  )

  it("is read by mqtt-packet", () => {
    for (const version of [4, 5] as const) {
      const packets = Codec.sample(Mqtt.packet(version), { count: 200, size: 6 }).filter(({ _tag }) =>
        _tag === "Publish"
      )
      const bytes = Bytes.concat(Result.getOrThrow(Framing.encodeAll(Codec.framing(Mqtt.packet(version)), packets)))
      const parser = mqttPacket.parser({ protocolVersion: version })
      const topics: Array<string> = []
      parser.on("packet" as never, ({ topic }: { readonly topic: string }) => topics.push(topic))
      parser.on("error" as never, () => {})
      parser.parse(Buffer.from(bytes))
      // It stops at the first of quality 3, which the standard forbids and the codec leaves to its user.
      const valid = packets.findIndex((packet) => packet._tag === "Publish" && packet.qos === 3)
      const expected = packets.slice(0, valid < 0 ? undefined : valid)
      expect(topics.slice(0, expected.length)).toEqual(expected.map((packet) => "topic" in packet ? packet.topic : ""))
    }
  })
})

describe("PostgreSQL", () => {
  /** What both say of a message. */
  const plain = (message: Codec.Type<typeof Postgres.backend>): unknown => {
    switch (message._tag) {
      case "DataRow":
        return message.columns.map((column) => column === undefined ? null : text(column))
      case "RowDescription":
        return message.columns.map(({ name, type }) => [name, type])
      case "CommandComplete":
        return message.command
      case "ErrorResponse":
        return message.fields.find(({ code }) => code === "M")?.value
      default:
        return undefined
    }
  }
  const plainOther = (message: Record<string, unknown>): unknown => {
    switch (message["name"]) {
      case "dataRow":
        return message["fields"]
      case "rowDescription":
        return (message["fields"] as ReadonlyArray<Record<string, unknown>>).map((f) => [f["name"], f["dataTypeID"]])
      case "commandComplete":
        return message["text"]
      case "error":
        return message["message"]
      default:
        return undefined
    }
  }

  it("is what pg-protocol makes of what PostgreSQL sent", async () => {
    const bytes = hex(captures.postgres[0]!.server)
    const others: Array<Record<string, unknown>> = []
    const stream = new PassThrough()
    const parsed = PgProtocol.parse(stream, (message) => others.push(message as unknown as Record<string, unknown>))
    stream.end(Buffer.from(bytes))
    await parsed
    const own = decodeAll(Postgres.backend, bytes)
    expect(own.map(plain)).toEqual(others.map(plainOther))
  })

  it("is what pg-protocol sends", () => {
    const { serialize } = PgProtocol
    const sent = [
      serialize.query("select 1"),
      serialize.parse({ name: "s", text: "select $1", types: [23] }),
      serialize.bind({ portal: "p", statement: "s", values: ["1", null] }),
      serialize.describe({ type: "P", name: "p" }),
      serialize.execute({ portal: "p", rows: 10 }),
      serialize.sync(),
      serialize.end()
    ]
    expect(decodeAll(Postgres.frontend, ...sent)).toMatchObject([
      { _tag: "Query", query: "select 1" },
      { _tag: "Parse", name: "s", query: "select $1", types: [23] },
      { _tag: "Bind", portal: "p", values: [hex("31"), undefined] },
      { _tag: "Describe", kind: "P", name: "p" },
      { _tag: "Execute", portal: "p", maxRows: 10 },
      { _tag: "Sync" },
      { _tag: "Terminate" }
    ])
  })
})

describe("DNS", () => {
  it.each(captures.dnsUdp)("is what dns-packet makes of what dig and dnsmasq sent (%#)", ({ query, response }) => {
    for (const bytes of [hex(query), hex(response)]) {
      const own = Result.getOrThrow(Codec.decode(Dns.message, bytes))
      const other = dnsPacket.decode(Buffer.from(bytes))
      expect(own.id).toBe(other.id)
      expect(own.questions.map(({ name }) => name)).toEqual(other.questions.map(nameOf))
      expect(own.answers.map(({ name }) => name)).toEqual(other.answers.map(nameOf))
      const encoded = Result.getOrThrow(Codec.encode(Dns.message, own))
      expect(encoded.length).toBeLessThanOrEqual(bytes.length)
      const again = dnsPacket.decode(Buffer.from(encoded))
      expect(again.answers).toEqual(other.answers)
      expect(again.flags).toEqual(other.flags)
    }
  })

  const header = { opcode: 0, isAuthoritative: false, isTruncated: false, recursionDesired: false }
  const flags = { ...header, recursionAvailable: false, isAuthentic: false, checkingDisabled: false, responseCode: 0 }
  const records = (...names: ReadonlyArray<readonly [name: string, target: string]>) =>
    names.map(([name, target]) => ({ name, data: { _tag: "CNAME" as const, class: 1, ttl: 0, name: target } }))
  const message = (answers: ReturnType<typeof records>) => ({
    ...flags,
    id: 1,
    isResponse: true,
    questions: [{ name: "www.Example.org", type: 5, class: 1 }],
    answers,
    authorities: [],
    additionals: []
  })

  it.each([["UDP", Dns.message, 0], ["TCP", Dns.tcpMessage, 2]] as const)(
    "points to the ends of names that were written before, over %s",
    (_, codec, prefix) => {
      const value = message(records(["www.Example.org", "a.Example.org"], ["a.Example.org", "a.example.ORG"]))
      const bytes = Result.getOrThrow(Codec.encode(codec, value))
      // The second answer: its owner is a pointer to the data of the first; other letters are another name.
      const [question, first] = [12, 12 + 17 + 4]
      const target = first + 2 + 10
      expect(Buffer.from(bytes.subarray(prefix + target, prefix + target + 4)).toString("hex")).toBe(
        `0161c0${(question + 4).toString(16)}`
      )
      expect(bytes[prefix + target + 5]).toBe(target)
      expect(bytes.length).toBe(prefix + target + 4 + 2 + 10 + "_a_example_ORG_".length)
      expect(Result.getOrThrow(Codec.decode<typeof value>(codec as never, bytes))).toEqual(value)
      expect(nameOf(dnsPacket.decode(Buffer.from(bytes.subarray(prefix))).answers[1])).toBe("a.Example.org")
    }
  )

  it("points no further than a pointer can", () => {
    const names = Array.from({ length: 800 }, (_, i) => [`${i}.${"x".repeat(40)}.org`, `t${i}.test`] as const)
    const value = message(records(...names, ["t0.test", "t799.test"]))
    const bytes = Result.getOrThrow(Codec.encode(Dns.message, value))
    expect(bytes.length).toBeGreaterThan(0x4000)
    expect(Result.getOrThrow(Codec.decode(Dns.message, bytes))).toEqual(value)
  })

  it("writes the target of an SRV record whole (RFC 2782)", () => {
    const name = "example.org"
    const data = { _tag: "SRV" as const, class: 1, ttl: 0, priority: 0, weight: 0, port: 1, target: name }
    expect(Result.getOrThrow(Codec.encode(Dns.record, { name, data }))).toHaveLength(13 + 10 + 6 + 13)
  })

  it("points to nothing that a length of no fixed size moves", () => {
    const long = { name: "example.org", again: "example.org", text: new Uint8Array(200) }
    const fields = { name: Dns.name, again: Dns.name, text: Codec.bytes() }
    const moving = Codec.struct({ kind: Codec.uint8, length: Codec.lengthOfRest(Codec.varint()), ...fields })
    expect(Result.getFailure(Codec.encode(moving, { kind: 1, ...long }))).toMatchObject({
      value: { message: "corrupt frame at byte 0: length: offsets point behind a length of no fixed size" }
    })
    // The offsets of a range count from its begin, which moves with it.
    const range = Codec.lengthPrefixed(Codec.varint(), Codec.struct(fields))
    const bytes = Result.getOrThrow(Codec.encode(range, long))
    expect(Buffer.from(bytes.subarray(2 + 13, 2 + 15)).toString("hex")).toBe("c000")
    expect(Result.getOrThrow(Codec.decode(range, bytes))).toEqual(long)
  })

  it("refuses pointers that go round", () => {
    const looped = hex("000000000001000000000000c00c00010001")
    expect(Result.getFailure(Codec.decode(Dns.message, looped))).toMatchObject({
      value: {
        message: expect.stringContaining("message.questions[0].name: a pointer leads to 12, which is not before it")
      }
    })
  })
})

describe("WebSocket", () => {
  it.each([0, 125, 126, 65535, 65536, 70_000])("is what ws sends, with %i bytes", (length) => {
    const data = Buffer.alloc(length, "x")
    for (const mask of [true, false]) {
      const sent: Array<Buffer> = Sender.frame(Buffer.from(data), {
        fin: true,
        rsv1: false,
        opcode: 2,
        mask,
        readOnly: false
      })
      const [frame] = decodeAll(WebSocket.frame, ...sent)
      expect(frame).toMatchObject({ isFinal: true, opcode: "binary" })
      expect(Buffer.compare(frame!.payload, data)).toBe(0)
      expect(Buffer.compare(Result.getOrThrow(Codec.encode(WebSocket.frame, frame!)), Buffer.concat(sent))).toBe(0)
    }
  })
})

describe("names of DNS", () => {
  it.each([
    ["", "00"],
    ["a", "016100"],
    ["www.example", "03777777076578616d706c6500"],
    ["a\\.b.c\\\\", "03612e6202635c00"]
  ])("%s", (name, bytes) => {
    expect(Result.getOrThrow(Codec.encode(Dns.name, name))).toEqual(hex(bytes))
    expect(Result.getOrThrow(Codec.decode(Dns.name, hex(bytes)))).toBe(name)
  })

  it.each(["a.", ".a", "a..b", ".", "a\\", `${"x".repeat(64)}.org`, "é€"])("refuses %s", (name) => {
    expect(Result.isFailure(Codec.encode(Dns.name, name))).toBe(true)
  })
})
