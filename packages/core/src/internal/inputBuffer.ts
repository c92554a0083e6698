import * as Bytes from "effect/Bytes"
import { type Input, type Pending, pending } from "../framing/Input.ts"
import { FramingError } from "../FramingError.ts"

/** Room for the frames that span chunks is taken in pieces of this size, so that small ones share an allocation. */
const slabSize = 8192

/**
 * How much room an announced length may claim before its bytes have come: a payload of 64 KiB and its header. Beyond
 * it, room is doubled as bytes come, so that memory stays in proportion to what was received.
 */
const eagerSize = 65536 + 64

/** How far to look ahead when a frame's end is not known. */
const lookAhead = 256

const empty = new Uint8Array(0)

/**
 * The window of an {@link Input} over the chunks that were fed.
 *
 * While a chunk holds whole frames the window is the chunk itself, and frames are views of it. A frame that spans chunks
 * is joined: copied into a slab, no further than the frame needs, and as soon as what is left in the slab came from one
 * chunk alone, the window moves to that chunk. Slab bytes are written once, so that views of them stay valid.
 */
export class InputBuffer implements Input {
  bytes: Uint8Array = empty
  start = 0
  end = 0
  offset: number
  /** How many bytes must be there before it is worth looking again. */
  needed = 1
  /** How many bytes the frame is known to take, or 0 if that is not known. */
  announced = 0
  /** Whether the window lies in the slab. */
  joined = false
  finished = false
  #buffer: ArrayBufferLike = empty.buffer
  #origin = 0
  #base: number
  #wanted = 1
  #chunk: Uint8Array | undefined = undefined
  #chunkAt = 0
  /** How many bytes at the end of the joined window are also in the chunk, just before `#chunkAt`. */
  #copied = 0
  #queue: Array<Uint8Array> = []
  #queueAt = 0
  #slab: Uint8Array = empty
  #slabTop = 0
  #skipping = 0
  #openedAt = -1
  #clamped = false

  constructor(offset: number) {
    this.offset = offset
    this.#base = offset
  }

  get length(): number {
    return this.end - this.start
  }

  /** The place in the byte stream of the first byte of the window. */
  get position(): number {
    return this.#base + this.start
  }

  get ended(): boolean {
    return this.finished && this.#chunk === undefined && !this.#clamped
  }

  /** How many bytes of the frame being decoded have been consumed, or promised to be. */
  get consumed(): number {
    return this.#base + this.start + this.#skipping - this.offset
  }

