import { assert, describe, expect, it } from "@effect/vitest"
import * as Chunks from "@sluice/core/Chunks"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
import * as Schema from "effect/Schema"
import { indexOfByte } from "../src/internal/bytes/byteSearch.ts"

const upTo = (most: number) => Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most })))

const chunks = Arbitrary.array(
  Arbitrary.map(upTo(9), (length) => Uint8Array.from({ length }, (_, index) => index + length)),
  { maxLength: 8 }
)

describe("chunks", () => {
  it.prop("have the bytes in front taken from them, as often as there are some", [chunks, Arbitrary.array(upTo(12))], (
    [chunks, counts]
  ) => {
    const left = [...chunks]
    let rest = Bytes.concat(chunks)
    assert.strictEqual(Chunks.byteLength(chunks), rest.length)
    for (const count of counts.filter((count) => count <= rest.length)) {
      if (count > rest.length) continue
      assert.deepStrictEqual(Chunks.takeFrom(left, count), rest.slice(0, count))
      rest = rest.slice(count)
      assert.deepStrictEqual(Bytes.concat(left), rest)
    }
  }, { arbitrary: { runs: 500, seed: 1 } })

  it("are taken without a copy where one has all that is asked for", () => {
    const memory = Uint8Array.of(1, 2, 3, 4)
    const left = [memory.subarray(0, 3), memory.subarray(3)]
    for (const count of [1, 2, 1]) expect(Chunks.takeFrom(left, count).buffer).toBe(memory.buffer)
    expect(left).toEqual([])
  })
})

describe("a byte that is searched for", () => {
  it("is found at its first place in the range, and nowhere else", () => {
    // Near and far, in views of small and of large arrays.
    for (const [before, after] of [[0, 0], [3, 5], [10, 5000], [5000, 10]] as const) {
      for (const length of [0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000]) {
        const all = new Uint8Array(before + length + after).fill(7, 0, before).fill(7, before + length)
        const find = () => indexOfByte(all, 7, before, before + length)
        expect(find()).toBe(-1)
        for (
          const place of [length - 1, Math.floor(length / 2), 1, 0].filter((place) => place >= 0 && place < length)
        ) {
          all[before + place] = 7
          expect(find()).toBe(before + place)
        }
      }
    }
  })
})
