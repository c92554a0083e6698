import { assert, describe, it } from "@effect/vitest"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Framing from "../src/Framing.ts"
import { schema } from "../src/FramingSchema.ts"
import { utf8 } from "./catalogue.ts"

const drain = <A>(decoder: Framing.Decoder<A>): Array<A> => {
  const frames: Array<A> = []
  for (let frame = decoder.next(); frame !== Framing.noFrame; frame = decoder.next()) frames.push(frame)
  return frames
}

describe("Decoder", () => {
  it("gives views of the chunk, not copies", () => {
    const chunk = utf8("1:a,2:bc,")
    const decoder = Framing.makeDecoder(Framing.netstring())
    decoder.feed(chunk)
    const frames = drain(decoder)
    assert.deepStrictEqual(frames, [utf8("a"), utf8("bc")])
    assert.isTrue(frames.every((frame) => frame.buffer === chunk.buffer))
  })

  it("never writes again to the memory of a frame", () => {
    const decoder = Framing.makeDecoder(Framing.lengthPrefixed({ prefix: "uint8" }))
    const frames: Array<Uint8Array> = []
    for (let i = 0; i < 5000; i++) {
      const bytes = new Uint8Array(11).fill(i % 251)
      bytes[0] = 10
      for (const size of [[0, 4], [4, 11]] as const) {
        decoder.feed(bytes.slice(...size))
        frames.push(...drain(decoder))
      }
    }
    assert.strictEqual(frames.length, 5000)
    frames.forEach((frame, i) => assert.isTrue(frame.length === 10 && frame.every((byte) => byte === i % 251)))
  })

  it("gives its error forever, and takes no more input", () => {
    const decoder = Framing.makeDecoder(Framing.netstring())
    decoder.feed(utf8("1:a,x"))
    assert.deepStrictEqual(drain(decoder), [utf8("a")])
    const error = decoder.error
    assert.deepStrictEqual(
      error?.reason,
      new Framing.CorruptFrame({ why: "a netstring begins with its length in digits and a colon", offset: 4 })
    )
    decoder.feed(utf8("1:a,"))
    decoder.finish()
    assert.deepStrictEqual(drain(decoder), [])
    assert.strictEqual(decoder.error, error)
  })

  it("hands over what was not used, so that a protocol can change its framing in mid-stream", () => {
    for (const size of [1, 2, 3, 7, 100]) {
      const input = utf8("DATA\r\n3:abc,4:defg,rest")
      const lines = Framing.makeDecoder(Framing.lines({ ending: "crlf" }))
      let at = 0
      const feed = (decoder: Framing.Decoder<unknown>) => decoder.feed(input.slice(at, at += size))
      let line = lines.next()
      while (line === Framing.noFrame) {
        feed(lines)
        line = lines.next()
      }
      assert.strictEqual(line, "DATA")
      const offset = lines.offset
      assert.strictEqual(offset, 6)
      const netstrings = Framing.makeDecoder(Framing.netstring(), { offset })
      netstrings.feed(lines.remainder())
      assert.strictEqual(lines.buffered, 0)
      const frames = drain(netstrings)
      while (at < input.length) {
        feed(netstrings)
        frames.push(...drain(netstrings))
      }
      assert.deepStrictEqual(frames, [utf8("abc"), utf8("defg")])
      assert.strictEqual(netstrings.error?.reason._tag === "CorruptFrame" && netstrings.error.reason.offset, 19)
    }
  })

  it("has a remainder across chunks", () => {
    const decoder = Framing.makeDecoder(Framing.lengthPrefixed({ prefix: "uint8" }))
    for (const chunk of [[9, 1], [2, 3], [4], [5, 6, 7]]) decoder.feed(Uint8Array.from(chunk))
    assert.deepStrictEqual(drain(decoder), [])
    assert.strictEqual(decoder.buffered, 8)
    assert.deepStrictEqual(decoder.remainder(), Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7))
    assert.strictEqual(decoder.buffered, 0)
    assert.strictEqual(decoder.offset, 8)
  })
})