  /** How many bytes were fed and not yet used. */
  get buffered(): number {
    let count = this.end - this.start
    if (this.#chunk !== undefined) count += this.#chunk.length - this.#chunkAt
    for (let i = this.#queueAt; i < this.#queue.length; i++) count += this.#queue[i]!.length
    return count
  }

  /** Begins to decode a frame. */
  begin(): void {
    if (this.joined && this.#chunk !== undefined && this.end - this.start <= this.#copied) this.#leave()
    this.offset = this.#base + this.start
    this.needed = 1
    this.announced = 0
  }

  need(n: number): Pending {
    const available = this.end - this.start
    this.announced = n
    this.#wanted = this.needed = n > available ? n : available + 1
    return pending
  }

  more(): Pending {
    const available = this.end - this.start
    this.needed = available + 1
    this.#wanted = available + (available > lookAhead ? available : lookAhead)
    return pending
  }

  take(n: number): Uint8Array {
    const start = this.start
    this.start = start + n
    return new Uint8Array(this.#buffer as ArrayBuffer, this.#origin + start, n)
  }

  skip(n: number): void {
    const available = this.end - this.start
    if (n <= available) {
      this.start += n
    } else {
      this.start = this.end
      this.#skipping += n - available
      this.#open()
    }
  }

  idle(n: number): void {
    this.start += n
    this.offset = this.#base + this.start
    this.#openedAt = -1
  }

  drop(n: number): void {
    this.start += n
    this.#open()
  }

  tooLong(limit: number, length: number): FramingError {
    return new FramingError({ reason: { _tag: "FrameTooLong", limit, length, offset: this.offset } })
  }

  corrupt(why: string): FramingError {
    return new FramingError({ reason: { _tag: "CorruptFrame", why, offset: this.offset } })
  }

  invalidText(encoding: string): FramingError {
    return new FramingError({ reason: { _tag: "InvalidText", encoding, offset: this.offset } })
  }

  /** What the end of the input means for the bytes that are left: nothing if there are none. */
  truncated(): FramingError | Pending {
    const open = this.#openedAt >= 0
    if (!open && this.start === this.end) return pending
    const offset = open ? this.#openedAt : this.offset
    const have = this.#base + this.end - offset
    const need = this.#base + this.start - offset + (this.#skipping > 0 ? this.#skipping : this.needed)
    return new FramingError({ reason: { _tag: "TruncatedFrame", have, need, offset } })
  }

  feed(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#chunk !== undefined) this.#queue.push(chunk)
    else if (this.start === this.end) this.#enter(chunk, 0)
    else {
      this.#chunk = chunk
      this.#chunkAt = 0
    }
  }

  /** Brings `needed` bytes into the window, if they have come. */
  gather(): boolean {
    while (this.end - this.start < this.needed) {
      const chunk = this.#chunk
      if (chunk === undefined) return false
      if (this.start === this.end) {
        this.#leave()
      } else {
        this.#join(chunk)
      }
    }
    return true
  }

  /** Calls a decode function that sees no more than the next `n` bytes. */
  clamped<A>(n: number, decode: (input: Input) => A): A {
    const end = this.end
    if (n >= end - this.start) return decode(this)
    const outer = this.#clamped
    this.#clamped = true
    this.end = this.start + n
    const result = decode(this)
    this.#clamped = outer
    this.end = end
    if (this.#skipping > 0) this.#applySkip()
    return result
  }

  /** Empties the buffer and returns what was in it. */
  remainder(): Uint8Array {
    this.begin()
    let rest = this.take(this.end - this.start)
    if (this.#chunk !== undefined) {
      const pieces = [rest, this.#chunk.subarray(this.#chunkAt), ...this.#queue.slice(this.#queueAt)]
      rest = Bytes.concat(pieces)
    }
    this.#enter(empty, 0)
    this.#base = this.offset + rest.length
    this.#chunk = undefined
    this.#queue = []
    this.#queueAt = 0
    return rest
  }

  /** The frame goes on although all that came of it is consumed: remember it, in case its end never comes. */
  #open(): void {
    if (this.#openedAt < 0) this.#openedAt = this.offset
  }

  /** Makes a chunk the window, from `at` on. Its bytes there follow those that were consumed. */
  #enter(chunk: Uint8Array, at: number): void {
    this.#base += this.start - at
    if (this.joined) {
      this.#slabTop = this.start
      this.joined = false
    }
    this.bytes = chunk
    this.start = at
    this.end = chunk.length
    this.#buffer = chunk.buffer
    this.#origin = chunk.byteOffset
    if (this.#skipping > 0) this.#applySkip()
  }

  /** Moves the window from what was joined, or used up, to the chunk that comes after it. */
  #leave(): void {
    const chunk = this.#chunk!
    const at = this.#chunkAt - (this.end - this.start)
    this.#nextChunk()
    this.#enter(chunk, at)
  }

  /** Appends to the window what it wants of the next chunk. */
  #join(chunk: Uint8Array): void {
    const available = this.end - this.start
    const from = this.#chunkAt
    const count = Math.min(this.#wanted - available, chunk.length - from)
    if (!this.joined || this.end + count > this.bytes.length) this.#moveToSlab(count)
    copy(chunk, from, this.bytes, this.end, count)
    this.end += count
    if (from + count === chunk.length) {
      this.#nextChunk()
    } else {
      this.#chunkAt = from + count
      this.#copied += count
    }
  }

  /** Moves the window to where `count` bytes can be appended to it. */
  #moveToSlab(count: number): void {
    const available = this.end - this.start
    const room = Math.max(available + count, Math.min(this.#wanted, Math.max(2 * available, eagerSize)))
    let at = this.#slabTop
    if (this.joined || at + room > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(room, slabSize))
      at = 0
    }
    copy(this.bytes, this.start, this.#slab, at, available)
    this.#slabTop = this.#slab.length
    this.#base += this.start - at
    this.bytes = this.#slab
    this.start = at
    this.end = at + available
    this.joined = true
    this.#buffer = this.#slab.buffer
    this.#origin = 0
  }

  #nextChunk(): void {
    this.#chunkAt = 0
    this.#copied = 0
    if (this.#queueAt < this.#queue.length) {
      this.#chunk = this.#queue[this.#queueAt++]
    } else {
      this.#chunk = undefined
      if (this.#queueAt > 0) {
        this.#queue = []
        this.#queueAt = 0
      }
    }
  }

  #applySkip(): void {
    const available = this.end - this.start
    if (this.#skipping > available) {
      this.#skipping -= available
      this.start = this.end
    } else {
      this.start += this.#skipping
      this.#skipping = 0
      this.#openedAt = -1
    }
  }
}

/** Copies bytes; a loop is faster than `set` for a few. */
const copy = (source: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void => {
  if (count <= 24) {
    for (let i = 0; i < count; i++) target[at + i] = source[from + i]!
  } else {
    target.set(source.subarray(from, from + count), at)
  }
}
