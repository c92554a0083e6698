/**
 * Feeds random and broken bytes to every framing of the catalog, and to random compositions of all formats and
 * combinators: nothing but frames and typed errors may come out, the same ones however the bytes are split; frames of the
 * catalog can be encoded again; and no decoder may hang, throw or hold more than its limit.
 *
 *     npm run fuzz:framing -- [--seconds N] [--seed S]
 *
 * 10 seconds by default, with a seed that is printed. Ends with status 1 at the first fault, with the bytes that show it.
 */
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import { parseArgs } from "node:util"
import * as Framing from "../src/Framing.ts"
import { catalogue, type Entry } from "../test/catalogue.ts"
import { composition, input as inputOf, seeded } from "../test/compositions.ts"

const { values: options } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } })
const seconds = Number(options.seconds ?? 10)
const seed = Number(options.seed ?? Date.now() % 2 ** 31)

/** Longer than any decoder may take for one input, on a busy machine. */
const hangSeconds = 10

const random = seeded(seed)

const randomBytes = (entry: Entry): Uint8Array => {
  const length = random(4) === 0 ? random(5000) : random(60)
  const share = random(101)
  return Uint8Array.from(
    { length },
    () =>
      entry.alphabet.length > 0 && random(100) < share ? entry.alphabet[random(entry.alphabet.length)]! : random(256)
  )
}

/** Frames of the format, with some bytes changed, lost, doubled or cut off. */
const brokenFrames = (entry: Entry): Uint8Array => {
  const frames = Array.from({ length: 1 + random(6) }, () => entry.examples[random(entry.examples.length)])
  let bytes = Bytes.concat(
    frames.flatMap((frame) => Result.getOrElse(Framing.encodeAll(entry.framing, [frame]), () => []))
  )
  for (let faults = random(4); faults > 0 && bytes.length > 0; faults--) {
    const at = random(bytes.length)
    switch (random(4)) {
      case 0:
        bytes = bytes.with(at, random(256))
        break
      case 1:
        bytes = Bytes.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
        break
      case 2:
        bytes = Bytes.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))])
        break
      case 3:
        bytes = bytes.slice(0, at)
        break
    }
  }
  return bytes
}

const counts = { inputs: 0, bytes: 0, frames: 0, errors: 0 }

/** What is wrong with what the framing makes of these bytes, if anything is. */
const fault = ({ framing, maxBuffered, oneWay }: Entry, input: Uint8Array): string | undefined => {
  const decoder = Framing.makeDecoder(framing)
  let frames = 0
  const drain = (): boolean => {
    while (decoder.next() !== Framing.noFrame) if (++frames > 2 * input.length + 1) return false
    return true
  }
  for (let at = 0; at < input.length;) {
    const size = 1 + random(random(3) === 0 ? 3 : 500)
    decoder.feed(input.slice(at, at + size))
    at += size
    if (!drain()) return "more frames than bytes"
    if (decoder.error === undefined && decoder.buffered > maxBuffered) return `it holds ${decoder.buffered} bytes`
  }
  decoder.finish()
  if (!drain()) return "more frames than bytes"
  const error: unknown = decoder.error
  if (error !== undefined && !(error instanceof Framing.FramingError)) return `an error of another type: ${error}`
  counts.inputs++
  counts.bytes += input.length
  counts.frames += frames
  if (error !== undefined) counts.errors++
  const splits = FramingLaws.splits(framing, input, { exhaustiveLength: 5, randomSplits: 2, seed: random(2 ** 31) })
  const laws = oneWay ? splits : Result.andThen(splits, () => FramingLaws.echo(framing, input))
  return Result.isFailure(laws) ? laws.failure.message : undefined
}

/** Formats in random combinators, of which no more is known than that every split must give the same. */
const composed = (): Entry => {
  const { framing, name } = composition(random)
  return {
    name,
    framing: framing as unknown as Entry["framing"],
    frame: catalogue[0]!.frame,
    examples: [],
    alphabet: [],
    lenientEnd: true,
    oneWay: true,
    maxBuffered: Infinity
  }
}

console.log(`seed ${seed}, ${seconds} seconds, ${catalogue.length} framings and their compositions`)
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  const isComposed = random(2) === 0
  const entry = isComposed ? composed() : catalogue[random(catalogue.length)]!
  const input = isComposed ? inputOf(random) : random(2) === 0 ? randomBytes(entry) : brokenFrames(entry)
  const began = performance.now()
  let wrong: string | undefined
  try {
    wrong = fault(entry, input)
  } catch (error) {
    wrong = error instanceof Error ? error.stack : String(error)
  }
  if (performance.now() - began > hangSeconds * 1000) wrong ??= "it takes too long"
  if (wrong !== undefined) {
    console.error(`${entry.name}, seed ${seed}: ${wrong}\n${Buffer.from(input).toString("hex")}`)
    process.exit(1)
  }
}
console.log(
  `${counts.inputs} inputs, ${counts.bytes} bytes, ${counts.frames} frames, ${counts.errors} typed errors, no fault`
)
