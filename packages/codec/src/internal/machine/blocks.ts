import { type Block, BlockContent, putTail, readBlock, writeBlock } from "./block.ts"
import { type Cursor, stop } from "./cursor.ts"
import { NumberForm, type Numeral, putNumeral, readNumeral } from "./number.ts"
import { isBytes, put, type Writer } from "./writer.ts"

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

/**
 * Writes blocks from an index on, up to the first that is not usual, and returns the index of that.
 *
 * All are looked at before the first is written: there is room for all of them at once, and the processor fetches those that
 * are not in its cache together instead of one after the other.
 */
export const writeBlocks = (writer: Writer, block: Block, values: ReadonlyArray<unknown>, from: number): number => {
  const { canOmit, content, least, most, numeral, tail } = block
  if (content !== BlockContent.bytes) return writeEach(writer, block, values, from)
  const around = numeral.most + tail
  let size = 0
  let last = from
  for (; last < values.length; last++) {
    const value = values[last]
    size += around
    if (value === undefined && canOmit) continue
    if (!isBytes(value)) break
    const { length } = value
    if (length < least || length > most) break
    size += length | 0
  }
  const at = writer.room(size)
  // What common code writes is usual.
  const usual = values as ReadonlyArray<Uint8Array | undefined>
  writer.at = tail === 0 && isInt32be(numeral)
    ? putLongBlocks(writer.bytes, at, block, usual, from, last)
    : putBlocks(writer.bytes, at, block, usual, from, last)
  return last
}

const writeEach = (writer: Writer, block: Block, values: ReadonlyArray<unknown>, from: number): number => {
  let i = from
  while (i < values.length && writeBlock(writer, block, values[i])) i++
  return i
}

/** Writes usual blocks into room that was made for them, and returns where they end. */
const putBlocks = (
  bytes: Uint8Array,
  begin: number,
  block: Block,
  values: ReadonlyArray<Uint8Array | undefined>,
  from: number,
  last: number
): number => {
  const { absent, add, numeral } = block
  let at = begin
  for (let i = from; i < last; i++) {
    const value = values[i]
    if (value === undefined) {
      at = putNumeral(bytes, at, numeral, absent!)
      continue
    }
    const size = value.length | 0
    at = putNumeral(bytes, at, numeral, size + add)
    put(bytes, at, value, size)
    at = putTail(bytes, at + size, block)
  }
  return at
}

/** The same for bytes after lengths of 32 bits, in a loop of its own as for reading. */
const putLongBlocks = (
  bytes: Uint8Array,
  begin: number,
  { absent, add }: Block,
  values: ReadonlyArray<Uint8Array | undefined>,
  from: number,
  last: number
): number => {
  let at = begin
  for (let i = from; i < last; i++) {
    const value = values[i]
    // A small integer to the engine, where the length by itself can be any number.
    const size = value === undefined ? 0 : value.length | 0
    const length = value === undefined ? absent! : size + add
    bytes[at] = length >> 24
    bytes[at + 1] = length >> 16
    bytes[at + 2] = length >> 8
    bytes[at + 3] = length
    at += 4
    if (value !== undefined) put(bytes, at, value, size)
    at += size
  }
  return at
}

const isInt32be = ({ form }: Numeral): boolean => form === NumberForm.int32be || form === NumberForm.uint32be
