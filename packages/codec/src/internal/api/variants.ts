import * as internalLazy from "../compose/lazy.ts"
import * as internalPrefix from "../compose/prefix.ts"
import * as internalPrefixed from "../compose/prefixed.ts"
import * as internalRepeat from "../compose/repeat.ts"
import * as internalTagged from "../compose/tagged.ts"
import type { CodecValue } from "../machine/codec.ts"
import type { Fields as FieldValues } from "../machine/plan.ts"
import type { Marker } from "./content.ts"
import type { Cases, Codec, Fields, StructType, TaggedType } from "./model.ts"
import { type LengthOptions, lengths } from "./structure.ts"

/**
 * A union of structs, told apart by a number or an enumeration before them. The value has the name of the form in `_tag`.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const shape = Codec.tagged(Codec.uint8, {
 *   Circle: [1, { radius: Codec.float64be }],
 *   Square: [2, { side: Codec.float64be }]
 * })
 *
 * const value: Codec.Type<typeof shape> = { _tag: "Circle", radius: 2 }
 * ```
 *
 * @category unions
 * @since 0.1.0
 */
export const tagged = <D, const C extends Cases<D>>(discriminator: Codec<D>, cases: C): Codec<TaggedType<C>> =>
  internalTagged.tagged(discriminator, cases, undefined) as CodecValue<FieldValues> as unknown as Codec<TaggedType<C>>

/**
 * A {@link tagged} union with a form for all other values of the discriminator, which is a field of that form.
 *
 * @category unions
 * @since 0.1.0
 */
export const taggedOr = <
  D,
  const C extends Cases<D>,
  const Tag extends string,
  const As extends string,
  const F extends Fields
>(
  discriminator: Codec<D>,
  cases: C,
  otherwise: { readonly tag: Tag; readonly as: As; readonly fields: F }
): Codec<TaggedType<C> | ({ readonly _tag: Tag } & { readonly [K in As]: D } & StructType<F>)> =>
  internalTagged.tagged(discriminator, cases, otherwise) as CodecValue<FieldValues> as never

/**
 * A union of structs that begin with different texts. The longest that fits decides; an empty text is the form for what
 * begins with no other.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const command = Codec.taggedByPrefix({
 *   Get: ["get ", { key: Codec.delimited("\r\n", Codec.text()) }],
 *   Quit: ["quit\r\n"]
 * })
 * ```
 *
 * @category unions
 * @since 0.1.0
 */
export const taggedByPrefix = <const C extends Cases<string>>(cases: C): Codec<TaggedType<C>> =>
  internalPrefix.taggedByPrefix(cases) as CodecValue<FieldValues> as unknown as Codec<TaggedType<C>>

/**
 * A codec whose values have names. Any other value is an error.
 *
 * @category unions
 * @since 0.1.0
 */
export const enumeration = <A, const V extends { readonly [name: string]: A }>(
  codec: Codec<A>,
  values: V
): Codec<keyof V & string> => internalTagged.enumeration(codec, values) as CodecValue<string> as never

/**
 * Options of {@link repeat}.
 *
 * @category options
 * @since 0.1.0
 */
export interface RepeatOptions {
  /** Exactly this many elements. */
  readonly count?: number | undefined
  /** The bytes that stand after the last element. Of several, the first is written. */
  readonly until?: Marker | readonly [Marker, ...ReadonlyArray<Marker>] | undefined
  /** The most elements; by default the frame limit alone counts, or 65,536 if elements can be empty. */
  readonly limit?: number | undefined
}

/**
 * A value any number of times, as an array: `count` times, `until` a marker, as often as a `countOf` says, or else to the
 * end of the range.
 *
 * @category arrays
 * @since 0.1.0
 */
export const repeat = <A>(item: Codec<A>, options: RepeatOptions = {}): Codec<ReadonlyArray<A>> =>
  internalRepeat.repeat(item, {
    count: options.count,
    until: typeof options.until === "string" || options.until instanceof Uint8Array ? [options.until] : options.until,
    limit: options.limit ?? Infinity
  })

/**
 * One value or more with a marker between them, to the end of the range.
 *
 * @category arrays
 * @since 0.1.0
 */
export const separated = <A>(
  separator: Marker,
  item: Codec<A>,
  options?: { readonly limit?: number | undefined }
): Codec<ReadonlyArray<A>> => internalRepeat.separated(item, separator, options?.limit ?? Infinity)

/**
 * A length in bytes, then the content in exactly this many bytes. With `absent`, this value of the length says that there is
 * none, and the value is undefined.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const name = Codec.lengthPrefixed(Codec.uint16be, Codec.text())
 * const column = Codec.lengthPrefixed(Codec.int32be, Codec.bytes(), { absent: -1 })
 * ```
 *
 * @category ranges
 * @since 0.1.0
 */
export const lengthPrefixed: {
  <A>(
    number: Codec<number>,
    content: Codec<A>,
    options: LengthOptions & { readonly absent: number }
  ): Codec<A | undefined>
  <A>(number: Codec<number>, content: Codec<A>, options?: LengthOptions): Codec<A>
} = <A>(
  number: Codec<number>,
  content: Codec<A>,
  options: LengthOptions & { readonly absent?: number | undefined } = {}
): Codec<any> =>
  // oxlint-disable-line typescript/no-explicit-any -- the overloads say which
  internalPrefixed.lengthPrefixed(number, content, { ...lengths(options), absent: options.absent })

/**
 * A number of elements, then the elements. With `absent`, this number says that there is no array.
 *
 * @category arrays
 * @since 0.1.0
 */
export const countPrefixed: {
  <A>(
    number: Codec<number>,
    item: Codec<A>,
    options: { readonly limit?: number | undefined; readonly absent: number }
  ): Codec<ReadonlyArray<A> | undefined>
  <A>(
    number: Codec<number>,
    item: Codec<A>,
    options?: { readonly limit?: number | undefined }
  ): Codec<ReadonlyArray<A>>
} = <A>(
  number: Codec<number>,
  item: Codec<A>,
  options: { readonly limit?: number | undefined; readonly absent?: number | undefined } = {}
): Codec<any> =>
  // oxlint-disable-line typescript/no-explicit-any -- the overloads say which
  internalPrefixed.countPrefixed(number, repeat(item, { limit: options.limit }), options.absent)

/**
 * A codec that is made when it is first used, so that it can contain itself. A value that is nested deeper than `maxDepth`
 * (64 by default) is an error. Each takes at least one byte.
 *
 * @category recursion
 * @since 0.1.0
 */
export const lazy = <A>(
  codec: () => Codec<A>,
  options?: { readonly maxDepth?: number | undefined }
): Codec<A> => internalLazy.lazy(codec, options?.maxDepth ?? 64)
