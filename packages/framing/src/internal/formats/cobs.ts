import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateful } from "../define.ts"
import { byteFinder, Scanner } from "../delimiterScanner.ts"

/**
 * Options of {@link cobs}.
 *
 * @category options
 * @since 0.1.0
 */
export interface CobsOptions {
  /** How long a frame may be once decoded, in bytes; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
}

/** How many bytes stuffing makes of `length` bytes at most: one more, and one for each 254. */
const stuffed = (length: number): number => length + 1 + Math.floor(length / 254)

/**
 * Consistent Overhead Byte Stuffing: frames without zero bytes, each ended by one, for serial lines.
 *
 * Frames are found again after any error. Fails with `CorruptFrame` if the bytes between two zeros are no stuffed frame;
 * none at all is no frame either, since an empty one is stuffed as `01`. From S. Cheshire and M. Baker, Consistent
 * Overhead Byte Stuffing, IEEE/ACM Transactions on Networking 7 (2), 1999.
 *
 * @category constructors
 * @since 0.1.0
 */
export const cobs = (options: CobsOptions = {}): Framing<Uint8Array> => {
  const { maxFrameLength = defaultMaxFrameLength } = options
  const problem = limitProblem("maxFrameLength", maxFrameLength)
  if (problem !== undefined) return invalid("cobs", problem)
  return stateful(
    () => {
      const scanner = new Scanner({
        finder: byteFinder(0),
        maxLength: stuffed(maxFrameLength),
        namedLimit: maxFrameLength
      })
      return (input) => {
        const length = scanner.next(input)
        if (length === noFrame) return noFrame
        const { bytes, start } = input
        input.skip(length + 1)
        const frame = unstuff(bytes, start, length)
        if (frame === undefined) {
          return input.corrupt(length === 0 ? "nothing lies between two zeros" : "its stuffing is broken")
        }
        return frame.length > maxFrameLength ? input.tooLong(maxFrameLength, maxFrameLength + 1) : frame
      }
    },
    (frame, output) => {
      const length = frame.length
      if (length > maxFrameLength) return output.tooLong(maxFrameLength, length)
      const begin = output.reserve(stuffed(length) + 1)
      const bytes = output.bytes
      let code = begin
      let at = begin + 1
      for (let i = 0; i < length; i++) {
        const byte = frame[i]!
        if (byte !== 0) bytes[at++] = byte
        if (byte === 0 || at - code === 255 && i + 1 < length) {
          bytes[code] = at - code
          code = at++
        }
      }
      bytes[code] = at - code
      bytes[at++] = 0
      return output.advance(at - begin)
    }
  )
}

/** Takes the stuffing out of `length` bytes, or returns nothing if it is broken. */
const unstuff = (bytes: Uint8Array, start: number, length: number): Uint8Array | undefined => {
  if (length === 0) return undefined
  const frame = new Uint8Array(length - 1)
  const end = start + length
  let size = 0
  for (let at = start; at < end;) {
    const code = bytes[at]!
    const next = at + code
    if (next > end) return undefined
    for (at++; at < next; at++) frame[size++] = bytes[at]!
    if (code < 255 && at < end) frame[size++] = 0
  }
  return frame.subarray(0, size)
}
