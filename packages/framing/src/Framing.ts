/**
 * Where messages begin and end on a connection, as a value.
 *
 * TCP carries bytes and keeps no boundaries between messages. A framing says how messages are found in the bytes and how
 * they are written as bytes. It is pure and synchronous; {@link decode} and {@link encode} lift it to Streams, and
 * `Framed` puts it on a connection.
 *
 * **Choosing**: {@link lengthPrefixed} for a binary protocol of your own, {@link lines} for text, `ndjson` for JSON values,
 * {@link lengthField} and {@link delimited} to speak an existing protocol; {@link text}, {@link json} and
 * {@link map} then turn frames into values. `Schema` types live in `@sluice/framing/FramingSchema`, so that programs
 * without them do not load `effect/Schema`.
 *
 * **What holds for every framing**: how the network split the bytes never changes the result; input that ends inside a
 * frame is a `TruncatedFrame`; every frame before a bad one is delivered before the error; frames are limited, to 1 MiB
 * unless told otherwise, and a limit is checked before the bytes are gathered; an empty frame is a frame; what decoding
 * would not give back, encoding refuses.
 *
 * **Bad options** never throw: constructors always return a framing, and one that cannot work answers every use with the
 * `InvalidFraming` error, because then `Framing.lines()` is a plain value and yet no bad option is an untyped failure.
 * {@link validate} asks beforehand.
 *
 * **Gotchas**: a byte frame is a view of the chunk it came in. Copy it (`frame.slice()`) to keep a small one for
 * long, or it keeps the whole chunk alive.
 *
 * ```ts
 * import * as Stream from "effect/Stream"
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const bytes = Stream.make("one\ntw", "o\n").pipe(Stream.encodeText)
 *
 * const lines = bytes.pipe(Framing.decode(Framing.lines())) // "one", "two"
 * ```
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type { Pipeable } from "effect/Pipeable"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { FramingError } from "./FramingError.ts"
import { type FramingInput, type NoFrame, noFrame } from "./FramingInput.ts"
import type { FramingOutput } from "./FramingOutput.ts"
import { StreamDecoder, StreamEncoder } from "./internal/codec.ts"
import { DecodeBuffer } from "./internal/decodeBuffer.ts"
import * as internal from "./internal/define.ts"

export { type ChecksumAlgorithm } from "./Checksum.ts"
export {
  CorruptFrame,
  FrameTooLong,
  FramingError,
  type FramingErrorReason,
  InvalidFraming,
  InvalidText,
  isFramingError,
  TruncatedFrame
} from "./FramingError.ts"
export { type FramingInput, type NoFrame, noFrame } from "./FramingInput.ts"
export { type FramingOutput } from "./FramingOutput.ts"
export { checksum } from "./internal/combinators/checksum.ts"
export { duplex } from "./internal/combinators/duplex.ts"
export { limit } from "./internal/combinators/limit.ts"
export { map, mapResult } from "./internal/combinators/map.ts"
export { overlong, recover } from "./internal/combinators/recover.ts"
export { union } from "./internal/combinators/union.ts"
export { cobs } from "./internal/formats/cobs.ts"
export { contentLength, type ContentLengthMessage, contentLengthMessage } from "./internal/formats/contentLength.ts"
export { datagram, type DatagramCodec } from "./internal/formats/datagram.ts"
export { delimited } from "./internal/formats/delimited.ts"
export { fixedLength } from "./internal/formats/fixedLength.ts"
export { type Json, json, ndjson } from "./internal/formats/json.ts"
export { lengthField } from "./internal/formats/lengthField.ts"
export { lengthPrefixed } from "./internal/formats/lengthPrefixed.ts"
export { lines } from "./internal/formats/lines.ts"
export { netstring } from "./internal/formats/netstring.ts"
export { raw } from "./internal/formats/raw.ts"
export { slip } from "./internal/formats/slip.ts"
export { text } from "./internal/formats/text.ts"
export { type TextEncoding } from "./TextEncoding.ts"

/**
 * A wire format: how frames of type `In` are found in bytes, and frames of type `Out` become bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Framing<in Out, out In = Out> extends Pipeable {
  readonly [internal.TypeId]: typeof internal.TypeId
  /** Makes the decode function for one byte stream. See {@link FramingInput} for what it does. */
  readonly makeDecode: () => (input: FramingInput) => In | NoFrame
  /** Writes one frame, or says why it cannot be written. See {@link FramingOutput}. */
  readonly encode: (frame: Out, output: FramingOutput) => void
  /** Why the framing cannot be used, if it cannot. */
  readonly invalid: FramingError | undefined
}

