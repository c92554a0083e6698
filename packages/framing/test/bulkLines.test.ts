import { assert, describe, it } from "@effect/vitest"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Framing from "../src/Framing.ts"
import { utf8 } from "./catalogue.ts"

/** What comes out of bytes that arrive `size` at a time: the lines, and then the error, if there is one. */
const decoded = (framing: Framing.Framing<never, string>, bytes: Uint8Array, size: number): ReadonlyArray<string> => {
  const decoder = Framing.makeDecoder(framing)
  const out: Array<string> = []
  for (let at = 0; at < bytes.length; at += size) {
    decoder.feed(bytes.subarray(at, at + size))
    for (let line = decoder.next(); line !== Framing.noFrame; line = decoder.next()) out.push(line)
  }
  if (decoder.error !== undefined) out.push(decoder.error.reason._tag)
  return out
}

// Characters of one to four bytes.
const alphabets = ["ab", "aé", "a€", "a🐚", "aé€🐚", "é€🐚\u{10ffff}\uffff\u0800\u07ff\u0080\u007f"].map((
  text
) => [...text])

describe("lines that arrive together, many at once", () => {
  it.effect("are those that arrive byte by byte, whatever the size of their characters, up to the limit in bytes", () =>
    Effect.gen(function*() {
      const maxLineLength = 30
      for (const alphabet of alphabets) {
        for (const [ending, delimiter] of [["any", "\r\n"], ["any", "\n"], ["lf", "\n"], ["crlf", "\r\n"]] as const) {
          const framing = Framing.lines({ ending, maxLineLength })
          const lines: Array<string> = []
          for (let count = 0; count < 200; count++) {
            let line = ""
            const length = yield* Random.nextIntBetween(0, maxLineLength)
            for (;;) {
              const next = line + alphabet[yield* Random.nextIntBetween(0, alphabet.length - 1)]!
              if (utf8(next).length > length) break
              line = next
            }
            lines.push(line)
          }
          const bytes = (more: ReadonlyArray<string>) => utf8([...lines, ...more, ""].join(delimiter))
          for (const size of [1, 100, 1 << 20]) {
            assert.deepStrictEqual(decoded(framing, bytes([]), size), lines)
            // The longest that may be, and one byte more.
            const wide = alphabet.at(-1)!.repeat(7)
            const longest = wide + "a".repeat(maxLineLength - utf8(wide).length)
            const split = decoded(framing, bytes([longest, `${longest}a`, "lost"]), size)
            assert.deepStrictEqual(split, [...lines, longest, "FrameTooLong"])
          }
        }
      }
    }).pipe(Random.withSeed("lines")))

  it("come before the error of a byte that is invalid, or of a CR or LF on its own", () => {
    const many = Array.from({ length: 100 }, (_, index) => `line é${index}`)
    const text = [...many, ""].join("\r\n")
    const strict = Framing.lines({ ending: "crlf", bare: "error" })
    const cases: ReadonlyArray<readonly [Framing.Framing<never, string>, Uint8Array, string]> = [
      [Framing.lines(), Uint8Array.of(0xff, 10), "InvalidText"],
      [strict, utf8("a\nb\r\n"), "CorruptFrame"],
      [strict, utf8("a\rb\r\n"), "CorruptFrame"]
    ]
    for (const [framing, last, error] of cases) {
      for (const size of [1, 100, 1 << 20]) {
        assert.deepStrictEqual(decoded(framing, Bytes.concat([utf8(text), last, utf8(text)]), size), [...many, error])
      }
    }
    const loose = Framing.lines({ ending: "crlf", bare: "data" })
    for (const size of [1, 100, 1 << 20]) {
      assert.deepStrictEqual(decoded(loose, Bytes.concat([utf8(text), utf8("a\nb\rc\r\n"), utf8(text)]), size), [
        ...many,
        "a\nb\rc",
        ...many
      ])
    }
    assert.isTrue(Result.isSuccess(Framing.validate(strict)))
  })

  it("may end without a delimiter where that is allowed, but not with half of one", () => {
    const strict = Framing.lines({ ending: "crlf", bare: "error", atEnd: "frame" })
    const all = (text: string) => Framing.decodeAll(strict, [utf8(text)])
    assert.deepStrictEqual(all("one\r\ntwo"), Result.succeed(["one", "two"]))
    const half = all("one\r\ntwo\r")
    assert.strictEqual(Result.isFailure(half) ? half.failure.reason._tag : "", "CorruptFrame")
  })
})
