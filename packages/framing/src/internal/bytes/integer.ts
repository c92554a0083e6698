/** The largest value of an unsigned integer of 1 to 8 bytes. */
export const maxUint = (size: number): number => size === 8 ? 2 ** 64 - 1 : 2 ** (8 * size) - 1

/** Reads an unsigned integer of 1 to 8 bytes. Beyond 2^53 - 1 the result is rounded, and stays beyond it. */
export const readUint = (bytes: Uint8Array, at: number, size: number, littleEndian: boolean): number => {
  switch (size) {
    case 1:
      return bytes[at]!
    case 2:
      return littleEndian ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!
    case 4:
      return littleEndian
        ? (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
        : ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
    default: {
      let value = 0
      if (littleEndian) { for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]! }
      else for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i]!
      return value
    }
  }
}

/** Writes an unsigned integer of at most 2^53 - 1 in 1 to 8 bytes. */
export const writeUint = (bytes: Uint8Array, at: number, value: number, size: number, littleEndian: boolean): void => {
  let high = Math.floor(value / 0x100000000)
  let low = value >>> 0
  for (let i = 0; i < size; i++) {
    const digit = i < 4 ? low & 0xff : high & 0xff
    if (i < 4) low >>>= 8
    else high >>>= 8
    bytes[littleEndian ? at + i : at + size - 1 - i] = digit
  }
}

/** How many bytes a base-128 varint takes. */
export const varintSize = (value: number): number => {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}
