import { makeYoungCollection } from "./youngCollection.ts"

// Node cuts the buffers of smaller chunks out of larger ones, which is faster.
const largeBytes = 4 * 1024

// How many bytes of chunks a collection is to free. With 8 MB, there are some collections of the whole heap again.
const collectedBytes = 6 * 1024 * 1024

let uncollectedBytes = 0
let collect: (() => void) | undefined = undefined

/**
 * Counts a chunk, and has the garbage collector free chunks by collections of the young generation.
 *
 * V8 starts a young collection, which takes a tenth of a millisecond, when the young generation is full. It starts a
 * collection of the whole heap, which takes some ten milliseconds, when memory outside of the heap has grown by some 16 MB. A
 * large chunk takes a hundred bytes of the young generation, which has up to 16 MB, and all its bytes outside. So young
 * collections are started here. An echo of 16 KiB then takes two thirds of the CPU time.
 */
export const announce = (bytes: number): void => {
  uncollectedBytes += bytes
  if (uncollectedBytes < collectedBytes) return
  uncollectedBytes = 0
  collect ??= makeYoungCollection()
  collect()
}

/** Copies a chunk, and announces it; a large one into memory that it does not share with other chunks. */
export const copy = (chunk: Uint8Array): Buffer => {
  if (chunk.length < largeBytes) return Buffer.from(chunk)
  announce(chunk.length)
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}
