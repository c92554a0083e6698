import type { Framing } from "../../Framing.ts"
import { byteCount } from "../bytes/byteCount.ts"
import { maxUint, readUint, varintSize } from "../bytes/integer.ts"
import { readVarint, writeVarint } from "../bytes/varint.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateless } from "../define.ts"

/**
 * How a {@link lengthPrefixed} framing writes the length.
 *
 * @category models
 * @since 0.1.0
 */
export type LengthPrefix = "uint8" | "uint16" | "uint24" | "uint32" | "uint64" | "varint"

/**
 * Options of {@link lengthPrefixed}.
 *
 * @category options
 * @since 0.1.0
 */
export interface LengthPrefixedOptions {
  /** How the length is written; "uint32" by default. "varint" is Protobuf's base-128, in as few bytes as possible. */
  readonly prefix?: LengthPrefix | undefined
  /** The order of the prefix's bytes; "big" by default. A varint has one order only. */
  readonly endianness?: "big" | "little" | undefined
  /** How long a frame may be, without its prefix, in bytes; 1 MiB by default, or less if the prefix can say no more. */
  readonly maxFrameLength?: number | undefined
  /** Whether the length that is written counts the prefix too; false by default. */
  readonly countsPrefix?: boolean | undefined
}

const prefixSize = { uint8: 1, uint16: 2, uint24: 3, uint32: 4, uint64: 8 } as const

/**
 * Frames that each follow their length: the usual choice for a binary protocol.
 *
 * Fails with `FrameTooLong` as soon as a prefix announces more than `maxFrameLength`, and with `CorruptFrame` if a
 * varint is not minimal or longer than 10 bytes, or if a prefix that counts itself is less than its own size.
 * The varint is that of the [Protocol Buffers encoding](https://protobuf.dev/programming-guides/encoding/#varints).
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const messages = Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 4096 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const lengthPrefixed = (options: LengthPrefixedOptions = {}): Framing<Uint8Array> => {
  const { countsPrefix = false, endianness = "big", prefix = "uint32" } = options
  if (prefix === "varint") {
    const maxFrameLength = options.maxFrameLength ?? defaultMaxFrameLength
    const problem = limitProblem("maxFrameLength", maxFrameLength)
    return problem === undefined ? varintPrefixed(maxFrameLength, countsPrefix) : invalid("lengthPrefixed", problem)
  }
  const size = prefixSize[prefix]
  if (size === undefined) return invalid("lengthPrefixed", `prefix is ${JSON.stringify(prefix)}, which is not known`)
  const counted = countsPrefix ? size : 0
  const largest = maxUint(size) - counted
  const maxFrameLength = options.maxFrameLength ?? Math.min(defaultMaxFrameLength, largest)
  const problem = limitProblem("maxFrameLength", maxFrameLength)
  if (problem !== undefined) return invalid("lengthPrefixed", problem)
  if (maxFrameLength > largest) {
    return invalid(
      "lengthPrefixed",
      `maxFrameLength is ${maxFrameLength}, but a ${prefix} cannot say more than ${largest}`
    )
  }
  const littleEndian = endianness === "little"
  return stateless(
    (input) => {
      const available = input.end - input.start
      if (available < size) return input.need(size)
      const length = readUint(input.bytes, input.start, size, littleEndian) - counted
      if (length > maxFrameLength) {
        if (Number.isSafeInteger(length)) input.skip(size + length)
        return input.tooLong(maxFrameLength, length)
      }
      if (length < 0) return input.corrupt(`its length says ${length + size}, less than its own ${byteCount(size)}`)
      if (available < size + length) return input.whole(size + length)
      return input.take(size + length, size)
    },
    (frame, output) => {
      const length = frame.length
      if (length > maxFrameLength) return output.tooLong(maxFrameLength, length)
      output.uint(length + counted, size, littleEndian)
      return output.write(frame)
    }
  )
}

const varintPrefixed = (maxFrameLength: number, countsPrefix: boolean): Framing<Uint8Array> => {
  // A frame that is short and there takes none of the care that the others do.
  const longestShort = countsPrefix ? -1 : Math.min(127, maxFrameLength)
  return stateless(
    (input) => {
      const { bytes, end, start } = input
      const first = bytes[start]!
      if (first <= longestShort && first < end - start) return input.take(1 + first, 1)
      const value = readVarint(input)
      if (typeof value !== "number") return value
      const size = varintSize(value)
      const length = countsPrefix ? value - size : value
      if (length > maxFrameLength) {
        if (Number.isSafeInteger(length)) input.skip(size + length)
        return input.tooLong(maxFrameLength, length)
      }
      if (length < 0) return input.corrupt(`its length says ${value}, less than its own ${byteCount(size)}`)
      if (input.end - input.start < size + length) return input.whole(size + length)
      return input.take(size + length, size)
    },
    (frame, output) => {
      const length = frame.length
      if (length > maxFrameLength) return output.tooLong(maxFrameLength, length)
      let value = length
      if (countsPrefix) {
        value += varintSize(length)
        if (varintSize(value) > varintSize(length)) value++
      }
      writeVarint(value, output)
      return output.write(frame)
    }
  )
}
