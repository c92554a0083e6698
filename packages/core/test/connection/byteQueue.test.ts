import { assert, describe, expect, it } from "@effect/vitest"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { ByteQueue } from "../../src/internal/bytes/byteQueue.ts"

const kept = { keep: (chunk: Uint8Array) => chunk.slice() }

// Pushes bytes in pieces of random sizes, each of which is overwritten after the call.
const pushInPieces = Effect.fnUntraced(function*(queue: ByteQueue, bytes: Uint8Array, largest: number) {
  for (let at = 0; at < bytes.length;) {
    const size = yield* Random.nextIntBetween(1, largest)
    const lent = bytes.slice(at, at + size)
    queue.push(lent, kept)
    lent.fill(0xdb)
    at += size
  }
})

const randomBytes = Effect.fnUntraced(function*(length: number, letters: number) {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = yield* Random.nextIntBetween(0, letters - 1)
  return bytes
})

describe("ByteQueue", () => {
  it("searches a chunk that was searched before no more", () => {
    let searched = 0
    let calls = 0
    class Counting extends Uint8Array {
      override indexOf(byte: number, from?: number): number {
        searched += Math.max(0, this.length - (from ?? 0))
        calls++
        return super.indexOf(byte, from)
      }
    }
    const queue = new ByteQueue()
    const delimiter = Uint8Array.of(1, 2)
    for (let count = 0; count < 100; count++) {
      const before = queue.length
      queue.push(new Uint8Array(2000), { keep: (chunk) => new Counting(chunk) })
      expect(queue.indexOf(delimiter, Math.max(0, before - 1))).toBe(-1)
    }
    // But for the last byte of each, in which a delimiter may begin.
    expect(searched).toBeLessThanOrEqual(100 * 2001)
    expect(calls).toBeLessThanOrEqual(2 * 100)
  })

  it.effect("finds a delimiter and takes bytes, however the chunks are cut", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 500; round++) {
        // Two letters only, so that delimiters begin often and match seldom.
        const whole = yield* randomBytes(yield* Random.nextIntBetween(0, 30), 2)
        const delimiter = Uint8Array.from([0, 0, 1].slice(yield* Random.nextIntBetween(0, 2)))
        const start = yield* Random.nextIntBetween(0, whole.length + 2)
        const queue = new ByteQueue()
        yield* pushInPieces(queue, whole, 5)
        expect(queue.indexOf(delimiter, start)).toBe(Buffer.from(whole).indexOf(delimiter, start))
        const count = yield* Random.nextIntBetween(0, whole.length)
        expect(Array.from(queue.take(count))).toEqual(Array.from(whole.subarray(0, count)))
        expect(Array.from(queue.take(queue.length))).toEqual(Array.from(whole.subarray(count)))
      }
    }).pipe(Random.withSeed("bytes")))

  it.effect("gives back what was pushed, and never writes to what it gave", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 60; round++) {
        const queue = new ByteQueue()
        const pushed: Array<Uint8Array> = []
        const taken: Array<Uint8Array> = []
        const largest = [3, 40, 3000][round % 3]!
        for (let step = 0; step < 30; step++) {
          const length = yield* Random.nextIntBetween(0, 4 * largest)
          const bytes = Uint8Array.from({ length }, (_, at) => at + step)
          switch (yield* Random.nextIntBetween(0, 3)) {
            case 0: {
              const chunk = queue.shift()
              if (chunk !== undefined) taken.push(chunk)
              break
            }
            case 1: {
              taken.push(queue.take(yield* Random.nextIntBetween(0, queue.length)))
              break
            }
            default: {
              yield* pushInPieces(queue, bytes, largest)
              pushed.push(bytes)
            }
          }
        }
        taken.push(queue.take(queue.length))
        expect(queue.shift()).toBeUndefined()
        expect(Buffer.compare(Bytes.concat(taken), Bytes.concat(pushed))).toBe(0)
      }
    }).pipe(Random.withSeed("queue")))

  it("has nothing left when it is cleared", () => {
    for (const sizes of [[1, 1, 1], [2000, 1, 1], [2000, 2000]]) {
      const queue = new ByteQueue()
      for (const size of sizes) queue.push(new Uint8Array(size), kept)
      queue.clear()
      expect([queue.length, queue.shift(), queue.indexOf(Uint8Array.of(0), 0)]).toEqual([0, undefined, -1])
      for (const byte of [7, 8, 9]) queue.push(Uint8Array.of(byte), kept)
      expect(queue.copy(3)).toEqual(Uint8Array.of(7, 8, 9))
      expect(queue.take(3)).toEqual(Uint8Array.of(7, 8, 9))
    }
  })

  it("puts a chunk in front", () => {
    const queue = new ByteQueue()
    for (const byte of [2, 3, 4]) queue.push(Uint8Array.of(byte), kept)
    queue.unshift(Uint8Array.of(1))
    expect(Array.from(queue.take(4))).toEqual([1, 2, 3, 4])
  })

  it("holds at most about twice the bytes, however small or mixed the chunks are", () => {
    for (const sizes of [[1], [7], [1023], [1, 1024], [1, 1500, 2, 900]]) {
      const queue = new ByteQueue()
      for (let at = 0; queue.length < 1 << 20; at++) queue.push(new Uint8Array(sizes[at % sizes.length]!), kept)
      const bytes = queue.length
      const blocks = new Set<ArrayBufferLike>()
      let chunks = 0
      for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift(), chunks++) blocks.add(chunk.buffer)
      const held = Array.from(blocks).reduce((total, { byteLength }) => total + byteLength, 0)
      // A chunk costs some 100 bytes for itself.
      assert.isBelow((held + 100 * chunks) / bytes, 2, `chunks of ${sizes} bytes`)
    }
  })
})
