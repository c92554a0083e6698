/**
 * Decodes and encodes messages of known protocols in memory: against the same format by hand, and against the packages that
 * people use for it.
 *
 *     node bench/codec.ts [--only PATTERN] [--milliseconds N]
 *
 * Every contender is first checked to give the same number of messages. They take turns, and their
 * processor time counts, which other programs on the machine disturb little.
 */
import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Mqtt from "@sluice/codec/formats/Mqtt"
import * as Postgres from "@sluice/codec/formats/Postgres"
import * as Resp from "@sluice/codec/formats/Resp"
import * as Framing from "@sluice/framing/Framing"
import * as Result from "effect/Result"
import { parseArgs } from "node:util"
import * as ByHand from "./byHand.ts"
import * as Packages from "./packages.ts"

const { values: options } = parseArgs({ options: { only: { type: "string" }, milliseconds: { type: "string" } } })
const budget = Number(options.milliseconds ?? 600) / 1000
const only = new RegExp(options.only ?? "", "i")

type OnValue = (value: unknown) => void
type Run = (onValue: OnValue) => void | Promise<void>

interface Row {
  readonly name: string
  readonly messages: number
  readonly codec: Run
  readonly hand?: Run
  readonly packages: Readonly<Record<string, Run>>
  /** Why a package is ahead, where one is. */
  readonly note?: string
}

const chunkSize = 65536
const batchSize = 64
const runsAtOnce = 4

const cut = (bytes: Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from(
    { length: Math.ceil(bytes.length / chunkSize) },
    (_, i) => Buffer.from(bytes.subarray(i * chunkSize, (i + 1) * chunkSize))
  )

const decodeCodec = <A>(codec: Codec.Codec<A>, chunks: ReadonlyArray<Uint8Array>): Run => {
  const framing = Codec.framing(codec)
  return (onValue) => {
    const decoder = Framing.makeDecoder(framing)
    for (const chunk of chunks) {
      decoder.feed(chunk)
      for (let value = decoder.next(); value !== Framing.noFrame; value = decoder.next()) onValue(value)
      if (decoder.error !== undefined) throw decoder.error
    }
  }
}

/** Keeps what is left of a chunk for the next one, as decoders by hand do. */
const decodeHand =
  <A>(decode: (bytes: Uint8Array, from: number) => ByHand.Decoded<A>, chunks: ReadonlyArray<Uint8Array>): Run =>
  (onValue) => {
    let rest: Uint8Array = new Uint8Array(0)
    for (const chunk of chunks) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const { end, values } = decode(bytes, 0)
      for (const value of values) onValue(value)
      rest = bytes.subarray(end)
    }
  }

const batchesOf = <A>(values: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from(
    { length: Math.ceil(values.length / batchSize) },
    (_, i) => values.slice(i * batchSize, (i + 1) * batchSize)
  )

const encodeCodec = <A>(codec: Codec.Codec<A>, values: ReadonlyArray<A>): Run => {
  const framing = Codec.framing(codec)
  const batches = batchesOf(values)
  return (onValue) => {
    const encoder = Framing.makeEncoder(framing)
    for (const batch of batches) {
      for (const value of batch) {
        const error = encoder.encode(value)
        if (error !== undefined) throw error
      }
      for (const buffer of encoder.drain()) onValue(buffer)
    }
  }
}

const encodeHand = <A>(encode: (values: ReadonlyArray<A>) => Uint8Array, values: ReadonlyArray<A>): Run => {
  const batches = batchesOf(values)
  return (onValue) => {
    for (const batch of batches) onValue(encode(batch))
  }
}

const bytesOf = <A>(codec: Codec.Codec<A>, values: ReadonlyArray<A>): Uint8Array =>
  Buffer.concat(Result.getOrThrow(Framing.encodeAll(Codec.framing(codec), values)))

const payload = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => 32 + ((i * 7 + seed * 13) % 90))

const count = 8192

const publishes = Array.from({ length: count }, (_, i): ByHand.Publish => ({
  _tag: "Publish",
  duplicate: false,
  qos: i % 2,
  retain: false,
  topic: `rooms/${i % 100}/temperature`,
  ...(i % 2 === 1 ? { id: i } : {}),
  payload: payload(64, i)
}))

const commands = Array.from({ length: count }, (_, i): ByHand.Command => ({
  _tag: "Command",
  words: [Buffer.from("SET"), Buffer.from(`key:${i}`), payload(16, i)]
}))

