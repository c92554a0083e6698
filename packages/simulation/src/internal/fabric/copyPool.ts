// One array for many small copies: an array for each costs several times as much.
const size = 64 * 1024
const largest = 8 * 1024

let slab = new Uint8Array(size)
let used = 0

/** A copy of some bytes. Small ones share memory, and no byte of it. */
export const copy = (bytes: Uint8Array): Uint8Array => {
  const { length } = bytes
  if (length > largest) return bytes.slice()
  if (used + length > size) {
    slab = new Uint8Array(size)
    used = 0
  }
  const copied = slab.subarray(used, used + length)
  copied.set(bytes)
  used += length
  return copied
}
