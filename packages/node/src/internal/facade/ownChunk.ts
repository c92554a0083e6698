import { isNode } from "./runtime.ts"
import { makeYoungCollection } from "./youngCollection.ts"

// Node cuts the buffers of smaller chunks out of larger ones, which is faster.
const largeBytes = 4 * 1024

// How many bytes of chunks a collection is to free. With 8 MB, there are some collections of the whole heap again.
const collectedBytes = 6 * 1024 * 1024

// How much free memory is kept: more than is free between two collections.
const keptBytes = 16 * 1024 * 1024

/** Starts a collection whenever there are enough chunks. */
class Collector {
  #bytes = 0
  #collect: (() => void) | undefined = undefined

  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < collectedBytes) return
    this.#bytes = 0
    this.#collect ??= this.#prepare()
    this.#collect()
  }

  #prepare(): () => void {
    // glibc keeps 128 KB of free memory at the end of its heap and returns the rest to the system; each page that it takes
    // again costs a fault. After a larger buffer has been freed, as this one is at once, it keeps twice the size of that.
    new ArrayBuffer(keptBytes / 2).transfer(0)
    return makeYoungCollection()
  }
}

const collector = new Collector()

/**
 * Counts a chunk, and has the garbage collector free chunks by collections of the young generation.
 *
 * V8 starts a young collection, which takes a tenth of a millisecond, when the young generation is full. It starts a
 * collection of the whole heap, which takes some ten milliseconds, when memory outside of the heap has grown by some 16 MB. A
 * large chunk takes a hundred bytes of the young generation, which has up to 16 MB, and all its bytes outside. So young
 * collections are started here.
 */
export const announce = (bytes: number): void => {
  if (isNode) collector.add(bytes)
}

// A copy that nobody uses any more. Messages that are passed on often have one length, and then one copy serves them all.
let spare: Uint8Array | undefined

/** Copies a chunk, and announces it; a large one into memory that it does not share with other chunks. */
export const copy = (chunk: Uint8Array): Uint8Array => {
  if (spare?.length === chunk.length) {
    const own = spare
    spare = undefined
    own.set(chunk)
    return own
  }
  if (chunk.length < largeBytes) return Buffer.from(chunk)
  announce(chunk.length)
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}

/** Takes a copy that nobody uses any more. */
export const recycle = (chunk: Uint8Array): void => {
  spare = chunk
}
