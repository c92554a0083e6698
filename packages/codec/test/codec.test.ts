import * as Codec from "@sluice/codec/Codec"
import { schema } from "@sluice/codec/CodecSchema"
import * as Framing from "@sluice/framing/Framing"
import * as Bytes from "effect/Bytes"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { assert, describe, expect, it } from "vitest"
import { Cursor, stop } from "../src/internal/machine/cursor.ts"
import { hex, text } from "./formats.ts"

const failure = (result: Result.Result<unknown, Framing.FramingError>): string | undefined =>
  Option.getOrUndefined(Result.getFailure(result))?.message

const problem = (codec: Codec.Codec<never>): string | undefined => Codec.framing(codec).invalid?.message

const packet = Codec.struct({
  header: Codec.struct({ magic: Codec.literal("P"), kind: Codec.uint8 }),
  length: Codec.lengthOf("topics", Codec.uint32be, { limit: 65536 }),
  topics: Codec.repeat(Codec.struct({ name: Codec.delimited("\0", Codec.text()), qos: Codec.bits(8) }))
}).pipe(Codec.named("packet"))

describe("errors", () => {
  const decode = (bytes: Uint8Array) => failure(Framing.decodeAll(Codec.framing(packet), [bytes]))

  it("name the field and the place in the byte stream", () => {
    expect(decode(hex("50010001117000"))).toBe(
      "corrupt frame at byte 0: packet.length: 70000 exceeds limit 65536 at offset 2"
    )
    expect(decode(hex("5101"))).toBe(
      "corrupt frame at byte 0: packet.header.magic: expected \"P\", but found \"Q\" at offset 0"
    )
    expect(decode(hex("5001000000056100016200"))).toBe(
      "corrupt frame at byte 0: packet.topics[1].qos: needs 1 byte, but 0 are left at offset 11"
    )
    expect(decode(hex("500100000003ff000100"))).toBe(
      "corrupt frame at byte 0: packet.topics[0].name: invalid utf-8 text at offset 6"
    )
  })

  it("tell of values that cannot be encoded", () => {
    const encode = (value: Codec.Type<typeof packet>) => failure(Codec.encode(packet, value))
    expect(encode({ header: { kind: 256 }, topics: [] })).toBe(
      "corrupt frame at byte 0: packet.header.kind: 256 is not a whole number from 0 to 255"
    )
    expect(encode({ header: { kind: 1 }, topics: [{ name: "a\0", qos: 0 }] })).toBe(
      "corrupt frame at byte 0: packet.topics[0].name: it contains its delimiter \"\\u0000\""
    )
  })

  it("tell of a form whose text begins as another form", () => {
    const command = Codec.taggedByPrefix({
      Count: ["*", { count: Codec.uint8 }],
      Pair: ["*<", { left: Codec.uint8, right: Codec.uint8 }],
      Inline: ["", { line: Codec.delimited("\n", Codec.text()) }]
    })
    const form = "corrupt frame at byte 0: it begins with "
    expect(failure(Codec.encode(command, { _tag: "Inline", line: "*x" }))).toBe(`${form}"*", which is another form`)
    expect(failure(Codec.encode(command, { _tag: "Inline", line: "*<" }))).toBe(`${form}"*<", which is another form`)
    expect(failure(Codec.encode(command, { _tag: "Count", count: 60 }))).toBe(`${form}"*<", which is another form`)
    for (
      const value of [{ _tag: "Inline", line: "x*" }, { _tag: "Inline", line: "" }, {
        _tag: "Count",
        count: 61
      }] as const
    ) {
      const bytes = Result.getOrThrow(Codec.encode(command, value))
      assert.deepStrictEqual(Result.getOrThrow(Codec.decode(command, bytes)), value)
    }
  })

  it("tell of a frame that is too long before its bytes have come", () => {
    const framing = Codec.framing(Codec.lengthPrefixed(Codec.uint32be, Codec.bytes()), { maxFrameLength: 1000 })
    const decoder = Framing.makeDecoder(framing)
    decoder.feed(hex("00010000"))
    expect(decoder.next()).toBe(Framing.noFrame)
    expect(decoder.error?.reason).toMatchObject({ _tag: "FrameTooLong", limit: 1000, length: 65540 })
  })
})

