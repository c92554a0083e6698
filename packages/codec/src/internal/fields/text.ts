import { BlockContent } from "../machine/block.ts"
import { type CodecValue, make } from "../machine/codec.ts"
import type { Cursor, Stop } from "../machine/cursor.ts"
import { isAscii, latin1Write, plainLength, plainText, putAscii, utf8Write } from "../machine/plainText.ts"
import type { Writer } from "../machine/writer.ts"

export type Encoding = "utf-8" | "ascii" | "latin1"

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Text up to the end of the range. */
export const text = (encoding: Encoding = "utf-8"): CodecValue<string> => {
  const last = encoding === "ascii" ? 0x7f : encoding === "latin1" ? 0xff : undefined
  return make<string>({
    kind: encoding,
    least: 0,
    most: Infinity,
    greedy: true,
    content: encoding === "ascii" || encoding === "latin1" ? BlockContent[encoding] : BlockContent.utf8,
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
  if (end - at <= plainLength && isAscii(bytes, at, end)) {
    c.at = end
    return plainText(c, at, end)
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

const beyondLatin1 = /[^\0-\xff]/

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
  if (length > 1024) {
    return value.isWellFormed() ? writer.payload(encoder.encode(value)) : writer.fail(loneSurrogate)
  }
  const at = writer.room(3 * length)
  if (putAscii(writer.bytes, at, value)) writer.at = at + length
  else if (value.isWellFormed()) {
    writer.at = at + (utf8Write?.call(writer.bytes, value, at, 3 * length) ??
      encoder.encodeInto(value, writer.bytes.subarray(at)).written)
  } else writer.fail(loneSurrogate)
}

const loneSurrogate = "the text has a lone surrogate, which utf-8 cannot express"

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
