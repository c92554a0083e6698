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

const { get: tagOf } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag
) as { readonly get: (this: unknown) => string | undefined }

/** Whether a value is a `Uint8Array`. The engine finds it out in the value itself; `instanceof` walks its prototypes. */
const isBytes = (value: unknown): value is Uint8Array => tagOf.call(value) === "Uint8Array"

/** Up to this length a loop writes text faster than the runtime does. */
const textLength = 2 * shortLength

/** Writes a block if it is usual. Otherwise it writes nothing and returns false: the codec has to be asked. */
export const writeBlock = (writer: Writer, block: Block, value: unknown): boolean => {
  const size = sizeOf(block, value)
  if (size < 0) return false
  const at = writer.room(roomOf(block, size))
  const end = putBlock(writer.bytes, at, block, value as BlockValue, size)
  writer.at = end < 0 ? at : end
  return end >= 0
}

/** Writes blocks from an index on, up to the first that is not usual, and returns the index of that. */
export const writeBlocks = (writer: Writer, block: Block, values: ReadonlyArray<unknown>, from: number): number => {
  // All sizes at once: the processor fetches many values together, but only the next while it writes one.
  let room = 0
  let until = from
  for (; until < values.length; until++) {
    const size = sizeOf(block, values[until])
    if (size < 0) break
    room += roomOf(block, size)
  }
  let at = writer.room(room)
  const { bytes } = writer
  let i = from
  for (; i < until; i++) {
    const value = values[i] as BlockValue
    const end = putBlock(bytes, at, block, value, value === undefined ? 0 : value.length)
    if (end < 0) break
    at = end
  }
  writer.at = at
  return i
}

const roomOf = ({ numeral, tail }: Block, size: number): number => numeral.most + size + tail

/** The size of the content if that is usual; otherwise -1. */
const sizeOf = (block: Block, value: unknown): number => {
  const { absent, add, content, limit } = block
  let size = 0
  if (typeof value === "string") {
    // That of ASCII, which the text most likely is.
    size = value.length
    if (content === BlockContent.bytes || size > textLength) return -1
  } else if (isBytes(value)) {
    size = value.length
    if (content !== BlockContent.bytes || size >= copyLimit) return -1
  } else return value === undefined && absent !== undefined ? 0 : -1
  return size > limit || size + add < 0 ? -1 : size
}

/** Writes a block into room that was made for it, and returns where it ends, or -1. */
const putBlock = (bytes: Uint8Array, from: number, block: Block, value: BlockValue, size: number): number => {
  const { absent, add, content, numeral, tail } = block
  let at = putNumeral(bytes, from, numeral, value === undefined ? absent! : size + add)
  if (at < 0) return -1
  if (typeof value === "string") {
    if (!putText(bytes, at, value, content)) return -1
  } else if (value === undefined) return at
  else put(bytes, at, value)
  at += size
  if (tail > 0) bytes[at++] = block.tail0
  if (tail > 1) bytes[at++] = block.tail1
  return at
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
