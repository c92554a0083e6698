import { dual } from "effect/Function"
import * as Result from "effect/Result"
import type { Framing } from "../../Framing.ts"
import { mapResult } from "../combinators/map.ts"
import { isFraming } from "../define.ts"
import { isLost, stringifyDeep } from "./jsonValue.ts"
import { lines, type LinesOptions } from "./lines.ts"

/**
 * A value that JSON can express.
 *
 * @category models
 * @since 0.1.0
 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/**
 * JSON values, over any framing of text ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
 *
 * Decoding fails with `CorruptFrame` if a frame is not JSON or holds a number that a double cannot represent, such as
 * `1e400`; it reads `-0` as 0. Encoding refuses every value that would not come back as it is: `NaN`, infinities, `-0`,
 * holes and `undefined` in arrays, functions, symbols, cycles, and objects other than plain ones, such as a `Date` or a
 * `Map`. Properties that are `undefined` are left out.
 *
 * A value may take more bytes when it is encoded again, since `1e20` has 21 digits, and its text may have characters that
 * were escaped: use UTF-8. Add `schema` from `@sluice/framing/FramingSchema` to get values of a type.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const messages = Framing.lengthPrefixed().pipe(Framing.text(), Framing.json())
 * ```
 *
 * @category values
 * @since 0.1.0
 */
export const json: {
  (): (framing: Framing<string>) => Framing<Json>
  (framing: Framing<string>): Framing<Json>
} = dual(
  (args) => isFraming(args[0]),
  (framing: Framing<string>): Framing<Json> => mapResult(framing, { decode: parse, encode: stringify })
)

/**
 * Options of {@link ndjson}.
 *
 * @category options
 * @since 0.1.0
 */
export type NdjsonOptions = Pick<LinesOptions, "atEnd" | "maxLineLength">

/**
 * One JSON value a line, as in [NDJSON](https://github.com/ndjson/ndjson-spec) and JSON Lines. An empty line is
 * `CorruptFrame`.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const records = Framing.ndjson({ maxLineLength: 4 * 1024 * 1024 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const ndjson = (options: NdjsonOptions = {}): Framing<Json> => json(lines(options))

/** What a number has in its text that is too large for a double: an exponent of three digits, or very many digits. */
const mayOverflow = /\d[eE]\+?\d{3}|(?<!\d)\d{200}/

const parse = (text: string): Result.Result<Json, string> => {
  try {
    const value = text.includes("-0") ? JSON.parse(text, withoutNegativeZero) as Json : JSON.parse(text) as Json
    return mayOverflow.test(text) && isLost(value)
      ? Result.fail("a number in it is too large for a double")
      : Result.succeed(value)
  } catch (error) {
    return Result.fail(`invalid JSON: ${messageOf(error)}`)
  }
}

const withoutNegativeZero = (_: string, value: unknown): unknown => value === 0 ? 0 : value

const stringify = (value: Json): Result.Result<string, string> => {
  try {
    const text: string | undefined = toText(value)
    return isLost(value)
      ? Result.fail(
        "JSON cannot express NaN, infinities, -0, undefined, functions, symbols or objects such as Date and Map; " +
          "convert the value"
      )
      : Result.succeed(text)
  } catch (error) {
    return Result.fail(`JSON cannot express it: ${messageOf(error)}; convert the value`)
  }
}

const toText = (value: Json): string => {
  try {
    return JSON.stringify(value)
  } catch (error) {
    // Parsing has no such limit: a peer could send what cannot be sent on.
    if (error instanceof RangeError) return stringifyDeep(value)
    throw error
  }
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
