/**
 * A wire format as a value: one description that decodes and encodes.
 *
 * A codec describes bytes field by field. {@link framing} makes it a framing of `@sluice/framing`, for byte streams;
 * {@link decode} and {@link encode} are for bytes that are all there, such as datagrams.
 *
 * **What holds for every codec**
 *
 * - How the network split the bytes never changes the result, and no byte is searched twice.
 * - A frame is limited, to 1 MiB by default, and a length is checked before its bytes are gathered.
 * - What decoding would refuse or change, encoding refuses.
 * - An error names the field: `packet.header.length: 70000 exceeds limit 65536 at offset 12`.
 * - A description that cannot work never throws: its framing answers every use with `InvalidFraming`, which says which
 *   field is wrong and why.
 *
 * **Speed**: a codec is made of functions once, when it is described. Make codecs at the top of a module, not per
 * connection.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 * import * as Result from "effect/Result"
 *
 * const packet = Codec.struct({
 *   version: Codec.bits(4),
 *   kind: Codec.bits(4),
 *   length: Codec.lengthOf("topic", Codec.uint16be, { limit: 1024 }),
 *   topic: Codec.text()
 * }).pipe(Codec.named("packet"))
 *
 * const framing = Codec.framing(packet)
 *
 * const bytes = Result.getOrThrow(Codec.encode(packet, { version: 1, kind: 2, topic: "news" }))
 * ```
 *
 * @since 0.1.0
 */
export {
  bytes,
  constant,
  custom,
  type CustomInput,
  type CustomOutput,
  delimited,
  type DelimitedOptions,
  enclosed,
  literal,
  literalBits,
  type Marker,
  padded,
  padding,
  paddingBits,
  sized,
  text
} from "./internal/api/content.ts"
export {
  type Cases,
  type CheckedFields,
  type Codec,
  type Fields,
  type LinkTo,
  type StructType,
  type TaggedType,
  type Type
} from "./internal/api/model.ts"
export {
  bits,
  decimal,
  type DigitsOptions,
  extended,
  flag,
  float32be,
  float32le,
  float64be,
  float64le,
  hex,
  int,
  int16be,
  int16le,
  int32be,
  int32le,
  int64be,
  int64le,
  int8,
  uint,
  uint16be,
  uint16le,
  uint24be,
  uint24le,
  uint32be,
  uint32le,
  uint64be,
  uint64le,
  uint8,
  varint,
  zigzag
} from "./internal/api/numbers.ts"
export { describe, limit, map, mapResult, named, refine } from "./internal/api/refinement.ts"
export {
  type Checksum,
  checksum,
  countOf,
  crc,
  lengthOf,
  lengthOfRest,
  type LengthOptions,
  optional,
  presenceOf,
  sizedBy,
  struct,
  when
} from "./internal/api/structure.ts"
export {
  damage,
  decode,
  encode,
  explain,
  type Explained,
  framing,
  type FramingOptions,
  isSkipped,
  resync,
  sample,
  type Skipped,
  toMarkdown
} from "./internal/api/usage.ts"
export {
  countPrefixed,
  enumeration,
  lazy,
  lengthPrefixed,
  repeat,
  type RepeatOptions,
  separated,
  tagged,
  taggedByPrefix,
  taggedOr
} from "./internal/api/variants.ts"
/**
 * Whether a value is a codec.
 *
 * @category guards
 * @since 0.1.0
 */
export { isCodec } from "./internal/machine/codec.ts"
