/** Vectors from the specifications of the formats. */
import { assert, describe, it } from "@effect/vitest"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import * as Checksum from "../src/Checksum.ts"
import * as Framing from "../src/Framing.ts"

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16))

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const encoded = <A>(framing: Framing.Framing<A, unknown>, frames: ReadonlyArray<A>): Uint8Array =>
  Bytes.concat(Result.getOrThrow(Framing.encodeAll(framing, frames)))

const decoded = <A>(framing: Framing.Framing<never, A>, bytes: Uint8Array): Array<A> =>
  Result.getOrThrow(Framing.decodeAll(framing, [bytes]))

const reason = (framing: Framing.Framing<never, unknown>, bytes: Uint8Array): string => {
  const result = Framing.decodeAll(framing, [bytes])
  return Result.isFailure(result) ? result.failure.reason._tag : "none"
}

/** What becomes of the frames when they are encoded, and of the bytes when they are decoded. */
const both = <A>(framing: Framing.Framing<A>, frames: ReadonlyArray<A>, bytes: Uint8Array) => ({
  bytes: encoded(framing, frames),
  frames: decoded(framing, bytes)
})

// D. J. Bernstein, Netstrings, 1997: https://cr.yp.to/proto/netstrings.txt
describe("netstring", () => {
  it("has the examples of the specification", () => {
    assert.deepStrictEqual(
      both(Framing.netstring(), [utf8("hello world!")], hex("31 32 3a 68 65 6c 6c 6f 20 77 6f 72 6c 64 21 2c")),
      { bytes: hex("31 32 3a 68 65 6c 6c 6f 20 77 6f 72 6c 64 21 2c"), frames: [utf8("hello world!")] }
    )
    assert.deepStrictEqual(both(Framing.netstring(), [utf8("")], utf8("0:,")), {
      bytes: utf8("0:,"),
      frames: [utf8("")]
    })
  })

  it("refuses leading zeros, missing digits and missing commas", () => {
    for (const bad of ["012:hello world!,", "00:,", ":,", "5:hello;", "-1:,", "+1:a,", " 1:a,"]) {
      assert.strictEqual(reason(Framing.netstring(), utf8(bad)), "CorruptFrame", bad)
    }
    assert.strictEqual(reason(Framing.netstring(), utf8("99999999999999999999:")), "FrameTooLong")
  })
})

// S. Cheshire and M. Baker, Consistent Overhead Byte Stuffing, IEEE/ACM ToN 7 (2), 1999, as tabulated in
// https://en.wikipedia.org/wiki/Consistent_Overhead_Byte_Stuffing#Encoding_examples
describe("cobs", () => {
  const counting = (from: number, to: number) => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const vectors: ReadonlyArray<readonly [frame: Uint8Array, bytes: Uint8Array]> = [
    [hex(""), hex("01 00")],
    [hex("00"), hex("01 01 00")],
    [hex("00 00"), hex("01 01 01 00")],
    [hex("00 11 00"), hex("01 02 11 01 00")],
    [hex("11 22 00 33"), hex("03 11 22 02 33 00")],
    [hex("11 22 33 44"), hex("05 11 22 33 44 00")],
    [hex("11 00 00 00"), hex("02 11 01 01 01 00")],
    [counting(1, 254), Bytes.concat([hex("ff"), counting(1, 254), hex("00")])],
    [Bytes.concat([hex("00"), counting(1, 254)]), Bytes.concat([hex("01 ff"), counting(1, 254), hex("00")])],
    [counting(1, 255), Bytes.concat([hex("ff"), counting(1, 254), hex("02 ff 00")])],
    [
      Bytes.concat([counting(2, 255), hex("00")]),
      Bytes.concat([hex("ff"), counting(2, 255), hex("01 01 00")])
    ],
    [
      Bytes.concat([counting(3, 255), hex("00 01")]),
      Bytes.concat([hex("fe"), counting(3, 255), hex("02 01 00")])
    ]
  ]

  it.each(vectors)(
    "%#",
    (frame, bytes) => assert.deepStrictEqual(both(Framing.cobs(), [frame], bytes), { bytes: bytes, frames: [frame] })
  )

  it("refuses what is no stuffing", () => {
    for (const bad of ["00", "03 11 00", "ff 00"]) {
      assert.strictEqual(reason(Framing.cobs(), hex(bad)), "CorruptFrame", bad)
    }
  })
})

