import { type CodecValue, make } from "../machine/codec.ts"
import type { Cursor, Stop } from "../machine/cursor.ts"
import type { Writer } from "../machine/writer.ts"

export type Encoding = "utf-8" | "ascii" | "latin1"

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

interface Platform {
  readonly Buffer?: {
    readonly prototype: {
      readonly latin1Slice?: (this: Uint8Array, from: number, end: number) => string
      readonly latin1Write?: (this: Uint8Array, text: string, at: number, length: number) => number
    }
  }
}

/** What Node's Buffer has for text of a byte each; it takes any Uint8Array, without a view of it. */
const { latin1Slice, latin1Write } = (globalThis as Platform).Buffer?.prototype ?? {}

/** Up to this length a loop is faster than a call into the runtime. */
const shortLength = 20

/** Up to this length it is worth looking whether text is ASCII. */
const plainLength = latin1Slice === undefined ? shortLength : 256

/** Text up to the end of the range. */
export const text = (encoding: Encoding = "utf-8"): CodecValue<string> => {
  const last = encoding === "ascii" ? 0x7f : encoding === "latin1" ? 0xff : undefined
  return make<string>({
    kind: encoding,
    least: 0,
    most: Infinity,
    greedy: true,
    problem: last === undefined && encoding !== "utf-8"
      ? `the encoding is ${String(encoding)}; it must be utf-8, ascii or latin1`
      : undefined,
    measure: last === undefined ? utf8Length : (value) => value.length,
    read: last === undefined ? readUtf8 : (c) => readSingleByte(c, last, encoding),
    write: last === undefined ? writeUtf8 : (value, writer) => writeSingleByte(value, writer, last, encoding),
    sample: (random) => {
      const length = random.length()
      const alphabet = last === undefined ? "az09 -_.é€😀" : last === 0xff ? "az09 -_.é" : "az09 -_."
      const characters = Array.from(alphabet)
      return Array.from({ length }, () => characters[random.below(characters.length)]).join("")
    }
  })
}

const readUtf8 = (c: Cursor): string | Stop => {
  const { at, bytes, end } = c
  if (end - at <= plainLength) {
    let i = at
    while (i < end && bytes[i]! < 0x80) i++
    if (i === end) {
      c.at = end
      return plainText(c, at, end)
    }
  }
  try {
    const value = strict.decode(c.view(at, end - at))
    c.at = end
    return value
  } catch {
    return c.fail("invalid utf-8 text")
  }
}

const readSingleByte = (c: Cursor, last: number, encoding: Encoding): string | Stop => {
  const { at, bytes, end } = c
  if (last < 0xff) {
    for (let i = at; i < end; i++) if (bytes[i]! > last) return c.fail(`invalid ${encoding} text`, i)
  }
  c.at = end
  return plainText(c, at, end)
}

/** Words up to this length are kept: protocols repeat them, and a string that is there already has its hash. */
const longestWord = 8
const words: Array<string> = Array.from({ length: 256 }, () => "")

/** Text of bytes that are a character each. */
const plainText = (c: Cursor, from: number, end: number): string => {
  const { bytes } = c
  const length = end - from
  if (length < 2 || length > longestWord) return newText(c, from, end)
  const index = (bytes[from]! + 7 * bytes[from + (length >> 1)]! + 31 * bytes[end - 1]! + length) & 255
  const word = words[index]!
  return isText(word, bytes, from, length) ? word : words[index] = newText(c, from, end)
}

const isText = (text: string, bytes: Uint8Array, from: number, length: number): boolean => {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false
  return true
}

const newText = (c: Cursor, from: number, end: number): string => {
  const { bytes } = c
  if (end - from > shortLength) {
    if (latin1Slice !== undefined) return latin1Slice.call(bytes, from, end)
    let value = ""
    for (let i = from; i < end; i += 4096) value += fromCodes(c.view(i, Math.min(4096, end - i)))
    return value
  }
  const { fromCharCode } = String
  let value = ""
  let i = from
  // In blocks, not byte by byte: appending one byte makes a string of two characters, which the engine looks up in a table.
  if (end - i >= 16) {
    value = fromCharCode(
      bytes[i]!,
      bytes[i + 1]!,
      bytes[i + 2]!,
      bytes[i + 3]!,
      bytes[i + 4]!,
      bytes[i + 5]!,
      bytes[i + 6]!,
      bytes[i + 7]!,
      bytes[i + 8]!,
      bytes[i + 9]!,
      bytes[i + 10]!,
      bytes[i + 11]!,
      bytes[i + 12]!,
      bytes[i + 13]!,
      bytes[i + 14]!,
      bytes[i + 15]!
    )
    i += 16
  }
  if (end - i >= 8) {
    value += fromCharCode(
      bytes[i]!,
      bytes[i + 1]!,
      bytes[i + 2]!,
      bytes[i + 3]!,
      bytes[i + 4]!,
      bytes[i + 5]!,
      bytes[i + 6]!,
      bytes[i + 7]!
    )
    i += 8
  }
  if (end - i >= 4) {
    value += fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!)
    i += 4
  }
  switch (end - i) {
    case 1:
      return value + fromCharCode(bytes[i]!)
    case 2:
      return value + fromCharCode(bytes[i]!, bytes[i + 1]!)
    case 3:
      return value + fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!)
  }
  return value
}

const beyondLatin1 = /[^\0-\xff]/

const fromCodes = (bytes: Uint8Array): string => String.fromCharCode.apply(null, bytes as unknown as Array<number>)

/** How many bytes text takes in UTF-8. */
export const utf8Length = (text: string): number => {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return length
}

const writeUtf8 = (value: string, writer: Writer): void => {
  if (typeof value !== "string") return writer.fail("it is not a string")
  const { length } = value
  if (length <= 2 * shortLength) {
    const at = writer.room(length)
    const { bytes } = writer
    let i = 0
    for (; i < length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) break
      bytes[at + i] = unit
    }
    if (i === length) return
    writer.at = at
  }
  if (!value.isWellFormed()) return writer.fail("the text has a lone surrogate, which utf-8 cannot express")
  if (length > 1024) return writer.payload(encoder.encode(value))
  const at = writer.room(3 * length)
  writer.at = at + encoder.encodeInto(value, writer.bytes.subarray(at)).written
}

const writeSingleByte = (value: string, writer: Writer, last: number, encoding: Encoding): void => {
  if (typeof value !== "string") return writer.fail("it is not a string")
  const at = writer.room(value.length)
  if (value.length > plainLength && last === 0xff && latin1Write !== undefined && !beyondLatin1.test(value)) {
    latin1Write.call(writer.bytes, value, at, value.length)
    return
  }
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit > last) return writer.fail(`the text has a character that ${encoding} lacks`)
    writer.bytes[at + i] = unit
  }
}