describe("memory", () => {
  const held = (framing: Framing.Framing<never, unknown>, chunk: Uint8Array, times: number): number => {
    globalThis.gc?.()
    const before = process.memoryUsage().arrayBuffers
    const decoder = Framing.makeDecoder(framing)
    for (let i = 0; i < times; i++) {
      decoder.feed(chunk.slice())
      drain(decoder)
    }
    globalThis.gc?.()
    const after = process.memoryUsage().arrayBuffers
    // Keeps the decoder alive until here.
    assert.isAtLeast(decoder.offset, 0)
    return after - before
  }

  const hostile: ReadonlyArray<readonly [string, Framing.Framing<never, unknown>, Uint8Array]> = [
    [
      "a header that announces 2^53 bytes",
      Framing.lengthPrefixed({ prefix: "uint64" }),
      Uint8Array.of(0, 32, 0, 0, 0, 0, 0, 0)
    ],
    [
      "a header that announces 2^53 bytes, discarded",
      Framing.overlong(Framing.lengthPrefixed({ prefix: "uint64" }), "discard"),
      Uint8Array.of(0, 16, 0, 0, 0, 0, 0, 0)
    ],
    ["an endless line", Framing.lines(), utf8("aaaaaaaa")],
    ["an endless line, discarded", Framing.overlong(Framing.lines(), "discard"), utf8("aaaaaaaa")],
    ["endless prefix bytes", Framing.lengthPrefixed({ prefix: "varint" }), new Uint8Array(8).fill(0xff)],
    ["endless digits", Framing.netstring(), utf8("99999999")],
    ["an endless header", Framing.contentLength(), utf8("X: aaaa\r")],
    ["endless headers", Framing.contentLength(), utf8("X: abc\r\n")],
    ["endless stuffing", Framing.cobs({ maxFrameLength: 65536 }), utf8("aaaaaaaa")],
    ["an endless packet", Framing.slip({ maxFrameLength: 65536 }), utf8("aaaaaaaa")],
    ["no delimiter", Framing.delimited(["ab", "abc"], { maxFrameLength: 65536 }), utf8("aaaaaaaa")]
  ]

  it.each(hostile)("stays bounded for %s", (_, framing, chunk) => {
    const decoder = Framing.makeDecoder(framing)
    let most = 0
    for (let i = 0; i < 100_000; i++) {
      decoder.feed(chunk.slice())
      drain(decoder)
      if (decoder.error === undefined) most = Math.max(most, decoder.buffered)
    }
    assert.isAtMost(most, 140_000)
    assert.isAtMost(held(framing, chunk, 100_000), 2_000_000)
  })

  it("claims no room for what was announced and has not come", () => {
    const decoders = Array.from(
      { length: 100 },
      () => Framing.makeDecoder(Framing.lengthPrefixed({ maxFrameLength: 2 ** 30 }))
    )
    const before = process.memoryUsage().arrayBuffers
    for (const decoder of decoders) {
      decoder.feed(Uint8Array.of(0x3f, 0xff, 0xff, 0xff))
      drain(decoder)
      decoder.feed(Uint8Array.of(1, 2, 3))
      drain(decoder)
    }
    assert.isAtMost(process.memoryUsage().arrayBuffers - before, 100 * 80_000)
  })

  it("gathers a long frame in linear time", () => {
    const decode = (length: number): number => {
      const decoder = Framing.makeDecoder(Framing.lengthPrefixed({ maxFrameLength: length }))
      const began = process.cpuUsage()
      const header = new DataView(new ArrayBuffer(4))
      header.setUint32(0, length)
      decoder.feed(new Uint8Array(header.buffer))
      const chunk = new Uint8Array(1024).fill(1)
      for (let at = 0; at < length; at += 1024) {
        assert.strictEqual(decoder.next(), Framing.noFrame)
        decoder.feed(chunk)
      }
      const [frame] = drain(decoder)
      assert.strictEqual(frame?.length, length)
      assert.strictEqual(frame?.at(-1), 1)
      return process.cpuUsage(began).user
    }
    decode(2 ** 20)
    const short = decode(2 ** 22)
    // 16 times the bytes: 256 times the work if it were quadratic.
    assert.isAtMost(decode(2 ** 26), 100 * Math.max(short, 2000))
  })
})

