import { assert, describe, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Result from "effect/Result"
import * as Framing from "../src/Framing.ts"

/** Frames with a length of one byte before them. `wrong` replaces functions of the framing. */
const lengthPrefixed = (
  wrong: Partial<Parameters<typeof Framing.make<Uint8Array>>[0]> = {}
): Framing.Framing<Uint8Array> =>
  Framing.make<Uint8Array>({
    decode: (input) => {
      if (input.length === 0) return Framing.noFrame
      const length = input.bytes[input.start]!
      if (length > 9) return input.corrupt("its length is more than 9")
      return input.length <= length ? input.whole(length + 1) : input.take(length + 1, 1)
    },
    encode: (frame, output) => {
      if (frame.length > 9) return output.tooLong(9, frame.length)
      output.write(Uint8Array.of(frame.length))
      return output.write(frame)
    },
    ...wrong
  })

/** A framing that decodes a frame that the end cuts, instead of failing. */
const truncated = (
  decodeCut: (input: Framing.FramingInput) => Uint8Array | Framing.NoFrame
): Framing.Framing<Uint8Array> =>
  lengthPrefixed({
    decode: (input) => {
      if (input.length === 0) return Framing.noFrame
      const length = input.bytes[input.start]!
      if (length > 9) return input.corrupt("its length is more than 9")
      if (input.length > length) return input.take(length + 1, 1)
      return input.ended ? decodeCut(input) : input.whole(length + 1)
    }
  })

const frames = [Uint8Array.of(), Uint8Array.of(1), Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5), new Uint8Array(10)]
const hostile = [Uint8Array.of(77), Uint8Array.of(5, 1)]

/** The law that a framing breaks, by all checks. */
const brokenLaw = (framing: Framing.Framing<Uint8Array>, maxBuffered = 10) => {
  const result = FramingLaws.all(framing, { frames, hostile, maxBuffered, exhaustiveLength: 6, randomSplits: 4 })
  return Result.isFailure(result) ? result.failure.law : undefined
}

/** A framing for each law, which breaks it and keeps those that are checked before it. */
const broken: Record<
  string,
  readonly [law: FramingLaws.Law, framing: Framing.Framing<Uint8Array>, maxBuffered?: number]
> = {
  "an error depends on what comes with it": [
    "F1 any split gives the same",
    lengthPrefixed({
      decode: (input) => {
        if (input.length === 0) return Framing.noFrame
        const length = input.bytes[input.start]!
        if (length > 9) return input.corrupt(`its length is more than 9, and ${input.length} bytes have come`)
        return input.length <= length ? input.whole(length + 1) : input.take(length + 1, 1)
      }
    })
  ],
  "a byte is encoded as another": [
    "F2 what is encoded is decoded",
    lengthPrefixed({
      encode: (frame, output) => {
        if (frame.length > 9) return output.tooLong(9, frame.length)
        output.write(Uint8Array.of(frame.length))
        return output.write(frame.map((byte) => byte === 5 ? 6 : byte))
      }
    })
  ],
  "what decoding refuses is encoded": [
    "F2 what is encoded is decoded",
    lengthPrefixed({
      encode: (frame, output) => {
        output.write(Uint8Array.of(frame.length))
        return output.write(frame)
      }
    })
  ],
  "what is decoded cannot be encoded": [
    "F8 what is decoded can be encoded",
    lengthPrefixed({
      encode: (frame, output) => {
        if (frame.length > 9) return output.tooLong(9, frame.length)
        if (frame.includes(0x55 ^ 2)) return output.corrupt("it has a 0x57")
        output.write(Uint8Array.of(frame.length))
        return output.write(frame)
      }
    })
  ],
  "more is held than may be": ["F4 memory is bounded", lengthPrefixed(), 2],
  "a frame that is cut is a frame": [
    "F5 truncated input is an error",
    truncated((input) => input.take(input.length, 1))
  ],
  "a frame that is cut is dropped": [
    "F5 truncated input is an error",
    truncated((input) => input.idle(input.length))
  ]
}

describe("a framing that breaks a law", () => {
  it.each(Object.entries(broken))("is detected: %s", (_, [law, framing, maxBuffered]) => {
    assert.strictEqual(brokenLaw(framing, maxBuffered), law)
  })

  it("is told from one that breaks none", () => {
    assert.isUndefined(brokenLaw(lengthPrefixed()))
  })

  it("is detected: an error takes the frames before it", () => {
    // It looks ahead for bad bytes.
    const framing = lengthPrefixed({
      decode: (input) => {
        if (input.bytes.subarray(input.start, input.end).includes(77)) return input.corrupt("77 lies ahead")
        if (input.length === 0) return Framing.noFrame
        const length = input.bytes[input.start]!
        return input.length <= length ? input.whole(length + 1) : input.take(length + 1, 1)
      }
    })
    const delivery = (framing: Framing.Framing<Uint8Array>) =>
      FramingLaws.delivery(framing, frames.slice(0, 2), Uint8Array.of(77))
    assert.isTrue(Result.isSuccess(delivery(lengthPrefixed())))
    const result = delivery(framing)
    assert(Result.isFailure(result))
    assert.strictEqual(result.failure.law, "F3 good frames come before the error")
  })

  it("is told with what was tried, what should come out and what does", () => {
    const [, wrong] = broken["a byte is encoded as another"]!
    const result = FramingLaws.roundTrip(wrong, [Uint8Array.of(5)])
    assert(Result.isFailure(result))
    assert.match(result.failure.message, /<0106>\n.*should give .*<05>.*\n.*but gives .*<06>/)
  })

  it("is not detected by frames and bytes that do not show it", () => {
    const [, wrong] = broken["a byte is encoded as another"]!
    assert.isTrue(Result.isSuccess(FramingLaws.roundTrip(wrong, [Uint8Array.of(4)])))
    assert.isTrue(Result.isSuccess(FramingLaws.memory(lengthPrefixed(), [9, 1, 2], 3)))
    assert.isTrue(Result.isFailure(FramingLaws.memory(lengthPrefixed(), [9, 1, 2], 2)))
    assert.isTrue(Result.isSuccess(FramingLaws.splits(lengthPrefixed(), Uint8Array.of(2, 1, 1, 77))))
  })
})
