/**
 * Decodes and encodes in memory: frames and bytes a second, against the same format decoded by hand and against the
 * packages people use.
 *
 *     node bench/framing.ts [--only PATTERN] [--milliseconds N] [--json FILE]
 *
 * `--only` takes the rows whose name matches PATTERN; `--milliseconds` is the time for each number (250 by default). Every
 * contender's result is first checked to be equal. The contenders take turns, and the best of their rounds counts, so
 * that a busy machine disturbs as little as it can. `packages/node/bench/framing.ts` measures servers end to end.
 */
import * as Result from "effect/Result"
import * as FileSystem from "node:fs"
import { parseArgs } from "node:util"
import * as Framing from "../src/Framing.ts"
import * as ByHand from "./framing/byHand.ts"
import * as Packages from "./framing/packages.ts"

const { values: options } = parseArgs({
  options: { only: { type: "string" }, milliseconds: { type: "string" }, json: { type: "string" } }
})
const budget = Number(options.milliseconds ?? 250)

/** Runs once over the whole input, and hands over each frame or buffer. */
type Contender<Frame> = (onFrame: ByHand.OnFrame<Frame>) => void | Promise<void>

interface Row {
  readonly name: string
  readonly frames: number
  readonly bytes: number
  readonly contenders: ReadonlyMap<string, Contender<never>>
  readonly check: (name: string, contender: Contender<never>) => Promise<void>
}

interface Measured {
  readonly name: string
  readonly framesPerSecond: Record<string, number>
  readonly bytesPerSecond: Record<string, number>
  readonly toHand: number
  readonly toPackages: number | undefined
}

const payloads = [16, 64, 1024, 65536]
const chunkSizes = [65536, 1024, 7]

