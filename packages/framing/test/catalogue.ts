/** Every framing and combinator, with frames and bytes that are likely to try it hard. */
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Framing from "../src/Framing.ts"
import { schema } from "../src/FramingSchema.ts"
import { schemaBinary } from "../src/FramingSchemaBinary.ts"
import type { LinesOptions } from "../src/internal/formats/lines.ts"

export interface Entry {
  readonly name: string
  readonly framing: Framing.Framing<unknown>
  /** Frames, some of which the framing may refuse. */
  readonly frame: Arbitrary.Arbitrary<unknown>
  readonly examples: ReadonlyArray<unknown>
  /** The bytes that mean something in this format. */
  readonly alphabet: ReadonlyArray<number>
  /** Whether cutting input off can be no error, as when what is left can be a frame, or a delimiter a shorter one. */
  readonly lenientEnd: boolean
  /** Whether decoding takes away what encoding cannot bring back. */
  readonly oneWay?: boolean
  /** How many bytes a decoder may hold. */
  readonly maxBuffered: number
}

const byte = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))

/** Bytes, of which half are from the alphabet. */
export const bytes = (alphabet: ReadonlyArray<number>, maxLength = 40): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.array(
    Arbitrary.map(
      Arbitrary.all([byte, byte]),
      ([value, pick]) => pick < 160 && alphabet.length > 0 ? alphabet[pick % alphabet.length]! : value
    ),
    { maxLength }
  ).pipe(Arbitrary.map((values) => Uint8Array.from(values)))

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const codes = (text: string): Array<number> => Array.from(utf8(text))

const string = (alphabet: string): Arbitrary.Arbitrary<string> =>
  Arbitrary.map(
    Arbitrary.array(byte, { maxLength: 30 }),
    (values) => values.map((value) => Array.from(alphabet)[value % Array.from(alphabet).length]).join("")
  )

const limit = 100

/** An entry whose frames include errors, which cannot be encoded. */
const recovering: typeof entry = (name, framing, options) => entry(name, framing, { ...options, oneWay: true })

const entry = <A>(
  name: string,
  framing: Framing.Framing<A>,
  options: {
    readonly frame: Arbitrary.Arbitrary<A>
    readonly examples: ReadonlyArray<A>
    readonly alphabet: ReadonlyArray<number>
    readonly lenientEnd?: boolean
    readonly oneWay?: boolean
    readonly maxBuffered?: number
  }
): Entry => ({
  name,
  // The tests give each framing the frames of its own entry.
  framing: framing as unknown as Framing.Framing<unknown>,
  frame: options.frame,
  examples: options.examples,
  alphabet: options.alphabet,
  lenientEnd: options.lenientEnd ?? false,
  oneWay: options.oneWay ?? false,
  maxBuffered: options.maxBuffered ?? limit + 16
})

const binary = (alphabet: ReadonlyArray<number>, maxBuffered = limit + 16) => ({
  frame: bytes(alphabet, 120),
  examples: [
    new Uint8Array(0),
    Uint8Array.of(0),
    utf8("hello"),
    new Uint8Array(limit).fill(7),
    Uint8Array.from(alphabet)
  ],
  alphabet,
  maxBuffered
})

const textual = (alphabet: string, maxBuffered = limit + 16) => ({
  frame: string(alphabet),
  examples: ["", "a", "héllo €🐚", "x".repeat(limit)],
  alphabet: codes(alphabet),
  maxBuffered
})

const lengths = [0, 1, 2, 3, 4, 100, 101, 127, 128, 129, 255]

const lengthPrefixed = ([
  ...(["uint8", "uint16", "uint24", "uint32", "uint64", "varint"] as const).flatMap((prefix) => [
    { prefix },
    { prefix, countsPrefix: true }
  ]),
  { prefix: "uint16", endianness: "little" },
  { prefix: "uint64", endianness: "little" }
] as const).map((options) =>
  entry(
    `lengthPrefixed ${JSON.stringify(options)}`,
    Framing.lengthPrefixed({ ...options, maxFrameLength: limit }),
    binary(lengths)
  )
)

