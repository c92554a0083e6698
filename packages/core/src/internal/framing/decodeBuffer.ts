import * as Bytes from "effect/Bytes"
import { FramingError, type FramingErrorReason } from "../../FramingError.ts"
import { type Input, type NoFrame, noFrame } from "../../FramingInput.ts"
import { allocate } from "../bytes/uninitialized.ts"
import { indexOfByte } from "./delimiterScanner.ts"

/**
 * Room for the frames that span chunks is taken in slabs, so that small ones share an allocation. Each is twice as large
 * as the last, so that a decoder that waits for its first frame holds little.
 */
const smallestSlab = 1024
const largestSlab = 32768

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
  /** Where in the window the frame being decoded begins. */
  begun = 0
  /** How many bytes must be there before it is worth looking again. */
  needed = 1
  /** How many bytes the frame is known to take, or 0 if that is not known. */
  announced = 0
  /** Whether the window lies in the slab. */
  joined = false
  finished = false
  error: FramingError | undefined = undefined
  /** The bytes whose buffer and place in it are noted, for views that cost less than with `subarray`. */
  #viewed: Uint8Array = empty
  #buffer = empty.buffer as ArrayBuffer
  #origin = 0
  #base: number
  #wanted = 1
  /** The byte that `seek` waits for, or -1. */
  #sought = -1
  /** Up to this place in the byte stream there is none of the bytes that were sought. */
  cleared = 0
  #chunk: Uint8Array | undefined = undefined
  #chunkAt = 0
  /** How many bytes at the end of the joined window are also in the chunk, just before `#chunkAt`. */
  #copied = 0
  #queue: Array<Uint8Array> = []
  #queueAt = 0
  #slab: Uint8Array = empty
  #slabTop = 0
  #slabSize = smallestSlab
  #skipping = 0
  #openedAt = -1
  #clamped = false

  constructor(offset: number) {
    this.#base = offset
  }

  get length(): number {
    return this.end - this.start
  }

  get offset(): number {
    return this.#base + this.begun
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
    return this.start - this.begun + this.#skipping
  }

  /** How many bytes were fed and not yet used. */
  get buffered(): number {
    let count = this.end - this.start
    if (this.#chunk !== undefined) count += this.#chunk.length - this.#chunkAt
    for (let i = this.#queueAt; i < this.#queue.length; i++) count += this.#queue[i]!.length
    return count
  }

  need(n: number): NoFrame {
    const available = this.end - this.start
    this.announced = n
    this.#wanted = this.needed = n > available ? n : available + 1
    return noFrame
  }

  more(): NoFrame {
    const available = this.end - this.start
    this.needed = available + 1
    this.#wanted = available + (available > lookAhead ? available : lookAhead)
    return noFrame
  }

  /** No frame yet, and none before this byte comes. */
  seek(byte: number): NoFrame {
    this.#sought = byte
    return this.more()
  }

  take(n: number, header = 0): Uint8Array {
    const start = this.start
    this.start = start + n
    if (this.#viewed !== this.bytes) this.#view()
    return new Uint8Array(this.#buffer, this.#origin + start + header, n - header)
  }

  /** The next `n` bytes, which stay there. */
  peek(n: number): Uint8Array {
    if (this.#viewed !== this.bytes) this.#view()
    return new Uint8Array(this.#buffer, this.#origin + this.start, n)
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
    this.begun = this.start
    this.#openedAt = -1
  }

  drop(n: number): void {
    this.start += n
    this.#open()
  }

  tooLong(limit: number, length: number): NoFrame {
    return this.#fail({ _tag: "FrameTooLong", limit, length, offset: this.offset })
  }

  corrupt(why: string): NoFrame {
    return this.#fail({ _tag: "CorruptFrame", why, offset: this.offset })
  }

  invalidText(encoding: string): NoFrame {
    return this.#fail({ _tag: "InvalidText", encoding, offset: this.offset })
  }

  fail(error: FramingError): NoFrame {
    this.error = error
    this.needed = Infinity
    return noFrame
  }

  /** Goes on after an error. */
  recover(): void {
    this.error = undefined
    this.needed = 1
  }

  #fail(reason: FramingErrorReason): NoFrame {
    return this.fail(new FramingError({ reason }))
  }

  /** Says what the end of the input means for the bytes that are left: nothing if there are none. */
  truncate(): void {
    const open = this.#openedAt >= 0
    if (!open && this.start === this.end) return
    const offset = open ? this.#openedAt : this.offset
    const have = this.#base + this.end - offset
    const need = this.#base + this.start - offset + (this.#skipping > 0 ? this.#skipping : this.needed)
    this.#fail({ _tag: "TruncatedFrame", have, need, offset })
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

  /** Brings `needed` bytes into the window, if they have come, and then needs but one. */
  gather(): boolean {
    if (this.error !== undefined) return false
    while (this.end - this.start < this.needed) {
      const chunk = this.#chunk
      if (chunk === undefined) return false
      if (this.end - this.start <= this.#copied) this.#leave()
      else this.#join(chunk)
    }
    this.needed = 1
    this.#sought = -1
    return true
  }

  /** Moves the window on to the chunk, if what is left of it came from there, to have more in one piece. */
  settle(): void {
    if (this.#copied > 0 && !this.#clamped && this.end - this.start <= this.#copied) {
      this.#leave()
      this.begun = this.start
    }
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
    if (this.#chunk !== undefined && this.end - this.start <= this.#copied) this.#leave()
    const taken = this.end - this.start
    let rest = this.take(taken)
    if (this.#chunk !== undefined) {
      const pieces = [rest, this.#chunk.subarray(this.#chunkAt), ...this.#queue.slice(this.#queueAt)]
      rest = Bytes.concat(pieces)
    }
    const position = this.#base + this.start - taken + rest.length
    this.#enter(empty, 0)
    this.#base = position
    this.#queue = []
    this.#queueAt = 0
    this.#nextChunk()
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
    const count = this.#sought < 0
      ? Math.min(this.#wanted - available, chunk.length - from)
      : this.#countThrough(chunk, from, available)
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

  /** How many bytes of the chunk to append: up to the byte that is sought, which is faster to find in the chunk itself. */
  #countThrough(chunk: Uint8Array, from: number, available: number): number {
    const most = Math.min(chunk.length - from, Math.max(available, eagerSize))
    const at = indexOfByte(chunk, this.#sought, from, from + most)
    this.cleared = this.#base + this.end + (at < 0 ? most : at - from)
    return at < 0 ? most : at + 1 - from
  }

  /** Moves the window to where `count` bytes can be appended to it. */
  #moveToSlab(count: number): void {
    const available = this.end - this.start
    const room = Math.max(available + count, Math.min(this.#wanted, Math.max(2 * available, eagerSize)))
    let at = this.#slabTop
    if (this.joined || at + room > this.#slab.length) {
      this.#slab = allocate(Math.max(room, this.#slabSize))
      if (this.#slabSize < largestSlab) this.#slabSize *= 2
      at = 0
    }
    if (this.joined) this.#slab.set(this.bytes.subarray(this.start, this.end), at)
    else copy(this.bytes, this.start, this.#slab, at, available)
    this.#slabTop = this.#slab.length
    this.#base += this.start - at
    this.bytes = this.#slab
    this.start = at
    this.end = at + available
    this.joined = true
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

  #view(): void {
    this.#viewed = this.bytes
    this.#buffer = this.bytes.buffer as ArrayBuffer
    this.#origin = this.bytes.byteOffset
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
