import type { FramingOutput } from "@sluice/framing/FramingOutput"
import * as Bytes from "effect/Bytes"
import type { CodecValue, Write } from "./codec.ts"

/** From this size on a payload is passed on as it is; below it, a copy costs less than one more buffer to write. */
const copyLimit = 2048

/** Up to this length a loop is faster than `set`. */
const loopLength = 24

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
  /** Positions that a struct notes, to fill in lengths and checksums. */
  links: Array<number> = []
  linkBase = 0
  linkTop = 0
  #output: FramingOutput | undefined = undefined
  #memory: Map<string, number> | undefined = undefined
  #splices: Array<Splice> = []
  #spliced = 0

  begin(output: FramingOutput): void {
    this.#output = output
    this.at = this.begun = output.reserve(firstRoom)
    this.bytes = output.bytes
    this.end = this.bytes.length
    this.bit = 0
    this.depth =
      this.linkBase =
      this.linkTop =
      this.base =
        0
    this.#memory = undefined
    this.problem = undefined
    this.excess = undefined
    if (this.path.length > 0) this.path = []
    if (this.#splices.length > 0) {
      this.#splices = []
      this.#spliced = 0
    }
  }

  /** How many bytes of the frame have been written. */
  get position(): number {
    return this.at - this.begun + this.#spliced
  }

  /** Makes room for `n` bytes and returns where they go. */
  room(n: number): number {
    if (this.end - this.at < n) this.#grow(n)
    const at = this.at
    this.at = at + n
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
    const length = bytes.length
    if (length >= copyLimit) {
      this.#splices.push({ at: this.at - this.begun, bytes })
      this.#spliced += length
      return
    }
    const at = this.room(length)
    const target = this.bytes
    if (length <= loopLength) { for (let i = 0; i < length; i++) target[at + i] = bytes[i]! }
    else target.set(bytes, at)
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

  /** Writes a number over the byte that was left for it; what was written since moves. */
  insert(position: number, number: CodecValue<number>, value: number): void {
    const from = this.#indexOf(position)
    const end = this.at
    number.write(value, this)
    const field = this.bytes.slice(end, this.at)
    const more = field.length - 1
    if (more > 0) this.#checkOffsets(position)
    this.bytes.copyWithin(this.begun + from + 1 + more, this.begun + from + 1, end)
    this.bytes.set(field, this.begun + from)
    this.at = end + more
    this.#splices = this.#splices.map((splice) => splice.at <= from ? splice : { ...splice, at: splice.at + more })
    for (let i = this.linkBase; i < this.linkTop; i++) if (this.links[i]! > position) this.links[i]! += more
  }

  /** Bytes whose offset is noted must not move. */
  #checkOffsets(position: number): void {
    for (const offset of this.#memory?.values() ?? []) {
      if (this.base + offset > position) return this.fail("offsets point behind a length of no fixed size")
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
    this.end = this.bytes.length
  }
}
