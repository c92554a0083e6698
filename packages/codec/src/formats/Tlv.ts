/**
 * Type, length, value: plain, as in many protocols, and as ASN.1 DER (X.690).
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

/**
 * A value of a type, with fields of these sizes for the type and the length.
 *
 * @category codecs
 * @since 0.1.0
 */
export const tlv = (type: Codec.Codec<number>, length: Codec.Codec<number>) =>
  Codec.struct({
    type,
    length: Codec.lengthOf("value", length),
    value: Codec.bytes()
  }).pipe(Codec.named("tlv"))

/**
 * A value of ASN.1: bytes, or other values.
 *
 * @category models
 * @since 0.1.0
 */
export interface Der {
  /** 0 is universal, 1 application, 2 context-specific, 3 private. */
  readonly class: number
  readonly content:
    | { readonly _tag: "Primitive"; readonly type: number; readonly value: Uint8Array }
    | { readonly _tag: "Constructed"; readonly type: number; readonly items: ReadonlyArray<Der> }
}

/** Up to 127 in a byte; else a byte with the number of bytes that follow. */
const length = Codec.extended(
  Codec.uint8,
  { 129: Codec.uint8, 130: Codec.uint16be, 131: Codec.uint24be, 132: Codec.uint32be },
  { below: 128 }
)
const type = Codec.bits(5)

/**
 * A value of ASN.1 in DER, such as a certificate or a key.
 *
 * @category codecs
 * @since 0.1.0
 */
export const der: Codec.Codec<Der> = Codec.struct({
  class: Codec.bits(2),
  content: Codec.tagged(Codec.flag, {
    Primitive: [false, { type, value: Codec.lengthPrefixed(length, Codec.bytes()) }],
    Constructed: [true, { type, items: Codec.lengthPrefixed(length, Codec.repeat(Codec.lazy(() => der))) }]
  })
}).pipe(Codec.named("der"))