describe("a description that cannot work", () => {
  it.each([
    [
      "takes all bytes",
      Codec.bytes(),
      "it takes all bytes, so that a frame has no end; give it a length or a delimiter"
    ],
    ["takes no bytes", Codec.bytes(0), "a frame can be without a byte"],
    ["leaves bits", Codec.struct({ a: Codec.bits(3) }), "it ends 3 bits into a byte"],
    ["begins inside a byte", Codec.struct({ a: Codec.bits(3), b: Codec.uint8 }), "b: begins 3 bits into a byte"],
    ["leaves nothing", Codec.struct({ a: Codec.bytes(), b: Codec.uint8 }), "a: it takes all bytes"],
    ["has a bad size", Codec.struct({ a: Codec.struct({ b: Codec.uint(9) }) }), "a: b: an integer takes 1 to 8 bytes"],
    ["has equal cases", Codec.tagged(Codec.uint8, { A: [1], B: [1] }), "two cases have the same discriminator"],
    ["has a number for a name", Codec.struct({ 1: Codec.uint8 }), "a field cannot be called \"1\""],
    [
      "tells of a field before it",
      Codec.struct({ b: Codec.bytes(), a: Codec.lengthOf("b", Codec.uint8) }),
      "a: there is no field \"b\" after it"
    ],
    [
      "has an unknown checksum",
      Codec.struct({ a: Codec.uint8, b: Codec.checksum("crc7" as "crc8", Codec.uint8) }),
      "b: unknown checksum crc7"
    ]
  ])("says so: it %s", (_, codec, why) => {
    expect(problem(codec as unknown as Codec.Codec<never>)).toContain(why)
  })

  it("is found by the compiler where it tells of a field that is not there", () => {
    // @ts-expect-error there is no field boddy
    const codec = Codec.struct({ length: Codec.lengthOf("boddy", Codec.uint8), body: Codec.bytes() })
    expect(problem(codec as unknown as Codec.Codec<never>)).toContain("there is no field \"boddy\"")
  })
})

describe("checksums", () => {
  // The check values of the CRC catalog, over "123456789"; those of RFC 1071, RFC 3309 and Wikipedia for the others.
  it.each(
    [
      ["crc8", 0xf4],
      ["crc8-maxim", 0xa1],
      ["crc16-arc", 0xbb3d],
      ["crc16-modbus", 0x4b37],
      ["crc16-ccitt-false", 0x29b1],
      ["crc16-xmodem", 0x31c3],
      ["crc16-kermit", 0x2189],
      ["crc16-x25", 0x906e],
      ["crc32", 0xcbf43926],
      ["crc32c", 0xe3069283],
      ["adler32", 0x091e01de],
      ["fletcher16", 0x1ede],
      ["sum8", 0xdd],
      ["xor", 0x31]
    ] as const
  )("%s", (name, sum) => {
    const codec = Codec.struct({ data: Codec.bytes(9), sum: Codec.checksum(name, Codec.uint32be) })
    const bytes = Result.getOrThrow(Codec.encode(codec, { data: text("123456789") }))
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(9)).toBe(sum)
  })

  it("internet", () => {
    const codec = Codec.struct({ data: Codec.bytes(8), sum: Codec.checksum("internet", Codec.uint16be) })
    const bytes = Result.getOrThrow(Codec.encode(codec, { data: hex("0001f203f4f5f6f7") }))
    expect([bytes[8], bytes[9]]).toEqual([0x22, 0x0d])
  })
})

