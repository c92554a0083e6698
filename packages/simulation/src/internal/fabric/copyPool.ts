import * as Chunks from "@sluice/framing/Chunks"

// One array for many small pieces: an array for each costs several times as much.
const size = 64 * 1024
const largest = 8 * 1024

let slab = new Uint8Array(size)
let used = 0

/** Memory for bytes, all of which the caller writes at once. Small pieces share an array, and no byte of it. */
export const allocate = (length: number): Uint8Array => {
  if (length > largest) return Chunks.allocateUnsafe(length)
  if (used + length > size) {
    slab = new Uint8Array(size)
    used = 0
  }
  const piece = slab.subarray(used, used + length)
  used += length
  return piece
}

/** A copy of some bytes. */
export const copy = (bytes: Uint8Array): Uint8Array => {
  const copied = allocate(bytes.length)
  copied.set(bytes)
  return copied
}