const label = (bytes: number): string => bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`

/** Enough to measure, and not more than a slow contender can bear. */
const volume = (payload: number, chunkSize: number): number =>
  Math.max(4 * payload, chunkSize === 7 ? 1 << 16 : 1 << 21)

const cut = (bytes: Uint8Array, size: number): Array<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(Buffer.from(bytes.subarray(at, at + size)))
  return chunks
}

/** Printable, and without line endings, so that every format can carry it. */
const payload = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => 32 + ((i * 7 + seed * 13) % 90))

const decodeWith = <Frame>(
  framing: Framing.Framing<never, Frame>,
  chunks: ReadonlyArray<Uint8Array>
): Contender<Frame> =>
(onFrame) => {
  const decoder = Framing.makeDecoder(framing)
  const drain = () => {
    for (let frame = decoder.next(); frame !== Framing.noFrame; frame = decoder.next()) onFrame(frame)
    if (decoder.error !== undefined) throw decoder.error
  }
  for (const chunk of chunks) {
    decoder.feed(chunk)
    drain()
  }
  decoder.finish()
  drain()
}

interface HandDecoder {
  feed(chunk: Uint8Array): void
}

const decodeByHand = <Frame>(
  Decoder: new(onFrame: ByHand.OnFrame<Frame>) => HandDecoder,
  chunks: ReadonlyArray<Uint8Array>
): Contender<Frame> =>
(onFrame) => {
  const decoder = new Decoder(onFrame)
  for (const chunk of chunks) decoder.feed(chunk)
}

/** Forgets of what type the frames are: each row gives its contenders what they take. */
const erase = <Frame>(contender: Contender<Frame>): Contender<never> => contender as unknown as Contender<never>

/** How many frames go out together. */
const batchSize = 64

const encodeWith = <Frame>(
  framing: Framing.Framing<Frame, unknown>,
  batches: ReadonlyArray<ReadonlyArray<Frame>>
): Contender<Uint8Array> =>
(onBuffer) => {
  const encoder = Framing.makeEncoder(framing)
  for (const batch of batches) {
    for (const frame of batch) {
      const error = encoder.encode(frame)
      if (error !== undefined) throw error
    }
    for (const buffer of encoder.drain()) onBuffer(buffer)
  }
}

const encodeByHand = <Frame>(
  encode: (batch: ReadonlyArray<Frame>) => Array<Uint8Array>,
  batches: ReadonlyArray<ReadonlyArray<Frame>>
): Contender<Uint8Array> =>
(onBuffer) => {
  for (const batch of batches) for (const buffer of encode(batch)) onBuffer(buffer)
}

const formats = {
  uint32: { framing: Framing.lengthPrefixed(), Decoder: ByHand.Uint32Decoder, encode: ByHand.encodeUint32 },
  varint: {
    framing: Framing.lengthPrefixed({ prefix: "varint" }),
    Decoder: ByHand.VarintDecoder,
    encode: ByHand.encodeVarint
  },
  lines: {
    framing: Framing.lines({ maxLineLength: 1024 * 1024 }),
    Decoder: ByHand.LineDecoder,
    encode: ByHand.encodeLines
  }
} as const

type Format = keyof typeof formats

const asBytes = (frame: Uint8Array | string): Buffer => Buffer.from(frame as string)

const equal = (name: string, is: ReadonlyArray<Uint8Array>, should: ReadonlyArray<Uint8Array>): void => {
  if (is.length !== should.length || !is.every((frame, i) => Buffer.compare(frame, should[i]!) === 0)) {
    throw new Error(`${name} gives other results`)
  }
}

function* rows(): Generator<Row> {
  for (const format of Object.keys(formats) as Array<Format>) {
    for (const length of payloads) {
      for (const chunkSize of chunkSizes) {
        const name = `decode ${format}, ${label(length)} in ${label(chunkSize)}`
        if (wanted(name)) yield decodeRow(name, format, length, chunkSize)
      }
      const name = `encode ${format}, ${label(length)}`
      if (wanted(name)) yield encodeRow(name, format, length)
    }
  }
}

const only = new RegExp(options.only ?? "", "i")
const wanted = (name: string): boolean => only.test(name)

const makeFrames = (format: Format, length: number, total: number): ReadonlyArray<never> => {
  const different = Array.from({ length: 16 }, (_, i) => payload(length, i))
  return Array.from({ length: Math.ceil(total / length) }, (_, i) => {
    const frame = different[i % different.length]!
    return format === "lines" ? Buffer.from(frame).toString() : frame
  }) as ReadonlyArray<unknown> as ReadonlyArray<never>
}

const decodeRow = (name: string, format: Format, length: number, chunkSize: number): Row => {
  const { Decoder, framing } = formats[format]
  const frames = makeFrames(format, length, volume(length, chunkSize))
  const chunks = cut(Buffer.concat(Result.getOrThrow(Framing.encodeAll<never>(framing, frames))), chunkSize)
  const contenders = new Map<string, Contender<never>>([
    ["sluice", erase(decodeWith<Uint8Array | string>(framing, chunks))],
    ["by hand", erase(decodeByHand(Decoder as unknown as new(onFrame: ByHand.OnFrame<never>) => HandDecoder, chunks))]
  ])
  for (const [other, run] of Object.entries(Packages.decoders[format])) {
    contenders.set(other, (onFrame) => run(chunks, onFrame as ByHand.OnFrame<Uint8Array | string>))
  }
  const check = async (name: string, contender: Contender<never>) => {
    const got: Array<Uint8Array> = []
    await contender((frame: Uint8Array | string) => got.push(asBytes(frame)))
    equal(name, got, frames.map(asBytes))
  }
  return { name, frames: frames.length, bytes: frames.length * length, contenders, check }
}

const encodeRow = (name: string, format: Format, length: number): Row => {
  const { encode, framing } = formats[format]
  const frames = makeFrames(format, length, volume(length, 65536))
  const batches: Array<ReadonlyArray<never>> = []
  for (let i = 0; i < frames.length; i += batchSize) batches.push(frames.slice(i, i + batchSize))
  const contenders = new Map<string, Contender<never>>([
    ["sluice", erase(encodeWith<never>(framing, batches))],
    ["by hand", erase(encodeByHand<never>(encode, batches))]
  ])
  for (const [other, run] of Object.entries(Packages.encoders[format])) {
    contenders.set(other, (onBuffer) => run(frames, onBuffer as ByHand.OnFrame<Uint8Array>))
  }
  const should = Buffer.concat(Result.getOrThrow(Framing.encodeAll<never>(framing, frames)))
  const check = async (name: string, contender: Contender<never>) => {
    const got: Array<Uint8Array> = []
    await contender((buffer: Uint8Array) => got.push(buffer))
    equal(name, [Buffer.concat(got)], [should])
  }
  return { name, frames: frames.length, bytes: frames.length * length, contenders, check }
}

let sum = 0
const consume = (frame: { readonly length: number }): void => {
  sum += frame.length
}

const timed = async (contender: Contender<never>): Promise<number> => {
  const began = process.hrtime.bigint()
  await contender(consume)
  return Number(process.hrtime.bigint() - began) / 1e9
}

const measure = async (row: Row): Promise<Measured> => {
  const best = new Map<string, number>()
  const spent = new Map<string, number>()
  for (const [name, contender] of row.contenders) await row.check(`${name} (${row.name})`, contender)
  for (let running = true; running;) {
    running = false
    for (const [name, contender] of row.contenders) {
      const before = spent.get(name) ?? 0
      if (before > budget / 1000) continue
      const seconds = await timed(contender)
      spent.set(name, before + seconds)
      best.set(name, Math.min(best.get(name) ?? Infinity, seconds))
      running = true
    }
  }
  const perSecond = (amount: number): Record<string, number> =>
    Object.fromEntries(Array.from(best, ([name, seconds]) => [name, Math.round(amount / seconds)]))
  const others = Array.from(best).filter(([name]) => name !== "sluice" && name !== "by hand")
  const own = best.get("sluice")!
  return {
    name: row.name,
    framesPerSecond: perSecond(row.frames),
    bytesPerSecond: perSecond(row.bytes),
    toHand: best.get("by hand")! / own,
    toPackages: others.length === 0 ? undefined : Math.min(...others.map(([, seconds]) => seconds)) / own
  }
}

const short = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(2)} G`
    : value >= 1e6
    ? `${(value / 1e6).toFixed(2)} M`
    : `${(value / 1e3).toFixed(1)} k`

const line = (cells: ReadonlyArray<string>): string =>
  cells.map((cell, i) => i === 0 ? cell.padEnd(34) : cell.padStart(12)).join("")

const results: Array<Measured> = []
for (const row of rows()) {
  if (results.length === 0) {
    console.log(line(["", "frames/s", "bytes/s", "by hand", "ratio", "packages", "ratio"]))
  }
  const result = await measure(row)
  results.push(result)
  const own = result.framesPerSecond
  const best = Math.max(
    ...Object.entries(own).filter(([name]) => name !== "sluice" && name !== "by hand").map(([, value]) => value)
  )
  console.log(line([
    result.name,
    short(own["sluice"]!),
    short(result.bytesPerSecond["sluice"]!),
    short(own["by hand"]!),
    result.toHand.toFixed(2),
    result.toPackages === undefined ? "-" : short(best),
    result.toPackages === undefined ? "-" : result.toPackages.toFixed(1)
  ]))
}
if (results.length > 0 && sum === 0) throw new Error("nothing was measured")
if (options.json !== undefined) FileSystem.writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
