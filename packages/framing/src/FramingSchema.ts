/**
 * Framings of values that a Schema describes. Apart from `@sluice/framing/Framing` because `effect/Schema` is large.
 *
 * @since 0.1.0
 */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Framing } from "./Framing.ts"
import { mapResult } from "./internal/combinators/map.ts"
import { runSchema } from "./internal/runSchema.ts"

/**
 * Values of a type, over any framing of what the Schema encodes to: JSON values, or text.
 *
 * Fails with `CorruptFrame` when a frame is no such value. The Schema must need no services and do no asynchronous work.
 * For types that JSON lacks, such as dates, use `Schema.toCodecJson(S)`; over text, `Schema.fromJsonString(S)`.
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Framing from "@sluice/framing/Framing"
 * import { schema } from "@sluice/framing/FramingSchema"
 *
 * const Reading = Schema.Struct({ sensor: Schema.String, celsius: Schema.Finite })
 *
 * const readings = Framing.ndjson().pipe(schema(Reading))
 * ```
 *
 * @category values
 * @since 0.1.0
 */
export const schema = <S extends Schema.ConstraintCodec<unknown, unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownResult(schema)
  const encode = Schema.encodeUnknownResult(schema)
  return (framing: Framing<S["Encoded"], unknown>): Framing<S["Type"]> =>
    mapResult(framing, {
      decode: (frame): Result.Result<S["Type"], string> => runSchema(() => decode(frame)),
      encode: (value: S["Type"]): Result.Result<S["Encoded"], string> => runSchema(() => encode(value))
    })
}
