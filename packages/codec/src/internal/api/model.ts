import type { Pipeable } from "effect/Pipeable"
import type { CodecValue } from "../machine/codec.ts"

/**
 * A wire format of values of type `A`, for both directions. Its members belong to the combinators.
 *
 * @category models
 * @since 0.1.0
 */
export interface Codec<in out A> extends CodecValue<A>, Pipeable {}

/**
 * The type of a codec's values.
 *
 * @category models
 * @since 0.1.0
 */
// oxlint-disable-next-line typescript/no-explicit-any -- a codec is invariant in its type
export type Type<C extends Codec<any>> = C["Type"]

/**
 * The fields of a struct, in the order of their bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fields {
  // oxlint-disable-next-line typescript/no-explicit-any -- a codec is invariant in its type
  readonly [name: string]: Codec<any>
}

/**
 * A field that tells of another field of its struct, and is not part of the value.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkTo<out Target extends string> extends Codec<void> {
  readonly Target: Target
}

type IsHidden<A> = [A] extends [void] ? [void] extends [A] ? true : false : false

type Simplify<A> = { [K in keyof A]: A[K] } & {}

/**
 * The object of a struct: fields that tell of others, literals and padding are left out, and a field that can be undefined
 * is optional.
 *
 * @category models
 * @since 0.1.0
 */
export type StructType<F extends Fields> = Simplify<
  & {
    readonly [
      K in keyof F as IsHidden<F[K]["Type"]> extends true ? never : undefined extends F[K]["Type"] ? never : K
    ]: F[K]["Type"]
  }
  & {
    readonly [
      K in keyof F as IsHidden<F[K]["Type"]> extends true ? never : undefined extends F[K]["Type"] ? K : never
    ]?: F[K]["Type"]
  }
>

/**
 * What the compiler says of fields that tell of a field that is not there.
 *
 * @category models
 * @since 0.1.0
 */
export type CheckedFields<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends LinkTo<infer Target>
    ? Target extends keyof F ? F[K] : `there is no field ${Target}`
    : F[K]
}

/**
 * The forms of a tagged union: the value of the discriminator, and the fields that follow it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cases<D> {
  readonly [tag: string]: readonly [discriminator: D, fields?: Fields]
}

/**
 * The object of a tagged union: `_tag` says which form it is.
 *
 * @category models
 * @since 0.1.0
 */
export type TaggedType<C> = {
  readonly [Tag in keyof C]: C[Tag] extends readonly [unknown, infer F extends Fields]
    ? Simplify<{ readonly _tag: Tag } & StructType<F>>
    : { readonly _tag: Tag }
}[keyof C]
