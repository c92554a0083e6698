/**
 * Framings of values in Effect's own binary encoding. Apart from `@sluice/framing/Framing` because `effect/Schema` is large.
 *
 * @since 0.1.0
 */
import * as Binary from "effect/encoding/SchemaBinary"
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Framing } from "./Framing.ts"
import { mapResult } from "./internal/combinators/map.ts"
import { runSchema } from "./internal/runSchema.ts"

/**
 * Values of a type in Effect's compact binary encoding (`effect/encoding/SchemaBinary`), over any framing of bytes.
 *
 * Peers need the same Schema, or a compatible evolution of it. Fails with `CorruptFrame` when a frame is no such value.
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Framing from "@sluice/framing/Framing"
 * import { schemaBinary } from "@sluice/framing/FramingSchemaBinary"
 *
 * const Reading = Schema.Struct({ sensor: Schema.String, celsius: Schema.Finite })
 *
 * const readings = Framing.lengthPrefixed().pipe(schemaBinary(Reading))
 * ```
 *
 * @category values
 * @since 0.1.0
 */
export const schemaBinary = <S extends Schema.ConstraintCodec<unknown, unknown>>(
  schema: S
): (framing: Framing<Uint8Array>) => Framing<S["Type"]> => {
  const codec = Binary.toCodec(schema)
  const decode = Schema.decodeUnknownResult(codec)
  const encode = Schema.encodeUnknownResult(codec)
  const encodeFaithfully = (value: S["Type"]): Result.Result<Uint8Array, string> =>
    Result.flatMap(
      runSchema(() => encode(value)),
      (bytes) =>
        mayHoldReplacement(bytes) && !Equal.equals(Result.getOrUndefined(runSchema(() => decode(bytes))), value)
          ? Result.fail("a string in it has a lone surrogate")
          : Result.succeed(bytes)
    )
  return mapResult({
    decode: (frame: Uint8Array): Result.Result<S["Type"], string> => runSchema(() => decode(frame)),
    encode: encodeFaithfully
  })
}

/** Whether the bytes hold U+FFFD, which is what becomes of a lone surrogate. */
const mayHoldReplacement = (bytes: Uint8Array): boolean => {
  for (let at = bytes.indexOf(0xef); at >= 0; at = bytes.indexOf(0xef, at + 1)) {
    if (bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) return true
  }
  return false
}
