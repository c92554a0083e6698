import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Bytes from "../src/Chunks.ts"

const split = Effect.fnUntraced(function*(bytes: Uint8Array) {
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length;) {
    const length = yield* Random.nextIntBetween(1, 5)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
})

describe("Bytes", () => {
  it.effect("finds a delimiter and takes bytes, however the chunks are cut", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 500; round++) {
        // Two letters only, so that delimiters begin often and match seldom.
        const length = yield* Random.nextIntBetween(0, 30)
        const whole = new Uint8Array(length)
        for (let at = 0; at < length; at++) whole[at] = yield* Random.nextIntBetween(0, 2)
        const delimiter = Uint8Array.from([0, 0, 1].slice(yield* Random.nextIntBetween(0, 2)))
        const start = yield* Random.nextIntBetween(0, length + 2)
        const chunks = yield* split(whole)
        expect(Bytes.indexOf(chunks, delimiter, start)).toBe(Buffer.from(whole).indexOf(delimiter, start))
        const count = yield* Random.nextIntBetween(0, length)
        expect(Array.from(Bytes.takeFrom(chunks, count))).toEqual(Array.from(whole.subarray(0, count)))
        expect(Array.from(Bytes.concat(chunks))).toEqual(Array.from(whole.subarray(count)))
      }
    }).pipe(Random.withSeed("bytes")))
})
