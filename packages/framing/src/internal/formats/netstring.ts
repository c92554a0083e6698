import type { Framing } from "../../Framing.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateless } from "../define.ts"

/**
 * Options of {@link netstring}.
 *
 * @category options
 * @since 0.1.0
 */
export interface NetstringOptions {
  /** How long a frame may be, in bytes; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
}

/** 2^53 - 1 has 16 digits. */
const maxDigits = 16

/**
 * [Netstrings](https://cr.yp.to/proto/netstrings.txt): the length in decimal, a colon, the frame and a comma, as in
 * `5:hello,`.
 *
 * Strict: a length has digits only and no leading zeros, and the comma must be there (`CorruptFrame`).
 *
 * @category constructors
 * @since 0.1.0
 */
export const netstring = (options: NetstringOptions = {}): Framing<Uint8Array> => {
  const { maxFrameLength = defaultMaxFrameLength } = options
  const problem = limitProblem("maxFrameLength", maxFrameLength)
  if (problem !== undefined) return invalid("netstring", problem)
  return stateless(
    (input) => {
      const { bytes, end, start } = input
      let length = 0
      let digits = 0
      for (;; digits++) {
        if (start + digits === end) return input.need(digits + 1)
        const byte = bytes[start + digits]!
        if (byte === 0x3a && digits > 0) break
        if (byte < 0x30 || byte > 0x39) return input.corrupt("a netstring begins with its length in digits and a colon")
        if (digits === 1 && length === 0) return input.corrupt("the length of a netstring has no leading zeros")
        length = length * 10 + byte - 0x30
        if (digits === maxDigits) return input.tooLong(maxFrameLength, length)
      }
      const total = digits + 1 + length + 1
      if (length > maxFrameLength) {
        if (Number.isSafeInteger(total)) input.skip(total)
        return input.tooLong(maxFrameLength, length)
      }
      if (end - start < total) return input.whole(total)
      if (bytes[start + total - 1] !== 0x2c) return input.corrupt("a netstring ends with a comma")
      input.skip(digits + 1)
      const frame = input.take(length)
      input.skip(1)
      return frame
    },
    (frame, output) => {
      if (frame.length > maxFrameLength) return output.tooLong(maxFrameLength, frame.length)
      const length = String(frame.length)
      for (let i = 0; i < length.length; i++) output.byte(length.charCodeAt(i))
      output.byte(0x3a)
      output.write(frame)
      return output.byte(0x2c)
    }
  )
}