const rows = Array.from({ length: count }, (_, i): ByHand.DataRow => ({
  _tag: "DataRow",
  columns: [Buffer.from(String(i)), Buffer.from(`name ${i}`), i % 3 === 0 ? undefined : payload(24, i)]
}))

const readings = Array.from({ length: count }, (_, i): ByHand.Reading => ({
  id: i,
  kind: i % 7,
  value: i / 3,
  name: `sensor-${i % 50}`,
  data: payload(32, i)
}))

const reading = Codec.lengthPrefixed(
  Codec.varint(),
  Codec.struct({
    id: Codec.uint32be,
    kind: Codec.uint8,
    value: Codec.float64be,
    name: Codec.lengthPrefixed(Codec.uint8, Codec.text()),
    data: Codec.bytes()
  })
)

const answer: Codec.Type<typeof Dns.message> = {
  id: 7,
  isResponse: true,
  opcode: 0,
  isAuthoritative: false,
  isTruncated: false,
  recursionDesired: true,
  recursionAvailable: true,
  isAuthentic: false,
  checkingDisabled: false,
  responseCode: 0,
  questions: [{ name: "www.example.org", type: 1, class: 1 }],
  answers: [1, 2, 3].map((i) => ({
    name: "www.example.org",
    data: { _tag: "A" as const, class: 1, ttl: 300, address: Uint8Array.of(192, 0, 2, i) }
  })),
  authorities: [],
  additionals: []
}
const answerBytes = Buffer.from(Result.getOrThrow(Codec.encode(Dns.message, answer)))
const datagrams = Array.from({ length: 2048 }, () => answerBytes)
const otherAnswer = {
  id: 7,
  type: "response",
  flags: 384,
  questions: [{ name: "www.example.org", type: "A" }],
  answers: [1, 2, 3].map((i) => ({ name: "www.example.org", type: "A", ttl: 300, data: `192.0.2.${i}` }))
}
const otherAnswers = Array.from({ length: 2048 }, () => otherAnswer)

const publishChunks = cut(bytesOf(Mqtt.packet(4) as Codec.Codec<ByHand.Publish>, publishes))
const commandChunks = cut(bytesOf(Resp.command as Codec.Codec<ByHand.Command>, commands))
const rowChunks = cut(bytesOf(Postgres.backend as Codec.Codec<ByHand.DataRow>, rows))
const readingChunks = cut(bytesOf(reading, readings))
const protobufBytes: Array<Uint8Array> = []
Packages.protobufjs.encode(readings, (buffer) => protobufBytes.push(buffer))
const msgpackChunks = cut(await Packages.msgpackr.encodeStream(readings))

const all: ReadonlyArray<Row> = [
  {
    name: "decode MQTT PUBLISH, 64 B",
    messages: count,
    codec: decodeCodec(Mqtt.packet(4), publishChunks),
    hand: decodeHand(ByHand.decodePublish, publishChunks),
    packages: { "mqtt-packet": (onValue) => Packages.mqtt.decode(publishChunks, onValue) }
  },
  {
    name: "encode MQTT PUBLISH, 64 B",
    messages: count,
    codec: encodeCodec(Mqtt.packet(4) as Codec.Codec<ByHand.Publish>, publishes),
    hand: encodeHand(ByHand.encodePublish, publishes),
    packages: { "mqtt-packet": (onValue) => Packages.mqtt.encode(publishes, onValue) }
  },
  {
    name: "decode RESP SET, 16 B",
    messages: count,
    codec: decodeCodec(Resp.command, commandChunks),
    hand: decodeHand(ByHand.decodeCommands, commandChunks),
    packages: { "redis-parser": (onValue) => Packages.redis.decode(commandChunks, onValue) }
  },
  {
    name: "encode RESP SET, 16 B",
    messages: count,
    codec: encodeCodec(Resp.command as Codec.Codec<ByHand.Command>, commands),
    hand: encodeHand(ByHand.encodeCommands, commands),
    packages: {}
  },
  {
    name: "decode PostgreSQL DataRow, 3 columns",
    messages: count,
    codec: decodeCodec(Postgres.backend, rowChunks),
    hand: decodeHand(ByHand.decodeRows, rowChunks),
    packages: { "pg-protocol": (onValue) => Packages.postgres.decode(rowChunks, onValue) }
  },
  {
    name: "encode PostgreSQL DataRow, 3 columns",
    messages: count,
    codec: encodeCodec(Postgres.backend as Codec.Codec<ByHand.DataRow>, rows),
    hand: encodeHand(ByHand.encodeRows, rows),
    packages: {}
  },
  {
    name: "decode a record of 5 fields",
    messages: count,
    codec: decodeCodec(reading, readingChunks),
    hand: decodeHand(ByHand.decodeReadings, readingChunks),
    packages: {
      "protobufjs": (onValue) => Packages.protobufjs.decode(protobufBytes[0]!, onValue),
      "msgpackr": (onValue) => Packages.msgpackr.decodeStream(msgpackChunks, onValue)
    }
  },
  {
    name: "encode a record of 5 fields",
    messages: count,
    codec: encodeCodec(reading, readings),
    hand: encodeHand(ByHand.encodeReadings, readings),
    packages: {
      "protobufjs": (onValue) => {
        for (let i = 0; i < count; i += batchSize) {
          Packages.protobufjs.encode(readings.slice(i, i + batchSize), onValue)
        }
      },
      "msgpackr": (onValue) => Packages.msgpackr.encode(readings, onValue)
    }
  },
  {
    name: "decode DNS, 3 answers",
    messages: datagrams.length,
    codec: (onValue) => {
      for (const datagram of datagrams) onValue(Result.getOrThrow(Codec.decode(Dns.message, datagram)))
    },
    packages: { "dns-packet": (onValue) => Packages.dns.decode(datagrams, onValue) }
  },
  {
    name: "encode DNS, 3 answers",
    messages: datagrams.length,
    codec: (onValue) => {
      for (let i = 0; i < datagrams.length; i++) onValue(Result.getOrThrow(Codec.encode(Dns.message, answer)))
    },
    packages: { "dns-packet": (onValue) => Packages.dns.encode(otherAnswers, onValue) }
  }
]