const lengthField = ([
  { length: 1 },
  { length: 2, endianness: "little" },
  { offset: 2, length: 2, adjustment: -4, strip: 0 },
  { offset: 1, length: 3, adjustment: 2, strip: 0 },
  { offset: 1, length: 2, adjustment: 1, strip: 3 },
  { length: 4, strip: 2 },
  { length: 8, adjustment: -8 }
] as const).map((options) =>
  entry(
    `lengthField ${JSON.stringify(options)}`,
    Framing.lengthField({ ...options, maxFrameLength: limit }),
    { ...binary(lengths), oneWay: "offset" in options && options.strip > 0 }
  )
)

const lines = ([
  ...(["any", "lf", "crlf"] as const).flatMap((ending) =>
    [
      { ending },
      { ending, atEnd: "frame" },
      { ending, bare: "data" },
      { ending, bare: "data", atEnd: "frame" }
    ] as const
  ),
  { encoding: "utf-8-lossy" },
  { encoding: "latin1" },
  { encoding: "ascii" }
] as const).map((options: LinesOptions) =>
  entry(`lines ${JSON.stringify(options)}`, Framing.lines({ ...options, maxLineLength: 12 }), {
    ...textual("ab\r\né€🐚"),
    lenientEnd: options.atEnd === "frame"
  })
)

const Person = Schema.Struct({ name: Schema.String, age: Schema.Finite })
const people = Arbitrary.schema(Person)

