import type { NoFrame } from "../../FramingInput.ts"
import type { InputBuffer } from "./decodeBuffer.ts"

/** The answer of a scan whose frame is longer than it may be. The bad frame is consumed, or being dropped as it comes. */
export const overlong = -1

/** From this many bytes on, the built-in search is faster than a loop. */
const loopLength = 32

/** To search so many bytes too many costs less than to make a view that ends in the right place. */
const viewCost = 256

/** Where a byte first is in `bytes[start]` to `bytes[end - 1]`, or -1. */
export const indexOfByte = (bytes: Uint8Array, byte: number, start: number, end: number): number => {
  const near = end - start > loopLength ? start + loopLength : end
  for (let i = start; i < near; i++) if (bytes[i] === byte) return i
  if (near === end) return -1
  if (bytes.length - end <= viewCost) {
    const at = bytes.indexOf(byte, near)
    return at < end ? at : -1
  }
  const at = bytes.subarray(near, end).indexOf(byte)
  return at < 0 ? -1 : near + at
}

/** Looks for delimiters: returns where the first one is and sets `size`, or how far there is certainly none. */
export interface Finder {
  /** The place of the delimiter; or, if none was found, `-1 - n`, where the first `n` places are certainly none. */
  find(bytes: Uint8Array, start: number, from: number, end: number, ended: boolean): number
  /** How many bytes the delimiter takes that was found. */
  readonly size: number
  /** The byte without which there is certainly no delimiter, if it is one. */
  readonly sought: number | undefined
}

/** A finder for one byte. */
export const byteFinder = (byte: number): Finder => ({
  find: (bytes, start, from, end) => {
    const at = indexOfByte(bytes, byte, start + from, end)
    return at < 0 ? -1 - (end - start) : at - start
  },
  size: 1,
  sought: byte
})

/**
 * Finds the end of each frame, and leaves the frame in the input; or returns `overlong`, after which it goes on behind the
 * bad frame. It never looks at a byte twice.
 */
export class Scanner {
  /** How many bytes the delimiter takes that ends the frame. */
  size = 0
  readonly #finder: Finder
  readonly #maxLength: number
  /** Whether the end of the input ends a frame too. */
  readonly #endIsDelimiter: boolean
  #scanned = 0
  #dropping = false

  constructor(finder: Finder, maxLength: number, endIsDelimiter = false) {
    this.#finder = finder
    this.#maxLength = maxLength
    this.#endIsDelimiter = endIsDelimiter
  }

  /** Whether it is in the middle of a frame. */
  get busy(): boolean {
    return this.#scanned > 0 || this.#dropping
  }

  /** How many bytes the frame at the front of the input has. */
  next(input: InputBuffer): number | NoFrame {
    const finder = this.#finder
    for (;;) {
      const { end, ended, start } = input
      let from = this.#scanned
      if (finder.sought !== undefined) from = Math.max(from, input.cleared - input.position)
      let at = finder.find(input.bytes, start, from, end, ended)
      this.size = finder.size
      if (at < 0 && ended && this.#endIsDelimiter) {
        at = end - start
        this.size = 0
      }
      if (at >= 0) {
        this.#scanned = 0
        if (this.#dropping) {
          this.#dropping = false
          input.idle(at + this.size)
          if (input.start === end) return input.need(1)
          continue
        }
        if (at <= this.#maxLength) return at
        input.skip(at + this.size)
        return overlong
      }
      this.#scanned = -1 - at
      if (this.#dropping) {
        this.#drop(input)
      } else if (this.#scanned > this.#maxLength) {
        this.#dropping = true
        this.#drop(input)
        return overlong
      }
      return finder.sought === undefined ? input.more() : input.seek(finder.sought)
    }
  }

  #drop(input: InputBuffer): void {
    if (this.#endIsDelimiter) input.skip(this.#scanned)
    else input.drop(this.#scanned)
    this.#scanned = 0
  }
}

/** Finds the end of frames that one byte ends. */
export const byteScanner = (byte: number, maxLength: number): Scanner => new Scanner(byteFinder(byte), maxLength)
