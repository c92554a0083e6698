import { isNode } from "./runtime.ts"

// The other objects of a read and a write fill the young generation fast enough for smaller chunks.
const largeBytes = 4 * 1024

// A placeholder that is stored nowhere would be optimized away.
const young: { placeholder: ReadonlyArray<unknown> } = { placeholder: [] }

/**
 * Makes the garbage collector free large chunks by collections of the young generation.
 *
 * V8 starts a young collection, which takes some hundred microseconds, when the young generation is full. It starts a
 * collection of the whole heap when memory outside of the heap has grown by some 20 MB. A chunk needs a hundred bytes of the
 * young generation and all its bytes outside, so that a thousand chunks of 16 KiB start a full collection. The placeholder, a
 * quarter of the chunk's size, fills the young generation first. An echo of 16 KiB then takes half the CPU time.
 */
export const announce = (bytes: number): void => {
  if (isNode && bytes >= largeBytes) young.placeholder = new Array(bytes >>> 5)
}

/** Copies a chunk; a large one into memory that it does not share with other chunks. */
export const copy = (chunk: Uint8Array): Buffer => {
  if (chunk.length < largeBytes) return Buffer.from(chunk)
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}

/** Copies and announces a chunk. A library that reads Node's own socket is faster without. */
export const announced = (chunk: Uint8Array): Buffer => {
  announce(chunk.length)
  return copy(chunk)
}
