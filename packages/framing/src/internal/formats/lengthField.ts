import type { Framing } from "../../Framing.ts"
import type { FramingOutput } from "../../FramingOutput.ts"
import { byteCount } from "../bytes/byteCount.ts"
import { maxUint, readUint, writeUint } from "../bytes/integer.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateless } from "../define.ts"

/**
 * Options of {@link lengthField}. All are in bytes.
 *
 * @category options
 * @since 0.1.0
 */
export interface LengthFieldOptions {
  /** How many bytes come before the length field; 0 by default. */
  readonly offset?: number | undefined
  /** How many bytes the length field has, 1 to 8; 4 by default. */
  readonly length?: number | undefined
  /** The order of the length field's bytes; "big" by default. */
  readonly endianness?: "big" | "little" | undefined
  /**
   * What to add to the value of the length field to get the number of bytes that follow it; 0 by default. Negative if
   * the value counts bytes up to the end of the field too, positive if it leaves out bytes after the field.
   */
  readonly adjustment?: number | undefined
  /** How many bytes to strip from the front; by default all up to the end of the length field. 0 keeps the whole header. */
  readonly strip?: number | undefined
  /** How long a frame may be after stripping; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
}

/**
 * Frames with a length field anywhere in a header of fixed size: what most existing binary protocols are.
 *
 * A frame takes `offset + length + value + adjustment` bytes, as with Netty's `LengthFieldBasedFrameDecoder` and tokio's
 * `LengthDelimitedCodec`, of which the first `strip` are cut off. Fails with `FrameTooLong` as soon as the field
 * announces too much, and with `CorruptFrame` if it announces less than the header or less than is to be stripped.
 *
 * Encoding is the inverse: with `strip: 0` the frame brings its header, whose length field must be right; when the field
 * is all that is stripped (`offset: 0`) it is written anew. Other stripped bytes are lost, so frames are then refused.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * // Magic number (2 bytes), length of the whole message (2 bytes), body; the header is kept.
 * const messages = Framing.lengthField({ offset: 2, length: 2, adjustment: -4, strip: 0 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const lengthField = (options: LengthFieldOptions = {}): Framing<Uint8Array> => {
  const { adjustment = 0, endianness = "big", length = 4, maxFrameLength = defaultMaxFrameLength, offset = 0 } = options
  const header = offset + length
  const strip = options.strip ?? header
  const littleEndian = endianness === "little"
  const largest = maxUint(length)
  const problem = limitProblem("offset", offset) ?? limitProblem("strip", strip) ??
    limitProblem("maxFrameLength", maxFrameLength) ??
    (Number.isInteger(length) && length >= 1 && length <= 8
      ? undefined
      : `length is ${length}; it must be 1 to 8 bytes`) ??
    (Number.isSafeInteger(adjustment)
      ? undefined
      : `adjustment is ${adjustment}; it must be a whole number of bytes`) ??
    (largest + adjustment >= 0 ? undefined : "adjustment takes away more than the length field can say") ??
    (header + largest + adjustment >= strip ? undefined : "strip cuts off more than the length field can say") ??
    (header + Math.max(0, adjustment) - strip <= maxFrameLength
      ? undefined
      : "maxFrameLength is less than every frame has")
  if (problem !== undefined) return invalid("lengthField", problem)
  const write = strip === 0 ? writeKept : offset === 0 && strip <= length ? writeAnew : writeNothing
  const shape: Shape = { offset, length, header, strip, adjustment, littleEndian }
  return stateless(
    (input) => {
      const available = input.end - input.start
      if (available < header) return input.need(header)
      const total = header + adjustment + readUint(input.bytes, input.start + offset, length, littleEndian)
      if (total - strip > maxFrameLength) {
        if (Number.isSafeInteger(total)) input.skip(total)
        return input.tooLong(maxFrameLength, total - strip)
      }
      if (total < header) {
        return input.corrupt(`its length field makes it ${byteCount(total)}, less than its header's ${header}`)
      }
      if (total < strip) {
        input.skip(total)
        return input.corrupt(`its length field makes it ${byteCount(total)}, less than the ${strip} to strip`)
      }
      if (available < total) return input.whole(total)
      return input.take(total, strip)
    },
    (frame, output) => {
      if (frame.length > maxFrameLength) return output.tooLong(maxFrameLength, frame.length)
      const value = frame.length + strip - header - adjustment
      if (value < 0 || frame.length + strip < header) {
        return output.corrupt(`with ${byteCount(frame.length)} it is shorter than its header says it must be`)
      }
      if (value > largest || !Number.isSafeInteger(value)) {
        return output.tooLong(largest + header + adjustment - strip, frame.length)
      }
      return write(frame, value, shape, output)
    }
  )
}

interface Shape {
  readonly offset: number
  readonly length: number
  readonly header: number
  readonly strip: number
  readonly adjustment: number
  readonly littleEndian: boolean
}

/** The frame brings its whole header. */
const writeKept = (frame: Uint8Array, value: number, shape: Shape, output: FramingOutput): void => {
  const said = readUint(frame, shape.offset, shape.length, shape.littleEndian)
  if (said !== value) return output.corrupt(`its length field says ${said}, but its length makes that ${value}`)
  return output.write(frame)
}

/** The frame follows its length field, or what part of it is stripped. */
const writeAnew = (frame: Uint8Array, value: number, shape: Shape, output: FramingOutput): void => {
  const { length, littleEndian, strip } = shape
  if (strip < length) {
    const field = new Uint8Array(length)
    writeUint(field, 0, value, length, littleEndian)
    if (field.subarray(strip).some((byte, i) => byte !== frame[i])) {
      return output.corrupt(`the rest of its length field does not say ${value}`)
    }
    output.write(field.subarray(0, strip))
  } else {
    output.uint(value, length, littleEndian)
  }
  return output.write(frame)
}

const writeNothing = (_frame: Uint8Array, _value: number, shape: Shape, output: FramingOutput): void =>
  output.corrupt(`decoding strips ${shape.strip} header bytes that encoding cannot restore; use strip: 0`)
