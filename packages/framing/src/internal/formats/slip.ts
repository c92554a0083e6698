import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateful } from "../define.ts"
import { byteFinder, Scanner } from "../delimiterScanner.ts"

/**
 * Options of {@link slip}.
 *
 * @category options
 * @since 0.1.0
 */
export interface SlipOptions {
  /** How long a frame may be once decoded, in bytes; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
  /** Whether an END goes before each frame too, to end what line noise may have begun; true by default, as in RFC 1055. */
  readonly leadingEnd?: boolean | undefined
}

const END = 0xc0
const ESC = 0xdb
const ESC_END = 0xdc
const ESC_ESC = 0xdd

/**
 * SLIP, the serial line protocol of [RFC 1055](https://www.rfc-editor.org/rfc/rfc1055): frames ended by the byte C0,
 * which is escaped inside them.
 *
 * Frames are found again after any error. Since RFC 1055 has receivers ignore an END that follows another, an empty
 * frame cannot be expressed, and is refused. Fails with `CorruptFrame` if an escape is unknown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const slip = (options: SlipOptions = {}): Framing<Uint8Array> => {
  const { leadingEnd = true, maxFrameLength = defaultMaxFrameLength } = options
  const problem = limitProblem("maxFrameLength", maxFrameLength)
  if (problem !== undefined) return invalid("slip", problem)
  return stateful(
    () => {
      const scanner = new Scanner({
        finder: byteFinder(END),
        maxLength: 2 * maxFrameLength,
        namedLimit: maxFrameLength
      })
      return (input) => {
        const length = scanner.next(input)
        if (length === noFrame) return noFrame
        if (length === 0) return input.idle(1)
        const { bytes, start } = input
        input.skip(length + 1)
        const frame = unescape(bytes, start, length)
        if (frame === undefined) return input.corrupt("an ESC byte is followed by neither ESC_END nor ESC_ESC")
        return frame.length > maxFrameLength ? input.tooLong(maxFrameLength, maxFrameLength + 1) : frame
      }
    },
    (frame, output) => {
      const length = frame.length
      if (length > maxFrameLength) return output.tooLong(maxFrameLength, length)
      if (length === 0) return output.corrupt("SLIP has no empty frames; send at least one byte")
      const begin = output.reserve(2 * length + 2)
      const bytes = output.bytes
      let at = begin
      if (leadingEnd) bytes[at++] = END
      for (let i = 0; i < length; i++) {
        const byte = frame[i]!
        if (byte === END || byte === ESC) {
          bytes[at++] = ESC
          bytes[at++] = byte === END ? ESC_END : ESC_ESC
        } else {
          bytes[at++] = byte
        }
      }
      bytes[at++] = END
      return output.advance(at - begin)
    }
  )
}

/** Takes the escapes out of the `length` bytes before an END, or returns nothing if one is unknown. */
const unescape = (bytes: Uint8Array, start: number, length: number): Uint8Array | undefined => {
  const frame = new Uint8Array(length)
  const end = start + length
  let size = 0
  for (let at = start; at < end; at++) {
    let byte = bytes[at]!
    if (byte === ESC) {
      // END follows the last byte.
      const escaped = bytes[++at]
      if (escaped !== ESC_END && escaped !== ESC_ESC) return undefined
      byte = escaped === ESC_END ? END : ESC
    }
    frame[size++] = byte
  }
  return frame.subarray(0, size)
}
