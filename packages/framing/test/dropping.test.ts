/** What happens to the rest of a bad frame: it belongs to no other frame, whichever framing decodes next, however it arrives. */
import { assert, describe, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import * as Framing from "../src/Framing.ts"
import { utf8 } from "./catalogue.ts"

const x = (count: number): Uint8Array => utf8("x".repeat(count))
const cat = (...parts: ReadonlyArray<Uint8Array | string>): Uint8Array =>
  Bytes.concat(parts.map((part) => typeof part === "string" ? utf8(part) : part))

const shown = (frame: unknown): unknown => {
  if (frame instanceof Uint8Array) return new TextDecoder().decode(frame)
  if (Result.isResult(frame)) {
    return Result.isSuccess(frame) ? shown(frame.success) : (frame.failure as Framing.FramingError).reason._tag
  }
  if (typeof frame === "object" && frame !== null && "frame" in frame) return shown(frame.frame)
  return frame
}

/** What the framing makes of these bytes, which must be the same in every way of splitting them. */
const outcome = (framing: Framing.Framing<never, unknown>, bytes: Uint8Array): ReadonlyArray<unknown> => {
  const splits = FramingLaws.splits(framing, bytes, { randomSplits: 60 })
  if (Result.isFailure(splits)) assert.fail(splits.failure.message)
  const { error, frames } = FramingLaws.decodeChunks(framing, [bytes])
  return error === undefined ? frames.map(shown) : [...frames.map(shown), error._tag]
}

const twoFramings = Framing.union(
  {
    text: Framing.lines({ maxLineLength: 8 }),
    binary: Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 255 })
  },
  { choose: ([first]) => first === 0 ? "binary" : "text" }
)

describe("union", () => {
  const smuggling = cat(x(20), "\0\x05ORDER and so on\nbye\n")

  it("takes nothing of a dropped frame for another framing's", () => {
    assert.deepStrictEqual(outcome(Framing.overlong(twoFramings, "discard"), smuggling), ["FrameTooLong", "bye"])
    assert.deepStrictEqual(outcome(Framing.recover(twoFramings), smuggling), ["FrameTooLong", "bye"])
  })

  it("nor when the recovery is inside of it", () => {
    const inside = Framing.union(
      {
        a: Framing.lines({ maxLineLength: 3 }).pipe(Framing.recover()),
        b: Framing.lengthPrefixed({ prefix: "uint8" })
      },
      { choose: ([first]) => first! > 0x60 ? "a" : "b" }
    )
    assert.deepStrictEqual(outcome(inside, cat("abcdefg\x01h\x02ij\nx\n\x01y")), ["FrameTooLong", "x", "y"])
  })

  it("chooses anew behind a frame that was skipped by its length", () => {
    const lengths = Framing.union(
      {
        a: Framing.lengthPrefixed({ prefix: "uint8", maxFrameLength: 3 }),
        b: Framing.lengthPrefixed({ prefix: "uint16" })
      },
      { choose: ([first]) => first! > 0 ? "a" : "b" }
    ).pipe(Framing.recover())
    assert.deepStrictEqual(outcome(lengths, cat("\x08\0\x01zzz\0\x01z\0\x02ok\x01a")), ["FrameTooLong", "ok", "a"])
  })
})

