import type { Framing } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import type * as Result from "effect/Result"
import type { AnyCodec } from "../machine/codec.ts"
import { explain as explainBytes } from "../whole/explain.ts"
import * as internal from "../whole/framing.ts"
import * as internalResync from "../whole/resync.ts"
import * as internalSample from "../whole/sample.ts"
import { table } from "../whole/table.ts"
import type { Marker } from "./content.ts"
import type { Codec } from "./model.ts"

/**
 * Options of {@link framing} and {@link resync}.
 *
 * @category options
 * @since 0.1.0
 */
export interface FramingOptions {
  /** The longest frame, in bytes; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
}

const defaultMaxFrameLength = 1024 * 1024

/**
 * The framing whose frames a codec describes, for `Framed`, `Framing.decode` and everything else that takes a framing.
 *
 * Bytes are decoded as they come, each once, however they are split. A codec that has no end on a byte stream, or is
 * otherwise unusable, makes a framing that answers every use with `InvalidFraming`.
 *
 * ```ts
 * import * as Codec from "@sluice/codec/Codec"
 *
 * const framing = Codec.framing(Codec.lengthPrefixed(Codec.uint16be, Codec.text()), { maxFrameLength: 4096 })
 * ```
 *
 * @category using
 * @since 0.1.0
 */
export const framing = <A>(codec: Codec<A>, options?: FramingOptions): Framing<A> =>
  internal.framing(codec, options?.maxFrameLength ?? defaultMaxFrameLength)

/**
 * A framing of frames in noise, as on a serial line: each begins with a marker. What is no frame is skipped up to the next
 * marker, and reported as a {@link Skipped} among the frames.
 *
 * @category using
 * @since 0.1.0
 */
export const resync = <A>(
  codec: Codec<A>,
  options: FramingOptions & { readonly start: Marker }
): Framing<A, A | Skipped> =>
  internalResync.resync(codec, framing(codec, options), options.start, options.maxFrameLength ?? defaultMaxFrameLength)

/**
 * Bytes that {@link resync} skipped.
 *
 * @category models
 * @since 0.1.0
 */
export type Skipped = internalResync.Skipped

/**
 * Whether a value is a {@link Skipped}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSkipped = (value: unknown): value is Skipped => value instanceof internalResync.Skipped

/**
 * The value that bytes are, from the first to the last, as in a datagram. What takes all bytes ends with them.
 *
 * @category using
 * @since 0.1.0
 */
export const decode: <A>(codec: Codec<A>, bytes: Uint8Array) => Result.Result<A, FramingError> = internal.decodeWhole

/**
 * The bytes of a value.
 *
 * @category using
 * @since 0.1.0
 */
export const encode: <A>(codec: Codec<A>, value: A) => Result.Result<Uint8Array, FramingError> = internal.encodeWhole

/**
 * Random values that can be encoded, for property tests. The seed (1 by default) decides them; there are `count` (100), and
 * their parts have up to about `size` bytes or elements (16).
 *
 * @category testing
 * @since 0.1.0
 */
export const sample = <A>(
  codec: Codec<A>,
  options: {
    readonly seed?: number | undefined
    readonly count?: number | undefined
    readonly size?: number | undefined
  } = {}
): ReadonlyArray<A> =>
  internalSample.sample(codec, { seed: options.seed ?? 1, count: options.count ?? 100, size: options.size ?? 16 })

/**
 * Bytes with one to three faults that the seed decides: changed, lost, inserted, repeated or cut off.
 *
 * @category testing
 * @since 0.1.0
 */
export const damage: (bytes: Uint8Array, seed: number) => Uint8Array = internalSample.damage

/**
 * A field that {@link explain} found.
 *
 * @category models
 * @since 0.1.0
 */
export interface Explained {
  /** The names of the fields around it and its own, as in `packet.header.length`. */
  readonly path: string
  /** The index of its first byte. */
  readonly from: number
  /** The index behind its last byte. */
  readonly to: number
  /** Its value; undefined where a struct leaves it out. */
  readonly value: unknown
}

/**
 * The fields of the frames at the front of bytes, each with its place, as far as they can be decoded: for traces and
 * packet dumps.
 *
 * @category description
 * @since 0.1.0
 */
export const explain: (codec: AnyCodec, bytes: Uint8Array) => ReadonlyArray<Explained> = explainBytes

/**
 * The fields of a codec as a table in Markdown: name, size in bytes, format and meaning.
 *
 * @category description
 * @since 0.1.0
 */
export const toMarkdown: (codec: AnyCodec) => string = table
