/** Every combinator at least once, each as something that a protocol has. */
import * as Codec from "@sluice/codec/Codec"
import * as Result from "effect/Result"

export interface Entry {
  readonly name: string
  // oxlint-disable-next-line typescript/no-explicit-any -- each entry has its own type
  readonly codec: Codec.Codec<any>
}

export type Tree = { readonly _tag: "Leaf"; readonly text: string } | {
  readonly _tag: "Branch"
  readonly trees: ReadonlyArray<Tree>
}

const tree: Codec.Codec<Tree> = Codec.taggedByPrefix({
  Leaf: ["+", { text: Codec.delimited("\r\n", Codec.text()) }],
  Branch: ["*", {
    count: Codec.countOf("trees", Codec.decimal({ max: 100 })),
    end: Codec.literal("\r\n"),
    trees: Codec.repeat(Codec.lazy((): Codec.Codec<Tree> => tree))
  }]
})

const codecs = {
  uint8: Codec.uint8,
  int8: Codec.int8,
  uint16le: Codec.uint16le,
  int16be: Codec.int16be,
  uint24be: Codec.uint24be,
  uint24le: Codec.uint24le,
  int24: Codec.int(3, "little"),
  uint32le: Codec.uint32le,
  int32be: Codec.int32be,
  uint48: Codec.uint(6),
  uint56: Codec.uint(7, "little"),
  uint64: Codec.uint(8),
  int64: Codec.int(8, "little"),
  bigUint64be: Codec.uint64be,
  bigInt64le: Codec.int64le,
  float32: Codec.float32be,
  float64: Codec.float64le,
  varint: Codec.varint(),
  varint4: Codec.varint({ maxBytes: 4, canonical: false }),
  zigzag: Codec.zigzag(),
  bits: Codec.struct({
    a: Codec.bits(3),
    b: Codec.flag,
    c: Codec.bits(12),
    gap: Codec.paddingBits(5),
    d: Codec.bits(19),
    e: Codec.uint8
  }),
  decimal: Codec.struct({ n: Codec.decimal({ min: -100, max: 1000 }), end: Codec.literal(";") }),
  lenient: Codec.struct({ n: Codec.decimal({ min: -100, max: 1000, lenient: true }), end: Codec.literal(";") }),
  wide: Codec.decimal({ width: 3 }),
  hex: Codec.struct({ n: Codec.hex({ max: 65535, upperCase: true }), end: Codec.literal(";", ":") }),
  extended: Codec.struct({
    masked: Codec.flag,
    length: Codec.lengthOf("payload", Codec.extended(Codec.bits(7), { 126: Codec.uint16be, 127: Codec.uint(8) })),
    key: Codec.bytes(2),
    payload: Codec.bytes()
  }),
  fixed: Codec.bytes(5),
  nothing: Codec.struct({ none: Codec.bytes(0), byte: Codec.uint8 }),
  cString: Codec.delimited("\0", Codec.text()),
  line: Codec.delimited(["\r\n", "\n"], Codec.text("latin1"), { limit: 20 }),
  boundary: Codec.delimited("--x--", Codec.bytes()),
  words: Codec.struct({
    first: Codec.delimited([" ", "\n"], Codec.text("ascii"), { keep: true }),
    second: Codec.optional(Codec.delimited("\n", Codec.text("ascii"), { keep: true }), { after: " " }),
    end: Codec.literal("\n")
  }),
  sized: Codec.sized(6, Codec.struct({ a: Codec.uint8, rest: Codec.bytes() })),
  padText: Codec.sized(8, Codec.text("ascii"), { pad: 0 }),
  padded: Codec.padded(4, Codec.lengthPrefixed(Codec.uint8, Codec.bytes(), { limit: 40 })),
  paddedLine: Codec.padded(4, Codec.delimited(".", Codec.text("ascii"))),
  magic: Codec.struct({ magic: Codec.literal(Uint8Array.of(0xca, 0xfe)), gap: Codec.padding(2), n: Codec.uint16be }),
  lengthOf: Codec.struct({
    length: Codec.lengthOf("body", Codec.uint16be, { limit: 100, add: 2 }),
    id: Codec.uint8,
    body: Codec.text()
  }),
  lengthOfUnmeasured: Codec.struct({
    length: Codec.lengthOf("body", Codec.varint()),
    second: Codec.lengthOf("tail", Codec.decimal()),
    end: Codec.literal(" "),
    body: Codec.repeat(Codec.mapResult(
      Codec.delimited(",", Codec.text()),
      (text) => Result.succeed(text),
      (text) => Result.succeed(text)
    )),
    tail: Codec.repeat(tree)
  }),
  lengthOfRest: Codec.struct({
    type: Codec.bits(4),
    flags: Codec.bits(4),
    length: Codec.lengthOfRest(Codec.varint({ maxBytes: 4 }), { limit: 1000 }),
    name: Codec.lengthPrefixed(Codec.uint16be, Codec.text()),
    id: Codec.when((fields: { readonly flags: number }) => (fields.flags & 1) === 1, Codec.uint16be),
    payload: Codec.bytes()
  }),
  restUnmeasured: Codec.struct({
    length: Codec.lengthOfRest(Codec.uint32be, { add: 4 }),
    trees: Codec.repeat(tree)
  }),
  countOf: Codec.struct({
    count: Codec.countOf("items", Codec.uint8),
    sum: Codec.uint8,
    items: Codec.repeat(Codec.delimited(";", Codec.text("ascii")))
  }),
  presence: Codec.struct({
    hasUser: Codec.presenceOf("user"),
    hasMore: Codec.presenceOf("more"),
    gap: Codec.paddingBits(6),
    user: Codec.optional(Codec.lengthPrefixed(Codec.uint8, Codec.text())),
    more: Codec.optional(Codec.struct({ a: Codec.uint16be, b: Codec.delimited("!", Codec.text("ascii")) }))
  }),
  trailing: Codec.lengthPrefixed(
    Codec.uint8,
    Codec.struct({ a: Codec.uint8, b: Codec.optional(Codec.uint8), c: Codec.optional(Codec.uint16be) }).pipe(
      Codec.refine((value) => value.c === undefined || value.b !== undefined, "c without b")
    )
  ),
  repeatCount: Codec.repeat(Codec.uint16be, { count: 3 }),
  repeatUntil: Codec.repeat(Codec.delimited("\n", Codec.text()), { until: "\n", limit: 10 }),
  separated: Codec.delimited(
    "\n",
    Codec.separated(",", Codec.delimited([","], Codec.text("ascii"), { keep: true }).pipe(last))
  ),
  countPrefixed: Codec.countPrefixed(Codec.varint(), Codec.lengthPrefixed(Codec.uint8, Codec.bytes()), { limit: 50 }),
  absent: Codec.countPrefixed(Codec.int16be, Codec.lengthPrefixed(Codec.int32be, Codec.text(), { absent: -1 }), {
    absent: -1
  }),
  tagged: Codec.tagged(Codec.bits(4), {
    Ping: [1, { gap: Codec.paddingBits(4) }],
    Data: [2, { flags: Codec.bits(4), body: Codec.lengthPrefixed(Codec.uint16le, Codec.bytes()) }]
  }),
  taggedOr: Codec.taggedOr(
    Codec.uint16be,
    { One: [1, { a: Codec.uint8 }], Big: [0xffff, { line: Codec.delimited("\n", Codec.text()) }] },
    { tag: "Other", as: "type", fields: { data: Codec.lengthPrefixed(Codec.uint8, Codec.bytes()) } }
  ),
  taggedText: Codec.tagged(
    Codec.enumeration(Codec.bytes(2).pipe(Codec.map(ascii, bytesOfText)), { get: "GE", put: "PU" }),
    {
      Get: ["get", { n: Codec.uint8 }],
      Put: ["put", { n: Codec.uint16be }]
    }
  ),
  prefixes: Codec.taggedByPrefix({
    Get: ["get ", { key: Codec.delimited("\n", Codec.text("ascii")) }],
    Gets: ["gets ", { key: Codec.delimited("\n", Codec.text("ascii")) }],
    Quit: ["quit\n"],
    Inline: ["", { line: Codec.delimited("\n", Codec.text()) }]
  }),
  tree,
  checksum: Codec.struct({
    start: Codec.literal("$"),
    length: Codec.lengthOf("body", Codec.uint8),
    body: Codec.bytes(),
    crc: Codec.checksum("crc16-modbus", Codec.uint16le)
  }),
  checksumBefore: Codec.struct({
    crc: Codec.checksum("crc32c", Codec.uint32be, { over: ["kind", "body"] }),
    kind: Codec.uint8,
    body: Codec.delimited("\0", Codec.text())
  }),
  checksumOver: Codec.struct({
    start: Codec.literal("$"),
    body: Codec.delimited("*", Codec.text("ascii"), { keep: true }),
    star: Codec.literal("*"),
    sum: Codec.checksum("xor", Codec.hex({ width: 2, upperCase: true }), { over: "body" }),
    end: Codec.literal("\r\n")
  }),
  limited: Codec.struct({ line: Codec.delimited("\n", Codec.text()), n: Codec.uint8 }).pipe(Codec.limit(12)),
  limitedTree: tree.pipe(Codec.limit(40)),
  enclosed: Codec.enclosed(Codec.decimal(), { before: "<", after: ">\n" }),
  enclosedText: Codec.struct({
    bulk: Codec.enclosed(Codec.lengthPrefixed(Codec.enclosed(Codec.decimal(), { after: ":" }), Codec.bytes()), {
      after: ","
    }),
    line: Codec.enclosed(Codec.delimited("]", Codec.text()), { before: "[[", after: "]" })
  }),
  block: Codec.struct({
    verb: Codec.literal("VALUE "),
    key: Codec.delimited(" ", Codec.text("ascii"), { limit: 250 }),
    length: Codec.lengthOf("data", Codec.decimal(), { limit: 1000 }),
    end: Codec.literal("\r\n"),
    data: Codec.bytes(),
    after: Codec.literal("\r\n")
  })
} as const

function last(item: Codec.Codec<string>): Codec.Codec<string> {
  return item
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

export const catalogue: ReadonlyArray<Entry> = Object.entries(codecs).map(([name, codec]) => ({
  name,
  codec: codec as Codec.Codec<unknown>
}))
