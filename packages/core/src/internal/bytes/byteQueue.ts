import * as Chunks from "@sluice/framing/Chunks"

// A chunk of at least this many bytes is queued as it is. Smaller ones are copied together: each would cost some 100
// bytes for itself.
const ownChunkBytes = 1024
const largestBlock = 64 * 1024

const none = new Uint8Array(0)

/** Turns a chunk that is lent into a chunk that may be kept. */
export interface Keeper {
  readonly keep: (chunk: Uint8Array) => Uint8Array
}

/**
 * Bytes in order, in at most about twice as much memory as they are, however small the chunks that they come in.
 *
 * Small chunks are gathered in a block whose size grows with the queue. A block is filled once: bytes that were taken
 * are never written over.
 */
export class ByteQueue {
  #length = 0
  // Full chunks, and behind them the block that is being filled.
  #chunks: Array<Uint8Array> = []
  #block: Uint8Array = none
  #blockStart = 0
  #blockEnd = 0

  get length(): number {
    return this.#length
  }

  /** Appends a chunk, which is lent for the call. */
  push(chunk: Uint8Array, keeper: Keeper): void {
    const rest = this.#fill(chunk)
    if (rest.length > 0) {
      if (this.#length === 0 || rest.length >= ownChunkBytes) {
        this.#sealBlock()
        this.#chunks.push(keeper.keep(rest))
      } else {
        this.#beginBlock(rest)
      }
    }
    this.#length += chunk.length
  }

  /** Puts a chunk in front. */
  unshift(chunk: Uint8Array): void {
    this.#chunks.unshift(chunk)
    this.#length += chunk.length
  }

  /** Takes the first chunk. */
  shift(): Uint8Array | undefined {
    if (this.#length === 0) return undefined
    if (this.#chunks.length === 0) this.#sealBlock()
    const chunk = this.#chunks.shift()!
    this.#length -= chunk.length
    return chunk
  }

  /** Takes the first `count` bytes, which the queue must have: a view where they lie in one chunk. */
  take(count: number): Uint8Array {
    if (count === 0) return new Uint8Array(0)
    const first = this.#chunks[0]
    if (first === undefined || first.length >= count) return this.#takeView(count)
    const taken = Chunks.allocateUnsafe(count)
    for (let at = 0; at < count;) {
      const part = this.#takeView(count - at)
      taken.set(part, at)
      at += part.length
    }
    return taken
  }

  /** A copy of the first `count` bytes, which the queue must have. */
  copy(count: number): Uint8Array {
    const copied = new Uint8Array(count)
    let at = 0
    for (const chunk of this.#all) {
      if (at === count) break
      const part = chunk.subarray(0, count - at)
      copied.set(part, at)
      at += part.length
    }
    return copied
  }

  /** Where `delimiter` begins, counted from the first byte of the queue, at `start` or later; or -1. */
  indexOf(delimiter: Uint8Array, start: number): number {
    const chunks = this.#all
    // A search mostly begins near the end, where the last one stopped.
    let index = chunks.length
    let offset = this.#length
    while (index > 0 && offset > start) offset -= chunks[--index]!.length
    for (; index < chunks.length; index++) {
      const chunk = chunks[index]!
      let at = chunk.indexOf(delimiter[0]!, Math.max(0, start - offset))
      while (at !== -1) {
        if (matches(chunks, index, at, delimiter)) return offset + at
        at = chunk.indexOf(delimiter[0]!, at + 1)
      }
      offset += chunk.length
    }
    return -1
  }

  clear(): void {
    this.#length = 0
    this.#chunks = []
    this.#dropBlock()
  }

  get #filled(): Uint8Array {
    return this.#block.subarray(this.#blockStart, this.#blockEnd)
  }

  get #all(): ReadonlyArray<Uint8Array> {
    return this.#block === none ? this.#chunks : [...this.#chunks, this.#filled]
  }

  // Copies into the block what fits; gives the rest.
  #fill(chunk: Uint8Array): Uint8Array {
    const room = this.#block.length - this.#blockEnd
    if (room === 0) return chunk
    const part = chunk.length <= room ? chunk : chunk.subarray(0, room)
    this.#block.set(part, this.#blockEnd)
    this.#blockEnd += part.length
    return chunk.subarray(part.length)
  }

  #beginBlock(bytes: Uint8Array): void {
    this.#sealBlock()
    this.#block = Chunks.allocateUnsafe(Math.max(ownChunkBytes, Math.min(this.#length, largestBlock)))
    this.#block.set(bytes)
    this.#blockEnd = bytes.length
  }

  #sealBlock(): void {
    if (this.#block !== none) this.#chunks.push(this.#filled)
    this.#dropBlock()
  }

  #dropBlock(): void {
    this.#block = none
    this.#blockStart = 0
    this.#blockEnd = 0
  }

  // Takes at most `count` bytes, and at least one, without a copy.
  #takeView(count: number): Uint8Array {
    const first = this.#chunks[0]
    if (first === undefined) {
      const end = Math.min(this.#blockStart + count, this.#blockEnd)
      const view = this.#block.subarray(this.#blockStart, end)
      this.#blockStart = end
      this.#length -= view.length
      if (this.#length === 0) this.#dropBlock()
      return view
    }
    if (first.length <= count) return this.shift()!
    this.#chunks[0] = first.subarray(count)
    this.#length -= count
    return first.subarray(0, count)
  }
}

const matches = (chunks: ReadonlyArray<Uint8Array>, index: number, at: number, delimiter: Uint8Array): boolean => {
  let chunk = chunks[index]!
  for (const byte of delimiter) {
    while (at === chunk.length) {
      if (++index === chunks.length) return false
      chunk = chunks[index]!
      at = 0
    }
    if (chunk[at++] !== byte) return false
  }
  return true
}
