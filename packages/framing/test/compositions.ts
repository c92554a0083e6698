/** Random compositions of all formats and combinators, and bytes to try them on. */
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import * as Framing from "../src/Framing.ts"

/** A whole number from 0 up to but not including `n`. */
export type Random = (n: number) => number

/** A generator of random numbers that a seed decides (mulberry32, by Tommy Ettinger). */
export const seeded = (seed: number): Random => {
  let state = seed | 0
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n
  }
}

/** A framing whose frames are of no matter, and how it was made. */
export interface Composition {
  readonly name: string
  readonly framing: Framing.Framing<never, unknown>
}

type OfBytes = { readonly name: string; readonly framing: Framing.Framing<Uint8Array> }

const pick = <A>(random: Random, of: ReadonlyArray<A>): A => of[random(of.length)]!

const small = (random: Random): number => pick(random, [0, 1, 2, 3, 4, 5, 8, 12])

const bytesFormat = (random: Random): OfBytes => {
  const max = small(random)
  const atEnd = pick(random, ["frame", "truncated"] as const)
  switch (random(9)) {
    case 0: {
      const length = 1 + random(4)
      return { name: `fixedLength(${length})`, framing: Framing.fixedLength(length) }
    }
    case 1: {
      const prefix = pick(random, ["uint8", "uint16", "varint"] as const)
      return {
        name: `lengthPrefixed(${prefix}, ${max})`,
        framing: Framing.lengthPrefixed({ prefix, maxFrameLength: max })
      }
    }
    case 2:
      return {
        name: `lengthField(${max})`,
        framing: Framing.lengthField({ offset: 1, length: 1, adjustment: random(3), strip: 0, maxFrameLength: max + 5 })
      }
    case 3: {
      const delimiters = pick(random, [["\n"], ["ab"], ["ab", "bab"], ["\r\n", "\n"], ["aab", "a"]])
      return {
        name: `delimited(${JSON.stringify(delimiters)}, ${max}, ${atEnd})`,
        framing: Framing.delimited(delimiters, { maxFrameLength: max, atEnd, keep: random(2) === 0 })
      }
    }
    case 4:
      return { name: `netstring(${max})`, framing: Framing.netstring({ maxFrameLength: max }) }
    case 5:
      return { name: `cobs(${max})`, framing: Framing.cobs({ maxFrameLength: max }) }
    case 6:
      return { name: `slip(${max})`, framing: Framing.slip({ maxFrameLength: max, leadingEnd: random(2) === 0 }) }
    case 7:
      return {
        name: `contentLength(${max})`,
        framing: Framing.contentLength({ maxFrameLength: max, maxHeaderLength: 20 + random(30) })
      }
    default: {
      const encoding = pick(random, ["utf-8", "latin1"] as const)
      const ending = pick(random, ["any", "lf", "crlf"] as const)
      const bare = pick(random, ["error", "data"] as const)
      return {
        name: `lines(${max}, ${encoding}, ${ending}, ${bare}, ${atEnd})`,
        framing: Framing.lines({ maxLineLength: max, encoding, ending, bare, atEnd }).pipe(
          Framing.map({
            decode: (line) => new TextEncoder().encode(line),
            encode: (frame: Uint8Array) => new TextDecoder().decode(frame)
          })
        )
      }
    }
  }
}

const bytesCombinator = (random: Random, inner: OfBytes): OfBytes => {
  switch (random(4)) {
    case 0: {
      const most = 1 + random(12)
      return { name: `${inner.name}.limit(${most})`, framing: Framing.limit(inner.framing, most) }
    }
    case 1:
      return { name: `${inner.name}.checksum`, framing: Framing.checksum(inner.framing, "adler32") }
    case 2:
      return {
        name: `${inner.name}.mapResult`,
        framing: Framing.mapResult(inner.framing, {
          decode: (frame) => frame.length % 3 === 1 ? Result.fail("refused") : Result.succeed(frame),
          encode: (frame: Uint8Array) => Result.succeed(frame)
        })
      }
    default:
      return {
        name: `${inner.name}.duplex`,
        framing: Framing.duplex({ outgoing: inner.framing, incoming: inner.framing })
      }
  }
}

const combinator = (random: Random, inner: Composition, depth: number): Composition => {
  const { framing, name } = inner
  switch (random(4)) {
    case 0: {
      const most = 1 + random(12)
      return { name: `${name}.limit(${most})`, framing: Framing.limit(framing, most) }
    }
    case 1:
      return random(2) === 0
        ? { name: `${name}.recover`, framing: Framing.recover(framing) }
        : { name: `${name}.overlong`, framing: Framing.overlong(framing, "discard") }
    case 2:
      return {
        name: `${name}.map`,
        framing: Framing.map(framing, { decode: (frame) => ({ frame }), encode: (frame) => frame })
      }
    default: {
      const other = composition(random, depth - 1)
      const at = random(256)
      const peek = 1 + random(2)
      return {
        name: `union(${peek}, ${at}, ${name}, ${other.name})`,
        framing: Framing.union({ a: framing, b: other.framing }, {
          peek,
          choose: (first) => first[peek - 1]! % 16 < at % 16 ? "a" : "b"
        })
      }
    }
  }
}

/** A format with up to `depth` combinators around it. */
export const composition = (random: Random, depth = 4): Composition => {
  let bytes = bytesFormat(random)
  for (let left = depth; left > 0 && random(3) === 0; left--) bytes = bytesCombinator(random, bytes)
  let made: Composition = bytes
  if (random(5) === 0) made = { name: `${bytes.name}.text`, framing: Framing.text(bytes.framing) }
  else if (random(8) === 0) made = { name: `${bytes.name}.json`, framing: Framing.json(Framing.text(bytes.framing)) }
  for (let left = random(depth + 1); left > 0; left--) made = combinator(random, made, left)
  return made
}

const alphabet = [...new TextEncoder().encode("abx012:,\r\n\r\n{}é")].concat([0, 1, 2, 3, 4, 5, 0xc0, 0xdb, 0xdc, 0xff])

const pieces = [
  "Content-Length: 3\r\n\r\nabc",
  "3:abc,",
  "\r\n",
  "ab",
  "xxxxxxxxxxxxxxxxxxxx",
  "\0\x03abc",
  "\x14",
  "12",
  "abc\n"
]

/** Bytes that mean something to one format or another. */
export const input = (random: Random): Uint8Array => {
  if (random(3) === 0) return Uint8Array.from({ length: random(11) }, () => pick(random, alphabet))
  const length = random(60)
  const parts = Array.from({ length: 1 + random(8) }, () =>
    random(2) === 0
      ? new TextEncoder().encode(pick(random, pieces))
      : Uint8Array.from({ length: random(1 + length) }, () => random(8) === 0 ? random(256) : pick(random, alphabet)))
  return Bytes.concat(parts)
}
