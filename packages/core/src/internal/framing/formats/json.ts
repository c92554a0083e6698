import * as Result from "effect/Result"
import type { Framing } from "../../../Framing.ts"
import { mapResult } from "../combinators/map.ts"
import { lines, type LinesOptions } from "./lines.ts"

/** A value that JSON can express. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/**
 * JSON values, over any framing of text ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
 *
 * Fails with `CorruptFrame` if a frame is not JSON. Encoding refuses what JSON would lose: `NaN`, infinities, `undefined`
 * in arrays, cycles. Add `schema` from `@sluice/core/FramingSchema` to get values of a type.
 *
 * ```ts
 * import * as Framing from "@sluice/core/Framing"
 *
 * const messages = Framing.lengthPrefixed().pipe(Framing.text(), Framing.json)
 * ```
 */
export const json = (framing: Framing<string>): Framing<Json> =>
  mapResult(framing, { decode: parse, encode: stringify })

/** Options of {@link ndjson}. */
export type NdjsonOptions = Pick<LinesOptions, "atEnd" | "maxLineLength">

/**
 * One JSON value a line, as in [NDJSON](https://github.com/ndjson/ndjson-spec) and JSON Lines. An empty line is
 * `CorruptFrame`.
 *
 * ```ts
 * import * as Framing from "@sluice/core/Framing"
 *
 * const records = Framing.ndjson({ maxLineLength: 4 * 1024 * 1024 })
 * ```
 */
export const ndjson = (options: NdjsonOptions = {}): Framing<Json> => json(lines(options))

const parse = (text: string): Result.Result<Json, string> => {
  try {
    return Result.succeed(JSON.parse(text) as Json)
  } catch (error) {
    return Result.fail(`it is no JSON: ${messageOf(error)}`)
  }
}

const stringify = (value: Json): Result.Result<string, string> => {
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) return Result.fail(`JSON cannot express ${typeof value}`)
    // What JSON cannot express inside a value has become null, so without a null all is well.
    return text.includes("null") && losesValues(value)
      ? Result.fail("JSON cannot express NaN, infinities or undefined")
      : Result.succeed(text)
  } catch (error) {
    return Result.fail(`JSON cannot express it: ${messageOf(error)}`)
  }
}

const losesValues = (value: unknown): boolean => {
  if (typeof value === "number") return !Number.isFinite(value)
  if (typeof value !== "object") return value === undefined
  if (value === null) return false
  return Array.isArray(value)
    ? value.some(losesValues)
    : Object.values(value).some((item) => item !== undefined && losesValues(item))
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
