/**
 * Framings of values in Effect's own binary encoding. Apart from `@sluice/core/Framing` because `effect/Schema` is large.
 */
import * as Binary from "effect/encoding/SchemaBinary"
import type * as Schema from "effect/Schema"
import type { Framing } from "../Framing.ts"
import { schema } from "./Schema.ts"

/**
 * Values of a type in Effect's compact binary encoding (`effect/encoding/SchemaBinary`), over any framing of bytes.
 *
 * Peers need the same Schema, or a compatible evolution of it. Fails with `CorruptFrame` when a frame is no such value.
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Framing from "@sluice/core/Framing"
 * import { schemaBinary } from "@sluice/core/framing/SchemaBinary"
 *
 * const Reading = Schema.Struct({ sensor: Schema.String, celsius: Schema.Finite })
 *
 * const readings = Framing.lengthPrefixed().pipe(schemaBinary(Reading))
 * ```
 */
export const schemaBinary = <S extends Schema.ConstraintCodec<unknown, unknown>>(
  self: S
): (framing: Framing<Uint8Array>) => Framing<S["Type"]> => schema(Binary.toCodec(self))