let sink = 0
const consume: OnValue = (value) => {
  if (value !== undefined) sink++
}

const check = async (row: Row, name: string, run: Run): Promise<void> => {
  let values = 0
  await run(() => values++)
  if (row.name.startsWith("decode") && values !== row.messages) {
    throw new Error(`${name} gives ${values} messages, not ${row.messages} (${row.name})`)
  }
}

/** The processor time of this thread, which other programs on the machine disturb less than they do a clock. */
const cpuSeconds = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1e6
}

/** The seconds that each takes for a run, on average once the compiler has warmed up. */
const measure = async (contenders: ReadonlyMap<string, Run>): Promise<ReadonlyMap<string, number>> => {
  const tallies = new Map(Array.from(contenders.keys(), (name) => [name, { warm: 0, spent: 0, runs: 0 }]))
  for (let running = true; running;) {
    running = false
    for (const [name, run] of contenders) {
      const tally = tallies.get(name)!
      if (tally.spent > budget) continue
      running = true
      const began = cpuSeconds()
      // Several at once, since the clock has ticks of some milliseconds.
      for (let i = 0; i < runsAtOnce; i++) await run(consume)
      const seconds = cpuSeconds() - began
      if (tally.warm < budget / 2) tally.warm += seconds
      else {
        tally.spent += seconds
        tally.runs += runsAtOnce
      }
    }
  }
  return new Map(Array.from(tallies, ([name, { runs, spent }]) => [name, spent / runs]))
}

const line = (cells: ReadonlyArray<string>): string =>
  cells.map((cell, i) => i === 0 ? cell.padEnd(38) : cell.padStart(14)).join("")

console.log("\nMessages of known protocols in memory, thousand a second")
console.log(line(["", "codec", "by hand", "of by hand", "best package", "times it"]))
for (const row of all.filter(({ name }) => only.test(name))) {
  const contenders = new Map<string, Run>([
    ["codec", row.codec],
    ...(row.hand === undefined ? [] : [["by hand", row.hand] as const]),
    ...Object.entries(row.packages)
  ])
  for (const [name, run] of contenders) await check(row, name, run)
  const best = await measure(contenders)
  const rate = (seconds: number | undefined): string =>
    seconds === undefined ? "-" : Math.round(row.messages / seconds / 1000).toLocaleString("en")
  const ratio = (other: number | undefined): string =>
    other === undefined ? "-" : (other / best.get("codec")!).toFixed(2)
  const [[packageName, seconds] = [], ...others] = Object.keys(row.packages)
    .map((name) => [name, best.get(name)!] as const)
    .toSorted(([, a], [, b]) => a - b)
  console.log(
    line([
      row.name,
      rate(best.get("codec")),
      rate(best.get("by hand")),
      ratio(best.get("by hand")),
      rate(seconds),
      ratio(seconds)
    ]) + (packageName === undefined ? "" : `  ${packageName}`) +
      others.map(([name, seconds]) => `; ${ratio(seconds)} ${name}`).join("")
  )
}
if (sink === 0) process.exitCode = 1
