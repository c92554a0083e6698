import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import type { Framing } from "../../Framing.ts"
import { CorruptFrame, FramingError, TruncatedFrame } from "../../FramingError.ts"
import { noFrame } from "../../FramingInput.ts"
import { StreamDecoder, StreamEncoder } from "../codec.ts"
import { DecodeBuffer } from "../decodeBuffer.ts"

/**
 * One frame as the payload of one datagram, and back.
 *
 * @category models
 * @since 0.1.0
 */
export interface DatagramCodec<in Out, out In = Out> {
  readonly encode: (frame: Out) => Result.Result<Uint8Array, FramingError>
  readonly decode: (payload: Uint8Array) => Result.Result<In, FramingError>
}

/**
 * Uses a framing for datagrams, each of which is exactly one frame: with `raw` the payload as it is.
 *
 * Decoding fails with `TruncatedFrame` if the payload is less than a frame, and with `CorruptFrame` if bytes are left over.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const messages = Framing.datagram(Framing.raw.pipe(Framing.text(), Framing.json()))
 * const payload = messages.encode({ temperature: 21 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const datagram = <Out, In>(framing: Framing<Out, In>): DatagramCodec<Out, In> => ({
  encode: (frame) => {
    const encoder = new StreamEncoder(framing, 0)
    const error = encoder.encode(frame)
    if (error !== undefined) return Result.fail(error)
    const buffers = encoder.drain()
    return Result.succeed(buffers.length === 1 ? buffers[0]! : Bytes.concat(buffers))
  },
  decode: (payload) => {
    if (payload.length === 0) return decodeEmpty(framing)
    const decoder = new StreamDecoder(framing, new DecodeBuffer(0))
    decoder.feed(payload)
    decoder.finish()
    const frame = decoder.next()
    if (frame === noFrame) {
      return decoder.error === undefined
        ? corrupt("it holds no frame")
        : Result.fail(decoder.error)
    }
    return decoder.buffered === 0
      ? Result.succeed(frame)
      : corrupt(`${decoder.buffered} of the datagram's ${payload.length} bytes are left over after it`)
  }
})

/** An empty datagram is a frame if the framing takes no bytes to say so; a decoder would see an end of input and no frame. */
const decodeEmpty = <In>(framing: Framing<never, In>): Result.Result<In, FramingError> => {
  const input = new DecodeBuffer(0)
  input.finished = true
  const frame = framing.makeDecode()(input)
  if (frame !== noFrame) return Result.succeed(frame)
  if (input.error !== undefined) return Result.fail(input.error)
  return Result.fail(
    new FramingError({ reason: new TruncatedFrame({ have: 0, need: Math.max(input.needed, 1), offset: 0 }) })
  )
}

const corrupt = (why: string): Result.Result<never, FramingError> =>
  Result.fail(new FramingError({ reason: new CorruptFrame({ why, offset: 0 }) }))
