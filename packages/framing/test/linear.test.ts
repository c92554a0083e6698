/** The work to decode is in proportion to the bytes, whatever a peer sends: bytes looked at are counted, not time. */
import { assert, describe, it } from "@effect/vitest"
import * as Framing from "../src/Framing.ts"
import { catalogue, utf8 } from "./catalogue.ts"

let steps = 0
let failure: string | undefined

/** Bytes that count how many of them are looked at. */
const counted = (bytes: Uint8Array): Uint8Array =>
  new Proxy(bytes, {
    get: (target, key) => {
      if (key === "indexOf" || key === "lastIndexOf") {
        return (byte: number, from: number) => {
          const at = target[key](byte, from)
          steps += key === "indexOf" ? (at < 0 ? target.length : at) - (from ?? 0) + 1 : from - Math.max(at, 0) + 1
          return at
        }
      }
      if (key === "subarray") return (begin: number, end: number) => counted(target.subarray(begin, end))
      if (typeof key === "string" && /^\d+$/.test(key)) steps++
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })

/** An input that counts what is looked at through it. Bytes that are taken or peeked at are looked at by their user. */
const counting = (input: Framing.FramingInput): Framing.FramingInput =>
  new Proxy(input, {
    get: (target, key) => {
      if (key === "bytes") return counted(target.bytes)
      if (key === "take" || key === "peek") {
        return (n: number, header?: number) => {
          steps += n
          return key === "take" ? target.take(n, header) : target.peek(n)
        }
      }
      if (key === "within") {
        return (n: number, decode: (input: Framing.FramingInput) => unknown) =>
          target.within(n, () => decode(counting(target)))
      }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })

/** How many bytes are looked at to decode these, which arrive `size` at a time. */
const work = (framing: Framing.Framing<never, unknown>, bytes: Uint8Array, size: number): number => {
  const decoder = Framing.makeDecoder(Framing.make<never, unknown>({
    makeDecode: () => {
      const decode = framing.makeDecode()
      return (input) => {
        steps++
        return decode(counting(input))
      }
    },
    encode: () => {}
  }))
  steps = 0
  for (let at = 0; at < bytes.length; at += size) {
    decoder.feed(bytes.slice(at, at + size))
    while (decoder.next() !== Framing.noFrame);
  }
  failure = decoder.error?.reason._tag
  return steps
}

const times = (count: number, text: string): Uint8Array => utf8(text.repeat(count))

const binary = Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 255 })
const withLines = Framing.union({ text: Framing.lines(), binary }, {
  choose: ([first]) => first === 0 ? "binary" : "text"
})

const hostile: ReadonlyArray<readonly [string, Framing.Framing<never, unknown>, (n: number) => Uint8Array]> = [
  [
    "lines of CR LF with many LF in them",
    Framing.lines({ ending: "crlf", bare: "data" }),
    (n) => times(n / 5, "a\nb\r\n")
  ],
  ["LF only, where CR LF ends a line", Framing.lines({ ending: "crlf", bare: "data" }), (n) => times(n, "\n")],
  ["lines with CR in them", Framing.lines(), (n) => times(n / 6, "a\rb\r\r\n")],
  ["lines that are no UTF-8, among good ones", Framing.recover(Framing.lines()), (n) => {
    const bytes = times(n / 4, "abc\n")
    for (let at = 0; at < bytes.length; at += 400) bytes[at] = 0xff
    return bytes
  }],
  ["lines that alternate with another framing", withLines, (n) => times(n / 8, "abc\n\0\x02xy")],
  ["lines in a limit", Framing.lines().pipe(Framing.limit(300)), (n) => times(n / 4, "abc\n")],
  [
    "one line that never ends, dropped",
    Framing.overlong(Framing.lines({ maxLineLength: 9 }), "discard"),
    (n) => times(n, "x")
  ],
  ["the same in a limit", Framing.recover(Framing.limit(Framing.lines(), 9)), (n) => times(n, "x")],
  ["ENDs", Framing.slip().pipe(Framing.limit(9)), (n) => times(n, "\xc0").map(() => 0xc0)],
  ["a header of many lines", Framing.contentLength({ maxHeaderLength: 1e6 }), (n) => times(n / 6, "h: v\r\n")],
  ["a header line that does not end", Framing.contentLength({ maxHeaderLength: 1e6 }), (n) => times(n, "h")],
  ["the beginnings of a delimiter", Framing.delimited("aab"), (n) => times(n, "a")],
  ["one long frame", Framing.lengthPrefixed(), (n) => {
    const bytes = new Uint8Array(n)
    new DataView(bytes.buffer).setUint32(0, n - 4)
    return bytes
  }]
]

describe("the work is linear", () => {
  it.each(hostile)("%s", (_, framing, bytes) => {
    for (const size of [1, 100, 1 << 20]) {
      const small = work(framing, bytes(6000), size)
      const large = work(framing, bytes(24000), size)
      assert.isBelow(large, 5 * small + 2000, `by ${size}: ${small} steps for 6000 bytes, ${large} for 24000`)
      assert.isBelow(large, 24000 * 12, `by ${size}`)
      assert.isUndefined(failure, "an error would end the work early")
    }
  })

  it.each(catalogue)("$name", ({ alphabet, framing }) => {
    const bytes = (n: number) =>
      Uint8Array.from({ length: n }, (_, i) => alphabet[(i * i * 7 + i) % alphabet.length] ?? 0)
    const recovering = Framing.recover(framing)
    for (const size of [1, 1 << 20]) {
      const small = work(recovering, bytes(1000), size)
      const large = work(recovering, bytes(4000), size)
      assert.isBelow(large, 6 * small + 4000, `by ${size}: ${small} steps for 1000 bytes, ${large} for 4000`)
    }
  })
})

it("a frame that needs one byte more again and again is copied a few times, not for each byte", () => {
  const total = 200_000
  const places = new Set<Uint8Array>()
  const decoder = Framing.makeDecoder(Framing.make<never, number>({
    makeDecode: () => (input) => {
      places.add(input.bytes)
      return input.length < total ? input.need(input.length + 1) : input.take(total).length
    },
    encode: () => {}
  }))
  decoder.feed(new Uint8Array(40_000))
  assert.strictEqual(decoder.next(), Framing.noFrame)
  decoder.feed(new Uint8Array(total - 40_000))
  assert.strictEqual(decoder.next(), total)
  assert.isBelow(places.size, 10)
})
