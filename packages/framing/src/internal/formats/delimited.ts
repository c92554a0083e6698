import * as Bytes from "effect/Bytes"
import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import { indexOfByte } from "../bytes/byteSearch.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateful } from "../define.ts"
import { byteFinder, type Finder, Scanner } from "../delimiterScanner.ts"

/**
 * Options of {@link delimited}.
 *
 * @category options
 * @since 0.1.0
 */
export interface DelimitedOptions {
  /** Whether frames keep the delimiter that ended them; false by default. */
  readonly keep?: boolean | undefined
  /** How long a frame may be, without its delimiter, in bytes; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
  /**
   * What bytes after the last delimiter are: a last "frame", or "truncated", which is the default and fails with
   * `TruncatedFrame`.
   */
  readonly atEnd?: "frame" | "truncated" | undefined
}

/**
 * Frames that each end with a delimiter, or with one of several: strings (as UTF-8) or bytes, of any length.
 *
 * The first place at which a delimiter matches ends the frame, and where several match there, the longest; this may have
 * to wait for bytes that tell. Frames are found again after one that is too long.
 *
 * Encoding writes the first of the delimiters that no other begins with and that ends the frame where it ends. It rejects
 * frames for which there is none, because a delimiter would be found earlier.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const records = Framing.delimited(["\r\n\r\n", "\n\n"], { maxFrameLength: 8192 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const delimited = (
  delimiter: string | Uint8Array | ReadonlyArray<string | Uint8Array>,
  options: DelimitedOptions = {}
): Framing<Uint8Array> => {
  const { atEnd = "truncated", keep = false, maxFrameLength = defaultMaxFrameLength } = options
  const delimiters = (isList(delimiter) ? delimiter : [delimiter]).map(toBytes)
  const problem = limitProblem("maxFrameLength", maxFrameLength) ??
    (delimiters.length > 0 ? undefined : "there is no delimiter") ??
    (delimiters.every((bytes) => bytes.length > 0) ? undefined : "a delimiter is empty")
  if (problem !== undefined) return invalid("delimited", problem)
  const finder = makeFinder(delimiters)
  const writable = delimiters.filter((bytes) => !delimiters.some((other) => isProperPrefix(bytes, other)))
  /** How long the frame is before its delimiter, if that is the first one in it and ends it. */
  const contentLength = (frame: Uint8Array): number | undefined => {
    const at = finder.find(frame, 0, 0, frame.length, false)
    return at >= 0 && at + finder.size === frame.length ? at : undefined
  }
  return stateful(
    () => {
      const scanner = new Scanner({ finder, maxLength: maxFrameLength, endIsDelimiter: atEnd === "frame" })
      return (input) => {
        const length = scanner.next(input)
        if (length === noFrame) return noFrame
        const size = scanner.size
        if (keep) return input.take(length + size)
        const frame = input.take(length)
        input.skip(size)
        return frame
      }
    },
    (frame, output) => {
      if (keep) {
        const length = contentLength(frame)
        if (length === undefined) return output.corrupt("it does not end with a delimiter, at the first one")
        if (length > maxFrameLength) return output.tooLong(maxFrameLength, length)
        return output.write(frame)
      }
      if (frame.length > maxFrameLength) return output.tooLong(maxFrameLength, frame.length)
      const written = finder.mayHold(frame)
        ? writable.find((bytes) => contentLength(Bytes.concat([frame, bytes])) === frame.length)
        : writable[0]!
      if (written === undefined) return output.corrupt(endsEarly)
      output.write(frame)
      return output.write(written)
    }
  )
}

const endsEarly = "a delimiter would end the frame early; escape it, or use a framing with lengths"

const isList = (
  delimiter: string | Uint8Array | ReadonlyArray<string | Uint8Array>
): delimiter is ReadonlyArray<string | Uint8Array> => Array.isArray(delimiter)

const toBytes = (delimiter: string | Uint8Array): Uint8Array =>
  typeof delimiter === "string" ? new TextEncoder().encode(delimiter) : delimiter.slice()

const isProperPrefix = (bytes: Uint8Array, other: Uint8Array): boolean =>
  bytes.length < other.length && bytes.every((byte, i) => byte === other[i])

interface DelimiterFinder extends Finder {
  /** Whether a delimiter could begin inside these bytes. */
  mayHold(bytes: Uint8Array): boolean
}

const makeFinder = (delimiters: ReadonlyArray<Uint8Array>): DelimiterFinder => {
  const firstBytes = new Uint8Array(256)
  for (const bytes of delimiters) firstBytes[bytes[0]!] = 1
  const only = delimiters.every((bytes) => bytes[0] === delimiters[0]![0]) ? delimiters[0]![0]! : undefined
  const mayHold = only === undefined
    ? (bytes: Uint8Array) => bytes.some((byte) => firstBytes[byte] === 1)
    : (bytes: Uint8Array) => indexOfByte(bytes, only, 0, bytes.length) >= 0
  if (only !== undefined && delimiters.every((bytes) => bytes.length === 1)) return { ...byteFinder(only), mayHold }
  const longestFirst = [...delimiters].sort((a, b) => b.length - a.length)
  return new LongestFinder(longestFirst, firstBytes, only, mayHold)
}

class LongestFinder implements DelimiterFinder {
  size = 0
  readonly sought = undefined
  readonly #delimiters: ReadonlyArray<Uint8Array>
  readonly #firstBytes: Uint8Array
  readonly #only: number | undefined
  readonly mayHold: (bytes: Uint8Array) => boolean

  constructor(
    delimiters: ReadonlyArray<Uint8Array>,
    firstBytes: Uint8Array,
    only: number | undefined,
    mayHold: (bytes: Uint8Array) => boolean
  ) {
    this.#delimiters = delimiters
    this.#firstBytes = firstBytes
    this.#only = only
    this.mayHold = mayHold
  }

  find(bytes: Uint8Array, start: number, from: number, end: number, ended: boolean): number {
    let certain = end - start
    for (let at = start + from; at < end; at++) {
      if (this.#only !== undefined) {
        at = indexOfByte(bytes, this.#only, at, end)
        if (at < 0) break
      } else if (this.#firstBytes[bytes[at]!] === 0) {
        continue
      }
      for (const delimiter of this.#delimiters) {
        const size = delimiter.length
        let matched = 1
        while (matched < size && at + matched < end && bytes[at + matched] === delimiter[matched]) matched++
        if (bytes[at] !== delimiter[0]) continue
        if (matched === size) {
          this.size = size
          return at - start
        }
        if (at + matched === end) {
          // A longer delimiter may yet match here, when more bytes have come.
          if (!ended) return -1 - (at - start)
          certain = Math.min(certain, at - start)
        }
      }
    }
    return -1 - certain
  }
}
