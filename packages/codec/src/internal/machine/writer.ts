import type { FramingOutput } from "@sluice/framing/FramingOutput"
import * as Bytes from "effect/Bytes"
import type { CodecValue, Write } from "./codec.ts"
import { type Numeral, putNumeral } from "./number.ts"

/** From this size on a payload is passed on as it is; below it, a copy costs less than one more buffer to write. */
export const copyLimit = 2048

/** Up to this length a loop is faster than `set`. */
const loopLength = 16

const { get: tagOf } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag
) as { readonly get: (this: unknown) => string | undefined }

/** Whether a value is a `Uint8Array`. The engine finds it out in the value itself; `instanceof` walks its prototypes. */
export const isBytes = (value: unknown): value is Uint8Array => tagOf.call(value) === "Uint8Array"

/** Copies all `length` bytes into room that was made for them. */
export const put = (target: Uint8Array, at: number, bytes: Uint8Array, length: number): void => {
  if (length <= loopLength) { for (let i = 0; i < length; i++) target[at + i] = bytes[i]! }
  else target.set(bytes, at)
}

/** How much room a frame gets at first. */
const firstRoom = 64

/** A large payload that stands between the bytes that were written. */
interface Splice {
  readonly at: number
  readonly bytes: Uint8Array
}

/**
 * One frame while it is written: straight into the buffer of the output, in one piece, so that lengths and checksums can
 * be filled in later. Large payloads are kept apart, and are not copied.
 *
 * To an engine, the length of bytes can be beyond 2^31. Where it is known to be less, `| 0` says so: positions that are
 * computed from it stay small integers, which cost less than numbers that are allocated.
 */
export class Writer {
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  /** How many bits of `bytes[at - 1]` have been written, or 0 if all. */
  bit = 0
  /** Where in `bytes` the frame begins. */
  begun = 0
  /** Where the room in `bytes` ends. */
  end = 0
  /** Where in the frame the innermost range with a length begins, as `Cursor.base` has it when the range is read. */
  base = 0
  problem: string | undefined = undefined
  /** How many bytes or elements are too many, if that is the problem. */
  excess: { readonly limit: number; readonly length: number } | undefined = undefined
  path: Array<string> = []
  depth = 0
  /**
   * Whether bytes must not move when they have been written, because offsets of them are in others: lengths are measured
   * where that is possible. Found out by the first frame that cannot be written otherwise.
   */
  isCareful = false
  /** Positions that a struct notes, to fill in lengths and checksums. */
  links: Array<number> = []
  linkBase = 0
  linkTop = 0
  #output: FramingOutput | undefined = undefined
  #memory: Map<string, number> | undefined = undefined
  #splices: Array<Splice> = []
  #spliced = 0
  /** Whether a frame has begun and not been finished. */
  #isOpen = false

  begin(output: FramingOutput): void {
    if (output !== this.#output) this.#output = output
    this.at = this.begun = output.reserve(firstRoom)
    if (output.bytes !== this.bytes) {
      this.bytes = output.bytes
      this.end = this.bytes.length | 0
    }
    // What a frame changes it puts back, unless it fails.
    if (this.#isOpen) this.#clean()
    this.#isOpen = true
  }

  #clean(): void {
    this.bit =
      this.depth =
      this.linkBase =
      this.linkTop =
      this.base =
      this.#spliced =
        0
    this.#memory = undefined
    this.problem = undefined
    this.excess = undefined
    this.path = []
    this.#splices = []
  }

  /** How many bytes of the frame have been written. */
  get position(): number {
    return this.at - this.begun + this.#spliced
  }

  /** Makes room for `n` bytes and returns where they go. */
  room(n: number): number {
    if (this.end - this.at < n) this.#grow(n)
    const at = this.at
    // What is less than 2^31 stays a small integer, whatever the engine takes `n` for.
    this.at = n < 0x7fffffff ? at + (n | 0) : at + n
    return at
  }

  /** Where custom codecs note the offsets of what they wrote, counted from the innermost range. */
  get memory(): Map<string, number> {
    return this.#memory ??= new Map()
  }

  /** Writes a value that is read as a range, and returns its size. Offsets in it count from its first byte. */
  enclose<A>(write: Write<A>, value: A): number {
    const { base, position } = this
    this.base = position
    this.#memory = undefined
    write(value, this)
    this.base = base
    this.#memory = undefined
    return this.position - position
  }

  fail(why: string): void {
    this.problem ??= why
  }

  exceed(length: number, limit: number): void {
    if (this.problem !== undefined) return
    this.problem = `${length} exceeds limit ${limit}`
    this.excess = { limit, length }
  }

  payload(bytes: Uint8Array): void {
    const { length } = bytes
    if (length >= copyLimit) {
      this.#splices.push({ at: this.at - this.begun, bytes })
      this.#spliced += length
      return
    }
    const size = length | 0
    const at = this.room(size)
    put(this.bytes, at, bytes, size)
  }

  /** Writes a number over room of its size; returns false if its codec has to be asked. */
  patchNumeral(position: number, numeral: Numeral, value: number): boolean {
    const index = this.#spliced === 0 ? position : this.#indexOf(position)
    return putNumeral(this.bytes, this.begun + index, numeral, value) >= 0
  }

  /** Writes a number over the room that was left for it. */
  patch(position: number, number: CodecValue<number>, value: number): void {
    const { at, bit } = this
    this.at = this.begun + this.#indexOf(position)
    this.bit = 0
    number.write(value, this)
    this.at = at
    this.bit = bit
  }

  /**
   * Writes a number over the `width` bytes that were left for it, and returns its size. What was written since moves if that
   * is another.
   */
  insert(position: number, number: CodecValue<number>, value: number, width: number): number {
    const size = (number.measure?.(value) ?? this.#sizeOf(number, value)) | 0
    if (this.problem !== undefined) return width
    if (size !== width) this.#move(position, width, size - width)
    this.patch(position, number, value)
    return size
  }

  /** The size of a number that can only be known by writing it. */
  #sizeOf(number: CodecValue<number>, value: number): number {
    const { at } = this
    number.write(value, this)
    const size = this.at - at
    this.at = at
    return size
  }

  /** Moves what follows the `width` bytes of a number by a few bytes. */
  #move(position: number, width: number, by: number): void {
    this.#checkOffsets(position)
    const index = this.#indexOf(position)
    const end = by > 0 ? this.room(by) : this.at
    const from = this.begun + index + width
    this.bytes.copyWithin(from + by, from, end)
    this.at = end + by
    if (this.#splices.length > 0) {
      this.#splices = this.#splices.map((splice) => splice.at <= index ? splice : { ...splice, at: splice.at + by })
    }
    for (let i = this.linkBase; i < this.linkTop; i++) if (this.links[i]! > position) this.links[i]! += by
  }

