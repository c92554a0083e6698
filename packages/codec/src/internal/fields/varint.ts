import { type CodecValue, derive, make } from "../machine/codec.ts"
import { NumberForm } from "../machine/number.ts"

export interface VarintOptions {
  readonly maxBytes?: number | undefined
  readonly canonical?: boolean | undefined
}

/** LEB128: groups of 7 bits, the least significant first, as a `number` up to 2^53 - 1. */
export const varint = ({ canonical = true, maxBytes = 8 }: VarintOptions = {}): CodecValue<number> => {
  const problem = Number.isInteger(maxBytes) && maxBytes >= 1 && maxBytes <= 10
    ? undefined
    : `maxBytes is ${maxBytes}; it must be 1 to 10`
  const most = Math.min(2 ** (7 * maxBytes) - 1, Number.MAX_SAFE_INTEGER)
  return make<number>({
    kind: "varint",
    least: 1,
    most: maxBytes,
    atomic: true,
    problem,
    form: NumberForm.varint,
    measure: (value) => {
      let size = 1
      for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
      return size
    },
    read: (c) => {
      const { at, bytes, end } = c
      if (at < end && bytes[at]! < 0x80) {
        c.at = at + 1
        return bytes[at]!
      }
      let value = 0
      let scale = 1
      for (let i = 0; i < maxBytes; i++) {
        if (at + i >= end) return c.short(i + 1)
        const byte = bytes[at + i]!
        value += (byte & 0x7f) * scale
        scale *= 128
        if (byte < 0x80) {
          if (canonical && byte === 0 && i > 0) return c.fail("the varint is longer than it has to be")
          if (value > Number.MAX_SAFE_INTEGER) return c.fail("the varint is larger than 2^53 - 1")
          c.at = at + i + 1
          return value
        }
      }
      return c.fail(`the varint is longer than ${maxBytes} bytes`)
    },
    write: (value, writer) => {
      if (!Number.isInteger(value) || value < 0 || value > most) {
        return writer.fail(`${value} is not a whole number from 0 to ${most}`)
      }
      let rest = value
      for (; rest >= 128; rest = Math.floor(rest / 128)) writer.bytes[writer.room(1)] = rest % 128 + 128
      writer.bytes[writer.room(1)] = rest
    },
    sample: (random) => random.between(0, most)
  })
}

/** A signed number as a varint: 0, -1, 1, -2 become 0, 1, 2, 3. */
export const zigzag = (options?: VarintOptions): CodecValue<number> => {
  const unsigned = varint(options)
  const fold = (value: number): number => value >= 0 ? value * 2 : -value * 2 - 1
  const unfold = (value: number): number => value % 2 === 0 ? value / 2 : -(value + 1) / 2
  return derive<number>(unsigned, {
    kind: "zig-zag varint",
    measure: (value) => unsigned.measure!(fold(value)),
    read: (c) => {
      const value = unsigned.read(c)
      return typeof value === "number" ? unfold(value) : value
    },
    write: (value, writer) => unsigned.write(fold(value), writer),
    sample: (random) => unfold(unsigned.sample(random))
  })
}
