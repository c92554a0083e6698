import type { Cursor } from "./cursor.ts"
import { shortLength, shortTexts } from "./shortText.ts"

interface Platform {
  readonly Buffer?: {
    readonly prototype: {
      readonly latin1Slice?: (this: Uint8Array, from: number, end: number) => string
      readonly latin1Write?: (this: Uint8Array, text: string, at: number, length: number) => number
      readonly utf8Write?: (this: Uint8Array, text: string, at: number, length: number) => number
    }
  }
}

/** What Node's Buffer has for text; it takes any Uint8Array, without a view of it. */
export const { latin1Slice, latin1Write, utf8Write } = (globalThis as Platform).Buffer?.prototype ?? {}

/** Up to this length it is worth looking whether text is ASCII. */
export const plainLength = latin1Slice === undefined ? shortLength : 256

/** Whether all bytes of a range are ASCII. */
export const isAscii = (bytes: Uint8Array, from: number, end: number): boolean => {
  let i = from
  while (i < end && bytes[i]! < 0x80) i++
  return i === end
}

/**
 * Words up to this length are kept: protocols repeat them, as names of commands and as keys, and a string that is there
 * already has its hash. To compare a longer one costs more than to make it.
 */
const longestWord = 16
const words: Array<string> = Array.from({ length: 256 }, () => "")

/** The form of the text that last came to a place: it is kept when it comes twice, so that keys that all differ cost little. */
const marks = new Int32Array(words.length)

/** Text of bytes that are a character each. */
export const plainText = (c: Cursor, from: number, end: number): string => {
  const { bytes } = c
  const length = end - from
  if (length < 2 || length > longestWord) return newText(c, from, end)
  const index = (bytes[from]! + 7 * bytes[from + (length >> 1)]! + 31 * bytes[end - 1]! + length) & 255
  const word = words[index]!
  return isText(word, bytes, from, length) ? word : unknownText(c, from, end, index)
}

const unknownText = (c: Cursor, from: number, end: number, index: number): string => {
  const { bytes } = c
  const length = end - from
  const text = newText(c, from, end)
  const mark = length | (bytes[from]! << 8) | (bytes[from + (length >> 2)]! << 16) | (bytes[end - 2]! << 24)
  if (marks[index] === mark) words[index] = text
  else marks[index] = mark
  return text
}

/** Compares from the end, where words that have much in common differ. */
const isText = (text: string, bytes: Uint8Array, from: number, length: number): boolean => {
  let i = text.length
  if (i !== length) return false
  while (i > 0 && text.charCodeAt(i - 1) === bytes[from + i - 1]) i--
  return i === 0
}

const newText = (c: Cursor, from: number, end: number): string => {
  const { bytes } = c
  const length = end - from
  if (length <= shortLength) return shortTexts[length]!(bytes, from)
  if (latin1Slice !== undefined) return latin1Slice.call(bytes, from, end)
  let value = ""
  for (let i = from; i < end; i += 4096) value += fromCodes(c.view(i, Math.min(4096, end - i)))
  return value
}

const fromCodes = (bytes: Uint8Array): string => String.fromCharCode.apply(null, bytes as unknown as Array<number>)

/** Up to this length a loop writes ASCII faster than the runtime writes text. */
const loopLength = utf8Write === undefined ? 40 : 24

/** Writes text that is ASCII into room for any text, three bytes a character. If it is not, what it writes is of no use. */
export const putAscii = (bytes: Uint8Array, at: number, text: string): boolean => {
  const { length } = text
  // Everything that is not ASCII takes more bytes than it has characters.
  if (length > loopLength && utf8Write !== undefined) return utf8Write.call(bytes, text, at, 3 * length) === length
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return false
    bytes[at + i] = unit
  }
  return true
}

/** The same for text of a byte a character, into room for that. */
export const putLatin1 = (bytes: Uint8Array, at: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0xff) return false
    bytes[at + i] = unit
  }
  return true
}