describe("work", () => {
  /** How many steps it takes when the bytes come one by one. */
  const stepsOf = <A>(codec: Codec.Codec<A>, bytes: Uint8Array): number => {
    const c = new Cursor(Infinity)
    c.bytes = bytes
    for (let end = 1; end <= bytes.length; end++) {
      c.end = end
      c.steps++
      const value = codec.read(c)
      if (value !== stop) return c.steps
      assert(c.problem === undefined)
    }
    return Infinity
  }

  it("is linear in the length of a frame that comes byte by byte", () => {
    const line = Codec.struct({ a: Codec.uint8, b: Codec.delimited("\r\n", Codec.text()), c: Codec.uint8 })
    const lines = Codec.repeat(Codec.delimited("\n", Codec.text()), { until: "\n" })
    const table = Codec.countPrefixed(Codec.uint32be, Codec.struct({ a: Codec.delimited("\0", Codec.text()) }))
    const bytesOf = <A>(codec: Codec.Codec<A>, value: A) => Result.getOrThrow(Codec.encode(codec, value))
    const counts = (n: number) => [
      stepsOf(line, bytesOf(line, { a: 1, b: "x".repeat(n), c: 2 })),
      stepsOf(line, bytesOf(line, { a: 1, b: "\r".repeat(n), c: 2 })),
      stepsOf(lines, bytesOf(lines, Array.from({ length: n / 5 }, () => "line"))),
      stepsOf(table, bytesOf(table, Array.from({ length: n / 2 }, () => ({ a: "x" }))))
    ]
    const many = counts(8000)
    for (const [i, few] of counts(1000).entries()) {
      expect(many[i]).toBeLessThan(9 * few)
      expect(many[i]).toBeLessThan(2 * 8010)
    }
  })
})

describe("resync", () => {
  const frame = Codec.struct({
    start: Codec.literal("$"),
    length: Codec.lengthOf("data", Codec.uint8, { limit: 16 }),
    data: Codec.text("ascii"),
    sum: Codec.checksum("xor", Codec.uint8, { over: "data" })
  })
  const framing = Codec.resync(frame, { start: "$" })
  const run = (bytes: Uint8Array, size: number) => {
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, i) => bytes.slice(i * size, (i + 1) * size)
    )
    return Result.getOrThrow(Framing.decodeAll(framing, chunks)).map((each) =>
      Codec.isSkipped(each) ? [each.offset, each.count, each.error?.message] : each.data
    )
  }

  it("skips noise and frames that are bad, and tells how much", () => {
    const good = (data: string) => Result.getOrThrow(Codec.encode(frame, { data }))
    const bytes = Uint8Array.from(
      Buffer.concat([text("noise"), good("one"), text("$\xff"), good("two"), text("$\x01ab"), good("3"), text("zz")])
    )
    const expected = [
      [0, 5, undefined],
      "one",
      [11, 3, expect.stringContaining("length: 195 exceeds limit 16")],
      "two",
      [20, 4, expect.stringContaining("sum: the checksum is 0x62, but the bytes have 0x61")],
      "3",
      [28, 2, undefined]
    ]
    for (const size of [1, 2, 3, 5, 100]) expect(run(bytes, size)).toEqual(expected)
  })

  it("says nothing where there is no noise", () => {
    expect(run(new Uint8Array(0), 1)).toEqual([])
    expect(failure(Framing.decodeAll(framing, [text("$\x05ab")]))).toContain("truncated frame at byte 0")
  })
})

describe("descriptions", () => {
  it("explain bytes field by field, for traces", () => {
    const bytes = Result.getOrThrow(Codec.encode(packet, { header: { kind: 7 }, topics: [{ name: "a", qos: 1 }] }))
    expect(Codec.explain(packet, bytes).map(({ from, path, to }) => `${path} ${from}-${to}`)).toEqual([
      "packet.header.magic 0-1",
      "packet.header.kind 1-2",
      "packet.header 0-2",
      "packet.length 2-6",
      "packet.topics[0].name 6-8",
      "packet.topics[0].qos 8-9",
      "packet.topics 6-9"
    ])
  })

  it("make a table in Markdown", () => {
    const codec = Codec.struct({
      kind: Codec.uint8.pipe(Codec.describe("what it is")),
      rest: Codec.repeat(Codec.struct({ a: Codec.bits(4), b: Codec.bits(4) }), { count: 2 })
    })
    expect(Codec.toMarkdown(codec)).toBe(`| field | bytes | format | meaning |
| --- | --- | --- | --- |
| \`kind\` | 1 | uint8 | what it is |
| \`rest\` | 2 | 2 × struct |  |
| &nbsp;&nbsp;\`a\` | 4 bits | uint, 4 bits |  |
| &nbsp;&nbsp;\`b\` | 4 bits | uint, 4 bits |  |`)
  })

  it("make the same samples from the same seed", () => {
    expect(Codec.sample(packet, { seed: 5, count: 10 })).toEqual(Codec.sample(packet, { seed: 5, count: 10 }))
    expect(Codec.sample(packet, { seed: 5, count: 10 })).not.toEqual(Codec.sample(packet, { seed: 6, count: 10 }))
  })
})

