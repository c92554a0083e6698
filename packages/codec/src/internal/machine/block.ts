import { type Cursor, type Stop, stop } from "./cursor.ts"
import { type Numeral, putNumeral, readNumeral } from "./number.ts"
import { isAscii, plainLength, plainText, shortLength } from "./plainText.ts"
import { copyLimit, put, type Writer } from "./writer.ts"

/** What a block holds. */
export const BlockContent = { bytes: 0, utf8: 1, ascii: 2, latin1: 3 } as const
export type BlockContent = typeof BlockContent[keyof typeof BlockContent]

/**
 * A length and as many bytes, with up to two bytes behind them: most of what protocols consist of. A codec that describes
 * itself as a block is read and written in one pass. Whatever is not usual (bytes that are missing or wrong, a value of
 * the wrong type or of a great size) is left to the codec itself.
 */
export interface Block {
  readonly numeral: Numeral
  readonly content: BlockContent
  readonly add: number
  readonly limit: number
  /** The number that says that nothing comes. */
  readonly absent: number | undefined
  /** How many bytes come behind the content, and which. */
  readonly tail: number
  readonly tail0: number
  readonly tail1: number
}

export type BlockValue = Uint8Array | string | undefined

/** Reads a complete, valid block. Otherwise it reads nothing, and `stop` says that the codec has to be asked. */
export const readBlock = (c: Cursor, block: Block): BlockValue | Stop => {
  const from = c.at
  const length = readNumeral(c, block.numeral)
  if (length === stop) return stop
  if (length === block.absent) return undefined
  const { at, bytes } = c
  const size = length - block.add
  const last = at + size
  const end = last + block.tail
  if (
    size < 0 || size > block.limit || end > c.end || (block.tail > 0 && bytes[last] !== block.tail0) ||
    (block.tail > 1 && bytes[last + 1] !== block.tail1)
  ) {
    c.at = from
    return stop
  }
  c.at = end
  const { content } = block
  if (content === BlockContent.bytes) return c.view(at, size)
  if (content !== BlockContent.latin1 && (size > plainLength || !isAscii(bytes, at, last))) {
    c.at = from
    return stop
  }
  return plainText(c, at, last)
}

/** Up to this length a loop writes text faster than the runtime does. */
const textLength = 2 * shortLength

/** Writes a block if it is usual. Otherwise it writes nothing and returns false: the codec has to be asked. */
export const writeBlock = (writer: Writer, block: Block, value: unknown): boolean => {
  const { content, numeral } = block
  let size: number
  if (content === BlockContent.bytes) {
    if (!(value instanceof Uint8Array)) return false
    size = value.length
    if (size >= copyLimit) return false
  } else {
    if (typeof value !== "string") return false
    // That of ASCII, which the text most likely is.
    size = value.length
    if (size > textLength) return false
  }
  if (size > block.limit || size + block.add < 0) return false
  const from = writer.room(numeral.most + size + block.tail)
  const { bytes } = writer
  let at = putNumeral(bytes, from, numeral, size + block.add)
  if (at < 0 || (typeof value === "string" && !putText(bytes, at, value, content))) {
    writer.at = from
    return false
  }
  if (typeof value !== "string") put(bytes, at, value)
  at += size
  if (block.tail > 0) bytes[at++] = block.tail0
  if (block.tail > 1) bytes[at++] = block.tail1
  writer.at = at
  return true
}

/** Writes text of a byte each, if it has no other characters. */
const putText = (bytes: Uint8Array, at: number, text: string, content: BlockContent): boolean => {
  const last = content === BlockContent.latin1 ? 0xff : 0x7f
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > last) return false
    bytes[at + i] = unit
  }
  return true
}
