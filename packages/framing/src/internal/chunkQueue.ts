import * as Chunks from "../Chunks.ts"

/** Chunks up to this length are joined while they wait, because a chunk costs some 100 bytes beside its own. */
const smallChunk = 512

const smallestTail = 1024
const largestTail = 65536

const empty = new Uint8Array(0)

/** The chunks that have been fed and that the window has not reached yet. */
export class ChunkQueue {
  /** The first chunk, of which the window may have taken a part. */
  head: Uint8Array | undefined = undefined
  /** Where in the first chunk the bytes begin that the window has not taken. */
  at = 0
  #rest: Array<Uint8Array> = []
  #next = 0
  /** Where small chunks are joined: the last chunk of the queue is the first `#filled` bytes of it. */
  #tail: Uint8Array = empty
  #filled = 0

  /** How many bytes wait. */
  get length(): number {
    if (this.head === undefined) return 0
    let count = this.head.length - this.at
    for (let i = this.#next; i < this.#rest.length; i++) count += this.#rest[i]!.length
    return count
  }

  push(chunk: Uint8Array): void {
    if (this.head === undefined) {
      this.head = chunk
      this.at = 0
    } else if (chunk.length > smallChunk) {
      this.#filled = 0
      this.#rest.push(chunk)
    } else {
      this.#join(chunk)
    }
  }

  /** Advances to the next chunk. */
  shift(): void {
    this.at = 0
    if (this.#next < this.#rest.length) {
      this.head = this.#rest[this.#next]
      this.#rest[this.#next++] = empty
      if (this.#next < this.#rest.length) return
    } else {
      this.head = undefined
    }
    this.#rest = []
    this.#next = 0
    this.#filled = 0
  }

  /** Takes out everything that waits. */
  drain(): Array<Uint8Array> {
    const chunks: Array<Uint8Array> = []
    for (; this.head !== undefined; this.shift()) chunks.push(this.head.subarray(this.at))
    return chunks
  }

  #join(chunk: Uint8Array): void {
    const length = this.#filled + chunk.length
    if (this.#filled === 0 || length > largestTail) {
      this.#tail = Chunks.allocateUnsafe(Math.max(smallestTail, chunk.length))
      this.#filled = 0
      this.#rest.push(empty)
    } else if (length > this.#tail.length) {
      const larger = Chunks.allocateUnsafe(Math.min(largestTail, 2 * this.#tail.length))
      larger.set(this.#tail.subarray(0, this.#filled))
      this.#tail = larger
    }
    this.#tail.set(chunk, this.#filled)
    this.#filled += chunk.length
    this.#rest[this.#rest.length - 1] = this.#tail.subarray(0, this.#filled)
  }
}
