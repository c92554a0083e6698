import { assert, describe, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
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
      : FramingLaws.all(framing, { frames: examples, maxBuffered, oneWay, exhaustiveLength: 6, randomSplits: 3 })
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

  it.prop(
    "F8: what is decoded can be encoded",
    [bytes(alphabet), bytes(alphabet, 8), frames],
    ([long, short, frames]) => {
      if (oneWay) return
      for (const input of [long, short, encode(framing, frames)]) {
        assert.isUndefined(violation(FramingLaws.echo(framing, input)))
      }
    },
    { arbitrary: { runs: 60, seed: 9 } }
  )

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

// Each of these has been refused on its way to another peer.
describe("F8: what one peer sent can be sent to another", () => {
  const echo = <A>(framing: Framing.Framing<A>, text: string) => violation(FramingLaws.echo(framing, utf8(text)))

  it("a line that ends in CR", () => {
    for (const options of [{}, { atEnd: "frame" }, { ending: "lf" }, { ending: "crlf", bare: "data" }] as const) {
      for (const text of ["x\r\r\n", "\r\r\n", "x\ry\r\r\r\n\n", "x\r"]) {
        assert.isUndefined(echo(Framing.lines({ ...options, maxLineLength: 4 }), text))
      }
    }
  })

  it("a frame that ends with the beginning of another delimiter", () => {
    assert.isUndefined(echo(Framing.delimited(["\n", "\r\n"]), "x\r\r\n\r\r\n"))
    assert.isUndefined(echo(Framing.delimited(["-+", "+-+"]), "++-+"))
  })

  it("invalid bytes whose replacements exceed the limit", () => {
    const lines = Framing.lines({ encoding: "utf-8-lossy", maxLineLength: 8 })
    assert.isUndefined(violation(FramingLaws.echo(lines, Uint8Array.of(...new Array<number>(7).fill(0xff), 10))))
    assert.isUndefined(violation(FramingLaws.echo(lines, Uint8Array.of(0xff, 0xff, 10, 97, 10))))
  })

  it("headers without spaces that fill their limit", () => {
    const framing = Framing.contentLengthMessage({ maxHeaderLength: 40 })
    for (let length = 10; length < 20; length++) {
      assert.isUndefined(echo(framing, `A:${"b".repeat(length)}\r\nContent-Length:1\r\n\r\nx`))
    }
  })

  it("JSON that is nested deeper than the stack", () => {
    const ndjson = Framing.ndjson({ maxLineLength: 1_000_000 })
    const depth = 30_000
    for (
      const text of [
        "[".repeat(depth) + "]".repeat(depth),
        `${"{\"a\":[1,".repeat(depth)}"b"${"],\"c\":2}".repeat(depth)}`
      ]
    ) {
      const [value] = Result.getOrThrow(Framing.decodeAll(ndjson, [utf8(`${text}\n`)]))
      const bytes = Bytes.concat(Result.getOrThrow(Framing.encodeAll(ndjson, [value!])))
      assert.isTrue(new TextDecoder().decode(bytes) === `${text}\n`)
    }
  })
})

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
    // A frame that only the end of the input ends, and a delimiter that begins another, may have no encoding.
    const begins = (other: string) => delimiters.some((each) => each !== other && each.startsWith(other))
    if (flags.atEnd === "truncated" && !delimiters.some(begins)) {
      assert.isUndefined(violation(FramingLaws.echo(framing, input)))
    }
  }, { arbitrary: { runs: 400, seed: 8 } })
})
