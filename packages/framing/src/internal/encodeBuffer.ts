import * as Bytes from "effect/Bytes"
import * as Chunks from "../Chunks.ts"
import { CorruptFrame, FrameTooLong, FramingError, type FramingErrorReason, InvalidText } from "../FramingError.ts"
import type { FramingOutput } from "../FramingOutput.ts"
import { writeUint } from "./bytes/integer.ts"

/** The first buffer of a batch; each further one is twice as large, up to `largestSlab`. */
const slabSize = 16384
const largestSlab = 65536

/**
 * What the last batch left of its slab, from `spareAt` on: the next batch continues there, whichever connection it is for.
 * An encoder has a slab to itself until it is drained, and none while it is idle.
 */
let spare: Uint8Array = new Uint8Array(0)
let spareAt = 0

/** With less room than this a batch is likely to need two slabs, which is slower to send than one. */
const smallestSpare = 2048

/** From this size on a payload is passed on as it is; below it, a copy costs less than one more buffer to write. */
const copyLimit = 2048

/** Up to this length a loop is faster than `set`. */
const loopLength = 8

const empty = new Uint8Array(0)

/** The segments of all encoders that have none. */
const none: Array<Uint8Array> = []

/** Gathers encoded frames into few buffers. What was taken out is never written to again. */
export class EncodeBuffer implements FramingOutput {
  bytes: Uint8Array = empty
  error: FramingError | undefined = undefined
  #start = 0
  #end = 0
  /** Where in `bytes` the frame begins, unless it has spilled over. */
  #begun = 0
  #segments = none
  /** The place in the byte stream at which the open segment begins. */
  #base: number
  /** How things were when the frame began to spill over into another buffer, to go back to. */
  #beforeSpill: BeforeSpill | undefined = undefined

  constructor(offset: number) {
    this.#base = offset
  }

  get offset(): number {
    const spilled = this.#beforeSpill
    return spilled === undefined
      ? this.#base + this.#begun - this.#start
      : spilled.base + spilled.begun - spilled.start
  }

  /** The place in the byte stream after all that was written. */
  get position(): number {
    return this.#base + this.#end - this.#start
  }

  get length(): number {
    return this.position - this.offset
  }

  /** Begins a frame. */
  begin(): void {
    if (this.bytes === empty) this.#open()
    this.#begun = this.#end
    this.#beforeSpill = undefined
  }

  /** Takes back what was written since `begin`. */
  rollback(): void {
    this.error = undefined
    const spilled = this.#beforeSpill
    this.#end = this.#begun
    if (spilled === undefined) return
    this.bytes = spilled.bytes
    if (this.#segments !== none) this.#segments.length = spilled.segments
    this.#start = spilled.start
    this.#end = spilled.begun
    this.#base = spilled.base
  }

  first(n: number): Uint8Array {
    const spilled = this.#beforeSpill
    if (spilled === undefined) return this.bytes.subarray(this.#begun, Math.min(this.#end, this.#begun + n))
    const skipped = spilled.begun - spilled.start
    const open = this.bytes.subarray(this.#start, this.#end)
    return Bytes.concat([...this.#segments.slice(spilled.segments), open]).subarray(skipped, skipped + n)
  }

  /** Everything that was written since the last time. */
  drain(): Array<Uint8Array> {
    this.#close()
    if (this.bytes !== empty) this.#release()
    const segments = this.#segments
    this.#segments = none
    return segments === none ? [] : segments
  }

  byte(value: number): void {
    if (this.#end === this.bytes.length) this.#grow(1)
    this.bytes[this.#end++] = value
  }

  uint(value: number, size: number, littleEndian = false): void {
    if (this.#end + size > this.bytes.length) this.#grow(size)
    const bytes = this.bytes
    const end = this.#end
    if (size === 4 && !littleEndian) {
      bytes[end] = value >>> 24
      bytes[end + 1] = value >>> 16
      bytes[end + 2] = value >>> 8
      bytes[end + 3] = value
    } else {
      writeUint(bytes, end, value, size, littleEndian)
    }
    this.#end = end + size
  }

  write(bytes: Uint8Array): void {
    const length = bytes.length
    if (length >= copyLimit) {
      this.#spill()
      this.#close()
      this.#push(bytes)
      this.#base += length
      return
    }
    if (this.#end + length > this.bytes.length) this.#grow(length)
    const target = this.bytes
    const end = this.#end
    if (length <= loopLength) {
      for (let i = 0; i < length; i++) target[end + i] = bytes[i]!
    } else {
      target.set(bytes, end)
    }
    this.#end = end + length
  }

  reserve(n: number): number {
    if (this.#end + n > this.bytes.length) this.#grow(n)
    return this.#end
  }

  advance(n: number): void {
    this.#end += n
  }

  tooLong(limit: number, length: number): void {
    this.#fail(new FrameTooLong({ limit, length, offset: this.offset, outgoing: true }))
  }

  corrupt(why: string): void {
    this.#fail(new CorruptFrame({ why, offset: this.offset, outgoing: true }))
  }

  invalidText(encoding: string): void {
    this.#fail(new InvalidText({ encoding, offset: this.offset, outgoing: true }))
  }

  fail(error: FramingError): void {
    this.error = error
  }

  #fail(reason: FramingErrorReason): void {
    this.fail(new FramingError({ reason }))
  }

  #spill(): void {
    this.#beforeSpill ??= {
      segments: this.#segments.length,
      bytes: this.bytes,
      start: this.#start,
      begun: this.#begun,
      base: this.#base
    }
  }

  #open(): void {
    if (spare.length - spareAt < smallestSpare) {
      this.bytes = Chunks.allocateUnsafe(slabSize)
      return
    }
    this.bytes = spare
    this.#start = this.#end = spareAt
    spare = empty
    spareAt = 0
  }

  #release(): void {
    spare = this.bytes
    spareAt = this.#end
    this.bytes = empty
    this.#start = this.#end = 0
  }

  #close(): void {
    if (this.#end === this.#start) return
    this.#push(this.bytes.subarray(this.#start, this.#end))
    this.#base += this.#end - this.#start
    this.#start = this.#end
  }

  #push(segment: Uint8Array): void {
    if (this.#segments === none) this.#segments = [segment]
    else this.#segments.push(segment)
  }

  #grow(n: number): void {
    const size = Math.min(2 * this.bytes.length, largestSlab)
    this.#spill()
    this.#close()
    this.bytes = Chunks.allocateUnsafe(Math.max(size, n))
    this.#start = 0
    this.#end = 0
  }
}

interface BeforeSpill {
  readonly segments: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly begun: number
  readonly base: number
}