// RFC 1055, A Nonstandard for Transmission of IP Datagrams over Serial Lines: END is 0300 octal, ESC is 0333, ESC_END is
// 0334 and ESC_ESC is 0335; the example sender begins each packet with END.
describe("slip", () => {
  it("escapes as RFC 1055 says", () => {
    assert.deepStrictEqual(both(Framing.slip(), [hex("01 c0 02 db 03")], hex("c0 01 db dc 02 db dd 03 c0")), {
      bytes: hex("c0 01 db dc 02 db dd 03 c0"),
      frames: [hex("01 c0 02 db 03")]
    })
    assert.deepStrictEqual(both(Framing.slip({ leadingEnd: false }), [hex("01"), hex("02")], hex("01 c0 02 c0")), {
      bytes: hex("01 c0 02 c0"),
      frames: [hex("01"), hex("02")]
    })
  })

  it("ignores empty packets, and refuses to send them", () => {
    assert.deepStrictEqual(decoded(Framing.slip(), hex("c0 c0 01 c0 c0")), [hex("01")])
    assert.isTrue(Result.isFailure(Framing.encodeAll(Framing.slip(), [hex("")])))
  })

  it("refuses an unknown escape", () => {
    assert.strictEqual(reason(Framing.slip(), hex("db 01 c0")), "CorruptFrame")
  })
})

// Protocol Buffers, Encoding: https://protobuf.dev/programming-guides/encoding/#varints, where 150 is 96 01
describe("varint", () => {
  const framing = Framing.lengthPrefixed({ prefix: "varint" })

  it("is Protobuf's", () => {
    assert.deepStrictEqual(both(framing, [new Uint8Array(150)], Bytes.concat([hex("96 01"), new Uint8Array(150)])), {
      bytes: Bytes.concat([hex("96 01"), new Uint8Array(150)]),
      frames: [new Uint8Array(150)]
    })
    assert.deepStrictEqual(both(framing, [new Uint8Array(0)], hex("00")), {
      bytes: hex("00"),
      frames: [new Uint8Array(0)]
    })
    assert.deepStrictEqual(both(framing, [new Uint8Array(127)], Bytes.concat([hex("7f"), new Uint8Array(127)])), {
      bytes: Bytes.concat([hex("7f"), new Uint8Array(127)]),
      frames: [new Uint8Array(127)]
    })
    assert.deepStrictEqual(both(framing, [new Uint8Array(128)], Bytes.concat([hex("80 01"), new Uint8Array(128)])), {
      bytes: Bytes.concat([hex("80 01"), new Uint8Array(128)]),
      frames: [new Uint8Array(128)]
    })
    assert.deepStrictEqual(
      both(framing, [new Uint8Array(16384)], Bytes.concat([hex("80 80 01"), new Uint8Array(16384)])),
      { bytes: Bytes.concat([hex("80 80 01"), new Uint8Array(16384)]), frames: [new Uint8Array(16384)] }
    )
  })

  it("refuses longer encodings than necessary, and more than 64 bits", () => {
    for (const bad of ["80 00", "81 80 00", "ff ff ff ff ff ff ff ff ff 02", "80 80 80 80 80 80 80 80 80 80 01"]) {
      assert.strictEqual(reason(framing, hex(bad)), "CorruptFrame", bad)
    }
    assert.strictEqual(reason(framing, hex("ff ff ff ff ff ff ff ff ff 01")), "FrameTooLong")
    assert.strictEqual(reason(framing, hex("80 80")), "TruncatedFrame")
  })
})