export const catalogue: ReadonlyArray<Entry> = [
  entry("fixedLength", Framing.fixedLength(3), binary([])),
  ...lengthPrefixed,
  ...lengthField,
  entry("netstring", Framing.netstring({ maxFrameLength: limit }), binary(codes("0123:,"))),
  entry("cobs", Framing.cobs({ maxFrameLength: limit }), binary([0, 1, 2, 3, 254, 255])),
  entry("cobs, long", Framing.cobs({ maxFrameLength: 600 }), {
    ...binary([0, 1, 255], 700),
    examples: [253, 254, 255].map((length) => new Uint8Array(length).fill(9))
  }),
  entry(
    "slip",
    Framing.slip({ maxFrameLength: limit, leadingEnd: false }),
    binary([0xc0, 0xdb, 0xdc, 0xdd], 2 * limit + 16)
  ),
  entry("slip, leading END", Framing.slip({ maxFrameLength: limit }), {
    ...binary([0xc0, 0xdb, 0xdc, 0xdd], 2 * limit + 16),
    lenientEnd: true
  }),
  entry("delimited, one byte", Framing.delimited("\n", { maxFrameLength: 10 }), binary(codes("ab\n"))),
  entry("delimited, several bytes", Framing.delimited("aab", { maxFrameLength: 10 }), binary(codes("aab"))),
  entry("delimited, one of several", Framing.delimited(["\n", "\r\n"], { maxFrameLength: 10 }), binary(codes("a\r\n"))),
  entry("delimited, kept", Framing.delimited(["\n", "\r\n"], { maxFrameLength: 10, keep: true }), {
    ...binary(codes("ab\r\n")),
    examples: ["\n", "ab\r\n", "ab", "a\n\n"].map(utf8)
  }),
  entry("delimited, longest of several", Framing.delimited(["a", "ab", "abc", "cc", "ccab"], { maxFrameLength: 5 }), {
    ...binary(codes("abc")),
    frame: bytes(codes("abc"), 8),
    lenientEnd: true
  }),
  entry(
    "delimited, longest of several, last frame at the end",
    Framing.delimited(["a", "aab", "\r", "\r\n"], { maxFrameLength: 5, atEnd: "frame" }),
    { ...binary(codes("ab\r\n")), lenientEnd: true }
  ),
  ...lines,
  entry(
    "contentLength",
    Framing.contentLength({ maxFrameLength: limit, maxHeaderLength: 64 }),
    binary(codes("Content-Length: 12\r\n\r\n"), limit + 64)
  ),
  entry("contentLengthMessage", Framing.contentLengthMessage({ maxFrameLength: limit, maxHeaderLength: 64 }), {
    frame: Arbitrary.map(Arbitrary.all([string("aZ- :\r"), string("a b\té"), bytes([])]), ([name, value, body]) => ({
      headers: [[name, value]] as const,
      body
    })),
    examples: [{ headers: [], body: utf8("{}") }, { headers: [["X-A", "b c"], ["x-a", ""]], body: utf8("") }],
    alphabet: codes("Content-Length: 12\r\n\r\n"),
    maxBuffered: limit + 64
  }),
  entry(
    "text",
    Framing.lengthPrefixed({ prefix: "uint8", maxFrameLength: limit }).pipe(Framing.text()),
    textual("aé€🐚\u0002")
  ),
  entry("text, latin1", Framing.netstring({ maxFrameLength: limit }).pipe(Framing.text("latin1")), textual("aéÿ€0:,")),
  entry(
    "json",
    Framing.lengthPrefixed({ prefix: "varint", maxFrameLength: 1000 }).pipe(Framing.text(), Framing.json()),
    {
      frame: Arbitrary.schema(Schema.Json) as Arbitrary.Arbitrary<never>,
      examples: [null, { a: [1, 2.5, "é\n"] }, "null", [[]]],
      alphabet: [1, 2, ...codes("0[]{}\":")],
      maxBuffered: 1100
    }
  ),
  entry("ndjson", Framing.ndjson({ maxLineLength: limit }), {
    frame: Arbitrary.schema(Schema.Json) as Arbitrary.Arbitrary<never>,
    examples: [null, { a: [1, 2.5, "é\n"] }, "null", [[]]],
    alphabet: codes("0[]{}\":\n")
  }),
  entry("schema", Framing.ndjson().pipe(schema(Person)), {
    frame: people,
    examples: [{ name: "Ada", age: 36 }],
    alphabet: codes("{\"name\":\"\",\"age\":1}\n"),
    maxBuffered: 70_000
  }),
  entry("schemaBinary", Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 1000 }).pipe(schemaBinary(Person)), {
    frame: people,
    examples: [{ name: "Ada", age: 36 }],
    alphabet: [0, 1, 2, 3, 8, 10],
    maxBuffered: 1100
  }),
  entry(
    "map",
    Framing.fixedLength(2).pipe(
      Framing.map({
        decode: (pair) => pair[0]! * 256 + pair[1]!,
        encode: (value: number) => Uint8Array.of(value >> 8, value)
      })
    ),
    { frame: byte, examples: [0, 255, 65535], alphabet: [] }
  ),
  entry(
    "mapResult",
    Framing.lines({ maxLineLength: limit }).pipe(
      Framing.mapResult({
        decode: (line) => /^\d+$/.test(line) ? Result.succeed(line) : Result.fail("not a number"),
        encode: (line: string) => /^\d+$/.test(line) ? Result.succeed(line) : Result.fail("not a number")
      })
    ),
    { ...textual("01a\n"), examples: ["0", "12", "a"] }
  ),
  ...(["crc32", "crc32c", "adler32"] as const).map((algorithm) =>
    entry(
      `checksum ${algorithm}`,
      Framing.lengthPrefixed({ prefix: "uint8", maxFrameLength: limit }).pipe(Framing.checksum(algorithm)),
      binary([0, 4, 5, 6])
    )
  ),
  entry("limit, of lines", Framing.lines().pipe(Framing.limit(8)), textual("ab\r\né")),
  entry("limit, of lines with a last one", Framing.lines({ atEnd: "frame" }).pipe(Framing.limit(8)), {
    ...textual("ab\r\né"),
    lenientEnd: true,
    // The last line does not count the ending that it lacks.
    oneWay: true
  }),
  entry(
    "limit, of length-prefixed",
    Framing.lengthPrefixed({ prefix: "uint16" }).pipe(Framing.limit(8)),
    binary([0, 0, 1, 6, 7])
  ),
  entry("limit, of a limit", Framing.lines().pipe(Framing.limit(8), Framing.limit(5)), textual("ab\r\né")),
  recovering(
    "limit, of discarding",
    Framing.lines({ maxLineLength: 4 }).pipe(Framing.overlong("discard"), Framing.limit(3), resultOf),
    textual("ab\n")
  ),
  entry(
    "union",
    Framing.union(
      {
        text: Framing.lines({ maxLineLength: 8 }),
        binary: Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 255 })
      },
      { choose: ([first]) => first === 0 ? "binary" : "text" }
    ),
    {
      frame: Arbitrary.map(
        Arbitrary.all([string("ab\0\n"), byte]),
        ([text, pick]) =>
          pick < 128 ? { _tag: "text" as const, frame: text } : { _tag: "binary" as const, frame: utf8(text) }
      ),
      examples: [{ _tag: "text", frame: "" }, { _tag: "binary", frame: utf8("") }, { _tag: "text", frame: "\0" }],
      alphabet: [0, 0, 1, 2, 10, 97],
      maxBuffered: 300
    }
  ),
  entry(
    "union, by two bytes",
    Framing.union(
      { a: Framing.netstring({ maxFrameLength: 20 }), b: Framing.fixedLength(4) },
      { peek: 2, choose: ([, second]) => second === 0x3a ? "a" : "b" }
    ),
    {
      frame: Arbitrary.map(
        Arbitrary.all([bytes(codes(":")), byte]),
        ([frame, pick]) =>
          pick < 128 ? { _tag: "a" as const, frame } : { _tag: "b" as const, frame: frame.subarray(0, 4) }
      ),
      examples: [{ _tag: "a", frame: utf8("") }, { _tag: "b", frame: utf8("abcd") }, {
        _tag: "b",
        frame: utf8("a:cd")
      }],
      alphabet: codes("01:,")
    }
  ),
  recovering(
    "recover, of lines",
    Framing.lines({ maxLineLength: 4 }).pipe(Framing.recover(), resultOf),
    textual("ab\r\né")
  ),
  recovering(
    "recover, of lines with a last one",
    Framing.lines({ maxLineLength: 4, atEnd: "frame" }).pipe(Framing.recover(), resultOf),
    {
      ...textual("ab\r\né"),
      lenientEnd: true
    }
  ),
  recovering(
    "recover, of strict lines",
    Framing.lines({ maxLineLength: 4, ending: "crlf" }).pipe(Framing.recover(), resultOf),
    textual("ab\r\né")
  ),
  recovering(
    "overlong discard, of delimited",
    Framing.delimited(["ab", "bab"], { maxFrameLength: 3 }).pipe(Framing.overlong("discard"), resultOf),
    binary(codes("abc"))
  ),
  recovering(
    "overlong discard, of netstring",
    Framing.netstring({ maxFrameLength: 3 }).pipe(Framing.overlong("discard"), resultOf),
    binary(codes("0123456:,"))
  ),
  recovering(
    "overlong discard, of length-prefixed",
    Framing.lengthPrefixed({ prefix: "uint8", maxFrameLength: 3 }).pipe(Framing.overlong("discard"), resultOf),
    binary([0, 1, 2, 3, 4, 5])
  ),
  recovering(
    "recover, of slip",
    Framing.slip({ maxFrameLength: 4, leadingEnd: false }).pipe(Framing.recover(), resultOf),
    binary([0xc0, 0xdb, 0xdc])
  ),
  recovering(
    "recover, of cobs",
    Framing.cobs({ maxFrameLength: 4 }).pipe(Framing.recover(), resultOf),
    binary([0, 1, 2, 3, 255])
  ),
  recovering("recover, of ndjson", Framing.ndjson({ maxLineLength: 8 }).pipe(Framing.recover(), resultOf), {
    frame: Arbitrary.schema(Schema.Json) as Arbitrary.Arbitrary<never>,
    examples: [1, [2]],
    alphabet: codes("12[]\n")
  })
]

/** Frames of a recovering framing as values that can be encoded again; bad ones are seen by their reasons. */
function resultOf<A>(framing: Framing.Framing<A, Result.Result<A, Framing.FramingError>>): Framing.Framing<A> {
  return framing.pipe(
    Framing.map({
      decode: (frame) => Result.isSuccess(frame) ? frame.success : frame.failure.reason as unknown as A,
      encode: (frame: A) => frame
    })
  )
}
