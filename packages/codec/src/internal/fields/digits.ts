import { type CodecValue, make } from "../machine/codec.ts"
import { plural } from "../machine/plural.ts"
import type { Writer } from "../machine/writer.ts"

export interface DigitsOptions {
  /** The least value. */
  readonly min: number
  /** The largest value. */
  readonly max: number
  /** Exactly this many digits, with leading zeros. */
  readonly width: number | undefined
  /** Whether `+` and leading zeros are allowed. */
  readonly lenient: boolean
  readonly radix: 10 | 16
  readonly upperCase: boolean
}

/** What each byte is worth as a digit; 255 if it is none. */
const values = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 36)
  return byte < 128 && value < 16 ? value : 255
})

const minus = 0x2d
const plus = 0x2b

/** A number as text. It ends before the first byte that is not a digit, unless it has a width. */
export const digits = (options: DigitsOptions): CodecValue<number> => {
  const { lenient, max, min, radix, upperCase, width } = options
  const name = radix === 10 ? "decimal" : "hex"
  const longest = width ?? Math.max(max.toString(radix).length, (-min).toString(radix).length) + (lenient ? 4 : 0)
  const problem = Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max
    ? width === undefined || (Number.isInteger(width) && width >= 1 && width <= 15 && min >= 0)
      ? undefined
      : `width is ${width}; it must be 1 to 15, for numbers of 0 and more`
    : `min is ${min} and max is ${max}; they must be safe integers in this order`
  const text = (value: number): string => {
    const plain = Math.abs(value).toString(radix)
    const cased = upperCase ? plain.toUpperCase() : plain
    return (value < 0 ? "-" : "") + (width === undefined ? cased : cased.padStart(width, "0"))
  }
  return make<number>({
    kind: width === undefined ? `${name} digits` : `${plural(width, `${name} digit`)}`,
    least: width ?? 1,
    most: width ?? longest + 1,
    atomic: true,
    line: radix === 10 && width === undefined && min === 0 && !lenient
      ? { max, before: -1, after: -1, afterThat: -1 }
      : undefined,
    problem,
    measure: (value) => text(value).length,
    read: (c) => {
      const { at: from, bytes, end } = c
      let at = from
      if (at >= end) return c.short(width ?? 1)
      let negative = false
      if (width === undefined) {
        const sign = bytes[at]!
        negative = sign === minus && min < 0
        if (negative || (sign === plus && lenient)) at++
      }
      const first = at
      const last = width === undefined ? end : Math.min(end, from + width)
      let value = 0
      for (; at < last; at++) {
        const digit = values[bytes[at]!]!
        if (digit >= radix) break
        if (at - first >= longest) return c.fail(`the number has more than ${plural(longest, "digit")}`)
        value = value * radix + digit
      }
      if (at === end && !c.bounded && (width === undefined || at - from < width)) {
        return c.short(width ?? at - from + 1)
      }
      if (width === undefined ? at === first : at - from < width) {
        return at < end ? c.fail(`expected a ${name} digit, not ${show(bytes[at]!)}`, at) : c.short(at - from + 1)
      }
      if (!lenient && width === undefined && at - first > 1 && bytes[first] === 0x30) {
        return c.fail("the number begins with a zero that it does not need")
      }
      const signed = negative ? -value : value
      if (negative && value === 0 && !lenient) return c.fail("the number is -0")
      if (signed > max) return c.exceed(signed, max, from)
      if (signed < min) return c.fail(`${signed} is less than ${min}`)
      c.at = at
      return negative && value === 0 ? 0 : signed
    },
    write: (value, writer) => {
      if (!Number.isInteger(value) || value < min || value > max || Object.is(value, -0)) {
        return writer.fail(`${value} is not a whole number from ${min} to ${max}`)
      }
      if (value >= 0 && value < 10 && width === undefined) {
        writer.bytes[writer.room(1)] = 0x30 + value
        return
      }
      if (value >= 10 && value < 1000 && width === undefined && radix === 10) return writeFew(value, writer)
      const digits = text(value)
      if (width !== undefined && digits.length > width) return writer.fail(`${value} has more than ${width} digits`)
      const at = writer.room(digits.length)
      for (let i = 0; i < digits.length; i++) writer.bytes[at + i] = digits.charCodeAt(i)
    },
    sample: (random) => random.between(min, width === undefined ? max : Math.min(max, radix ** width - 1))
  })
}

/** Writes a number of two or three digits. */
const writeFew = (value: number, writer: Writer): void => {
  const length = value < 100 ? 2 : 3
  let at = writer.room(length) + length
  for (let left = value; left > 0; left = (left / 10) | 0) writer.bytes[--at] = 0x30 + left % 10
}

/** A byte as a person reads it. */
export const show = (byte: number): string =>
  byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `0x${byte.toString(16).padStart(2, "0")}`
