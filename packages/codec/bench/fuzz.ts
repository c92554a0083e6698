/**
 * Feeds damaged bytes to every codec of the tests: nothing but values and typed errors may come out, the same ones however
 * the bytes are split.
 *
 *     npm run fuzz:codec -- [--seconds N] [--seed S]
 *
 * 10 seconds by default, with a seed that is printed. Ends with status 1 at the first fault, with the bytes that show it.
 */
import * as Codec from "@sluice/codec/Codec"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Result from "effect/Result"
import { parseArgs } from "node:util"
import { catalogue } from "../test/catalogue.ts"
import { formats } from "../test/formats.ts"

const { values: options } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } })
const end = performance.now() + 1000 * Number(options.seconds ?? 10)
const first = Number(options.seed ?? Date.now() % 2 ** 30)
console.log(`seed ${first}`)

const all = [...catalogue, ...formats].map(({ codec, name }) => ({
  name,
  codec: codec as Codec.Codec<unknown>,
  framing: Codec.framing<unknown>(codec, { maxFrameLength: 4096 })
}))

let inputs = 0
for (let seed = first; performance.now() < end; seed++) {
  for (const { codec, framing, name } of all) {
    const values = Codec.sample(codec, { seed, count: 2, size: 8 })
    const bytes = values.flatMap((value) => Array.from(Result.getOrThrow(Codec.encode(codec, value))))
    const input = Codec.damage(Uint8Array.from(bytes), seed)
    const result = FramingLaws.splits(framing, input, { exhaustiveLength: 6, randomSplits: 4, seed })
    inputs++
    if (Result.isFailure(result)) {
      console.error(`${name}, seed ${seed}: ${result.failure.message}`)
      process.exit(1)
    }
  }
}
console.log(`${inputs} inputs, no fault`)
