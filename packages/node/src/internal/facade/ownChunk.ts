import { isNode } from "./runtime.ts"

// Smaller chunks are views of Node's pool, and the objects of a turn weigh as much on the heap.
const largeBytes = 4 * 1024

// A placeholder that is stored nowhere would be optimized away.
const young: { placeholder: ReadonlyArray<unknown> } = { placeholder: [] }

/**
 * Tells the garbage collector of a chunk outside of its heap, in the one way that it understands.
 *
 * V8 frees buffers that live shortly when its young generation is full, for some hundred microseconds. A chunk is an object
 * of a hundred bytes there: large ones first reach the limit of memory outside of the heap, and that starts a collection of
 * the whole heap, every thousand chunks. A placeholder of a quarter of the size fills the young generation in time. An echo
 * of 16 KiB takes half the CPU.
 */
export const announce = (bytes: number): void => {
  if (isNode && bytes >= largeBytes) young.placeholder = new Array(bytes >>> 5)
}

/** A copy of a chunk, in memory that no other chunk keeps from being freed if it is large. */
export const copy = (chunk: Uint8Array): Buffer => {
  if (chunk.length < largeBytes) return Buffer.from(chunk)
  announce(chunk.length)
  const own = Buffer.allocUnsafeSlow(chunk.length)
  own.set(chunk)
  return own
}
