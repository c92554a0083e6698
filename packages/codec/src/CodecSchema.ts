/**
 * Codecs of values that a Schema describes. Apart from `@sluice/codec/Codec` because `effect/Schema` is large.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Codec from "./Codec.ts"

/**
 * Makes a codec of a Schema's type from a codec of its encoded form.
 *
 * A value that the Schema rejects is a `CorruptFrame` that names the field. The Schema must need no services and do no
 * asynchronous work.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 * import { schema } from "@sluice/codec/CodecSchema"
 * import * as Schema from "effect/Schema"
 *
 * const Port = Schema.Int.check(Schema.isBetween({ minimum: 1024, maximum: 65535 }))
 *
 * const port = Codec.uint16be.pipe(schema(Port))
 * ```
 *
 * @category mapping
 * @since 0.1.0
 */
export const schema = <S extends Schema.ConstraintCodec<unknown, unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownResult(schema)
  const encode = Schema.encodeUnknownResult(schema)
  return (codec: Codec.Codec<S["Encoded"]>): Codec.Codec<S["Type"]> =>
    Codec.mapResult(
      codec,
      (value: S["Encoded"]): Result.Result<S["Type"], string> => run(() => decode(value)),
      (value: S["Type"]): Result.Result<S["Encoded"], string> => run(() => encode(value))
    )
}

/** Runs a Schema synchronously. A Schema that does asynchronous work throws, and so fails too. */
const run = <A>(decode: () => Result.Result<A, Schema.SchemaError>): Result.Result<A, string> => {
  try {
    return Result.mapError(decode(), (error) => error.message)
  } catch (error) {
    return Result.fail(error instanceof Error ? error.message : String(error))
  }
}
