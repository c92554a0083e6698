import type { Framing } from "../../Framing.ts"
import { byteCount } from "../bytes/byteCount.ts"
import { invalid, stateless } from "../define.ts"

/**
 * Frames of `length` bytes each, for records and samples. Encoding refuses a frame of any other length.
 *
 * A length of 0 is `InvalidFraming`: any input would contain endlessly many such frames. For an empty field of a message, see
 * `Codec.bytes(0)` of `@sluice/codec`.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const records = Framing.fixedLength(188) // MPEG transport stream packets
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fixedLength = (length: number): Framing<Uint8Array> =>
  !Number.isSafeInteger(length) || length < 1
    ? invalid("fixedLength", `length is ${length}; it must be a whole number of bytes, 1 or more`)
    : stateless(
      (input) => input.end - input.start < length ? input.whole(length) : input.take(length),
      (frame, output) => {
        if (frame.length > length) return output.tooLong(length, frame.length)
        if (frame.length < length) return output.corrupt(`it has ${byteCount(frame.length)}, not ${length}; pad it`)
        return output.write(frame)
      }
    )
