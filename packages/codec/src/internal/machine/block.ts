import { type Cursor, type Stop, stop } from "./cursor.ts"
import { type Numeral, putNumeral, readNumeral } from "./number.ts"
import { isAscii, plainLength, plainText, putAscii, putLatin1 } from "./plainText.ts"
import { isBytes, put, type Writer } from "./writer.ts"

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
  /** The shortest and longest content that is usual when it is written; their lengths are numbers of common code. */
  readonly least: number
  readonly most: number
  /** The length that stands for absent content, and whether common code writes it. */
  readonly absent: number | undefined
  readonly canOmit: boolean
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
  const last = at + length - block.add
  const { tail } = block
  if (
    last < at || last - at > block.limit || last + tail > c.end ||
    (tail > 0 && (bytes[last] !== block.tail0 || (tail > 1 && bytes[last + 1] !== block.tail1)))
  ) {
    c.at = from
    return stop
  }
  c.at = last + tail
  if (block.content === BlockContent.bytes) return c.view(at, last - at)
  return readText(c, block, at, last, from)
}

const readText = (c: Cursor, { content }: Block, at: number, last: number, from: number): string | Stop => {
  if (content === BlockContent.latin1 || (last - at <= plainLength && isAscii(c.bytes, at, last))) {
    return plainText(c, at, last)
  }
  c.at = from
  return stop
}

/** Up to this length text is written in place. */
export const textLength = 256

/** Writes a block if it is usual. Otherwise it writes nothing and returns false: the codec has to be asked. */
export const writeBlock = (writer: Writer, block: Block, value: unknown): boolean => {
  if (block.content !== BlockContent.bytes) return typeof value === "string" && writeText(writer, block, value)
  if (!isBytes(value)) return false
  const { length } = value
  if (length < block.least || length > block.most) return false
  const size = length | 0
  const from = writer.room(block.numeral.most + size + block.tail)
  const { bytes } = writer
  const at = putNumeral(bytes, from, block.numeral, size + block.add)
  put(bytes, at, value, size)
  writer.at = putTail(bytes, at + size, block)
  return true
}

const writeText = (writer: Writer, block: Block, text: string): boolean => {
  // The size of ASCII, which text most likely is; but there is room for any.
  const { length } = text
  if (length < block.least || length > block.most) return false
  const from = writer.room(block.numeral.most + 3 * length + block.tail)
  const { bytes } = writer
  const at = putNumeral(bytes, from, block.numeral, length + block.add)
  if (!(block.content === BlockContent.latin1 ? putLatin1(bytes, at, text) : putAscii(bytes, at, text))) {
    writer.at = from
    return false
  }
  writer.at = putTail(bytes, at + length, block)
  return true
}

/** Writes what comes behind the content, and returns where it ends. */
export const putTail = (bytes: Uint8Array, at: number, { tail, tail0, tail1 }: Block): number => {
  if (tail === 0) return at
  bytes[at] = tail0
  if (tail > 1) bytes[at + 1] = tail1
  return at + tail
}
