import { type CodecValue, derive, make } from "../machine/codec.ts"
import type { Cursor, Stop } from "../machine/cursor.ts"
import type { Writer } from "../machine/writer.ts"

/** The most bits of a field, so that its value is a whole number without a loss. */
const mostBits = 32

/** An unsigned number of 1 to 32 bits, the most significant first. */
export const bits = (count: number): CodecValue<number> => {
  const problem = Number.isInteger(count) && count >= 1 && count <= mostBits
    ? undefined
    : `a bit field has 1 to ${mostBits} bits, not ${count}`
  const most = 2 ** count - 1
  return make<number>({
    kind: `uint, ${count} ${count === 1 ? "bit" : "bits"}`,
    least: count / 8,
    most: count / 8,
    atomic: true,
    problem,
    align: (bit) => (bit + count) % 8,
    read: (c) => {
      const bit = c.bit + count
      const { at } = c
      if (bit > 8 || at >= c.end) return readWide(c, count)
      c.at = at + (bit >> 3)
      c.bit = bit & 7
      return (c.bytes[at]! >> (8 - bit)) & most
    },
    write: (value, writer) => {
      if (!Number.isInteger(value) || value < 0 || value > most) {
        return writer.fail(`${value} is not a whole number from 0 to ${most}`)
      }
      if (writer.bit + count <= 8) return putBits(value, count, writer)
      for (let left = count; left > 0;) {
        if (writer.bit === 0) writer.bytes[writer.room(1)] = 0
        const free = 8 - writer.bit
        const taken = Math.min(free, left)
        const part = Math.floor(value / 2 ** (left - taken)) % 2 ** taken
        writer.bytes[writer.at - 1]! |= part << (free - taken)
        writer.bit = (writer.bit + taken) & 7
        left -= taken
      }
    },
    sample: (random) => random.between(0, most)
  })
}

/** Reads bits that are in several bytes, or missing. */
const readWide = (c: Cursor, count: number): number | Stop => {
  const { at } = c
  const bit = c.bit + count
  const bytes = (bit + 7) >> 3
  if (c.end - at < bytes) return c.short(bytes)
  c.at = at + (bit >> 3)
  c.bit = bit & 7
  let value = c.bytes[at]! & (0xff >> (bit - count))
  for (let i = 1; i < bytes; i++) value = value * 256 + c.bytes[at + i]!
  return Math.floor(value / 2 ** (bytes * 8 - bit))
}

/** Writes bits that fit into the byte that is begun, or into one more. */
const putBits = (value: number, count: number, writer: Writer): void => {
  const { bit } = writer
  const end = bit + count
  if (bit === 0) writer.bytes[writer.room(1)] = value << (8 - end)
  else writer.bytes[writer.at - 1]! |= value << (8 - end)
  writer.bit = end & 7
}

/** A bit as a boolean. */
export const flag: CodecValue<boolean> = (() => {
  const bit = bits(1)
  return derive<number, boolean>(bit, {
    kind: "flag",
    read: (c) => {
      const { at } = c
      if (c.end === at) return c.short(1)
      const value = (c.bytes[at]! & (0x80 >> c.bit)) !== 0
      if (c.bit === 7) {
        c.bit = 0
        c.at = at + 1
      } else c.bit++
      return value
    },
    write: (value, writer) => putBits(value ? 1 : 0, 1, writer),
    sample: (random) => random.boolean()
  })
})()
