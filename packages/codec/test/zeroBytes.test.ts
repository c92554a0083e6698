import * as Codec from "@sluice/codec/Codec"
import * as Framing from "@sluice/framing/Framing"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"

// oxlint-disable-next-line typescript/no-explicit-any -- each codec has its own type
type Any = Codec.Codec<any>

/** Numbers from 0 up to a bound, the same for each seed (mulberry32). */
const numbers = (seed: number) => (bound: number): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % bound
}

/** Codecs that may have parts without bytes, at every place where a part can stand. */
const anyCodec = (next: (bound: number) => number, depth: number): Any => {
  const part = (): Any => anyCodec(next, depth - 1)
  switch (next(depth === 0 ? 4 : 12)) {
    case 0:
    case 1:
      return Codec.bytes(0)
    case 2:
      return Codec.uint8
    case 3:
      return Codec.struct({})
    case 4:
      return Codec.struct({ a: part(), b: part() })
    case 5:
      return Codec.repeat(part(), { count: next(4) })
    case 6:
      return Codec.repeat(part(), { until: ";" })
    case 7:
      return Codec.countPrefixed(Codec.uint16be, part())
    case 8:
      return Codec.lengthPrefixed(Codec.uint8, Codec.repeat(part()))
    case 9:
      return Codec.tagged(Codec.uint8, { A: [1, { a: part() }], B: [2, { b: part() }], C: [3] })
    case 10:
      return Codec.lazy(() => part())
    default:
      return Codec.struct({ n: Codec.uint8, rest: Codec.sizedBy(({ n }: { n: number }) => n & 3, part()) })
  }
}

describe("parts without bytes", () => {
  it("are legal inside of a message, and decode to what was encoded", () => {
    const kinds = Codec.tagged(Codec.uint8, {
      Ping: [0, { body: Codec.bytes(0) }],
      Data: [1, { body: Codec.bytes(2) }]
    })
    const message = Codec.struct({
      kind: kinds,
      none: Codec.bytes(0),
      nothing: Codec.repeat(Codec.bytes(0), { count: 3 })
    })
    const none = new Uint8Array(0)
    const frames = [
      { kind: { _tag: "Ping" as const, body: none }, none, nothing: [none, none, none] },
      { kind: { _tag: "Data" as const, body: Uint8Array.of(7, 8) }, none, nothing: [none, none, none] }
    ]
    const bytes = frames.flatMap((frame) => Result.getOrThrow(Codec.encode(message, frame)))
    expect(Array.from(Bytes.concat(bytes))).toEqual([0, 1, 7, 8])
    expect(Result.getOrThrow(Framing.decodeAll(Codec.framing(message), [Bytes.concat(bytes)]))).toEqual(frames)
    expect(Result.getOrThrow(Codec.decode(Codec.bytes(0), none))).toEqual(none)
  })

  it("cannot be all of a frame of a stream", () => {
    for (const codec of [Codec.bytes(0), Codec.struct({}), Codec.repeat(Codec.uint8, { count: 0 })] as Array<Any>) {
      expect(Codec.framing(codec).invalid?.message).toContain("a frame can be without a byte")
    }
    expect(Framing.fixedLength(0).invalid?.reason).toMatchObject({ _tag: "InvalidFraming" })
  })

  it("cannot be elements whose end is not told by their number", () => {
    const endless = Codec.framing(Codec.repeat(Codec.bytes(0), { until: ";" }))
    expect(Result.isFailure(Framing.decodeAll(endless, [Uint8Array.of(1)]))).toBe(true)
    // A number of four bytes does not make four billion elements of nothing.
    const many = Codec.framing(Codec.countPrefixed(Codec.uint32be, Codec.bytes(0), { limit: 4e9 }))
    const result = Framing.decodeAll(many, [Uint8Array.of(255, 0, 0, 0)])
    expect(Result.isFailure(result) && result.failure.message).toContain("exceeds limit 65536")
  })

  it("never let a decoder loop: a frame takes a byte, or the codec is invalid as a framing (F7)", () => {
    let valid = 0
    for (let seed = 1; seed <= 200; seed++) {
      const next = numbers(seed)
      const framing = Codec.framing(anyCodec(next, 3))
      if (framing.invalid !== undefined) continue
      valid++
      const bytes = Uint8Array.from({ length: 40 }, () => [0, 1, 2, 3, 59, next(6)][next(6)]!)
      const decoder = Framing.makeDecoder(framing)
      decoder.feed(bytes)
      decoder.finish()
      let frames = 0
      while (decoder.next() !== Framing.noFrame) frames++
      expect(frames, `seed ${seed}`).toBeLessThanOrEqual(bytes.length)
    }
    expect(valid).toBeGreaterThan(20)
  })
})