// The check values for "123456789" of CRC-32/ISO-HDLC and CRC-32/ISCSI: https://reveng.sourceforge.io/crc-catalogue/
describe("checksums", () => {
  it("have the check values of the catalog of CRC algorithms", () => {
    assert.strictEqual(Checksum.crc32(utf8("123456789")), 0xcbf43926)
    assert.strictEqual(Checksum.crc32c(utf8("123456789")), 0xe3069283)
  })

  // RFC 3720, appendix B.4
  it("have the CRC-32C of RFC 3720", () => {
    const crc32c = Checksum.crc32c
    assert.strictEqual(crc32c(new Uint8Array(32)), 0x8a9136aa)
    assert.strictEqual(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
    assert.strictEqual(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
    assert.strictEqual(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c)
  })

  // RFC 1950 defines Adler-32; the value for "Wikipedia" is that of https://en.wikipedia.org/wiki/Adler-32#Example
  it("have the Adler-32 that is known", () => {
    const adler32 = Checksum.adler32
    assert.strictEqual(adler32(utf8("")), 1)
    assert.strictEqual(adler32(utf8("Wikipedia")), 0x11e60398)
    assert.strictEqual(adler32(new Uint8Array(100_000).fill(0xff)), naiveAdler32(new Uint8Array(100_000).fill(0xff)))
  })

  it("are the last four bytes of the frame", () => {
    assert.deepStrictEqual(
      both(
        Framing.netstring().pipe(Framing.checksum("crc32")),
        [utf8("123456789")],
        Bytes.concat([utf8("13:123456789"), hex("cb f4 39 26"), utf8(",")])
      ),
      { bytes: Bytes.concat([utf8("13:123456789"), hex("cb f4 39 26"), utf8(",")]), frames: [utf8("123456789")] }
    )
    assert.deepStrictEqual(
      both(
        Framing.netstring().pipe(Framing.checksum("crc32", { endianness: "little" })),
        [utf8("123456789")],
        Bytes.concat([utf8("13:123456789"), hex("26 39 f4 cb"), utf8(",")])
      ),
      { bytes: Bytes.concat([utf8("13:123456789"), hex("26 39 f4 cb"), utf8(",")]), frames: [utf8("123456789")] }
    )
  })
})

const naiveAdler32 = (bytes: Uint8Array): number => {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return b * 65536 + a
}

// Language Server Protocol, base protocol: https://microsoft.github.io/language-server-protocol/specifications/base/0.9/specification/
describe("contentLength", () => {
  const body =
    "{\n\t\"jsonrpc\": \"2.0\",\n\t\"id\": 1,\n\t\"method\": \"textDocument/completion\",\n\t\"params\": {}\n}"

  it("has the form of the example in the specification", () => {
    const bytes = utf8(`Content-Length: ${body.length}\r\n\r\n${body}`)
    assert.deepStrictEqual(both(Framing.contentLength(), [utf8(body)], bytes), { bytes: bytes, frames: [utf8(body)] })
    assert.deepStrictEqual(decoded(Framing.contentLength().pipe(Framing.text(), Framing.json()), bytes), [
      { jsonrpc: "2.0", id: 1, method: "textDocument/completion", params: {} }
    ])
  })

  it("keeps the other headers, in any order", () => {
    const bytes = utf8("Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:2\r\n\r\n{}")
    assert.deepStrictEqual(decoded(Framing.contentLengthMessage(), bytes), [
      { headers: [["Content-Type", "application/vscode-jsonrpc; charset=utf-8"]], body: utf8("{}") }
    ])
  })

  it("is strict", () => {
    const bad = [
      "Content-Type: a\r\n\r\n",
      "Content-Length: 2\n\n{}",
      "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
      "Content-Length: -2\r\n\r\n{}",
      "Content-Length: 0x2\r\n\r\n{}",
      "Content Length: 2\r\n\r\n{}",
      "Content-Length : 2\r\n\r\n{}",
      "\r\n"
    ]
    for (const text of bad) assert.strictEqual(reason(Framing.contentLength(), utf8(text)), "CorruptFrame", text)
  })
})

// The six examples in the documentation of Netty's LengthFieldBasedFrameDecoder:
// https://netty.io/4.1/api/io/netty/handler/codec/LengthFieldBasedFrameDecoder.html
describe("lengthField, as Netty has it", () => {
  const text = utf8("HELLO, WORLD")
  const examples = [
    { options: { length: 2, strip: 0 }, bytes: hex("000c"), frame: hex("000c") },
    { options: { length: 2, strip: 2 }, bytes: hex("000c"), frame: hex("") },
    { options: { length: 2, adjustment: -2, strip: 0 }, bytes: hex("000e"), frame: hex("000e") },
    { options: { offset: 2, length: 3, strip: 0 }, bytes: hex("cafe 00000c"), frame: hex("cafe 00000c") },
    { options: { length: 3, adjustment: 2, strip: 0 }, bytes: hex("00000c cafe"), frame: hex("00000c cafe") },
    { options: { offset: 1, length: 2, adjustment: 1, strip: 3 }, bytes: hex("ca 000c fe"), frame: hex("fe") },
    { options: { offset: 1, length: 2, adjustment: -3, strip: 3 }, bytes: hex("ca 0010 fe"), frame: hex("fe") }
  ] as const

  it.each(examples)("$options", ({ bytes, frame, options }) => {
    const framing = Framing.lengthField(options)
    assert.deepStrictEqual(decoded(framing, Bytes.concat([bytes, text])), [Bytes.concat([frame, text])])
  })

  it("encodes where nothing but the field is stripped", () => {
    for (const { bytes, frame, options } of examples.slice(0, 5)) {
      assert.deepStrictEqual(
        both(Framing.lengthField(options), [Bytes.concat([frame, text])], Bytes.concat([bytes, text])),
        { bytes: Bytes.concat([bytes, text]), frames: [Bytes.concat([frame, text])] }
      )
    }
    for (const { frame, options } of examples.slice(5)) {
      assert.isTrue(Result.isFailure(Framing.encodeAll(Framing.lengthField(options), [Bytes.concat([frame, text])])))
    }
  })
})

// Examples 1 and 4 of tokio_util::codec::length_delimited:
// https://docs.rs/tokio-util/latest/tokio_util/codec/length_delimited/
describe("lengthField, as tokio has it", () => {
  it("decodes the examples of its documentation", () => {
    const text = utf8("Hello world")
    assert.deepStrictEqual(
      decoded(Framing.lengthField({ offset: 0, length: 2, adjustment: 0 }), Bytes.concat([hex("000b"), text])),
      [text]
    )
    assert.deepStrictEqual(
      decoded(
        Framing.lengthField({ offset: 1, length: 2, adjustment: 1, strip: 4 }),
        Bytes.concat([hex("ca 000b fe"), text])
      ),
      [text]
    )
  })
})

// RFC 3629, section 3 and 10: surrogates, overlong forms and what is beyond U+10FFFF are not UTF-8. The bytes are from
// section 7 and from M. Kuhn's UTF-8 decoder stress test.
describe("strict UTF-8", () => {
  it.each(["c080", "e080af", "eda080", "f4908080", "80", "c3", "f8888080af", "fe", "ff"])("refuses %s", (bytes) => {
    const line = Bytes.concat([utf8("good\n"), hex(bytes), utf8("\n")])
    const result = Framing.decodeAll(Framing.lines(), [line])
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) {
      assert.deepStrictEqual(result.failure.reason, new Framing.InvalidText({ encoding: "utf-8", offset: 5 }))
    }
  })

  it("keeps a byte order mark, and takes every plane", () => {
    assert.deepStrictEqual(
      both(Framing.lines(), ["\ufeffa", "\u{10ffff}", "\u0000"], utf8("\ufeffa\n\u{10ffff}\n\u0000\n")),
      { bytes: utf8("\ufeffa\n\u{10ffff}\n\u0000\n"), frames: ["\ufeffa", "\u{10ffff}", "\u0000"] }
    )
  })
})
