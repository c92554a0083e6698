/** From this many bytes on, the built-in search is faster than a loop. */
const loopLength = 32

/** To search this many extra bytes costs less than to make a view that ends in the right place. */
const viewCost = 256

/** Where a byte first is in `bytes[start]` to `bytes[end - 1]`, or -1. */
export const indexOfByte = (bytes: Uint8Array, byte: number, start: number, end: number): number => {
  const near = end - start > loopLength ? start + loopLength : end
  for (let i = start; i < near; i++) if (bytes[i] === byte) return i
  if (near === end) return -1
  if (bytes.length - end <= viewCost) {
    const at = bytes.indexOf(byte, near)
    return at < end ? at : -1
  }
  const at = bytes.subarray(near, end).indexOf(byte)
  return at < 0 ? -1 : near + at
}
