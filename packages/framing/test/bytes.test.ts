import { assert, describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
import * as Schema from "effect/Schema"
import * as Chunks from "../src/Chunks.ts"
import { indexOfByte } from "../src/internal/bytes/byteSearch.ts"
import { maxUint, readUint, varintSize, writeUint } from "../src/internal/bytes/integer.ts"

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

describe("integers", () => {
  const limits = [0, 7, 8, 14, 16, 21, 24, 31, 32, 33, 35, 40, 42, 48, 49, 53].map((bits) => 2 ** bits)
  const values = [...new Set(limits.flatMap((limit) => [limit - 1, limit, limit + 1, limit * 1.5]))]
    .filter((value) => Number.isSafeInteger(value))

  it("are written and read as their bytes, in both orders", () => {
    for (let size = 1; size <= 8; size++) {
      for (const value of values.filter((value) => value <= maxUint(size))) {
        const little = Array.from({ length: size }, (_, index) => Number(BigInt(value) >> BigInt(8 * index) & 255n))
        for (const isLittle of [true, false]) {
          const bytes = new Uint8Array(size + 2).fill(9)
          writeUint(bytes, 1, value, size, isLittle)
          assert.deepStrictEqual([...bytes], [9, ...(isLittle ? little : little.toReversed()), 9])
          assert.strictEqual(readUint(bytes, 1, size, isLittle), value)
        }
      }
    }
    expect([1, 2, 3, 6].map(maxUint)).toEqual([255, 65_535, 16_777_215, 2 ** 48 - 1])
    const most = new Uint8Array(8).fill(255)
    for (const isLittle of [true, false]) expect(readUint(most, 0, 8, isLittle)).toBeGreaterThan(2 ** 53 - 1)
  })

  it("take a byte of a varint for each seven bits", () => {
    for (const value of values) {
      assert.strictEqual(varintSize(value), Math.max(1, Math.ceil(value.toString(2).length / 7)))
    }
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