describe("Encoder", () => {
  it("makes one buffer of many small frames", () => {
    const encoder = Framing.makeEncoder(Framing.lengthPrefixed({ prefix: "uint8" }))
    for (let i = 0; i < 100; i++) assert.isUndefined(encoder.encode(Uint8Array.of(i)))
    const buffers = encoder.drain()
    assert.strictEqual(buffers.length, 1)
    assert.strictEqual(buffers[0]!.length, 200)
    assert.strictEqual(encoder.offset, 200)
    assert.deepStrictEqual(encoder.drain(), [])
  })

  it("passes on a large payload without a copy", () => {
    const payload = new Uint8Array(100_000)
    const encoder = Framing.makeEncoder(Framing.netstring())
    encoder.encode(payload)
    assert.isTrue(encoder.drain().includes(payload))
  })

  it("takes back what a refused frame has written, in every buffer, and stays usable", () => {
    const framing = Framing.make<ReadonlyArray<Uint8Array>>({
      decode: (input) => input.more(),
      encode: (parts, output) => {
        for (const part of parts) {
          if (part.length === 0) return output.corrupt("an empty part")
          output.write(part)
        }
      }
    })
    const encoder = Framing.makeEncoder(framing)
    const large = new Uint8Array(5000).fill(2)
    const expected: Array<Uint8Array> = []
    for (let i = 0; i < 50; i++) {
      const parts = [Uint8Array.of(i), large, new Uint8Array(1500).fill(3)]
      assert.isUndefined(encoder.encode(parts))
      expected.push(...parts)
      const error = encoder.encode([...parts, new Uint8Array(0)])
      const offset = 6501 * (i + 1)
      const refused = new Framing.CorruptFrame({ why: "an empty part", offset, outgoing: true })
      assert.deepStrictEqual(error?.reason, refused)
      assert.strictEqual(encoder.offset, 6501 * (i + 1))
    }
    assert.deepStrictEqual(Bytes.concat(encoder.drain()), Bytes.concat(expected))
  })

  it("never writes again to a buffer that was taken out", () => {
    const encoder = Framing.makeEncoder(Framing.lines())
    const taken: Array<{ buffer: Uint8Array; copy: Uint8Array }> = []
    for (let i = 0; i < 3000; i++) {
      encoder.encode(`line ${i}`)
      for (const buffer of encoder.drain()) taken.push({ buffer, copy: buffer.slice() })
    }
    for (const { buffer, copy } of taken) assert.deepStrictEqual(buffer, copy)
  })

  it("keeps its bytes apart from those of other encoders, whenever each is drained", () => {
    const encoders = Array.from({ length: 5 }, () => Framing.makeEncoder(Framing.lines()))
    const sent = encoders.map(() => "")
    const taken: Array<Array<Uint8Array>> = encoders.map(() => [])
    for (let i = 0; i < 5000; i++) {
      const which = (i * 7) % encoders.length
      const text = `${which}:${"x".repeat(i % 50)}`
      assert.isUndefined(encoders[which]!.encode(text))
      sent[which] += `${text}\n`
      if (i % 11 === 0) {
        const other = (i / 11) % encoders.length
        taken[other]!.push(...encoders[other]!.drain())
      }
    }
    encoders.forEach((encoder, i) => {
      const bytes = Bytes.concat([...taken[i]!, ...encoder.drain()])
      assert.strictEqual(new TextDecoder().decode(bytes), sent[i])
    })
  })
})

describe("Streams", () => {
  it.effect("decode chunks to frames", () =>
    Effect.gen(function*() {
      const lines = yield* Stream.make("one\ntw", "o\n", "", "\nthree\n").pipe(
        Stream.encodeText,
        Stream.rechunk(1),
        Framing.decode(Framing.lines()),
        Stream.runCollect
      )
      assert.deepStrictEqual(lines, ["one", "two", "", "three"])
    }))

  it.effect("emit the good frames before they fail", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const error = yield* Stream.make("one\ntwo\nthree").pipe(
        Stream.encodeText,
        Framing.decode(Framing.lines()),
        Stream.runForEach((line) => Effect.sync(() => seen.push(line))),
        Effect.flip
      )
      assert.deepStrictEqual(seen, ["one", "two"])
      assert.deepStrictEqual(error.reason, new Framing.TruncatedFrame({ have: 5, need: 6, offset: 8 }))
    }))

  it.effect("pass on the errors of their source", () =>
    Effect.gen(function*() {
      const error = yield* Stream.make(utf8("one\ntw")).pipe(
        Stream.concat(Stream.fail("reset" as const)),
        Framing.decode(Framing.lines()),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error, "reset")
    }))

  it.effect("encode frames to bytes, up to one that is refused", () =>
    Effect.gen(function*() {
      const bytes: Array<Uint8Array> = []
      const error = yield* Stream.make("one", "two", "th\nree").pipe(
        Framing.encode(Framing.lines()),
        Stream.runForEach((chunk) => Effect.sync(() => bytes.push(chunk))),
        Effect.flip
      )
      assert.deepStrictEqual(bytes, [utf8("one\ntwo\n")])
      assert.strictEqual(error.reason._tag, "CorruptFrame")
    }))

  it.effect("fail at once with a framing that cannot work", () =>
    Effect.gen(function*() {
      const framing = Framing.fixedLength(0)
      const decoding = yield* Effect.flip(Stream.runDrain(Framing.decode(framing)(Stream.empty)))
      assert.strictEqual(decoding.reason._tag, "InvalidFraming")
      const encoding = yield* Stream.make(utf8("a")).pipe(Framing.encode(framing), Stream.runDrain, Effect.flip)
      assert.strictEqual(encoding, decoding)
    }))
})

