import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
import * as Schema from "effect/Schema"
import { Batch, joined } from "../src/internal/broadcast/publishedBatch.ts"

const upTo = (most: number) => Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most })))

/** Pieces of a few buffers: each follows the one before it in memory, or begins somewhere else. */
const pieces = Arbitrary.map(
  Arbitrary.array(Arbitrary.all([upTo(3), upTo(4), upTo(40)]), { maxLength: 12 }),
  (steps) => {
    const buffers = [1, 2].map((seed) => Uint8Array.from({ length: 100 }, (_, index) => index * seed))
    let buffer = buffers[0]!
    let at = 0
    return steps.map(([jump, size, place]) => {
      if (jump === 0) [buffer, at] = [buffers[place % 2]!, place]
      const piece = buffer.subarray(at, at + size)
      at += size
      return piece
    })
  }
)

describe("messages that are written together", () => {
  it.prop("are the same bytes, in as few chunks as their memory allows", [pieces], ([chunks]) => {
    const together = joined(chunks)
    assert.deepStrictEqual(Bytes.concat([...together]), Bytes.concat(chunks))
    assert.isTrue(together.every((chunk) => chunk.length > 0))
    const follows = (a: Uint8Array, b: Uint8Array) => a.buffer === b.buffer && a.byteOffset + a.length === b.byteOffset
    for (const [index, chunk] of together.slice(1).entries()) {
      // Empty chunks lie anywhere.
      if (chunks.every(({ length }) => length > 0)) assert.isFalse(follows(together[index]!, chunk))
    }
  }, { arbitrary: { runs: 500, seed: 1 } })

  it("are put together once for all receivers, and without those that are for others", () => {
    const memory = Uint8Array.from([1, 2, 3, 4, 5, 6])
    const batch = new Batch([memory.subarray(0, 2), memory.subarray(2, 4), memory.subarray(4)])
    assert.deepStrictEqual(batch.chunks, [memory])
    assert.strictEqual(batch.chunks, batch.chunks)
    assert.deepStrictEqual(batch.without([1]).chunks, [memory.subarray(0, 2), memory.subarray(4)])
    assert.deepStrictEqual(batch.without([0, 2]).messages, [memory.subarray(2, 4)])
    assert.deepStrictEqual(batch.without([]).messages, batch.messages)
  })
})
