import {
  CorruptFrame,
  FrameTooLong,
  FramingError,
  type FramingErrorReason,
  InvalidText,
  TruncatedFrame
} from "../FramingError.ts"
import { type FramingInput, type NoFrame, noFrame } from "../FramingInput.ts"
import { InvalidDecoder } from "./invalidDecoder.ts"
import { Window } from "./window.ts"

/** How far to look ahead when a frame's end is not known. */
const lookAhead = 256

/** The window together with what a decode function says about it: what it needs, what it has consumed, what is wrong. */
export class DecodeBuffer extends Window implements FramingInput {
  /** Where in the window the frame being decoded begins. */
  begun = 0
  /** How many bytes must be there before it is worth looking again. */
  needed = 1
  finished = false
  limit = Infinity
  error: FramingError | undefined = undefined
  #wanted = 1
  /** The byte that `seek` waits for, or -1. */
  #sought = -1
  /** How many bytes are to be skipped as soon as they come. */
  #skipping = 0
  /** The place in the byte stream of the frame whose rest is being skipped or dropped, or -1. */
  #openedAt = -1
  /** Whether the decode function has called `idle` to some effect. */
  #idled = false
  /** Whether the window ends before what has come. */
  #clamped = false

  get length(): number {
    return this.end - this.start
  }

  get offset(): number {
    return this.base + this.begun
  }

  get ended(): boolean {
    return this.finished && this.isLast && !this.#clamped
  }

  get dropping(): boolean {
    return this.#openedAt >= 0
  }

  get recoverable(): boolean {
    return this.start > this.begun || this.#openedAt >= 0
  }

  get full(): boolean {
    return this.#clamped && this.end - this.start >= this.limit && this.#openedAt < 0
  }

  need(n: number): NoFrame {
    if (n > this.limit && this.#openedAt < 0) return this.tooLong(this.limit, n)
    const available = this.end - this.start
    if (n <= available && this.full) return this.#overLimit()
    this.#wanted = this.needed = n > available ? n : available + 1
    this.#sought = -1
    return noFrame
  }

  whole(n: number): NoFrame {
    if (n <= this.limit || this.#openedAt >= 0) return this.need(n)
    if (Number.isSafeInteger(n)) this.skip(n)
    return this.tooLong(this.limit, n)
  }

  more(): NoFrame {
    if (this.full) return this.#overLimit()
    const available = this.end - this.start
    this.needed = available + 1
    this.#wanted = available + (available > lookAhead ? available : lookAhead)
    this.#sought = -1
    return noFrame
  }

  seek(byte: number): NoFrame {
    this.more()
    this.#sought = byte
    return noFrame
  }

  #overLimit(): NoFrame {
    return this.tooLong(this.limit, this.limit + 1)
  }

  take(n: number, header = 0): Uint8Array {
    const start = this.start
    if (!(n >= header && n <= this.end - start)) throw invalidCount("take", n, this.end - start)
    this.start = start + n
    // As `view` does, once more: every frame of bytes comes this way.
    if (this.viewed !== this.bytes) this.noteBuffer()
    return new Uint8Array(this.buffer, this.origin + start + header, n - header)
  }

  peek(n: number): Uint8Array {
    if (!(n <= this.end - this.start)) throw invalidCount("peek", n, this.end - this.start)
    return this.view(this.start, n)
  }

  skip(n: number): void {
    if (!(n >= 0)) throw invalidCount("skip", n, Infinity)
    const available = this.end - this.start
    if (n <= available) {
      this.start += n
    } else {
      this.start = this.end
      this.#skipping += n - available
      this.#open()
    }
  }

  idle(n: number): NoFrame {
    if (!(n >= 0 && n <= this.end - this.start)) throw invalidCount("idle", n, this.end - this.start)
    this.#idled = n > 0 || this.#openedAt >= 0
    this.start += n
    this.begun = this.start
    this.#openedAt = -1
    this.needed = 1
    return noFrame
  }

  drop(n: number): void {
    if (!(n >= 0 && n <= this.end - this.start)) throw invalidCount("drop", n, this.end - this.start)
    this.start += n
    this.#open()
  }

  /** The frame continues although all that came of it is consumed: remember it, in case its end never comes. */
  #open(): void {
    if (this.#openedAt < 0) this.#openedAt = this.offset
  }

  tooLong(limit: number, length: number): NoFrame {
    return this.#fail(new FrameTooLong({ limit, length, offset: this.offset }))
  }

  corrupt(why: string): NoFrame {
    return this.#fail(new CorruptFrame({ why, offset: this.offset }))
  }

  invalidText(encoding: string): NoFrame {
    return this.#fail(new InvalidText({ encoding, offset: this.offset }))
  }

  fail(error: FramingError): NoFrame {
    this.error = error
    this.needed = Infinity
    return noFrame
  }

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
    const have = this.base + this.end - offset
    const need = this.base + this.start - offset + (this.#skipping > 0 ? this.#skipping : this.needed)
    this.#fail(new TruncatedFrame({ have, need, offset }))
  }

  /** Moves the window on to the next chunk, if all that is left of it came from there, to have more in one piece. */
  settle(): void {
    if (this.end - this.start <= this.copied) this.advance()
  }

  /** The decode function has no frame. A decode function that did not say what it needs is called again, for more if it consumed nothing. */
  sayMore(): void {
    if (this.needed <= this.end - this.start && this.start === this.begun && !this.#idled) this.more()
    this.#idled = false
  }

  /** Brings `needed` bytes into the window, if they have come, and then needs but one. */
  gather(): boolean {
    if (this.error !== undefined) return false
    if (!this.extend(this.needed, this.#wanted, this.#sought)) {
      this.rest()
      return false
    }
    this.needed = 1
    return true
  }

  within<A>(n: number, decode: (input: FramingInput) => A | NoFrame): A | NoFrame {
    const { end, limit, start } = this
    if (n < limit) this.limit = n
    let result: A | NoFrame
    if (n >= end - start || this.#openedAt >= 0) {
      result = decode(this)
    } else {
      const outer = this.#clamped
      this.#clamped = true
      this.end = start + n
      result = decode(this)
      this.#clamped = outer
      this.end = end
      if (this.#skipping > 0) this.onEntered()
      // The bytes that it wants may have come: it sees them when it is called again.
      if (result === noFrame && this.error === undefined && this.start > start) this.needed = 1
    }
    this.limit = limit
    return result
  }

  /** Skips what is to be skipped of the bytes in the window. */
  override onEntered(): void {
    if (this.#skipping === 0) return
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

const invalidCount = (operation: string, n: number, most: number): InvalidDecoder =>
  new InvalidDecoder(`it calls ${operation}(${n}) with ${most === Infinity ? "any number of" : most} bytes in sight`)
