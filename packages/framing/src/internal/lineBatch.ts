import type { FramingInput } from "../FramingInput.ts"
import { indexOfByte } from "./bytes/byteSearch.ts"
import type { LineEnding } from "./lineEndings.ts"
import { decodeUtf8, utf8Length } from "./textCodec.ts"

/** Fewer bytes than this are not worth a batch. */
const smallestBatch = 256

/** Whether enough bytes are there for a batch. */
export const isBatch = ({ end, start }: FramingInput): boolean => end - start >= smallestBatch

/** Lines that begin with one longer than this cost little more one by one. */
const longestLine = 4096

/** How many bytes to decode at once, at most. */
const largestBatch = 65536

/**
 * Many lines decoded to text in one call, since a call costs more than a short line.
 *
 * It takes whole lines of valid UTF-8 only. For everything else it returns nothing, and the line is decoded by itself. No
 * byte is decoded by two batches, or a peer could make the work quadratic.
 */
export class TextBatch {
  readonly #ending: LineEnding
  readonly #maxLength: number
  readonly #asciiOnly: boolean
  #text = ""
  #at = 0
  #ascii = true
  /** The place in the byte stream of the character `#at`. */
  #position = -1
  /** The place in the byte stream up to which bytes have been decoded by a batch. */
  #triedTo = 0

  constructor(ending: LineEnding, maxLength: number, asciiOnly: boolean) {
    this.#ending = ending
    this.#maxLength = maxLength
    this.#asciiOnly = asciiOnly
  }

  /** Takes the next line out of the input, if a batch has it. */
  next(input: FramingInput): string | undefined {
    const { position } = input
    if (this.#at === this.#text.length || position !== this.#position) {
      if (!isBatch(input) || position < this.#triedTo || !this.#fill(input)) return undefined
    }
    const text = this.#text
    const at = this.#at
    const lf = this.#ending === "crlf" ? text.indexOf("\r\n", at) + 1 : text.indexOf("\n", at)
    let end = lf
    if (this.#ending !== "lf") {
      const crlf = lf > at && text.charCodeAt(lf - 1) === 13
      if (crlf) end--
      if (!crlf && this.#ending !== "any") return undefined
      if (this.#ending === "strict" && text.indexOf("\r", at) !== end) return undefined
    }
    const line = text.slice(at, end)
    const length = this.#ascii ? end - at : utf8Length(line)
    if (length > this.#maxLength) return undefined
    const size = length + lf + 1 - end
    input.skip(size)
    this.#position += size
    this.#at = lf + 1
    return line
  }

  /** Decodes the whole lines at the front of the input. */
  #fill(input: FramingInput): boolean {
    const { bytes, start } = input
    const end = Math.min(input.end, start + largestBatch)
    if (indexOfByte(bytes, 10, start, Math.min(end, start + longestLine)) < 0) return false
    const length = bytes.lastIndexOf(10, end - 1) + 1 - start
    const text = decodeUtf8(input.peek(length))
    this.#triedTo = input.position + length
    if (text === undefined || (this.#asciiOnly && text.length !== length)) return false
    this.#text = text
    this.#at = 0
    this.#ascii = text.length === length
    this.#position = input.position
    return true
  }
}
