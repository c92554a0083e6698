import * as Bytes from "effect/Bytes"
import { indexOfByte } from "./bytes/byteSearch.ts"
import { ChunkQueue } from "./chunkQueue.ts"
import { Slab } from "./slab.ts"

/**
 * How much room an announced length may claim before its bytes have come: a payload of 64 KiB and its header. Beyond
 * it, room is doubled as bytes come, so that memory stays in proportion to what was received.
 */
const eagerSize = 65536 + 64

const empty = new Uint8Array(0)
const emptyBuffer = empty.buffer as ArrayBuffer

/** The queue of all windows behind which nothing has ever waited. */
const nothing = new ChunkQueue()

/**
 * One contiguous piece of the bytes that were fed: from `start` to `end` in `bytes`.
 *
 * While a chunk holds whole frames the window is the chunk itself. Where a frame spans chunks, the window is joined: copied
 * into a slab, no further than asked for. As soon as all that is left in the slab came from one chunk, the window moves to
 * that chunk.
 */
export class Window {
  bytes: Uint8Array = empty
  start = 0
  end = 0
  /** The place in the byte stream of index 0 of `bytes`. */
  base: number
  /** How many bytes at the end of the joined window are also in the next chunk, before those that it has not taken. */
  copied = 0
  /** Its own as soon as something waits in it. */
  #queue = nothing
  /** Made for the first frame that spans chunks. */
  #slab: Slab | undefined = undefined
  #joined = false
  /** Up to this place in the byte stream there is no `#clearedByte`. */
  #clearedTo = 0
  #clearedByte = -1
  /** The bytes whose buffer and place in it are noted, for views that cost less than with `subarray`. */
  viewed: Uint8Array = empty
  buffer = emptyBuffer
  origin = 0

  constructor(offset: number) {
    this.base = offset
  }

  get position(): number {
    return this.base + this.start
  }

  /** How many bytes were fed and not consumed. */
  get buffered(): number {
    return this.end - this.start + this.#queue.length
  }

  /** Whether nothing waits behind the window. */
  get isLast(): boolean {
    return this.#queue.head === undefined
  }

  cleared(byte: number): number {
    return byte === this.#clearedByte ? Math.max(0, this.#clearedTo - this.position) : 0
  }

  /** A view of the `n` bytes at `at`. */
  view(at: number, n: number): Uint8Array {
    if (this.viewed !== this.bytes) this.noteBuffer()
    return new Uint8Array(this.buffer, this.origin + at, n)
  }

  noteBuffer(): void {
    this.viewed = this.bytes
    this.buffer = this.bytes.buffer as ArrayBuffer
    this.origin = this.bytes.byteOffset
  }

  append(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#queue.head === undefined && this.start === this.end) this.#enter(chunk, 0)
    else this.#ownQueue().push(chunk)
  }

  #ownQueue(): ChunkQueue {
    return this.#queue === nothing ? (this.#queue = new ChunkQueue()) : this.#queue
  }

  /** Lets go of a chunk that is consumed, so that a decoder that waits for the next one keeps no memory. */
  rest(): void {
    if (this.start < this.end || this.#joined || this.#queue.head !== undefined) return
    this.base += this.start
    this.start =
      this.end =
      this.copied =
      this.origin =
        0
    this.bytes = this.viewed = empty
    this.buffer = emptyBuffer
  }

  /**
   * Extends the window to `needed` bytes, if they have come. It takes up to `wanted` bytes while it is about it, or, when
   * `sought` is a byte, up to that byte.
   */
  extend(needed: number, wanted: number, sought: number): boolean {
    while (this.end - this.start < needed) {
      const chunk = this.#queue.head
      if (chunk === undefined) return false
      if (this.end - this.start <= this.copied) this.advance()
      else this.#join(chunk, wanted, sought)
    }
    return true
  }

  /** Moves the window on to the chunk that all of it came from. */
  advance(): void {
    const chunk = this.#queue.head!
    const at = this.#queue.at - (this.end - this.start)
    this.#nextChunk()
    this.#enter(chunk, at)
  }

  /** Empties the window and the chunks behind it, and returns what was in them. */
  remainder(): Uint8Array {
    if (this.#queue.head !== undefined && this.end - this.start <= this.copied) this.advance()
    const first = this.view(this.start, this.end - this.start)
    this.start = this.end
    const rest = this.#queue.head === undefined ? first : Bytes.concat([first, ...this.#queue.drain()])
    this.copied = 0
    this.#enter(empty, 0)
    this.base += rest.length - first.length
    return rest
  }

  /** Makes a chunk the window, from `at` on. Its bytes there follow those that were consumed. */
  #enter(chunk: Uint8Array, at: number): void {
    this.base += this.start - at
    if (this.#joined) {
      this.#slab!.release(this.start)
      this.#joined = false
    }
    this.bytes = chunk
    this.start = at
    this.end = chunk.length
    this.onEntered()
  }

  /** Called when the window has moved to another chunk. */
  onEntered(): void {}

  /** Appends to the window what is wanted of the next chunk. */
  #join(chunk: Uint8Array, wanted: number, sought: number): void {
    const available = this.end - this.start
    const from = this.#queue.at
    const count = sought < 0
      ? Math.min(wanted - available, chunk.length - from)
      : this.#countThrough(chunk, from, available, sought)
    if (!this.#joined || this.end + count > this.bytes.length) this.#moveToSlab(count, wanted)
    copy(chunk, from, this.bytes, this.end, count)
    this.end += count
    if (from + count === chunk.length) {
      this.#nextChunk()
    } else {
      this.#queue.at = from + count
      this.copied += count
    }
  }

  /** How many bytes of the chunk to append: up to the byte that is sought, which is faster to find in the chunk itself. */
  #countThrough(chunk: Uint8Array, from: number, available: number, sought: number): number {
    const most = Math.min(chunk.length - from, Math.max(available, eagerSize))
    const at = indexOfByte(chunk, sought, from, from + most)
    this.#clearedByte = sought
    this.#clearedTo = this.base + this.end + (at < 0 ? most : at - from)
    return at < 0 ? most : at + 1 - from
  }

  /** Moves the window to where `count` bytes can be appended to it. */
  #moveToSlab(count: number, wanted: number): void {
    const available = this.end - this.start
    // A frame that says again and again that it needs little more must not be copied each time.
    const least = available + (this.#joined ? Math.max(count, available >> 1) : count)
    const room = Math.max(least, Math.min(wanted, Math.max(2 * available, eagerSize)))
    const slab = this.#slab ??= new Slab()
    const at = this.#joined ? slab.claimNew(room) : slab.claim(room)
    const { bytes } = slab
    if (this.#joined) bytes.set(this.bytes.subarray(this.start, this.end), at)
    else copy(this.bytes, this.start, bytes, at, available)
    this.base += this.start - at
    this.bytes = bytes
    this.start = at
    this.end = at + available
    this.#joined = true
  }

  #nextChunk(): void {
    this.copied = 0
    this.#queue.shift()
  }
}

/** Copies bytes of a chunk; a loop is faster than `set` for a few, and a chunk's own `subarray` may be slow. */
const copy = (chunk: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void => {
  if (count <= 24) {
    for (let i = 0; i < count; i++) target[at + i] = chunk[from + i]!
  } else if (count === chunk.length) {
    target.set(chunk, at)
  } else {
    target.set(new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset + from, count), at)
  }
}
