import { type Cursor, type Stop, stop } from "./cursor.ts"
import { NumberForm, type Numeral, putNumeral, readNumeral } from "./number.ts"
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
  /** The longest content that is usual when it is written. */
  readonly most: number
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

/**
 * Appends blocks to `values` until it has `count`. Returns false at one that is missing or not usual: its codec has to be
 * asked.
 */
export const readBlocks = (c: Cursor, block: Block, values: Array<unknown>, count: number): boolean => {
  const { absent, add, content, limit, numeral, tail, tail0, tail1 } = block
  if (content !== BlockContent.bytes) return readEach(c, block, values, count)
  if (tail === 0 && isInt32be(numeral)) return readLongBlocks(c, block, values, count)
  const { bytes, end } = c
  if (c.viewed !== bytes) c.noteBuffer()
  const { buffer, origin } = c
  while (values.length < count) {
    const from = c.at
    const length = readNumeral(c, numeral)
    if (length === stop) return false
    if (length === absent) {
      values.push(undefined)
      continue
    }
    const begin = c.at
    const size = length - add
    const last = begin + size
    if (
      size < 0 || size > limit || last + tail > end || (tail > 0 && bytes[last] !== tail0) ||
      (tail > 1 && bytes[last + 1] !== tail1)
    ) {
      c.at = from
      return false
    }
    c.at = last + tail
    values.push(new Uint8Array(buffer, origin + begin, size))
  }
  return true
}

const readEach = (c: Cursor, block: Block, values: Array<unknown>, count: number): boolean => {
  while (values.length < count) {
    const value = readBlock(c, block)
    if (value === stop) return false
    values.push(value)
  }
  return true
}

/** Reads bytes after lengths of 32 bits: a loop of its own, since the engine compiles it well when it sees nothing else. */
const readLongBlocks = (c: Cursor, block: Block, values: Array<unknown>, count: number): boolean => {
  const { absent, add, limit, numeral } = block
  const isUnsigned = numeral.form === NumberForm.uint32be
  const { bytes, end } = c
  if (c.viewed !== bytes) c.noteBuffer()
  const { buffer, origin } = c
  let { at } = c
  while (values.length < count && end - at >= 4) {
    const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (length < 0 && isUnsigned) break
    const begin = at + 4
    if (length === absent) {
      values.push(undefined)
      at = begin
      continue
    }
    const size = length - add
    if (size < 0 || size > limit || begin + size > end) break
    values.push(new Uint8Array(buffer, origin + begin, size))
    at = begin + size
  }
  c.at = at
  return values.length >= count
}

/** Up to this length text is written in place. */
export const textLength = 256

/** Writes a block if it is usual. Otherwise it writes nothing and returns false: the codec has to be asked. */
export const writeBlock = (writer: Writer, block: Block, value: unknown): boolean => {
  if (block.content !== BlockContent.bytes) return typeof value === "string" && writeText(writer, block, value)
  if (!isBytes(value) || value.length > block.most) return false
  const size = value.length
  const from = writer.room(block.numeral.most + size + block.tail)
  const { bytes } = writer
  const at = putNumeral(bytes, from, block.numeral, size + block.add)
  if (at < 0) {
    writer.at = from
    return false
  }
  put(bytes, at, value)
  writer.at = block.tail > 0 ? putTail(bytes, at + size, block) : at + size
  return true
}

const writeText = (writer: Writer, block: Block, text: string): boolean => {
  // The size of ASCII, which text most likely is; but there is room for any.
  const size = text.length
  if (size > block.most) return false
  const from = writer.room(block.numeral.most + 3 * size + block.tail)
  const { bytes } = writer
  const at = putNumeral(bytes, from, block.numeral, size + block.add)
  if (at < 0 || !(block.content === BlockContent.latin1 ? putLatin1(bytes, at, text) : putAscii(bytes, at, text))) {
    writer.at = from
    return false
  }
  writer.at = block.tail > 0 ? putTail(bytes, at + size, block) : at + size
  return true
}

/** Writes blocks of bytes from an index on, up to the first that is not usual, and returns the index of that. */
export const writeBlocks = (writer: Writer, block: Block, values: ReadonlyArray<unknown>, from: number): number => {
  const { absent, add, most, numeral, tail } = block
  if (block.content !== BlockContent.bytes) {
    let i = from
    while (i < values.length && writeBlock(writer, block, values[i])) i++
    return i
  }
  const isInt32 = isInt32be(numeral) && add >= 0 && add < 65536 && (absent ?? 0) <= 0x7fffffff
  const around = numeral.most + tail
  let { at, bytes, end } = writer
  let i = from
  for (; i < values.length; i++) {
    const value = values[i]
    const isAbsent = value === undefined && absent !== undefined
    if (!isAbsent && !isBytes(value)) break
    const size = isAbsent ? 0 : (value as Uint8Array).length
    if (size > most) break
    if (end - at < size + around) {
      writer.at = at
      at = writer.room(size + around)
      bytes = writer.bytes
      end = writer.end
    }
    const length = isAbsent ? absent : size + add
    if (isInt32) {
      bytes[at] = length >> 24
      bytes[at + 1] = length >> 16
      bytes[at + 2] = length >> 8
      bytes[at + 3] = length
      at += 4
    } else {
      const begin = putNumeral(bytes, at, numeral, length)
      if (begin < 0) break
      at = begin
    }
    if (isAbsent) continue
    put(bytes, at, value as Uint8Array)
    at += size
    if (tail > 0) at = putTail(bytes, at, block)
  }
  writer.at = at
  return i
}

const isInt32be = ({ form }: Numeral): boolean => form === NumberForm.int32be || form === NumberForm.uint32be

const putTail = (bytes: Uint8Array, at: number, { tail, tail0, tail1 }: Block): number => {
  bytes[at] = tail0
  if (tail > 1) bytes[at + 1] = tail1
  return at + tail
}