describe("limit", () => {
  it("of less than a line ending comes to an end at a CR or LF on its own", () => {
    const strict = Framing.lines({ ending: "crlf" }).pipe(Framing.limit(1), Framing.recover())
    const two = ["FrameTooLong", "FrameTooLong", "CorruptFrame"]
    assert.deepStrictEqual(outcome(strict, utf8("ab\r\r")), two)
    assert.deepStrictEqual(outcome(strict, utf8("ab\rc\r\n")), two)
    assert.deepStrictEqual(outcome(strict, utf8("\r\r\n")), ["FrameTooLong", "CorruptFrame"])
  })

  const formats = {
    lines: [Framing.lines({ maxLineLength: 5 }), cat(x(100), "\nok\nfine\n")],
    delimited: [Framing.delimited("\r\n", { maxFrameLength: 5 }), cat(x(100), "\r\nok\r\nfine\r\n")],
    cobs: [Framing.cobs({ maxFrameLength: 5 }), cat(x(100), "\0\x03ok\0\x05fine\0")],
    slip: [
      Framing.slip({ maxFrameLength: 5 }),
      cat(x(100), Uint8Array.of(0xc0), "ok", Uint8Array.of(0xc0, 0xc0), "fine", Uint8Array.of(0xc0))
    ]
  } as const

  it.each(Object.entries(formats))("of a recovering framing loses no good frame: %s", (_, [format, bytes]) => {
    const framing = format as Framing.Framing<never, unknown>
    for (const max of [20, 12, 11]) {
      assert.deepStrictEqual(outcome(framing.pipe(Framing.limit(max), Framing.recover()), bytes), [
        "FrameTooLong",
        "ok",
        "fine"
      ])
      assert.deepStrictEqual(outcome(framing.pipe(Framing.overlong("discard"), Framing.limit(max)), bytes), [
        "FrameTooLong",
        "ok",
        "fine"
      ])
    }
  })

  const tooLong = {
    lines: [Framing.lines(), cat(x(20), "\nok\n")],
    delimited: [Framing.delimited("\r\n"), cat(x(20), "\r\nok\r\n")],
    cobs: [Framing.cobs(), cat("\x15", x(20), "\0\x03ok\0")],
    slip: [Framing.slip(), cat(x(20), Uint8Array.of(0xc0), "ok", Uint8Array.of(0xc0))],
    lengthPrefixed: [Framing.lengthPrefixed(), cat("\0\0\0\x14", x(20), "\0\0\0\x02ok")],
    lengthField: [Framing.lengthField({ offset: 1, length: 1 }), cat("a\x14", x(20), "a\x02ok")],
    netstring: [Framing.netstring(), cat("20:", x(20), ",2:ok,")]
  } as const

  it.each(Object.entries(tooLong))("resumes behind the frame that it finds too long: %s", (_, [format, bytes]) => {
    const framing = format as Framing.Framing<never, unknown>
    assert.deepStrictEqual(outcome(framing.pipe(Framing.limit(10), Framing.overlong("discard")), bytes), [
      "FrameTooLong",
      "ok"
    ])
    assert.deepStrictEqual(outcome(framing.pipe(Framing.limit(10)), bytes), ["FrameTooLong"])
    assert.deepStrictEqual(outcome(framing.pipe(Framing.limit(30)), bytes).length, 2)
  })

  it("does not count bytes that belong to no frame", () => {
    const ends = new Uint8Array(30).fill(0xc0)
    const slip = cat(ends, "abc", Uint8Array.of(0xc0), ends, "d", Uint8Array.of(0xc0))
    assert.deepStrictEqual(outcome(Framing.slip().pipe(Framing.limit(12)), slip), ["abc", "d"])
    assert.deepStrictEqual(outcome(Framing.slip().pipe(Framing.limit(4)), slip), ["abc", "d"])
    const padded = Framing.make<Uint8Array>({
      decode: (input) => {
        while (input.length > 0 && input.bytes[input.start] === 10) input.idle(1)
        return input.length < 4 ? input.whole(4) : input.take(4)
      },
      encode: (frame, output) => output.write(frame)
    })
    assert.deepStrictEqual(outcome(padded.pipe(Framing.limit(6)), cat("\n".repeat(20), "SEND")), ["SEND"])
  })
})

describe("switchTo", () => {
  const formats = {
    "skipped by its length": [Framing.lengthPrefixed({ maxFrameLength: 10 }), cat("\0\0\0\x14", x(20), "line\n")],
    "dropped up to its end": [Framing.lines({ maxLineLength: 10 }), cat(x(20), "\nline\n")],
    "dropped by a limit": [Framing.lines().pipe(Framing.limit(10)), cat(x(20), "\nline\n")]
  } as const

  it.each(Object.entries(formats))("continues after a bad frame: %s", (_, [format, bytes]) => {
    for (let cut = 11; cut < bytes.length; cut++) {
      const decoder = Framing.makeDecoder(Framing.recover(format as Framing.Framing<never, unknown>))
      decoder.feed(bytes.slice(0, cut))
      assert.strictEqual(shown(decoder.next()), "FrameTooLong")
      const lines = decoder.switchTo(Framing.lines())
      const got: Array<string> = []
      const drain = () => {
        for (let line = lines.next(); line !== Framing.noFrame; line = lines.next()) got.push(line)
      }
      drain()
      lines.feed(bytes.slice(cut))
      lines.finish()
      drain()
      assert.deepStrictEqual([...got, lines.error], ["line", undefined], `cut at ${cut}`)
      assert.strictEqual(lines.offset, bytes.length)
    }
  })

  it("gives no remainder while a bad frame is being dropped", () => {
    const decoder = Framing.makeDecoder(Framing.lines({ maxLineLength: 4 }).pipe(Framing.recover()))
    decoder.feed(x(10))
    decoder.next()
    assert.throws(() => decoder.remainder(), /use switchTo/)
  })
})

describe("a decode function that breaks its contract", () => {
  const broken = {
    "consumes nothing": () => new Uint8Array(1),
    "skips backwards": (input: Framing.FramingInput) => {
      input.skip(-1)
      return new Uint8Array(1)
    },
    "takes more than there is": (input: Framing.FramingInput) => input.take(100),
    "is idle only": (input: Framing.FramingInput) => {
      input.idle(1)
      return new Uint8Array(1)
    }
  }

  it.each(Object.entries(broken))("is a defect at once: %s", (_, decode) => {
    const framing = Framing.make<Uint8Array>({ decode, encode: (frame, output) => output.write(frame) })
    const decoder = Framing.makeDecoder(framing)
    decoder.feed(Uint8Array.of(1, 2, 3, 4))
    assert.throws(() => decoder.next(), /the decode function of a framing is invalid/)
    const law = FramingLaws.all(framing, { frames: [Uint8Array.of(1, 2, 3, 4)], maxBuffered: 8 })
    assert.strictEqual(Result.isFailure(law) ? law.failure.law : undefined, "F7 decoding makes progress")
  })
})
