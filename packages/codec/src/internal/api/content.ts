import type * as Result from "effect/Result"
import { enclosed as makeEnclosed } from "../compose/enclosed.ts"
import * as internalBytes from "../fields/bytes.ts"
import * as internalConstant from "../fields/constant.ts"
import { fixedBits } from "../fields/constant.ts"
import * as internalCustom from "../fields/custom.ts"
import * as internalDelimited from "../fields/delimited.ts"
import * as internalLiteral from "../fields/literal.ts"
import * as internalRange from "../fields/range.ts"
import * as internalText from "../fields/text.ts"
import type { Codec } from "./model.ts"

/**
 * Text, written as UTF-8, or bytes.
 *
 * @category models
 * @since 0.1.0
 */
export type Marker = string | Uint8Array

/**
 * Bytes: exactly `count`, or all up to the end of the range that a length, a delimiter or a datagram gives.
 *
 * Decoded bytes are a view of the chunk that they arrived in. Copy them (`bytes.slice()`) to keep a small part for long.
 *
 * @category bytes
 * @since 0.1.0
 */
export const bytes = (count?: number): Codec<Uint8Array> =>
  count === undefined ? internalBytes.bytes : internalBytes.fixedBytes(count)

/**
 * Text up to the end of its range: "utf-8" (the default), "ascii" or "latin1". Invalid text is an error.
 *
 * @category text
 * @since 0.1.0
 */
export const text = (encoding: "utf-8" | "ascii" | "latin1" = "utf-8"): Codec<string> => internalText.text(encoding)

/**
 * A codec in exactly `count` bytes. With `pad`, a shorter value is filled up with this byte.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const name = Codec.sized(16, Codec.text("ascii"), { pad: 0 })
 * ```
 *
 * @category ranges
 * @since 0.1.0
 */
export const sized = <A>(
  count: number,
  content: Codec<A>,
  options?: { readonly pad?: number | undefined }
): Codec<A> => internalRange.sized(count, content, options?.pad)

/**
 * A codec followed by zeros, up to a multiple of `multiple` bytes from where it began.
 *
 * @category ranges
 * @since 0.1.0
 */
export const padded = <A>(multiple: number, content: Codec<A>): Codec<A> => internalRange.padded(multiple, content)

/**
 * Options of {@link delimited}.
 *
 * @category options
 * @since 0.1.0
 */
export interface DelimitedOptions {
  /** Whether the delimiter is left for the next field; false by default. */
  readonly keep?: boolean | undefined
  /** The most bytes before the delimiter; by default the frame limit alone counts. */
  readonly limit?: number | undefined
}

/**
 * What stands before a delimiter, which is consumed. Of several delimiters the first that comes ends the content, and the
 * first of the list is written. Content that contains a delimiter cannot be encoded.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const cString = Codec.delimited("\0", Codec.text())
 * const line = Codec.delimited(["\r\n", "\n"], Codec.text())
 * ```
 *
 * @category ranges
 * @since 0.1.0
 */
export const delimited = <A>(
  delimiter: Marker | ReadonlyArray<Marker>,
  content: Codec<A>,
  options: DelimitedOptions = {}
): Codec<A> =>
  internalDelimited.delimited(
    typeof delimiter === "string" || delimiter instanceof Uint8Array ? [delimiter] : delimiter,
    content,
    { keep: options.keep ?? false, limit: options.limit ?? Infinity }
  )

/**
 * Bytes that are always the same, such as a magic number; not part of a struct's value. The first is written; the others
 * are accepted too.
 *
 * @category bytes
 * @since 0.1.0
 */
export const literal = (value: Marker, ...others: ReadonlyArray<Marker>): Codec<void> =>
  internalLiteral.literal([value, ...others])

/**
 * A codec between two literals, either of which can be left out.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * // $5\r\nhello\r\n
 * const length = Codec.enclosed(Codec.decimal(), { before: "$", after: "\r\n" })
 * const bulk = Codec.enclosed(Codec.lengthPrefixed(length, Codec.text()), { after: "\r\n" })
 * ```
 *
 * @category structures
 * @since 0.1.0
 */
export const enclosed = <A>(
  content: Codec<A>,
  literals: { readonly before?: Marker | undefined; readonly after?: Marker | undefined }
): Codec<A> => makeEnclosed(literals.before, content, literals.after)

/**
 * Bytes without a meaning; not part of a struct's value. Zeros are written, anything is read.
 *
 * @category bytes
 * @since 0.1.0
 */
export const padding = (count: number): Codec<void> => internalLiteral.padding(count, internalBytes.sizeProblem(count))

/**
 * Bits without a meaning; not part of a struct's value. Zeros are written, anything is read.
 *
 * @category bits
 * @since 0.1.0
 */
export const paddingBits = (count: number): Codec<void> => fixedBits(count, 0, false)

/**
 * Bits that are always the same number; not part of a struct's value.
 *
 * @category bits
 * @since 0.1.0
 */
export const literalBits = (count: number, value: number): Codec<void> => fixedBits(count, value, true)

/**
 * A value that takes no bytes, such as the `true` behind an optional marker.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const noReply = Codec.optional(Codec.constant(true), { after: " noreply" })
 * ```
 *
 * @category structures
 * @since 0.1.0
 */
export const constant = <const A>(value: A): Codec<A> => internalConstant.constant(value)

/**
 * The input of {@link custom}: the bytes from `at` up to but not including `end`, in memory that must not be changed.
 *
 * @category models
 * @since 0.1.0
 */
export interface CustomInput {
  readonly bytes: Uint8Array
  /** Where the innermost range with a length begins, or the frame: offsets in a message count from here. */
  readonly begin: number
  readonly at: number
  readonly end: number
}

/**
 * The output of {@link custom}.
 *
 * @category models
 * @since 0.1.0
 */
export interface CustomOutput {
  /** Where the value begins: an offset in the innermost range with a length, or in the frame. */
  readonly at: number
  /**
   * Offsets of texts that custom codecs have written in this range; empty when the range begins. Encoding fails if a length
   * of variable size that is filled in later would move one of them.
   */
  readonly memory: Map<string, number>
}

/**
 * A codec by functions of your own, for what the combinators cannot say.
 *
 * `decode` returns the value and the number of bytes that it takes from `at`; or how many bytes it needs, if there are fewer;
 * or why the bytes are invalid. It is called again from the start when more have arrived, so it should be short.
 * `encode` returns the bytes, or why there are none; a format that points back to earlier bytes notes their offsets in the
 * `memory` of the output. `sample` makes a value from a function that returns numbers from 0 to 1.
 *
 * @category mapping
 * @since 0.1.0
 */
export const custom = <A>(options: {
  readonly kind: string
  /** How few and how many bytes a value takes. */
  readonly size: readonly [least: number, most: number]
  readonly decode: (input: CustomInput) =>
    | { readonly value: A; readonly size: number }
    | { readonly need: number }
    | { readonly invalid: string }
  readonly encode: (value: A, output: CustomOutput) => Result.Result<Uint8Array, string>
  readonly sample: (random: () => number) => A
}): Codec<A> => internalCustom.custom(options)