/**
 * Whether a value is a {@link Framing}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFraming: (value: unknown) => value is Framing<unknown, unknown> = internal.isFraming

/**
 * Makes a framing of your own from a decode function and an encode function.
 *
 * `decode` looks at the bytes there are, consumes the first frame and returns it, or says how many bytes it needs. It
 * may be called again for the same frame, so it should consume whole frames only. If it has to remember something
 * between calls, give `makeDecode` instead, which is called once for each byte stream. Neither should throw.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * // One byte of type, two of length, then the body.
 * const tagged = Framing.make<{ readonly type: number; readonly body: Uint8Array }>({
 *   decode: (input) => {
 *     if (input.length < 3) return input.need(3)
 *     const [type, high, low] = input.bytes.subarray(input.start, input.start + 3) as unknown as [number, number, number]
 *     const length = high * 256 + low
 *     if (length > 4096) return input.tooLong(4096, length)
 *     if (input.length < 3 + length) return input.need(3 + length)
 *     return { type, body: input.take(3 + length, 3) }
 *   },
 *   encode: ({ body, type }, output) => {
 *     if (body.length > 4096) return output.tooLong(4096, body.length)
 *     output.byte(type)
 *     output.uint(body.length, 2)
 *     output.write(body)
 *   }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Out, In = Out>(
  options:
    & {
      readonly encode: (frame: Out, output: FramingOutput) => void
    }
    & (
      | { readonly decode: (input: FramingInput) => In | NoFrame }
      | { readonly makeDecode: () => (input: FramingInput) => In | NoFrame }
    )
): Framing<Out, In> =>
  "decode" in options
    ? internal.stateless(options.decode, options.encode)
    : internal.stateful(options.makeDecode, options.encode)

/**
 * The framing, or why its options can never work. Asks once, before anything is sent.
 *
 * @category combinators
 * @since 0.1.0
 */
export const validate = <Out, In>(framing: Framing<Out, In>): Result.Result<Framing<Out, In>, FramingError> =>
  framing.invalid === undefined ? Result.succeed(framing) : Result.fail(framing.invalid)

/**
 * Finds the frames in one byte stream. Synchronous: feed it chunks, then ask for frames until there are none.
 *
 * A chunk that was fed belongs to the decoder: it must not be written to again, because frames are views of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decoder<out In> {
  /** Appends input. */
  feed(chunk: Uint8Array): void
  /**
   * The next frame; or `Framing.noFrame`, when more input is needed (after `finish`: when there are no more frames), or
   * when `error` says what ended the decoding.
   */
  next(): In | NoFrame
  /** Says that the input has ended: `next` gives what frames there are, then `TruncatedFrame` if bytes are left over. */
  finish(): void
  /**
   * Takes out what was fed and not used, for a reader other than a decoder. It throws while the decoder is skipping a bad
   * frame whose end has not come, because its rest would be taken for something else; `switchTo` continues to skip it.
   */
  remainder(): Uint8Array
  /**
   * Continues in another framing, from the byte behind the last frame: a protocol can change its framing between any two
   * frames. This decoder is not to be used any more.
   */
  switchTo<In2>(framing: Framing<never, In2>): Decoder<In2>
  /** What ended the decoding, if something did: no more frames will come. */
  readonly error: FramingError | undefined
  /** How many bytes were fed and not used. */
  readonly buffered: number
  /** The place in the byte stream of the first byte that was not used. */
  readonly offset: number
}

/**
 * Options of {@link makeDecoder} and {@link makeEncoder}.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamOptions {
  /** The place in the byte stream at which to begin, for the offsets in errors. In bytes; 0 by default. */
  readonly offset?: number | undefined
}

/**
 * A decoder for one byte stream.
 *
 * @category decoding and encoding
 * @since 0.1.0
 */
export const makeDecoder = <In>(framing: Framing<never, In>, options?: StreamOptions): Decoder<In> =>
  new StreamDecoder(framing, new DecodeBuffer(options?.offset ?? 0))

/**
 * Writes frames as bytes. Many small frames become one buffer; large payloads are passed on without a copy.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoder<in Out> {
  /** Appends a frame. A frame that is refused leaves nothing behind, and the encoder stays usable. */
  encode(frame: Out): FramingError | undefined
  /** Takes out the bytes of all frames since the last time, as buffers to be written in this order. They may be none. */
  drain(): Array<Uint8Array>
  /** How many bytes all frames so far have taken. */
  readonly offset: number
}

/**
 * An encoder for one byte stream.
 *
 * @category decoding and encoding
 * @since 0.1.0
 */
export const makeEncoder = <Out>(framing: Framing<Out, unknown>, options?: StreamOptions): Encoder<Out> =>
  new StreamEncoder(framing, options?.offset ?? 0)

