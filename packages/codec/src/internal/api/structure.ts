import * as internalChecksum from "../compose/checksum.ts"
import * as internalDependent from "../compose/dependent.ts"
import { link } from "../compose/lengthOf.ts"
import * as internalLength from "../compose/lengthOf.ts"
import * as internalOptional from "../compose/optional.ts"
import * as internalPresence from "../compose/presence.ts"
import { struct as makeStruct } from "../compose/struct.ts"
import { type ChecksumName, checksumNames, checksumOf, crc as makeCrc } from "../fields/checksums.ts"
import type { CodecValue } from "../machine/codec.ts"
import type { Fields as FieldValues } from "../machine/plan.ts"
import type { Marker } from "./content.ts"
import type { CheckedFields, Codec, Fields, LinkTo, StructType } from "./model.ts"
import { flag } from "./numbers.ts"

/**
 * Fields one after the other, as an object.
 *
 * Literals, padding, lengths, counts and checksums are computed, checked and left out of the object.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const message = Codec.struct({
 *   magic: Codec.literal("SL"),
 *   id: Codec.uint16be,
 *   length: Codec.lengthOf("body", Codec.uint32be, { limit: 65536 }),
 *   body: Codec.text()
 * })
 *
 * const value: Codec.Type<typeof message> = { id: 1, body: "hello" }
 * ```
 *
 * @category structures
 * @since 0.1.0
 */
export const struct = <const F extends Fields>(fields: F & CheckedFields<F>): Codec<StructType<F>> =>
  makeStruct(fields as Fields) as CodecValue<FieldValues> as unknown as Codec<StructType<F>>

/**
 * Options of {@link lengthOf}, {@link lengthOfRest} and {@link lengthPrefixed}. All are in bytes.
 *
 * @category options
 * @since 0.1.0
 */
export interface LengthOptions {
  /** What the number counts beyond the content, such as its own size; 0 by default, negative if it counts less. */
  readonly add?: number | undefined
  /** The longest content; by default the frame limit alone counts. */
  readonly limit?: number | undefined
}

/**
 * A field with the length of a later field, in bytes. That field then takes exactly this many.
 *
 * @category structures
 * @since 0.1.0
 */
export const lengthOf = <const Target extends string>(
  target: Target,
  number: Codec<number>,
  options: LengthOptions = {}
): LinkTo<Target> => internalLength.lengthOf(target, number, lengths(options)) as LinkTo<Target>

/**
 * A field with the length of all later fields of its struct together, in bytes.
 *
 * @category structures
 * @since 0.1.0
 */
export const lengthOfRest = (number: Codec<number>, options: LengthOptions = {}): Codec<void> =>
  internalLength.lengthOfRest(number, lengths(options))

/** The options of a length, with their defaults. */
export const lengths = ({ add = 0, limit = Infinity }: LengthOptions) => ({ add, limit })

/**
 * A field with the number of elements of a later field, which is a `repeat`.
 *
 * @category structures
 * @since 0.1.0
 */
export const countOf = <const Target extends string>(target: Target, number: Codec<number>): LinkTo<Target> =>
  internalPresence.countOf(target, number) as LinkTo<Target>

/**
 * A field that says whether a later field is there, which is an `optional`. One bit by default.
 *
 * @category structures
 * @since 0.1.0
 */
export const presenceOf = <const Target extends string>(
  target: Target,
  boolean: Codec<boolean> = flag
): LinkTo<Target> => internalPresence.presenceOf(target, boolean) as LinkTo<Target>

/**
 * A value that may be missing: it is there if bytes are left in the range, if a `presenceOf` says so, or, with `after`, if
 * this marker stands before it.
 *
 * @category structures
 * @since 0.1.0
 */
export const optional = <A>(
  content: Codec<A>,
  options?: { readonly after?: Marker | undefined }
): Codec<A | undefined> =>
  options?.after === undefined
    ? internalOptional.optional(content)
    : internalOptional.optionalAfter(options.after, content)

/**
 * A field of a struct that is there if earlier fields say so. The function gets the fields before it.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const publish = Codec.struct({
 *   qos: Codec.uint8,
 *   id: Codec.when((fields: { readonly qos: number }) => fields.qos > 0, Codec.uint16be)
 * })
 * ```
 *
 * @category structures
 * @since 0.1.0
 */
export const when = <F, A>(isPresent: (fields: F) => boolean, content: Codec<A>): Codec<A | undefined> =>
  internalDependent.when(isPresent as (fields: internalDependent.Fields) => boolean, content)

/**
 * A field of a struct that takes as many bytes as earlier fields say, such as a header with a length among others. The
 * function gets the fields before it. A value of another size cannot be encoded. Where the function returns undefined,
 * `otherwise` is used.
 *
 * @category structures
 * @since 0.1.0
 */
export const sizedBy = <F, A>(
  sizeOf: (fields: F) => number | undefined,
  content: Codec<A>,
  options?: { readonly otherwise?: Codec<A> | undefined }
): Codec<A> =>
  internalDependent.sizedBy(
    sizeOf as (fields: internalDependent.Fields) => number | undefined,
    content,
    options?.otherwise
  )

/**
 * The checksums that have a name.
 *
 * @category models
 * @since 0.1.0
 */
export type Checksum = ChecksumName

/**
 * A field with a checksum over other fields of its struct: all before it, or the fields from the first to the last of
 * `over`, which may also come after it.
 *
 * The checksum is one of a name, or a function of the bytes that returns an unsigned number; see {@link crc}.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const frame = Codec.struct({
 *   length: Codec.lengthOf("data", Codec.uint8),
 *   data: Codec.bytes(),
 *   crc: Codec.checksum("crc16-modbus", Codec.uint16le)
 * })
 * ```
 *
 * @category structures
 * @since 0.1.0
 */
export const checksum = (
  algorithm: Checksum | ((bytes: Uint8Array) => number),
  number: Codec<number>,
  options?: { readonly over?: string | readonly [first: string, last: string] | undefined }
): Codec<void> => {
  const over = options?.over
  const of = typeof algorithm === "function" ? algorithm : checksumOf(algorithm)
  const name = typeof algorithm === "function" ? "checksum" : algorithm
  return of === undefined
    ? link(
      number,
      "checksum",
      2,
      (plan, index) => plan.fail(index, `unknown checksum ${String(algorithm)}; use ${checksumNames.join(", ")}`)
    )
    : internalChecksum.checksum(of, name, number, typeof over === "string" ? [over, over] : over)
}

/**
 * A CRC by its parameters, as the CRC catalog names them: https://reveng.sourceforge.io/crc-catalogue
 *
 * @category structures
 * @since 0.1.0
 */
export const crc: (options: {
  readonly width: 8 | 16 | 32
  readonly polynomial: number
  readonly initial: number
  /** Whether the bits of each byte, and those of the result, come in reverse order. */
  readonly reflected: boolean
  readonly xorOut: number
}) => (bytes: Uint8Array) => number = makeCrc
