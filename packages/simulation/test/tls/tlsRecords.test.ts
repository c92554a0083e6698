import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as Tls from "@sluice/core/Tls"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as ChildProcess from "node:child_process"
import { encodeMessage, type Message, MessageReader } from "../../src/internal/kernel/tls/handshake/message.ts"
import { type Alert, decodeAlert, encodeAlert } from "../../src/internal/kernel/tls/record/alert.ts"
import * as Record from "../../src/internal/kernel/tls/record/record.ts"
import { Refusal } from "../../src/internal/kernel/tls/refusal.ts"
import { RandomStream } from "../../src/internal/time/random.ts"
import { connect, exchange, hosts, listen } from "../fixtures/handshake.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)
const join = (...parts: ReadonlyArray<Uint8Array>) => new Uint8Array(Buffer.concat(parts))

const hello: Message = {
  name: "ClientHello",
  body: {
    versions: ["TLSv1.3", "TLSv1.2"],
    ciphers: ["TLS_SHA256_SHA256"],
    applicationProtocols: ["h2"],
    serverName: "server",
    ticket: undefined
  }
}
const finished: Message = { name: "Finished", body: { transcript: "ab" } }

/** What a side says: a flight of the handshake, some data, and the end. */
const said = (data: ReadonlyArray<Uint8Array>) =>
  join(
    ...Record.encodeRecords(Record.handshake, join(encodeMessage(hello), encodeMessage(finished))),
    ...new Record.Protection().seal(data),
    ...Record.encodeRecords(Record.alert, Uint8Array.of(1, 0))
  )

