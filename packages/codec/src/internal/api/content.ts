import { bits } from "../fields/bits.ts"
import * as internalBytes from "../fields/bytes.ts"
import * as internalDelimited from "../fields/delimited.ts"
import * as internalLiteral from "../fields/literal.ts"
import * as internalRange from "../fields/range.ts"
import * as internalText from "../fields/text.ts"
import { derive } from "../machine/codec.ts"
import { stop } from "../machine/cursor.ts"
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
export const paddingBits = (count: number): Codec<void> => {
  const number = bits(count)
  return derive<number, void>(number, {
    kind: "padding",
    hidden: true,
    read: (c) => number.read(c) === stop ? stop : undefined,
    write: (_, writer) => number.write(0, writer),
    sample: () => undefined
  })
}
