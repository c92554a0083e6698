import type { CodecValue } from "./codec.ts"
import { type Cursor, type Stop, stop } from "./cursor.ts"
import { type Line, readLine } from "./line.ts"
import type { Writer } from "./writer.ts"

/**
 * The numbers that stand before others as lengths and counts. Common code reads and writes these in place: a call of the
 * codec itself costs more than the number.
 */
export const NumberForm = { none: 0, uint8: 1, uint16be: 2, int32be: 3, uint32be: 4, varint: 5, line: 6 } as const
export type NumberForm = typeof NumberForm[keyof typeof NumberForm]

const { line: lineForm, uint32be, varint } = NumberForm

/** What common code has to know of a number. */
export interface Numeral {
  readonly form: NumberForm
  readonly line: Line | undefined
  /** How many bytes it takes, or 0 if not always the same. */
  readonly size: number
  /** How many bytes it takes at most. */
  readonly most: number
  /** The largest value that common code writes. */
  readonly max: number
}

/**
 * All numbers are small integers to the engine, which the sizes of a codec are not, since some are infinite or a part of a
 * byte: positions that are computed from one that is not would no longer be small integers either.
 */
export const numeralOf = ({ form, least, line, most }: CodecValue<number>): Numeral => ({
  form: line === undefined ? form : lineForm,
  line,
  size: line === undefined && form !== NumberForm.none && form !== varint ? least | 0 : 0,
  most: Number.isFinite(most) ? Math.ceil(most) | 0 : 16,
  max: form === varint
    ? most < 2 ? 0x7f : 0x3fff
    : line === undefined
    ? Math.min(2 ** (8 * least) - 1, 0x7fffffff) | 0
    : Math.min(line.max, 999_999) | 0
})

/**
 * Reads a number that is there and valid. Otherwise it reads nothing, and `stop` says that its codec has to be asked. Short,
 * so that the engine can inline it where numbers are read.
 */
export const readNumeral = (c: Cursor, numeral: Numeral): number | Stop => {
  const { at, bytes, end } = c
  const { size } = numeral
  if (size > 0) {
    if (end - at < size) return stop
    let value = bytes[at]!
    if (size > 1) value = (value << 8) | bytes[at + 1]!
    if (size > 2) {
      value = (value << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
      if (value < 0 && numeral.form === uint32be) return stop
    }
    c.at = at + size
    return value
  }
  if (numeral.form !== varint || at >= end || bytes[at]! >= 0x80) return readLonger(c, numeral)
  c.at = at + 1
  return bytes[at]!
}

const readLonger = (c: Cursor, { form, line, most }: Numeral): number | Stop => {
  if (form === lineForm) {
    const value = readLine(c, line!)
    return value < 0 ? stop : value
  }
  const { at, bytes, end } = c
  if (form !== varint || end - at < 2 || most < 2) return stop
  const second = bytes[at + 1]!
  if (second === 0 || second >= 0x80) return stop
  c.at = at + 2
  return (bytes[at]! & 0x7f) | (second << 7)
}

/**
 * Writes a number into room that was made for it, and returns where it ends; or -1, if its codec has to be asked.
 */
export const putNumeral = (bytes: Uint8Array, from: number, numeral: Numeral, value: number): number => {
  if (value < 0 || value > numeral.max) return -1
  const { size } = numeral
  let at = from
  if (size > 0) {
    if (size > 2) {
      bytes[at++] = value >> 24
      bytes[at++] = value >> 16
    }
    if (size > 1) bytes[at++] = value >> 8
    bytes[at++] = value
    return at
  }
  if (numeral.form !== varint) return putLonger(bytes, at, numeral, value)
  if (value > 0x7f) {
    bytes[at++] = value | 0x80
    bytes[at++] = value >> 7
  } else bytes[at++] = value
  return at
}

const putLonger = (bytes: Uint8Array, at: number, { form, line }: Numeral, value: number): number =>
  form === lineForm ? putLine(bytes, at, line!, value) : -1

/** How many bytes a number takes that {@link putNumeral} writes, or 0 where only its codec knows. */
export const widthOf = ({ form, max, size }: Numeral, value: number): number =>
  form === varint ? value < 0x80 ? 1 : value <= max ? 2 : 0 : size

const putLine = (bytes: Uint8Array, from: number, line: Line, value: number): number => {
  let at = from
  if (line.before >= 0) bytes[at++] = line.before
  if (value < 10) bytes[at++] = 0x30 + value
  else {
    at += value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : value < 100_000 ? 5 : 6
    let place = at
    for (let left = value; left > 0; left = (left / 10) | 0) bytes[--place] = 0x30 + left % 10
  }
  if (line.after >= 0) bytes[at++] = line.after
  if (line.afterThat >= 0) bytes[at++] = line.afterThat
  return at
}

/** Writes a number as its codec does; what common code can write costs no call. */
export const writeNumeral = (writer: Writer, numeral: Numeral, number: CodecValue<number>, value: number): void => {
  const at = writer.room(numeral.most)
  const end = putNumeral(writer.bytes, at, numeral, value)
  if (end >= 0) writer.at = end
  else {
    writer.at = at
    number.write(value, writer)
  }
}