describe("options that cannot work", () => {
  const impossible: Record<string, Framing.Framing<never, unknown>> = {
    "a fraction of a byte": Framing.fixedLength(1.5),
    "no bytes": Framing.fixedLength(0),
    "a limit that the prefix cannot say": Framing.lengthPrefixed({ prefix: "uint8", maxFrameLength: 256 }),
    "a negative limit": Framing.netstring({ maxFrameLength: -1 }),
    "no number": Framing.lines({ maxLineLength: NaN }),
    "no delimiter": Framing.delimited([]),
    "an empty delimiter": Framing.delimited(["a", ""]),
    "a length field of 9 bytes": Framing.lengthField({ length: 9 }),
    "an adjustment beyond the field": Framing.lengthField({ length: 1, adjustment: -256 }),
    "stripping more than there can be": Framing.lengthField({ length: 1, strip: 257 }),
    "a limit below every frame": Framing.lengthField({ adjustment: 10, maxFrameLength: 9 }),
    "headers without room": Framing.contentLength({ maxHeaderLength: 10 }),
    "nothing to decide by": Framing.union({ a: Framing.raw }, { choose: () => "a", peek: 0 }),
    "an unknown encoding": Framing.lines({ encoding: "utf-7" as "utf-8" }),
    "an unknown checksum": Framing.raw.pipe(Framing.checksum("md5" as "crc32")),
    "a limit of nothing": Framing.limit(Framing.raw, 0),
    "a combinator over one of these": Framing.fixedLength(0).pipe(Framing.text(), Framing.json(), Framing.recover())
  }

  it.each(Object.entries(impossible))("%s", (_, framing) => {
    const result = Framing.validate(framing)
    assert.isTrue(Result.isFailure(result))
    assert.strictEqual(framing.invalid?.reason._tag, "InvalidFraming")
    const decoder = Framing.makeDecoder(framing)
    assert.strictEqual(decoder.next(), Framing.noFrame)
    assert.strictEqual(decoder.error, framing.invalid)
  })

  it("are valid otherwise", () => {
    assert.isTrue(Result.isSuccess(Framing.validate(Framing.lines())))
  })
})

describe("discarding", () => {
  const discard = (framing: Framing.Framing<never, string>, input: string) => {
    const frames = Result.getOrThrow(Framing.decodeAll(Framing.overlong(framing, "discard"), [utf8(input)]))
    return frames.map((frame) => Result.isSuccess(frame) ? frame.success : frame.failure.reason)
  }

  it("skips exactly the bad frame, reports it, and loses nothing after it", () => {
    assert.deepStrictEqual(discard(Framing.lines({ maxLineLength: 3 }), "ab\nabcd\nabc\n\n"), [
      "ab",
      new Framing.FrameTooLong({ limit: 3, length: 4, offset: 3 }),
      "abc",
      ""
    ])
    assert.deepStrictEqual(
      discard(Framing.netstring({ maxFrameLength: 3 }).pipe(Framing.text()), "2:ab,5:abcde,3:abc,"),
      [
        "ab",
        new Framing.FrameTooLong({ limit: 3, length: 5, offset: 5 }),
        "abc"
      ]
    )
  })

  it("is no excuse for a truncated frame", () => {
    const result = Framing.decodeAll(Framing.overlong(Framing.lines({ maxLineLength: 3 }), "discard"), [
      utf8("ab\nabcdefg")
    ])
    assert.deepStrictEqual(
      Result.isFailure(result) && result.failure.reason,
      new Framing.TruncatedFrame({ have: 7, need: 8, offset: 3 })
    )
  })
})