/**
 * Turns a Stream of bytes into a Stream of frames.
 *
 * All frames of a chunk are emitted together. The Stream fails with a {@link FramingError} after every frame before
 * the bad one was emitted.
 *
 * @category decoding and encoding
 * @since 0.1.0
 */
export const decode: {
  <In>(
    framing: Framing<never, In>
  ): <E, R>(bytes: Stream.Stream<Uint8Array, E, R>) => Stream.Stream<In, E | FramingError, R>
  <E, R, In>(
    bytes: Stream.Stream<Uint8Array, E, R>,
    framing: Framing<never, In>
  ): Stream.Stream<In, E | FramingError, R>
} = dual(
  2,
  <E, R, In>(
    bytes: Stream.Stream<Uint8Array, E, R>,
    framing: Framing<never, In>
  ): Stream.Stream<In, E | FramingError, R> =>
    Stream.transformPull(bytes, (pull) =>
      Effect.sync(() => {
        const decoder = makeDecoder(framing)
        let ended = false
        const feed = Effect.map(pull, (chunks) => {
          for (const chunk of chunks) decoder.feed(chunk)
        }).pipe(
          Pull.catchDone(() =>
            Effect.sync(() => {
              ended = true
              decoder.finish()
            })
          )
        )
        const frames: Pull.Pull<NonEmptyReadonlyArray<In>, E | FramingError> = Effect.suspend(() => {
          const batch: Array<In> = []
          for (let frame = decoder.next(); frame !== noFrame; frame = decoder.next()) batch.push(frame)
          // An error stays: it is still there when the frames before it have been taken.
          if (isNonEmpty(batch)) return Effect.succeed(batch)
          if (decoder.error !== undefined) return Effect.fail(decoder.error)
          return ended ? Cause.done() : Effect.flatMap(feed, () => frames)
        })
        return frames
      }))
)

/**
 * Turns a Stream of frames into a Stream of bytes: the frames of one array become as few buffers as possible.
 *
 * The Stream fails with a {@link FramingError} at the first frame that cannot be encoded, after the bytes of those
 * before it.
 *
 * @category decoding and encoding
 * @since 0.1.0
 */
export const encode: {
  <Out>(
    framing: Framing<Out, unknown>
  ): <E, R>(frames: Stream.Stream<Out, E, R>) => Stream.Stream<Uint8Array, E | FramingError, R>
  <Out, E, R>(
    frames: Stream.Stream<Out, E, R>,
    framing: Framing<Out, unknown>
  ): Stream.Stream<Uint8Array, E | FramingError, R>
} = dual(
  2,
  <Out, E, R>(
    frames: Stream.Stream<Out, E, R>,
    framing: Framing<Out, unknown>
  ): Stream.Stream<Uint8Array, E | FramingError, R> =>
    Stream.transformPull(frames, (pull) =>
      Effect.sync(() => {
        const encoder = makeEncoder(framing)
        let failure: FramingError | undefined
        const bytes: Pull.Pull<NonEmptyReadonlyArray<Uint8Array>, E | FramingError> = Effect.suspend(() =>
          failure !== undefined ? Effect.fail(failure) : Effect.flatMap(pull, (frames) => {
            for (let i = 0; i < frames.length && failure === undefined; i++) failure = encoder.encode(frames[i]!)
            const buffers = encoder.drain()
            return isNonEmpty(buffers) ? Effect.succeed(buffers) : bytes
          })
        )
        return bytes
      }))
)

/**
 * The frames in bytes that are all there, for tests and scripts.
 *
 * @category decoding and encoding
 * @since 0.1.0
 */
export const decodeAll = <In>(
  framing: Framing<never, In>,
  chunks: Iterable<Uint8Array>
): Result.Result<Array<In>, FramingError> => {
  const decoder = makeDecoder(framing)
  for (const chunk of chunks) decoder.feed(chunk)
  decoder.finish()
  const frames: Array<In> = []
  for (let frame = decoder.next(); frame !== noFrame; frame = decoder.next()) frames.push(frame)
  return decoder.error === undefined ? Result.succeed(frames) : Result.fail(decoder.error)
}

/**
 * The bytes of frames, for tests and scripts.
 *
 * @category decoding and encoding
 * @since 0.1.0
 */
export const encodeAll = <Out>(
  framing: Framing<Out, unknown>,
  frames: Iterable<Out>
): Result.Result<Array<Uint8Array>, FramingError> => {
  const encoder = makeEncoder(framing)
  for (const frame of frames) {
    const error = encoder.encode(frame)
    if (error !== undefined) return Result.fail(error)
  }
  return Result.succeed(encoder.drain())
}

const isNonEmpty = <A>(array: Array<A>): array is [A, ...Array<A>] => array.length > 0
