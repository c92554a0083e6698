import { type CodecValue, make } from "../machine/codec.ts"
import { NumberForm } from "../machine/number.ts"
import { plural } from "../machine/plural.ts"

export type Endianness = "big" | "little"

/** A whole number in 1 to 8 bytes, as a `number`. One beyond 2^53 - 1 is refused. */
export const integer = (size: number, signed: boolean, endianness: Endianness): CodecValue<number> => {
  const problem = Number.isInteger(size) && size >= 1 && size <= 8
    ? undefined
    : `an integer takes 1 to 8 bytes, not ${size}`
  const little = endianness === "little"
  const most = Math.min(2 ** (8 * size - (signed ? 1 : 0)) - 1, Number.MAX_SAFE_INTEGER)
  const least = signed ? -Math.min(2 ** (8 * size - 1), Number.MAX_SAFE_INTEGER) : 0
  return make<number>({
    kind: `${signed ? "int" : "uint"}${8 * size}${size === 1 ? "" : little ? "le" : "be"}`,
    least: size,
    most: size,
    atomic: true,
    problem,
    form: formOf(size, signed, little),
    lead: size === 1 && !signed ? identity : undefined,
    read: reader(size, signed, little),
    write: (value, writer) => {
      if (!Number.isInteger(value) || value < least || value > most) {
        return writer.fail(`${value} is not a whole number from ${least} to ${most}`)
      }
      const at = writer.room(size)
      const { bytes } = writer
      if (size === 1) bytes[at] = value
      else if (size === 2) {
        bytes[little ? at + 1 : at] = value >> 8
        bytes[little ? at : at + 1] = value
      } else if (size === 4 && !little) {
        bytes[at] = value >> 24
        bytes[at + 1] = value >> 16
        bytes[at + 2] = value >> 8
        bytes[at + 3] = value
      } else writeDigits(bytes, at, value, size, little)
    },
    sample: (random) => random.between(least, most)
  })
}

const formOf = (size: number, signed: boolean, little: boolean): NumberForm =>
  size === 1 && !signed
    ? NumberForm.uint8
    : little
    ? NumberForm.none
    : size === 2 && !signed
    ? NumberForm.uint16be
    : size === 4
    ? signed ? NumberForm.int32be : NumberForm.uint32be
    : NumberForm.none

const identity = Int32Array.from({ length: 256 }, (_, byte) => byte)

const reader = (size: number, signed: boolean, little: boolean): CodecValue<number>["read"] => {
  if (size === 1 && !signed) {
    return (c) => {
      const { at } = c
      if (at >= c.end) return c.short(1)
      c.at = at + 1
      return c.bytes[at]!
    }
  }
  if (size === 2 && !signed) {
    return (c) => {
      const { at, bytes } = c
      if (c.end - at < 2) return c.short(2)
      c.at = at + 2
      return little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!
    }
  }
  if (size === 4) {
    return (c) => {
      const { at, bytes } = c
      if (c.end - at < 4) return c.short(4)
      c.at = at + 4
      const value = little
        ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
        : (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
      return signed ? value : value >>> 0
    }
  }
  const modulus = 2 ** (8 * size)
  return (c) => {
    const { at, bytes } = c
    if (c.end - at < size) return c.short(size)
    let value = 0
    if (little) { for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]! }
    else for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i]!
    const negative = signed && (bytes[little ? at + size - 1 : at]! & 0x80) !== 0
    if (size > 6) {
      // The number may have been rounded: compare it exactly.
      const exact = readBig(bytes, at, size, little)
      const whole = negative ? exact - (1n << BigInt(8 * size)) : exact
      if (whole > Number.MAX_SAFE_INTEGER || whole < -Number.MAX_SAFE_INTEGER) {
        return c.fail(`${whole} is beyond 2^53 - 1; read it as a bigint`)
      }
      c.at = at + size
      return Number(whole)
    }
    c.at = at + size
    return negative ? value - modulus : value
  }
}

const writeDigits = (bytes: Uint8Array, at: number, value: number, size: number, little: boolean): void => {
  let rest = value
  for (let i = 0; i < size; i++) {
    const next = Math.floor(rest / 256)
    bytes[little ? at + i : at + size - 1 - i] = rest - next * 256
    rest = next
  }
}

const readBig = (bytes: Uint8Array, at: number, size: number, little: boolean): bigint => {
  let value = 0n
  for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[little ? at + size - 1 - i : at + i]!)
  return value
}

/** A whole number as a `bigint`. */
export const bigInteger = (size: number, signed: boolean, endianness: Endianness): CodecValue<bigint> => {
  const little = endianness === "little"
  const problem = Number.isInteger(size) && size >= 1 ? undefined : `an integer takes 1 byte or more, not ${size}`
  const bits = BigInt(problem === undefined ? 8 * size : 8)
  const least = signed ? -(1n << (bits - 1n)) : 0n
  const most = (1n << (signed ? bits - 1n : bits)) - 1n
  return make<bigint>({
    kind: `${signed ? "int" : "uint"}${8 * size}${little ? "le" : "be"} (bigint)`,
    least: size,
    most: size,
    atomic: true,
    problem,
    read: (c) => {
      const { at, bytes } = c
      if (c.end - at < size) return c.short(size)
      c.at = at + size
      const value = readBig(bytes, at, size, little)
      return value > most ? value - (1n << bits) : value
    },
    write: (value, writer) => {
      if (typeof value !== "bigint" || value < least || value > most) {
        return writer.fail(`${value} is not a bigint from ${least} to ${most}`)
      }
      const at = writer.room(size)
      let rest = BigInt.asUintN(Number(bits), value)
      for (let i = 0; i < size; i++) {
        writer.bytes[little ? at + i : at + size - 1 - i] = Number(rest & 0xffn)
        rest >>= 8n
      }
    },
    sample: (random) =>
      random.below(4) === 0
        ? (random.boolean() ? least : most)
        : readBig(random.bytes(size), 0, size, little) + least
  })
}

/** An IEEE 754 number in 4 or 8 bytes. */
export const float = (size: 4 | 8, endianness: Endianness): CodecValue<number> => {
  const little = endianness === "little"
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  const problem = size === 4 || size === 8 ? undefined : `a float takes 4 or 8 bytes, not ${size}`
  return make<number>({
    kind: `float${8 * size}${little ? "le" : "be"}`,
    least: size,
    most: size,
    atomic: true,
    problem,
    read: (c) => {
      const { at } = c
      if (c.end - at < size) return c.short(size)
      c.at = at + size
      for (let i = 0; i < size; i++) bytes[i] = c.bytes[at + i]!
      return size === 4 ? view.getFloat32(0, little) : view.getFloat64(0, little)
    },
    write: (value, writer) => {
      if (typeof value !== "number") return writer.fail(`${String(value)} is not a number`)
      if (size === 4) view.setFloat32(0, value, little)
      else view.setFloat64(0, value, little)
      if (size === 4 && !Object.is(view.getFloat32(0, little), value)) {
        return writer.fail(`${value} does not fit in ${plural(size, "byte")}; round it with Math.fround`)
      }
      const at = writer.room(size)
      for (let i = 0; i < size; i++) writer.bytes[at + i] = bytes[i]!
    },
    sample: (random) => {
      const value = [0, 1, -1, 0.5, Infinity, random.next() * 1e6][random.below(6)]!
      return size === 4 ? Math.fround(value) : value
    }
  })
}