describe("schema", () => {
  const port = Codec.struct({
    port: Codec.uint16be.pipe(schema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1024))))
  })

  it("decodes and encodes the values of a Schema, and names the field of any other", () => {
    expect(Result.getOrThrow(Codec.decode(port, hex("1f90")))).toEqual({ port: 8080 })
    expect(Result.getOrThrow(Codec.encode(port, { port: 8080 }))).toEqual(hex("1f90"))
    expect(failure(Codec.decode(port, hex("0050")))).toContain("port: Expected a value greater than or equal to 1024")
    expect(failure(Codec.encode(port, { port: 80 }))).toContain("port: Expected a value greater than or equal to 1024")
  })
})

describe("words", () => {
  it("that share their place among those that are kept are told apart", () => {
    const word = Codec.delimited(" ", Codec.text("latin1"))
    const alike = ["aaa", "h`a", "aa", "ha", "\xe1aa", "key:a:user", "key:b:user", "key:a:over", "kay:a:user"]
    // A word is kept when it has come twice.
    for (const text of [...alike.flatMap((text) => [text, text, text]), ...alike, ...alike.toReversed()]) {
      const bytes = Result.getOrThrow(Codec.encode(word, text))
      assert.strictEqual(Result.getOrThrow(Codec.decode(word, bytes)), text)
    }
  })
})

describe("lengths", () => {
  it("of any size follow one another, whatever room the last one took", () => {
    const codec = Codec.lengthPrefixed(
      Codec.varint(),
      Codec.struct({ name: Codec.lengthPrefixed(Codec.varint(), Codec.text()), data: Codec.bytes() })
    )
    const values = [1, 200, 2, 20_000, 100, 3000, 0].map((n) => ({ name: "é".repeat(n), data: new Uint8Array(n) }))
    const framing = Codec.framing(codec)
    const chunks = Result.getOrThrow(Framing.encodeAll(framing, [...values, ...values]))
    expect(Result.getOrThrow(Framing.decodeAll(framing, chunks))).toEqual([...values, ...values])
    const single = values.map((value) => Result.getOrThrow(Codec.encode(codec, value)))
    expect(Bytes.concat([...single, ...single])).toEqual(Bytes.concat(chunks))
  })

  it("that are mapped are what they were mapped to", () => {
    const half = Codec.decimal().pipe(Codec.map((n) => n / 2, (n) => n * 2))
    const codec = Codec.lengthPrefixed(Codec.enclosed(half, { after: ":" }), Codec.text())
    const bytes = Result.getOrThrow(Codec.encode(codec, "abc"))
    expect(new TextDecoder().decode(bytes)).toBe("6:abc")
    expect(Result.getOrThrow(Codec.decode(codec, bytes))).toBe("abc")
  })

  it("of no fixed size leave the offsets in what follows as they are", () => {
    const mark = Codec.custom<number>({
      kind: "its own offset",
      size: [1, 1],
      decode: ({ at, begin, bytes }) =>
        bytes[at] === at - begin ? { value: at - begin, size: 1 } : { invalid: "not its offset" },
      encode: (_, { at, memory }) => {
        memory.set("mark", at)
        return Result.succeed(Uint8Array.of(at))
      },
      sample: () => 0
    })
    const codec = Codec.struct({
      length: Codec.lengthOfRest(Codec.varint()),
      mark,
      body: Codec.lengthPrefixed(Codec.uint16be, Codec.text())
    })
    // The length is two bytes long from the first frame on, one byte in the second, and two again.
    for (const n of [200, 5, 300]) {
      const bytes = Result.getOrThrow(Codec.encode(codec, { mark: 0, body: "x".repeat(n) }))
      expect(bytes[n < 100 ? 1 : 2]).toBe(n < 100 ? 1 : 2)
      expect(Result.getOrThrow(Codec.decode(codec, bytes)).body).toHaveLength(n)
    }
  })

  it("that are absent are as the format has them", () => {
    const word = Codec.lengthPrefixed(Codec.int32be, Codec.text(), { absent: -1 })
    const codec = Codec.countPrefixed(Codec.uint8, word)
    const bytes = hex("030000000161ffffffff00000002c3a9")
    expect(Result.getOrThrow(Codec.encode(codec, ["a", undefined, "é"]))).toEqual(bytes)
    expect(Result.getOrThrow(Codec.decode(codec, bytes))).toEqual(["a", undefined, "é"])
    expect(failure(Codec.encode(codec, ["a", "\ud800"]))).toContain("[1]: the text has a lone surrogate")
  })

  it("are not written if they would be negative", () => {
    const codec = Codec.lengthPrefixed(Codec.uint8, Codec.bytes(), { add: -5 })
    expect(failure(Codec.encode(codec, new Uint8Array(2)))).toContain("-3 is not a whole number from 0 to 255")
    expect(Result.getOrThrow(Codec.encode(codec, new Uint8Array(5)))).toEqual(hex("000000000000"))
  })

  it("of 2 GiB and more are read without a sign", () => {
    const bytes = Codec.countPrefixed(Codec.uint8, Codec.lengthPrefixed(Codec.uint32be, Codec.bytes(), { add: -5 }))
    expect(failure(Codec.decode(bytes, hex("01fffffffd")))).toContain("too long: at least 4294967303 bytes")
    const marked = Codec.countPrefixed(
      Codec.uint8,
      Codec.lengthPrefixed(Codec.uint32be, Codec.bytes(), { absent: 0xffffffff })
    )
    const encoded = hex("020000000107ffffffff")
    expect(Result.getOrThrow(Codec.encode(marked, [Uint8Array.of(7), undefined]))).toEqual(encoded)
    expect(Result.getOrThrow(Codec.decode(marked, encoded))).toEqual([Uint8Array.of(7), undefined])
    const never = Codec.countPrefixed(
      Codec.uint8,
      Codec.lengthPrefixed(Codec.uint32be, Codec.bytes(), { absent: 2 ** 40 })
    )
    expect(failure(Codec.encode(never, [undefined]))).toContain("is not a whole number from 0 to 4294967295")
  })
})