// "SMTP Smuggling", T. Longin, 2023: servers that take a bare LF as the end of a line see more messages than were sent.
describe("strict CR LF", () => {
  const message = "From: a\r\n\n.\nMAIL FROM:<b>\r\n"

  it("refuses a CR or LF on its own", () => {
    const decoder = Framing.makeDecoder(Framing.lines({ ending: "crlf" }))
    decoder.feed(utf8(message))
    assert.deepStrictEqual(drain(decoder), ["From: a"])
    assert.strictEqual(decoder.error?.reason._tag, "CorruptFrame")
  })

  it("or takes it as data, as told", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(Framing.decodeAll(Framing.lines({ ending: "crlf", bare: "data" }), [utf8(message)])),
      ["From: a", "\n.\nMAIL FROM:<b>"]
    )
  })
})

describe("datagram", () => {
  const messages = Framing.datagram(Framing.raw.pipe(Framing.text(), Framing.json()))

  it("is one frame and nothing else", () => {
    const payload = Result.getOrThrow(messages.encode({ a: [1] }))
    assert.deepStrictEqual(payload, utf8("{\"a\":[1]}"))
    assert.deepStrictEqual(Result.getOrThrow(messages.decode(payload)), { a: [1] })
    const lines = Framing.datagram(Framing.lines())
    const reason = (text: string) => {
      const result = lines.decode(utf8(text))
      return Result.isFailure(result) ? result.failure.reason._tag : result.success
    }
    assert.deepStrictEqual(["a\n", "a\nb\n", "a\nb", "a", ""].map(reason), [
      "a",
      "CorruptFrame",
      "CorruptFrame",
      "TruncatedFrame",
      "TruncatedFrame"
    ])
  })

  it("can be empty", () => {
    const bytes = Framing.datagram(Framing.raw)
    assert.deepStrictEqual(Result.getOrThrow(bytes.encode(new Uint8Array(0))), new Uint8Array(0))
    assert.deepStrictEqual(Result.getOrThrow(bytes.decode(new Uint8Array(0))), new Uint8Array(0))
  })
})

describe("values", () => {
  it("refuses what JSON would lose", () => {
    const cycle: Array<never> = []
    cycle.push(cycle as never)
    for (const value of [NaN, [Infinity], { a: [NaN] }, [undefined as never], undefined as never, 1n as never, cycle]) {
      const result = Framing.encodeAll(Framing.ndjson(), [value])
      assert.isTrue(Result.isFailure(result))
    }
    assert.isTrue(Result.isSuccess(Framing.encodeAll(Framing.ndjson(), [null, "null", [null]])))
  })

  it("names the frame that is not a value of the type", () => {
    const framing = Framing.ndjson().pipe(schema(Schema.Struct({ a: Schema.Finite })))
    const result = Framing.decodeAll(framing, [utf8("{\"a\":1}\n{\"a\":\"b\"}\n")])
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result) && result.failure.reason._tag === "CorruptFrame") {
      assert.strictEqual(result.failure.reason.offset, 8)
      assert.include(result.failure.message, "a")
    } else assert.fail("no CorruptFrame")
  })

  it("takes a schema over text too", () => {
    const framing = Framing.lines().pipe(schema(Schema.FiniteFromString))
    assert.deepStrictEqual(Result.getOrThrow(Framing.decodeAll(framing, [utf8("1\n2.5\n")])), [1, 2.5])
  })
})

describe("duplex", () => {
  const client = Framing.duplex({ outgoing: Framing.lines(), incoming: Framing.netstring() })

  it("writes as one framing and reads as the other", () => {
    assert.deepStrictEqual(Bytes.concat(Result.getOrThrow(Framing.encodeAll(client, ["a", "bc"]))), utf8("a\nbc\n"))
    assert.deepStrictEqual(Result.getOrThrow(Framing.decodeAll(client, [utf8("1:a,2:bc,")])), [utf8("a"), utf8("bc")])
  })

  it("cannot be used when one of the two cannot", () => {
    const bad = Framing.fixedLength(0)
    for (const framings of [{ outgoing: bad, incoming: Framing.raw }, { outgoing: Framing.raw, incoming: bad }]) {
      assert.strictEqual(Framing.duplex(framings).invalid?.reason._tag, "InvalidFraming")
    }
  })
})