/** What a reader makes of some bytes, cut as told: messages, data, alerts, and how it ends. */
const heard = (bytes: Uint8Array, sizes: () => number): ReadonlyArray<unknown> => {
  const records = new Record.RecordReader()
  const messages = new MessageReader()
  const protection = new Record.Protection()
  const all: Array<unknown> = []
  let data = ""
  try {
    for (let offset = 0; offset < bytes.length;) {
      const chunk = bytes.slice(offset, offset + sizes())
      offset += chunk.length
      records.feed(chunk)
      for (let record = records.next(); record !== undefined; record = records.next()) {
        if (record.type === Record.alert) all.push(["alert", ...record.fragment])
        if (record.type === Record.applicationData) {
          data += Buffer.from(protection.open(record.fragment)).toString("hex")
        }
        if (record.type !== Record.handshake) continue
        messages.feed(record.fragment)
        for (let next = messages.next(); next !== undefined; next = messages.next()) all.push(next.message)
      }
      records.keepLast((rest) => rest.slice())
      // What was lent is not looked at again.
      chunk.fill(255)
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    all.push([error.alert, error.reason])
  }
  return [...all, data]
}

const random = (seed: number) => {
  const stream = new RandomStream(seed, "records")
  return {
    below: (limit: number) => stream.below(limit),
    bytes: (length: number) => Uint8Array.from({ length }, () => stream.below(256))
  }
}

describe("records and messages", () => {
  it("come out as they went in, however they are split", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { below, bytes } = random(seed)
      const chunks = Array.from({ length: below(4) }, () => bytes(below(20_000)))
      const whole = said(chunks)
      const expected = [hello, finished, ["alert", 1, 0], Buffer.concat(chunks).toString("hex")]
      expect(heard(whole, () => whole.length)).toEqual(expected)
      const largest = 1 + below(seed % 3 === 0 ? 5 : 9000)
      expect(heard(whole, () => 1 + below(largest))).toEqual(expected)
    }
  })

  it("come out as they went in, however they share records", () => {
    const sent = [hello, finished, { name: "CertificateRequest", body: {} }, hello] satisfies ReadonlyArray<Message>
    const content = join(...sent.map(encodeMessage))
    for (let seed = 1; seed <= 100; seed++) {
      const { below } = random(seed)
      const largest = 1 + below(seed % 2 === 0 ? 5 : content.length)
      const reader = new MessageReader()
      const got: Array<Message> = []
      let end = 0
      for (let at = 0; at < content.length;) {
        const fragment = content.slice(at, at + 1 + below(largest))
        at += fragment.length
        reader.feed(fragment)
        for (let next = reader.next(); next !== undefined; next = reader.next()) {
          got.push(next.message)
          expect(next.bytes).toEqual(encodeMessage(next.message))
          end += next.bytes.length
        }
        expect(reader.isInMessage).toBe(at > end)
      }
      expect(got).toEqual(sent)
    }
  })

  it("never throw what is not typed, and mean the same however they are split", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const { below, bytes } = random(seed)
      const hostile = said([bytes(below(200))])
      for (let change = below(4); change >= 0; change--) {
        hostile[below(seed % 2 === 0 ? 20 : hostile.length)] = below(256)
      }
      const cut = hostile.subarray(0, below(hostile.length + 1))
      const whole = heard(cut, () => cut.length)
      expect(heard(cut, () => 1 + below(7))).toEqual(whole)
    }
    for (let seed = 1; seed <= 500; seed++) {
      const { below, bytes } = random(seed)
      const garbage = bytes(below(100))
      expect(heard(garbage, () => 1 + below(7))).toEqual(heard(garbage, () => garbage.length))
    }
  })

  it("are at most as long as TLS allows", () => {
    const records = new Record.Protection().seal([new Uint8Array(40_000)])
    expect(records.map((record) => record.length)).toEqual([16_384 + 21, 16_384 + 21, 40_000 - 32_768 + 21])
    expect(heard(Uint8Array.of(22, 3, 3, 0x41, 1), () => 1)[0]).toMatchObject(["record_overflow", {}])
    expect(heard(Uint8Array.of(22, 3, 3, 0, 4, 1, 255, 255, 255), () => 1)[0]).toMatchObject(["illegal_parameter", {}])
    expect(heard(Uint8Array.of(22, 3, 3, 0, 0), () => 1)[0]).toMatchObject(["unexpected_message", {}])
  })

  it("have messages of at most 100 KiB, and say whether there is a part of one", () => {
    const json = (length: number) => utf8(JSON.stringify({ transcript: "x".repeat(length) }))
    const message = (body: Uint8Array) => {
      const [{ 0: type }] = [encodeMessage(finished)]
      return join(Uint8Array.of(type!, body.length >> 16, body.length >> 8, body.length), body)
    }
    const frame = json(0).length
    const reading = (length: number) => {
      const messages = new MessageReader()
      messages.feed(message(utf8(JSON.stringify({}).padEnd(length))))
      return messages
    }
    expect(frame).toBeLessThan(1024)
    // As far as the length goes: what is in it cannot be read.
    expect(() => reading(102_400).next()).toThrow(expect.objectContaining({ alert: "decode_error" }))
    expect(() => reading(102_401).next()).toThrow(expect.objectContaining({ alert: "illegal_parameter" }))
    const messages = new MessageReader()
    const seen = [messages.isInMessage]
    const whole = encodeMessage(hello)
    for (const part of [whole.subarray(0, 2), whole.subarray(2, 9), whole.subarray(9)]) {
      messages.feed(part)
      seen.push(messages.next() !== undefined, messages.isInMessage)
    }
    expect(seen).toEqual([false, false, true, false, true, true, false])
  })

  it("that were changed, repeated or left out are found", () => {
    const [first, second] = [utf8("first"), utf8("second")].flatMap((data) => ({ data }))
    const sealed = () => {
      const protection = new Record.Protection()
      return [first!, second!].flatMap(({ data }) => protection.seal([data]))
    }
    const opened = (records: ReadonlyArray<Uint8Array>) => {
      const protection = new Record.Protection()
      return records.map((record) => Buffer.from(protection.open(record.subarray(Record.headerLength))).toString())
    }
    const [one, two] = sealed() as [Uint8Array, Uint8Array]
    expect(opened([one, two])).toEqual(["first", "second"])
    expect(() => opened([two])).toThrow(Refusal)
    expect(() => opened([one, one])).toThrow(Refusal)
    for (let index = Record.headerLength; index < two.length; index++) {
      const changed = two.slice()
      changed[index]! ^= 1
      expect(() => opened([one, changed])).toThrow(Refusal)
    }
  })
})