describe("objects", () => {
  it("of a codec that is used often are as those of one that is not", () => {
    const codec = Codec.struct({ a: Codec.uint8, b: Codec.when((fields: { a: number }) => fields.a > 0, Codec.uint8) })
    const first = Result.getOrThrow(Codec.decode(codec, hex("0102")))
    for (let i = 0; i < 300; i++) Result.getOrThrow(Codec.decode(codec, hex("0102")))
    const later = Result.getOrThrow(Codec.decode(codec, hex("0102")))
    expect(later).toStrictEqual(first)
    expect(later).toStrictEqual({ a: 1, b: 2 })
    expect(Object.getPrototypeOf(later)).toBe(Object.prototype)
    expect(Object.keys(Result.getOrThrow(Codec.decode(codec, hex("00"))))).toEqual(["a"])
  })
})

describe("large payloads", () => {
  it("are passed on without a copy", () => {
    const codec = Codec.struct({
      length: Codec.lengthOfRest(Codec.varint()),
      name: Codec.text().pipe((text) => Codec.delimited("\0", text)),
      payload: Codec.bytes()
    })
    const payload = new Uint8Array(100_000).fill(7)
    const buffers = Result.getOrThrow(Framing.encodeAll(Codec.framing(codec), [{ name: "big", payload }]))
    expect(buffers.some((buffer) => buffer.buffer === payload.buffer)).toBe(true)
    const [decoded] = Result.getOrThrow(Framing.decodeAll(Codec.framing(codec), buffers))
    expect(decoded).toEqual({ name: "big", payload })
  })

  it("are counted and summed where they are", () => {
    const codec = Codec.struct({
      sum: Codec.checksum("crc32", Codec.uint32be, { over: ["count", "tail"] }),
      count: Codec.lengthOf("parts", Codec.decimal()),
      space: Codec.literal(" "),
      parts: Codec.repeat(
        Codec.lengthPrefixed(Codec.uint32be, Codec.bytes()).pipe(
          Codec.mapResult((bytes) => Result.succeed(bytes), (bytes) => Result.succeed(bytes))
        )
      ),
      tail: Codec.uint16be
    })
    const value = { parts: [new Uint8Array(3000).fill(1), hex("01"), new Uint8Array(5000).fill(2)], tail: 5 }
    const bytes = Result.getOrThrow(Codec.encode(codec, value))
    expect(Result.getOrThrow(Codec.decode(codec, bytes))).toEqual(value)
  })
})
