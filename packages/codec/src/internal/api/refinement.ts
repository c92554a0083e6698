import * as Function from "effect/Function"
import type * as Result from "effect/Result"
import * as internal from "../compose/transform.ts"
import { CodecValue } from "../machine/codec.ts"
import type { Codec } from "./model.ts"

/**
 * Another value for the same bytes, by two functions that always succeed.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const seconds = Codec.uint32be.pipe(Codec.map((ms) => ms / 1000, (s) => Math.round(s * 1000)))
 * ```
 *
 * @category mapping
 * @since 0.1.0
 */
export const map: {
  <A, B>(decode: (value: A) => B, encode: (value: B) => A): (self: Codec<A>) => Codec<B>
  <A, B>(self: Codec<A>, decode: (value: A) => B, encode: (value: B) => A): Codec<B>
} = Function.dual(
  3,
  <A, B>(self: Codec<A>, decode: (value: A) => B, encode: (value: B) => A): Codec<B> =>
    internal.map(self, decode, encode)
)

/**
 * Another value for the same bytes, by two functions that may fail. A failure says why, and is an error of the field.
 *
 * @category mapping
 * @since 0.1.0
 */
export const mapResult: {
  <A, B>(
    decode: (value: A) => Result.Result<B, string>,
    encode: (value: B) => Result.Result<A, string>
  ): (self: Codec<A>) => Codec<B>
  <A, B>(
    self: Codec<A>,
    decode: (value: A) => Result.Result<B, string>,
    encode: (value: B) => Result.Result<A, string>
  ): Codec<B>
} = Function.dual(
  3,
  <A, B>(
    self: Codec<A>,
    decode: (value: A) => Result.Result<B, string>,
    encode: (value: B) => Result.Result<A, string>
  ): Codec<B> => internal.transform(self, decode, encode)
)

/**
 * The values that pass a test, in both directions. `why` says what is wrong with the others.
 *
 * @category mapping
 * @since 0.1.0
 */
export const refine: {
  <A>(isValid: (value: A) => boolean, why: string): (self: Codec<A>) => Codec<A>
  <A>(self: Codec<A>, isValid: (value: A) => boolean, why: string): Codec<A>
} = Function.dual(
  3,
  <A>(self: Codec<A>, isValid: (value: A) => boolean, why: string): Codec<A> => internal.refine(self, isValid, why)
)

/**
 * A codec of at most `bytes` bytes.
 *
 * @category ranges
 * @since 0.1.0
 */
export const limit: {
  (bytes: number): <A>(self: Codec<A>) => Codec<A>
  <A>(self: Codec<A>, bytes: number): Codec<A>
} = Function.dual(2, <A>(self: Codec<A>, bytes: number): Codec<A> => internal.limited(self, bytes))

/**
 * A codec with a name, which begins the paths of errors, as in `packet.header.length`, and stands in tables.
 *
 * @category description
 * @since 0.1.0
 */
export const named: {
  (name: string): <A>(self: Codec<A>) => Codec<A>
  <A>(self: Codec<A>, name: string): Codec<A>
} = Function.dual(2, <A>(self: Codec<A>, name: string): Codec<A> => new CodecValue(self, name, self.note))

/**
 * A codec with a note on its meaning, for tables.
 *
 * @category description
 * @since 0.1.0
 */
export const describe: {
  (note: string): <A>(self: Codec<A>) => Codec<A>
  <A>(self: Codec<A>, note: string): Codec<A>
} = Function.dual(2, <A>(self: Codec<A>, note: string): Codec<A> => new CodecValue(self, self.title, note))
