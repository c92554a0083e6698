/**
 * Text as bytes, and bytes as text, by the name of an encoding. An unknown name throws a `RangeError`.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import { textCodec, unknownEncoding } from "./internal/textCodec.ts"

/**
 * How text is written as bytes.
 *
 * - "utf-8": strict; bytes that are not valid, and lone surrogates in a string, are `InvalidText`
 * - "utf-8-lossy": invalid bytes are decoded as U+FFFD, so that what was wrong cannot be told any more
 * - "latin1": ISO 8859-1, one byte a character, U+0000 to U+00FF
 * - "ascii": U+0000 to U+007F
 *
 * A byte order mark is a character like any other.
 *
 * @category models
 * @since 0.1.0
 */
export type TextEncoding = "utf-8" | "utf-8-lossy" | "latin1" | "ascii"

/**
 * The text that bytes are in an encoding; `Option.none()` if they are not valid in it.
 *
 * @category conversions
 * @since 0.1.0
 */
export const decode = (encoding: TextEncoding, bytes: Uint8Array): Option.Option<string> =>
  Option.fromUndefinedOr(codecOf(encoding).decode(bytes))

/**
 * The bytes of text in an encoding; `Option.none()` if the encoding cannot express it.
 *
 * @category conversions
 * @since 0.1.0
 */
export const encode = (encoding: TextEncoding, text: string): Option.Option<Uint8Array> =>
  Option.fromUndefinedOr(codecOf(encoding).encode(text))

const codecOf = (encoding: TextEncoding) => {
  const codec = textCodec(encoding)
  if (codec === undefined) throw new RangeError(unknownEncoding(encoding))
  return codec
}
