import * as Bytes from "effect/Bytes"
import type { Output } from "../framing/Output.ts"
import { FramingError } from "../FramingError.ts"
import { writeUint } from "./integer.ts"

/** The first buffer of a batch; each further one is twice as large, up to `largestSlab`. */
const slabSize = 8192
const largestSlab = 65536

/** From this size on a payload is passed on as it is; below it, a copy costs less than one more buffer to write. */
const copyLimit = 2048

/** Gathers encoded frames into few buffers. What was taken out is never written to again. */
export class OutputBuffer implements Output {
  bytes: Uint8Array = new Uint8Array(0)
  offset: number
  #start = 0
  #end = 0
  #segments: Array<Uint8Array> = []
  /** The place in the byte stream at which the open segment begins. */
  #base: number
  #markedSegments = 0
  #markedBytes: Uint8Array = this.bytes
  #markedStart = 0
  #markedEnd = 0
  #markedBase: number

  constructor(offset: number) {
    this.offset = offset
    this.#base = offset
    this.#markedBase = offset
  }

  /** The place in the byte stream after all that was written. */
  get position(): number {
    return this.#base + this.#end - this.#start
  }

  /** Begins a frame. */
  begin(): void {
    this.offset = this.#base + this.#end - this.#start
    this.#markedSegments = this.#segments.length
    this.#markedBytes = this.bytes
    this.#markedStart = this.#start
    this.#markedEnd = this.#end
    this.#markedBase = this.#base
  }

  /** Takes back what was written since `begin`. */
  rollback(): void {
    this.#segments.length = this.#markedSegments
    this.bytes = this.#markedBytes
    this.#start = this.#markedStart
    this.#end = this.#markedEnd
    this.#base = this.#markedBase
  }

  /** What was written since `begin`, at least its first `n` bytes if there are so many. */
  written(n: number): Uint8Array {
    const open = this.bytes.subarray(this.#start, this.#end)
    const skipped = this.#markedEnd - this.#markedStart
    return Bytes.concat([...this.#segments.slice(this.#markedSegments), open]).subarray(skipped, skipped + n)
  }

  /** Everything that was written since the last time. */
  drain(): Array<Uint8Array> {
    this.#close()
    const segments = this.#segments
    this.#segments = []
    return segments
  }

  byte(value: number): void {
    if (this.#end === this.bytes.length) this.#grow(1)
    this.bytes[this.#end++] = value
  }

  uint(value: number, size: number, littleEndian = false): void {
    if (this.#end + size > this.bytes.length) this.#grow(size)
    writeUint(this.bytes, this.#end, value, size, littleEndian)
    this.#end += size
  }

  write(bytes: Uint8Array): void {
    const length = bytes.length
    if (length >= copyLimit) {
      this.#close()
      this.#segments.push(bytes)
      this.#base += length
      return
    }
    if (this.#end + length > this.bytes.length) this.#grow(length)
    const target = this.bytes
    const end = this.#end
    if (length <= 24) {
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

  tooLong(limit: number, length: number): FramingError {
    return new FramingError({ reason: { _tag: "FrameTooLong", limit, length, offset: this.offset } })
  }

  corrupt(why: string): FramingError {
    return new FramingError({ reason: { _tag: "CorruptFrame", why, offset: this.offset } })
  }

  invalidText(encoding: string): FramingError {
    return new FramingError({ reason: { _tag: "InvalidText", encoding, offset: this.offset } })
  }

  #close(): void {
    if (this.#end === this.#start) return
    this.#segments.push(this.bytes.subarray(this.#start, this.#end))
    this.#base += this.#end - this.#start
    this.#start = this.#end
  }

  #grow(n: number): void {
    const size = this.#end > this.#start ? Math.min(2 * this.bytes.length, largestSlab) : slabSize
    this.#close()
    this.bytes = new Uint8Array(Math.max(size, n))
    this.#start = 0
    this.#end = 0
  }
}
