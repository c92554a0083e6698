import * as internalBits from "../fields/bits.ts"
import { digits } from "../fields/digits.ts"
import { extended as makeExtended } from "../fields/extended.ts"
import { bigInteger, type Endianness, float, integer } from "../fields/integers.ts"
import * as internalVarint from "../fields/varint.ts"
import type { Codec } from "./model.ts"

/**
 * An unsigned integer of 1 to 8 bytes, as a number. A value beyond 2^53 - 1 is an error; use {@link uint64be} for those.
 *
 * @category integers
 * @since 0.1.0
 */
export const uint = (bytes: number, endianness: Endianness = "big"): Codec<number> => integer(bytes, false, endianness)

/**
 * A signed integer of 1 to 8 bytes in two's complement, as a number.
 *
 * @category integers
 * @since 0.1.0
 */
export const int = (bytes: number, endianness: Endianness = "big"): Codec<number> => integer(bytes, true, endianness)

/** @category integers @since 0.1.0 */
export const uint8: Codec<number> = uint(1)
/** @category integers @since 0.1.0 */
export const int8: Codec<number> = int(1)
/** @category integers @since 0.1.0 */
export const uint16be: Codec<number> = uint(2)
/** @category integers @since 0.1.0 */
export const uint16le: Codec<number> = uint(2, "little")
/** @category integers @since 0.1.0 */
export const int16be: Codec<number> = int(2)
/** @category integers @since 0.1.0 */
export const int16le: Codec<number> = int(2, "little")
/** @category integers @since 0.1.0 */
export const uint24be: Codec<number> = uint(3)
/** @category integers @since 0.1.0 */
export const uint24le: Codec<number> = uint(3, "little")
/** @category integers @since 0.1.0 */
export const uint32be: Codec<number> = uint(4)
/** @category integers @since 0.1.0 */
export const uint32le: Codec<number> = uint(4, "little")
/** @category integers @since 0.1.0 */
export const int32be: Codec<number> = int(4)
/** @category integers @since 0.1.0 */
export const int32le: Codec<number> = int(4, "little")
/** A bigint. @category integers @since 0.1.0 */
export const uint64be: Codec<bigint> = bigInteger(8, false, "big")
/** A bigint. @category integers @since 0.1.0 */
export const uint64le: Codec<bigint> = bigInteger(8, false, "little")
/** A bigint. @category integers @since 0.1.0 */
export const int64be: Codec<bigint> = bigInteger(8, true, "big")
/** A bigint. @category integers @since 0.1.0 */
export const int64le: Codec<bigint> = bigInteger(8, true, "little")
/** IEEE 754, 4 bytes. @category floats @since 0.1.0 */
export const float32be: Codec<number> = float(4, "big")
/** IEEE 754, 4 bytes. @category floats @since 0.1.0 */
export const float32le: Codec<number> = float(4, "little")
/** IEEE 754, 8 bytes. @category floats @since 0.1.0 */
export const float64be: Codec<number> = float(8, "big")
/** IEEE 754, 8 bytes. @category floats @since 0.1.0 */
export const float64le: Codec<number> = float(8, "little")

/**
 * An unsigned number of 1 to 32 bits, the most significant first. The bit fields of a struct follow each other without a
 * gap; together they must fill whole bytes.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const header = Codec.struct({ version: Codec.bits(4), length: Codec.bits(12) })
 * ```
 *
 * @category bits
 * @since 0.1.0
 */
export const bits = (count: number): Codec<number> => internalBits.bits(count)

/**
 * One bit, as a boolean.
 *
 * @category bits
 * @since 0.1.0
 */
export const flag: Codec<boolean> = internalBits.flag

/**
 * LEB128, as in Protocol Buffers and MQTT: groups of 7 bits, the least significant first, as a number up to 2^53 - 1.
 *
 * `maxBytes` is 8 by default. A number that is written with more bytes than it needs is an error unless `canonical` is
 * false.
 *
 * @category integers
 * @since 0.1.0
 */
export const varint = (options?: {
  readonly maxBytes?: number | undefined
  readonly canonical?: boolean | undefined
}): Codec<number> => internalVarint.varint(options)

/**
 * A signed number as a {@link varint}: 0, -1, 1, -2 are written as 0, 1, 2, 3.
 *
 * @category integers
 * @since 0.1.0
 */
export const zigzag = (options?: {
  readonly maxBytes?: number | undefined
  readonly canonical?: boolean | undefined
}): Codec<number> => internalVarint.zigzag(options)

/**
 * Options of {@link decimal} and {@link hex}.
 *
 * @category options
 * @since 0.1.0
 */
export interface DigitsOptions {
  /** The least value; 0 by default. A minus sign is allowed if it is negative. */
  readonly min?: number | undefined
  /** The largest value; 2^53 - 1 by default. */
  readonly max?: number | undefined
  /** Exactly this many digits, with leading zeros; by default as many as there are. */
  readonly width?: number | undefined
  /** Whether a plus sign and up to four leading zeros are allowed; false by default. */
  readonly lenient?: boolean | undefined
}

/**
 * A whole number as decimal digits. Without a `width` it ends before the first byte that is not a digit, which the next field
 * has to expect.
 *
 * @category text
 * @since 0.1.0
 */
export const decimal = (options: DigitsOptions = {}): Codec<number> =>
  digits({ ...withDefaults(options), radix: 10, upperCase: false })

/**
 * A whole number as hexadecimal digits. Both cases are read; `upperCase` says which is written (false by default).
 *
 * @category text
 * @since 0.1.0
 */
export const hex = (options: DigitsOptions & { readonly upperCase?: boolean | undefined } = {}): Codec<number> =>
  digits({ ...withDefaults(options), radix: 16, upperCase: options.upperCase ?? false })

const withDefaults = ({ lenient = false, max = Number.MAX_SAFE_INTEGER, min = 0, width }: DigitsOptions) => ({
  lenient,
  max,
  min,
  width
})

/**
 * A number in a small field, whose largest values say that the number follows in a larger field, as in WebSocket frames and
 * CBOR. A number that a smaller form can hold is an error in a larger one, unless `canonical` is false.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * // 0 to 125 in 7 bits; 126 and 16 bits; 127 and 64 bits.
 * const length = Codec.extended(Codec.bits(7), { 126: Codec.uint16be, 127: Codec.uint(8) })
 * ```
 *
 * @category integers
 * @since 0.1.0
 */
export const extended = (
  small: Codec<number>,
  escapes: { readonly [code: number]: Codec<number> },
  options?: {
    readonly canonical?: boolean | undefined
    /** The first value of the small field that is not the number itself; by default the smallest escape. */
    readonly below?: number | undefined
  }
): Codec<number> =>
  makeExtended(
    small,
    Object.entries(escapes).map(([code, codec]) => [Number(code), codec] as const),
    options?.canonical ?? true,
    options?.below
  )
