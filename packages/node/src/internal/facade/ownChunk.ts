import { builtins } from "./builtins.ts"
import { isNode } from "./runtime.ts"

// The other objects of a read and a write fill the young generation fast enough for smaller chunks.
const largeBytes = 4 * 1024
const otherBytes = 1200

// How many bytes of chunks a collection of the young generation is to free.
const collectedBytes = 32 * 1024 * 1024

// The young generation may grow twofold by each collection.
const measuredBytes = 8 * 1024 * 1024

/** Objects beside chunks that fill the young generation. */
class Placeholders {
  // A placeholder that is stored nowhere would be optimized away.
  last: ReadonlyArray<unknown> = []
  // What the young generation has room for, per byte of chunks, and until how many bytes that holds.
  #share = 0
  #bytesLeft = 0

  add(bytes: number): void {
    this.#bytesLeft -= bytes
    if (this.#bytesLeft < 0) this.#measure()
    const missing = bytes * this.#share - otherBytes
    if (missing > 0) this.last = new Array(missing >>> 3)
  }

  #measure(): void {
    const spaces = builtins.v8.getHeapSpaceStatistics()
    const { space_available_size = 0, space_used_size = 0 } = spaces.find(isYoung) ?? {}
    this.#share = (space_available_size + space_used_size) / collectedBytes
    this.#bytesLeft = measuredBytes
  }
}

const isYoung = ({ space_name }: { readonly space_name: string }) => space_name === "new_space"

const placeholders = new Placeholders()

/**
 * Makes the garbage collector free large chunks by collections of the young generation.
 *
 * V8 starts a young collection, which takes some hundred microseconds, when the young generation is full. It starts a
 * collection of the whole heap, which takes some ten milliseconds, when memory outside of the heap has grown by some 40 MB. A
 * chunk needs a hundred bytes of the young generation and all its bytes outside. So a placeholder is made beside each: it
 * fills the young generation before there are 40 MB of chunks. The larger that generation has become, the larger are the
 * placeholders. An echo of 16 KiB then takes half the CPU time.
 */
export const announce = (bytes: number): void => {
  if (isNode && bytes >= largeBytes) placeholders.add(bytes)
}

/** Copies a chunk, and announces it; a large one into memory that it does not share with other chunks. */
export const copy = (chunk: Uint8Array): Buffer => {
  if (chunk.length < largeBytes) return Buffer.from(chunk)
  announce(chunk.length)
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}