describe("alerts", () => {
  const nameOf = (code: number) => decodeAlert(Uint8Array.of(2, code))!
  const known = Array.from({ length: 256 }, (_, code) => code).filter((code) =>
    nameOf(code) !== `unknown_alert_${code}`
  )

  it("are those of RFC 8446: two warn, and all others are fatal", () => {
    expect(known).toHaveLength(27)
    for (const code of known) {
      const alert = nameOf(code) as Alert
      const level = alert === "close_notify" || alert === "user_canceled" ? 1 : 2
      expect(encodeAlert(alert)).toEqual(Uint8Array.of(level, code))
    }
    expect([0, 1, 3].map((length) => decodeAlert(new Uint8Array(length)))).toEqual([undefined, undefined, undefined])
  })

  const openssl = ChildProcess.spawnSync(
    "openssl",
    // cspell:ignore errstr
    ["errstr", ...known.map((code) => (0x0a000000 + 1000 + code).toString(16))],
    { encoding: "utf8" }
  )

  it.skipIf(openssl.error !== undefined)("have the numbers that OpenSSL has for their names", () => {
    const lines = openssl.stdout.trim().split("\n").map((line) =>
      line.replace(/^.*:(sslv3|tlsv1|tlsv13) (alert )?/, "").replace("cancelled", "canceled").replaceAll(" ", "_")
    )
    expect(lines).toHaveLength(known.length)
    // OpenSSL has no error for the end in order.
    expect(lines.slice(1)).toEqual(known.slice(1).map(nameOf))
    expect(nameOf(0)).toBe("close_notify")
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// On a network
// ---------------------------------------------------------------------------------------------------------------------

const authority = SimCertificate.authority("Test CA")
const tls: Tls.ServerOptions = { certificates: [authority.issue({ names: ["server"] })] }
const trusting: Tls.ClientOptions = { authorities: authority.certificate }
const [clientHello] = Record.encodeRecords(Record.handshake, encodeMessage(hello))
const server = (message: Message) => join(...Record.encodeRecords(Record.handshake, encodeMessage(message)))

/** What a server of TLS makes of a client that says something in the clear. */
const serverGets = Effect.fnUntraced(function*(bytes: Uint8Array) {
  const ends = yield* hosts({ latency: "2 millis" })
  const { failed, listener } = yield* listen(ends.server, { tls, handshakeTimeout: "3 seconds" })
  yield* Host.run(
    ends.client,
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* Network.connect("tcp://server:443")
      yield* Effect.exit(Effect.andThen(Connection.write(connection, bytes), Connection.end(connection)))
      yield* Effect.exit(Connection.readAll(connection))
    }))
  )
  const error = yield* failed
  // Other connections are unaffected.
  const near = yield* connect(ends.client, trusting)
  yield* exchange(near, yield* Listener.accept(listener))
  return error.reason
})

/** What a client of TLS makes of a server that says something in the clear, once it has been asked. */
const clientGets = Effect.fnUntraced(function*(bytes: Uint8Array) {
  const ends = yield* hosts({ latency: "2 millis" })
  const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:443"), Host.layer(ends.server))
  yield* Effect.forkScoped(Effect.gen(function*() {
    const connection = yield* Listener.accept(listener)
    yield* Connection.read(connection)
    yield* Connection.write(connection, bytes)
    yield* Connection.end(connection)
  }))
  return (yield* Effect.flip(connect(ends.client, trusting))).reason
})

const strange: ReadonlyArray<readonly [string, Uint8Array, object, object]> = [
  ["plain text", utf8("GET / HTTP/1.0\r\n\r\n"), { _tag: "NotTls" }, { _tag: "NotTls" }],
  ["a greeting", utf8("220 mail.example.org ESMTP\r\n"), { _tag: "NotTls" }, { _tag: "NotTls" }],
  ["one byte", utf8("x"), { _tag: "NotTls" }, { _tag: "NotTls" }],
  ["another version", Uint8Array.of(22, 2, 0, 0, 1, 0), { _tag: "NotTls" }, { _tag: "NotTls" }],
  ["nothing", new Uint8Array(0), { _tag: "HandshakeCut" }, { _tag: "HandshakeCut" }],
  ["half a record", clientHello!.subarray(0, 20), { _tag: "HandshakeCut" }, { _tag: "HandshakeCut" }],
  [
    "a record that is too long",
    Uint8Array.of(22, 3, 3, 255, 255),
    { _tag: "ProtocolViolation", code: "record_overflow" },
    { _tag: "ProtocolViolation", code: "record_overflow" }
  ],
  [
    "the wrong message",
    server(finished),
    { _tag: "ProtocolViolation", code: "decrypt_error" },
    { _tag: "ProtocolViolation", code: "decrypt_error" }
  ],
  [
    "the other side's message",
    server({ name: "ServerHelloDone", body: {} }),
    { _tag: "ProtocolViolation", code: "unexpected_message" },
    { _tag: "ProtocolViolation", code: "unexpected_message" }
  ],
  [
    "a message that cannot be read",
    Uint8Array.of(22, 3, 3, 0, 5, 1, 0, 0, 1, 123),
    { _tag: "ProtocolViolation", code: "decode_error" },
    { _tag: "ProtocolViolation", code: "decode_error" }
  ],
  [
    "data",
    join(...new Record.Protection().seal([utf8("early")])),
    { _tag: "ProtocolViolation", code: "unexpected_message" },
    { _tag: "ProtocolViolation", code: "unexpected_message" }
  ],
  [
    "an alert",
    join(...Record.encodeRecords(Record.alert, Uint8Array.of(2, 80))),
    { _tag: "PeerAlert", alert: "internal_error" },
    { _tag: "PeerAlert", alert: "internal_error" }
  ],
  [
    "an alert that nobody knows",
    join(...Record.encodeRecords(Record.alert, Uint8Array.of(2, 200))),
    { _tag: "PeerAlert", alert: "unknown_alert_200" },
    { _tag: "PeerAlert", alert: "unknown_alert_200" }
  ],
  [
    "a version that was not offered",
    server({
      name: "ServerHello",
      body: { version: "TLSv1.9", cipher: "TLS_SHA256_SHA256", resumed: false, applicationProtocol: undefined }
    }),
    { _tag: "ProtocolViolation", code: "unexpected_message" },
    { _tag: "ProtocolViolation", code: "illegal_parameter" }
  ],
  [
    "a session that was not offered",
    server({
      name: "ServerHello",
      body: { version: "TLSv1.3", cipher: "TLS_SHA256_SHA256", resumed: true, applicationProtocol: undefined }
    }),
    { _tag: "ProtocolViolation", code: "unexpected_message" },
    { _tag: "ProtocolViolation", code: "illegal_parameter" }
  ],
  [
    "a protocol that was not offered",
    server({
      name: "ServerHello",
      body: { version: "TLSv1.3", cipher: "TLS_SHA256_SHA256", resumed: false, applicationProtocol: "h9" }
    }),
    { _tag: "ProtocolViolation", code: "unexpected_message" },
    { _tag: "ProtocolViolation", code: "illegal_parameter" }
  ]
]

describe("peers that do not speak TLS, or not well", () => {
  for (const [what, bytes, atServer, atClient] of strange) {
    VitestSimulation.it(
      `${what}: a server knows`,
      Effect.map(serverGets(bytes), (reason) => expect(reason).toMatchObject(atServer)),
      { seeds: 10 }
    )
    VitestSimulation.it(
      `${what}: a client knows`,
      Effect.map(clientGets(bytes), (reason) => expect(reason).toMatchObject(atClient)),
      { seeds: 10 }
    )
  }

  VitestSimulation.it(
    "whatever they say, the reason is a typed one, and the server keeps running",
    Effect.gen(function*() {
      const hostile = clientHello!.slice()
      const changes = yield* Random.nextIntBetween(0, 6)
      for (let change = 0; change <= changes; change++) {
        hostile[yield* Random.nextIntBetween(0, hostile.length - 1)] = yield* Random.nextIntBetween(0, 255)
      }
      const reason = yield* serverGets(hostile)
      const typed = [
        "NotTls",
        "HandshakeCut",
        "ProtocolViolation",
        "NoSharedProtocol",
        "NoSharedCipher",
        "TimedOut",
        "CorruptRecord"
      ]
      expect(typed).toContain(reason._tag)
    }),
    { seeds: 300 }
  )
})
