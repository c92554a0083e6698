import type { FramingInput, NoFrame } from "../FramingInput.ts"
import { indexOfByte } from "./bytes/byteSearch.ts"

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

/** What a scanner looks for. */
export interface ScannerOptions {
  readonly finder: Finder
  /** How many bytes a frame may have before its delimiter. */
  readonly maxLength: number
  /** The limit that the error names; `maxLength` by default. */
  readonly namedLimit?: number
  /** Whether the end of the input ends a frame too; false by default. */
  readonly endIsDelimiter?: boolean
}

/**
 * Finds the end of each frame and leaves the frame in the input. A frame that is too long is an error, and dropped up to
 * its end. No byte is searched twice.
 */
export class Scanner {
  /** How many bytes the delimiter takes that ends the frame. */
  size = 0
  readonly #finder: Finder
  readonly #maxLength: number
  readonly #namedLimit: number
  readonly #endIsDelimiter: boolean
  #scanned = 0
  #dropping = false
  #dropped = 0

  constructor({ endIsDelimiter = false, finder, maxLength, namedLimit = maxLength }: ScannerOptions) {
    this.#finder = finder
    this.#maxLength = maxLength
    this.#namedLimit = namedLimit
    this.#endIsDelimiter = endIsDelimiter
  }

  /** Whether it is in the middle of a frame. */
  get busy(): boolean {
    return this.#scanned > 0 || this.#dropping
  }

  /** How many bytes the frame at the front of the input has. */
  next(input: FramingInput): number | NoFrame {
    const finder = this.#finder
    const { end, ended, start } = input
    let from = this.#scanned
    if (finder.sought !== undefined) from = Math.max(from, input.cleared(finder.sought))
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
        const more: NoFrame = input.idle(at + this.size)
        // Nothing was dropped, at a CR or LF on its own under a limit of one byte: dropping again would never end.
        return this.#dropped + at + this.size > 0 ? more : at
      }
      if (at <= this.#maxLength) return at
      input.skip(at + this.size)
      return input.tooLong(this.#namedLimit, this.#namedLimit + 1)
    }
    const scanned = this.#scanned = -1 - at
    const tooLong = scanned > this.#maxLength
    if (this.#dropping || tooLong || input.full) {
      const limit = tooLong ? this.#namedLimit : input.limit
      const begins = !this.#dropping
      this.#dropped = begins ? scanned : this.#dropped + scanned
      this.#dropping = true
      this.#scanned = 0
      input.drop(scanned)
      if (begins) return input.tooLong(limit, limit + 1)
    }
    return finder.sought === undefined ? input.more() : input.seek(finder.sought)
  }
}
