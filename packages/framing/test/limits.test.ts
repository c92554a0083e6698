import { assert, describe, expect, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import * as Framing from "../src/Framing.ts"
import { utf8 } from "./catalogue.ts"

/** A framing that can be given a limit, and its frames by what the limit counts. */
interface Limited<A> {
  readonly make: (limit: number) => Framing.Framing<A>
  readonly frame: (size: number) => A
  /** The smallest size that a limit can allow, if it is not 0. */
  readonly smallest?: number
}

const limited = <A>(entry: Limited<A>): Limited<unknown> => entry as unknown as Limited<unknown>

const fill = (size: number): Uint8Array => new Uint8Array(size).fill(97)
const text = (size: number): string => "a".repeat(size)
const bytes = (make: (maxFrameLength: number) => Framing.Framing<Uint8Array>) => limited({ make, frame: fill })

const prefixes = ["uint8", "uint16", "uint24", "uint32", "uint64", "varint"] as const

/** A `Content-Length` header of this many bytes, with its empty line. */
const headerOf = (size: number): Framing.ContentLengthMessage => ({
  headers: [["A", text(size - "Content-Length: 0\r\nA: \r\n\r\n".length)]],
  body: fill(0)
})

const framings: Record<string, Limited<unknown>> = {
  ...Object.fromEntries(prefixes.flatMap((prefix) =>
    [false, true].map((countsPrefix) => [
      `lengthPrefixed, ${prefix}${countsPrefix ? ", which counts itself" : ""}`,
      bytes((maxFrameLength) => Framing.lengthPrefixed({ prefix, countsPrefix, maxFrameLength }))
    ])
  )),
  lengthField: bytes((maxFrameLength) => Framing.lengthField({ length: 2, maxFrameLength })),
  netstring: bytes((maxFrameLength) => Framing.netstring({ maxFrameLength })),
  cobs: bytes((maxFrameLength) => Framing.cobs({ maxFrameLength })),
  slip: limited({ make: (maxFrameLength) => Framing.slip({ maxFrameLength }), frame: fill, smallest: 1 }),
  "delimited, one byte": bytes((maxFrameLength) => Framing.delimited("\n", { maxFrameLength })),
  "delimited, several bytes": bytes((maxFrameLength) => Framing.delimited("xyz", { maxFrameLength })),
  "delimited, several delimiters": bytes((maxFrameLength) => Framing.delimited(["x", "xy", "z"], { maxFrameLength })),
  ...Object.fromEntries((["any", "lf", "crlf"] as const).map((ending) => [
    `lines, ${ending}`,
    limited({ make: (maxLineLength) => Framing.lines({ ending, maxLineLength }), frame: text })
  ])),
  "lines, in characters of two bytes": limited({
    make: (limit) => Framing.lines({ maxLineLength: 2 * limit }),
    frame: (size) => "é".repeat(size)
  }),
  ndjson: limited({
    make: (maxLineLength) => Framing.ndjson({ maxLineLength }),
    frame: (size) => text(size - 2),
    smallest: 2
  }),
  "contentLength, its body": bytes((maxFrameLength) => Framing.contentLength({ maxFrameLength })),
  "contentLength, its header": limited({
    make: (maxHeaderLength) => Framing.contentLengthMessage({ maxHeaderLength }),
    frame: headerOf,
    smallest: 27
  }),
  "limit, of length-prefixed": limited({
    make: (limit) => Framing.lengthPrefixed({ prefix: "uint8" }).pipe(Framing.limit(limit + 1)),
    frame: fill
  }),
  "limit, of lines": limited({
    make: (limit) => Framing.lines().pipe(Framing.limit(limit + 1)),
    frame: text
  }),
  "limit, of discarding": limited({
    make: (limit) => Framing.lines({ maxLineLength: 200 }).pipe(Framing.limit(limit + 1)),
    frame: text
  })
}

const encoded = <A>(framing: Framing.Framing<A>, frame: A) =>
  Result.map(Framing.encodeAll(framing, [frame]), (chunks) => Bytes.concat(chunks))

/** Whole, byte by byte, and in two pieces cut near the limit. */
const splits = (input: Uint8Array, size: number): ReadonlyArray<ReadonlyArray<Uint8Array>> => [
  [input],
  Array.from(input, (byte) => Uint8Array.of(byte)),
  ...[size - 1, size, size + 1, size + 2].filter((cut) => cut > 0 && cut < input.length).map((cut) => [
    input.slice(0, cut),
    input.slice(cut)
  ])
]

describe.each(Object.entries(framings))("F4: a limit of %s", (_, { frame, make, smallest = 0 }) => {
  it.each([0, 1, 5, 100].map((size) => size + smallest))("of %d accepts as much and no more, both ways", (limit) => {
    const [framing, roomy] = [make(limit), make(limit + 50)]
    if (framing.invalid !== undefined) return assert.isTrue(limit === 0)
    for (const size of [limit, limit - 1].filter((size) => size >= smallest)) {
      const input = Result.getOrThrow(encoded(framing, frame(size)))
      expect(input).toEqual(Result.getOrThrow(encoded(roomy, frame(size))))
      for (const chunks of splits(input, size)) {
        expect(FramingLaws.decodeChunks(framing, chunks)).toEqual({ frames: [frame(size)], error: undefined })
      }
    }
    const refused = encoded(framing, frame(limit + 1))
    assert(Result.isFailure(refused))
    assert(refused.failure.reason._tag === "FrameTooLong")
    const named = refused.failure.reason.limit
    const input = Result.getOrThrow(encoded(roomy, frame(limit + 1)))
    for (const chunks of splits(input, limit + 1)) {
      const { error, frames } = FramingLaws.decodeChunks(framing, chunks)
      expect(frames).toEqual([])
      expect(error).toMatchObject({ _tag: "FrameTooLong", limit: named })
    }
  })
})

describe("F4: what a prefix cannot count", () => {
  it.each(
    [
      ["uint8", false, 255],
      ["uint8", true, 254],
      ["uint16", false, 65_535],
      ["uint16", true, 65_533],
      ["uint24", false, 16_777_215],
      ["uint24", true, 16_777_212],
      ["uint32", true, 4_294_967_291]
    ] as const
  )("%s, which counts itself: %s, is more than %d bytes", (prefix, countsPrefix, most) => {
    const make = (maxFrameLength?: number) => Framing.lengthPrefixed({ prefix, countsPrefix, maxFrameLength })
    expect(make(most).invalid).toBeUndefined()
    expect(make(most + 1).invalid).toBeDefined()
    if (most > 2 ** 20) return
    // And it is the limit without another.
    const input = Result.getOrThrow(encoded(make(), fill(most)))
    expect(FramingLaws.decodeChunks(make(), [input]).frames.map((frame) => frame.length)).toEqual([most])
    const refused = encoded(make(), fill(most + 1))
    assert(Result.isFailure(refused))
    expect(refused.failure.reason).toMatchObject({ _tag: "FrameTooLong", limit: most })
  })
})

describe("F4: limits themselves", () => {
  const invalid: ReadonlyArray<readonly [string, Framing.Framing<never, unknown>]> = [-1, 1.25, NaN, Infinity, 2 ** 53]
    .flatMap((limit) => Object.entries(framings).map(([name, { make }]) => [`${name}: ${limit}`, make(limit)] as const))

  it.each(invalid)("%s is invalid", (_, framing) => {
    expect(framing.invalid).toBeDefined()
    const { error, frames } = FramingLaws.decodeChunks(framing, [utf8("1:a,\n")])
    expect(frames).toEqual([])
    expect(error?._tag).toBe("InvalidFraming")
  })

  it("of a header has room for the shortest header", () => {
    const shortest = "Content-Length: 0\r\n\r\n"
    const framing = Framing.contentLength({ maxHeaderLength: shortest.length })
    expect(FramingLaws.decodeChunks(framing, [utf8(shortest)]).frames).toEqual([fill(0)])
    expect(Framing.contentLength({ maxHeaderLength: shortest.length - 1 }).invalid).toBeDefined()
  })
})
