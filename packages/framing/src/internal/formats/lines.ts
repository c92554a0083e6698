import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import type { TextEncoding } from "../../TextEncoding.ts"
import { invalid, limitProblem, stateful } from "../define.ts"
import { Scanner } from "../delimiterScanner.ts"
import { isBatch, TextBatch } from "../lineBatch.ts"
import { type LineEnding, lineFinder } from "../lineEndings.ts"
import { textCodec, unknownEncoding, utf8Length } from "../textCodec.ts"

/**
 * Options of {@link lines}.
 *
 * @category options
 * @since 0.1.0
 */
export interface LinesOptions {
  /**
   * What ends a line.
   *
   * - "any", the default: LF, or CR LF; a CR elsewhere is data. Lines are written with LF, those that end in a CR with CR LF
   * - "lf": LF; every CR is data
   * - "crlf": CR LF and nothing else, as in SMTP. Protocols whose lines announce blocks of N bytes, such as Redis, IMAP and
   *   HTTP/1, need more than lines: see `Conversation` and `Framed.switchTo`
   */
  readonly ending?: "any" | "lf" | "crlf" | undefined
  /**
   * With "crlf", what a CR or LF on its own is: an "error", the default, which fails with `CorruptFrame`, or "data". Where two
   * programs in a row disagree on this, a message can be smuggled through the first to the second.
   */
  readonly bare?: "error" | "data" | undefined
  /** How long a line may be, without its ending, in bytes; 64 KiB by default. */
  readonly maxLineLength?: number | undefined
  /** How text is written as bytes; "utf-8" by default, which is strict. */
  readonly encoding?: TextEncoding | undefined
  /**
   * What text after the last ending is: a last "frame", or "truncated", which is the default and fails with
   * `TruncatedFrame`.
   */
  readonly atEnd?: "frame" | "truncated" | undefined
}

/**
 * Lines of text, without their endings.
 *
 * Fails with `FrameTooLong`, and with `InvalidText` if a line is not text in the encoding; lines are found again after
 * both. Encoding rejects a line that contains an ending.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const log = Framing.lines({ atEnd: "frame" })
 * const smtp = Framing.lines({ ending: "crlf", maxLineLength: 998 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const lines = (options: LinesOptions = {}): Framing<string> => {
  const { atEnd = "truncated", bare = "error", encoding = "utf-8", ending = "any", maxLineLength = 65536 } = options
  const codec = textCodec(encoding)
  if (codec === undefined) return invalid("lines", unknownEncoding(encoding))
  const problem = limitProblem("maxLineLength", maxLineLength)
  if (problem !== undefined) return invalid("lines", problem)
  const style: LineEnding = ending === "crlf" && bare === "error" ? "strict" : ending
  const crlf = ending === "crlf"
  return stateful(
    () => {
      const finder = lineFinder(style)
      const scanner = new Scanner({ finder, maxLength: maxLineLength, endIsDelimiter: atEnd === "frame" })
      const asciiOnly = encoding === "latin1" || encoding === "ascii"
      let batch: TextBatch | undefined
      return (input) => {
        if (!scanner.busy && (batch !== undefined || isBatch(input))) {
          batch ??= new TextBatch(style, maxLineLength, asciiOnly)
          const line = batch.next(input)
          if (line !== undefined) return line
        }
        const length = scanner.next(input)
        if (length === noFrame) return noFrame
        const bare = finder.bare ||
          (style === "strict" && scanner.size === 0 && input.bytes[input.start + length - 1] === CR)
        if (bare) return input.corrupt("it holds a CR or LF on its own")
        const line = codec.decode(input.take(length))
        input.skip(scanner.size)
        if (line === undefined) return input.invalidText(encoding)
        // The replacement of an invalid byte takes three.
        if (encoding !== "utf-8-lossy" || 3 * length <= maxLineLength) return line
        const encodedLength = utf8Length(line)
        return encodedLength > maxLineLength ? input.tooLong(maxLineLength, encodedLength) : line
      }
    },
    (line, output) => {
      if (endsEarly(line, style)) return output.corrupt(containsEnding)
      const length = codec.write(line, output)
      if (length < 0) return output.invalidText(encoding)
      if (length > maxLineLength) return output.tooLong(maxLineLength, length)
      if (crlf || (style === "any" && line.endsWith("\r"))) output.byte(CR)
      return output.byte(LF)
    }
  )
}

const CR = 0x0d
const LF = 0x0a

const containsEnding = "the line contains a line ending; remove it, or use a framing with lengths"

/** Whether the line would not come back as it is. */
const endsEarly = (line: string, style: LineEnding): boolean => {
  switch (style) {
    case "any":
    case "lf":
      return line.includes("\n")
    case "crlf":
      return line.includes("\r\n")
    case "strict":
      return line.includes("\n") || line.includes("\r")
  }
}