  /** Bytes whose offset is noted must not move. */
  #checkOffsets(position: number): void {
    if (this.#memory === undefined) return
    for (const offset of this.#memory.values()) {
      if (this.base + offset > position) {
        this.isCareful = true
        return this.fail("offsets point behind a length of no fixed size")
      }
    }
  }

  /** The index in `bytes` of a position in the frame, or -1 if `bytes` lacks payloads that are passed on without a copy. */
  indexOf(position: number): number {
    return this.#splices.length === 0 ? this.begun + position : -1
  }

  /** The bytes from one position of the frame to another. */
  range(from: number, to: number): Uint8Array {
    if (this.#splices.length === 0) return this.bytes.subarray(this.begun + from, this.begun + to)
    return Bytes.concat(this.#pieces()).subarray(from, to)
  }

  /** Gives the frame to the output. */
  finish(): void {
    const output = this.#output!
    if (this.#splices.length === 0) {
      this.#isOpen = this.#memory !== undefined
      output.advance(this.at - this.begun)
      return
    }
    const bytes = this.bytes
    for (const piece of this.#pieces()) {
      if (piece.buffer !== bytes.buffer) output.write(piece)
      else this.#settle(piece)
    }
  }

  /** Advances over bytes that are already in place, unless the output has moved on to another buffer. */
  #settle(piece: Uint8Array): void {
    const output = this.#output!
    const at = output.reserve(piece.length)
    const place = output.bytes.byteOffset + at
    if (output.bytes.buffer !== piece.buffer || place !== piece.byteOffset) output.bytes.set(piece, at)
    output.advance(piece.length)
  }

  /** Where a position of the frame is in `bytes`, from `begun`: payloads that are kept apart are not there. */
  #indexOf(position: number): number {
    let apart = 0
    for (const { at, bytes } of this.#splices) {
      if (at + apart >= position) break
      apart += bytes.length
    }
    return position - apart
  }

  #pieces(): ReadonlyArray<Uint8Array> {
    const pieces: Array<Uint8Array> = []
    let from = this.begun
    for (const { at, bytes } of this.#splices) {
      if (this.begun + at > from) pieces.push(this.bytes.subarray(from, this.begun + at))
      pieces.push(bytes)
      from = this.begun + at
    }
    if (this.at > from) pieces.push(this.bytes.subarray(from, this.at))
    return pieces
  }

  /** Finds room for `n` more bytes behind those of the frame, which move with it. */
  #grow(n: number): void {
    const used = this.at - this.begun
    const old = this.bytes
    const from = this.begun
    const at = this.#output!.reserve(Math.max(used + n, 2 * used))
    this.bytes = this.#output!.bytes
    if (this.bytes !== old || at !== from) this.bytes.set(old.subarray(from, from + used), at)
    this.begun = at
    this.at = at + used
    this.end = this.bytes.length | 0
  }
}
