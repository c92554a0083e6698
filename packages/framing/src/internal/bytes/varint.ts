import type { FramingInput, NoFrame } from "../../FramingInput.ts"
import type { FramingOutput } from "../../FramingOutput.ts"

/** 64 bits in groups of 7. */
const maxVarintSize = 10

/**
 * Reads the base-128 varint at the front of the input and leaves it there. Since only the minimal encoding is taken, the
 * value says how many bytes it takes. Beyond 2^53 - 1 the value is rounded, and stays beyond it.
 */
export const readVarint = (input: FramingInput): number | NoFrame => {
  const { bytes, end, start } = input
  if (start < end && bytes[start]! < 0x80) return bytes[start]!
  let value = 0
  let scale = 1
  for (let i = 0; i < maxVarintSize; i++) {
    if (start + i === end) return input.need(i + 1)
    const byte = bytes[start + i]!
    value += (byte & 0x7f) * scale
    scale *= 128
    if (byte < 0x80) {
      if (byte === 0 && i > 0) return input.corrupt("its varint is longer than it has to be")
      if (i === maxVarintSize - 1 && byte > 1) return input.corrupt("its varint is larger than 64 bits")
      return value
    }
  }
  return input.corrupt(`its varint is longer than ${maxVarintSize} bytes`)
}

/** Writes a value of at most 2^53 - 1 as a base-128 varint. */
export const writeVarint = (value: number, output: FramingOutput): void => {
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) output.byte(rest % 128 + 128)
  output.byte(rest)
}
