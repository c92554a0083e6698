import { assert, describe, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Framing from "../src/Framing.ts"
import { bytes, catalogue, utf8 } from "./catalogue.ts"

const violation = (result: Result.Result<void, FramingLaws.LawViolation>): string | undefined =>
  Result.isFailure(result) ? result.failure.message : undefined

const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

describe.each(catalogue)("$name", ({ alphabet, examples, frame, framing, lenientEnd, maxBuffered, oneWay }) => {
  const frames = Arbitrary.array(frame, { maxLength: 6 })

  it("keeps the laws on examples", () => {
    const laws = lenientEnd
      ? FramingLaws.roundTrip(framing, examples)
      : FramingLaws.all(framing, { frames: examples, maxBuffered, exhaustiveLength: 6, randomSplits: 3 })
    assert.isUndefined(violation(laws))
  })

  it.prop("F1: any bytes, split in every way", [bytes(alphabet, 8)], ([input]) => {
    assert.isUndefined(violation(FramingLaws.splits(framing, input)))
  }, { arbitrary: { runs: 25, seed: 1 } })

  it.prop("F1: longer bytes, split at random", [bytes(alphabet, 400), small], ([input, seed]) => {
    assert.isUndefined(violation(FramingLaws.splits(framing, input, { seed, randomSplits: 6 })))
  }, { arbitrary: { runs: 15, seed: 2, size: 200 } })

  it.prop("F1: frames, one byte of them broken, or cut off", [frames, small, small], ([frames, place, value]) => {
    const input = encode(framing, frames)
    if (input.length === 0) return
    const at = (place * 7919) % input.length
    assert.isUndefined(violation(FramingLaws.splits(framing, input, { randomSplits: 4 })))
    assert.isUndefined(violation(FramingLaws.splits(framing, input.with(at, value), { randomSplits: 4 })))
    assert.isUndefined(violation(FramingLaws.splits(framing, input.slice(0, at), { randomSplits: 4 })))
  }, { arbitrary: { runs: 20, seed: 3 } })

  it.prop("F2: what is encoded is decoded", [frames], ([frames]) => {
    assert.isUndefined(violation(FramingLaws.roundTrip(framing, frames)))
  }, { arbitrary: { runs: 50, seed: 4 } })

  it.prop("F2: what is decoded can be encoded", [bytes(alphabet)], ([input]) => {
    if (lenientEnd || oneWay) return
    for (const frame of FramingLaws.decodeChunks(framing, [input]).frames) {
      // An error that is delivered as a frame.
      if (Predicate.hasProperty(frame, "_tag")) continue
      assert.isTrue(Result.isSuccess(Framing.encodeAll(framing, [frame])))
    }
  }, { arbitrary: { runs: 60, seed: 9 } })

  it.prop("F3: good frames come before the error", [frames, bytes(alphabet)], ([frames, rest]) => {
    assert.isUndefined(violation(FramingLaws.delivery(framing, frames, rest)))
  }, { arbitrary: { runs: 30, seed: 5 } })

  it.prop("F4: what is held is bounded", [bytes(alphabet, 800)], ([input]) => {
    assert.isUndefined(violation(FramingLaws.memory(framing, input, maxBuffered)))
  }, { arbitrary: { runs: 8, seed: 6, size: 800 } })

  it.runIf(!lenientEnd)("F5: truncated input is an error", () => {
    assert.isUndefined(violation(FramingLaws.truncation(framing, examples)))
  })
})

const encode = (framing: Framing.Framing<unknown>, frames: ReadonlyArray<unknown>): Uint8Array =>
  Bytes.concat(frames.flatMap((frame) => Result.getOrElse(Framing.encodeAll(framing, [frame]), () => [])))

describe("random options", () => {
  const options = Schema.Struct({
    offset: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    length: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
    endianness: Schema.Literals(["big", "little"]),
    adjustment: Schema.Int.check(Schema.isBetween({ minimum: -9, maximum: 4 })),
    strip: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
    maxFrameLength: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
  })

  it.prop("lengthField", [options, bytes([0, 0, 0, 1, 2, 3, 8, 12], 24)], ([options, input]) => {
    const framing = Framing.lengthField(options)
    if (framing.invalid !== undefined) return
    assert.isUndefined(violation(FramingLaws.splits(framing, input, { exhaustiveLength: 7, randomSplits: 6 })))
    assert.isUndefined(violation(FramingLaws.roundTrip(framing, [input, input.subarray(0, 3), input.subarray(0, 0)])))
    assert.isUndefined(violation(FramingLaws.roundTrip(framing, FramingLaws.decodeChunks(framing, [input]).frames)))
  }, { arbitrary: { runs: 400, seed: 7 } })

  const delimiters = Schema.NonEmptyArray(Schema.Literals(["a", "b", "ab", "ba", "aa", "aab", "aba", "abab", "bb"]))
  const flags = Schema.Struct({ keep: Schema.Boolean, atEnd: Schema.Literals(["frame", "truncated"]) })

  it.prop("delimited", [delimiters, flags, bytes(Array.from(utf8("abc")), 14)], ([delimiters, flags, input]) => {
    const framing = Framing.delimited(delimiters, { ...flags, maxFrameLength: 4 })
    assert.isUndefined(violation(FramingLaws.splits(framing, input, { exhaustiveLength: 9 })))
    assert.isUndefined(
      violation(FramingLaws.splits(Framing.overlong(framing, "discard"), input, { exhaustiveLength: 9 }))
    )
    assert.isUndefined(
      violation(
        FramingLaws.roundTrip(framing, [input, input.subarray(1, 3), input.subarray(0, 2), input.subarray(2, 5)])
      )
    )
  }, { arbitrary: { runs: 400, seed: 8 } })
})
