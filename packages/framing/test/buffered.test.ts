import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Framing from "../src/Framing.ts"
import { bytes, utf8 } from "./catalogue.ts"

const framings: Record<string, readonly [framing: Framing.Framing<never, unknown>, alphabet: ReadonlyArray<number>]> = {
  "length-prefixed": [Framing.lengthPrefixed({ prefix: "uint8" }), [0, 1, 2, 40]],
  lines: [Framing.lines(), Array.from(utf8("ab\n"))]
}

const most = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

describe("F4: what a decoder has buffered", () => {
  it.prop("is what it was fed and has not used, whenever frames are taken", [
    Arbitrary.array(Arbitrary.all([bytes([], 700), Arbitrary.schema(most)]), { maxLength: 12 })
  ], ([steps]) => {
    for (const [framing, alphabet] of Object.values(framings)) {
      const decoder = Framing.makeDecoder(framing)
      let fed = 0
      for (const [chunk, frames] of steps) {
        const fitting = chunk.map((byte) => alphabet[byte % alphabet.length]!)
        decoder.feed(fitting)
        if (decoder.error === undefined) fed += fitting.length
        for (let count = 0; count < frames; count++) decoder.next()
        if (decoder.error !== undefined) break
        assert.strictEqual(decoder.buffered, fed - decoder.offset)
      }
    }
  }, { arbitrary: { runs: 60, seed: 1, size: 400 } })
})
