import type { Framing } from "../../Framing.ts"
import { type FramingInput, type NoFrame, noFrame } from "../../FramingInput.ts"
import { indexOfByte } from "../bytes/byteSearch.ts"
import { map } from "../combinators/map.ts"
import { defaultMaxFrameLength, invalid, limitProblem, stateful } from "../define.ts"

/**
 * A message with its headers, without `Content-Length`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContentLengthMessage {
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: Uint8Array
}

/**
 * Options of {@link contentLength} and {@link contentLengthMessage}.
 *
 * @category options
 * @since 0.1.0
 */
export interface ContentLengthOptions {
  /** How long a body may be, in bytes; 1 MiB by default. */
  readonly maxFrameLength?: number | undefined
  /** How long all headers may be, as they are written, with the empty line after them, in bytes; 8 KiB by default. */
  readonly maxHeaderLength?: number | undefined
}

/**
 * Messages with a `Content-Length` header before each, with their other headers: the base protocol of the
 * [Language Server Protocol](https://microsoft.github.io/language-server-protocol/specifications/base/0.9/specification/)
 * and of the Debug Adapter Protocol.
 *
 * Strict: every header line is a name, a colon and a value and ends with CR LF; `Content-Length` is there once, in
 * digits; names are compared without case. All else is `CorruptFrame`.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const messages = Framing.contentLengthMessage()
 * const answer = { headers: [["Content-Type", "application/vscode-jsonrpc; charset=utf-8"]], body: new Uint8Array(0) }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const contentLengthMessage = (options: ContentLengthOptions = {}): Framing<ContentLengthMessage> => {
  const { maxFrameLength = defaultMaxFrameLength, maxHeaderLength = 8192 } = options
  const problem = limitProblem("maxFrameLength", maxFrameLength) ?? limitProblem("maxHeaderLength", maxHeaderLength) ??
    (maxHeaderLength >= shortestHeader ? undefined : `maxHeaderLength is ${maxHeaderLength}, and no header fits in it`)
  if (problem !== undefined) return invalid("contentLength", problem)
  return stateful(
    () => {
      const reader = new HeaderReader(maxHeaderLength)
      return (input) => {
        const header = reader.read(input)
        if (header === noFrame) return noFrame
        const { contentLength, headers, size } = header
        if (contentLength > maxFrameLength) {
          if (Number.isSafeInteger(size + contentLength)) input.skip(size + contentLength)
          return input.tooLong(maxFrameLength, contentLength)
        }
        if (input.length < size + contentLength) return input.whole(size + contentLength)
        return { headers, body: input.take(size + contentLength, size) }
      }
    },
    ({ body, headers }, output) => {
      if (body.length > maxFrameLength) return output.tooLong(maxFrameLength, body.length)
      let text = `Content-Length: ${body.length}\r\n`
      for (const [name, value] of headers) {
        if (isContentLength(name)) return output.corrupt("Content-Length is written from its body; remove the header")
        if (!isName(name)) {
          return output.corrupt(`${JSON.stringify(name)} is not a header name; use letters, digits and hyphens`)
        }
        if (!isValue(value)) {
          return output.corrupt(
            `the value of its header ${name} has a character that is not printable ASCII, or is not trimmed; encode or trim it`
          )
        }
        text += `${name}: ${value}\r\n`
      }
      text += "\r\n"
      if (text.length > maxHeaderLength) return output.tooLong(maxHeaderLength, text.length)
      const at = output.reserve(text.length)
      for (let i = 0; i < text.length; i++) output.bytes[at + i] = text.charCodeAt(i)
      output.advance(text.length)
      return output.write(body)
    }
  )
}

/**
 * The bodies of messages with a `Content-Length` header before each. Other headers are checked and then ignored, and none
 * are written; {@link contentLengthMessage} keeps them.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const languageServer = Framing.contentLength().pipe(Framing.text(), Framing.json())
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const contentLength = (options: ContentLengthOptions = {}): Framing<Uint8Array> =>
  map(contentLengthMessage(options), {
    decode: (message) => message.body,
    encode: (body: Uint8Array): ContentLengthMessage => ({ headers: [], body })
  })

const shortestHeader = "Content-Length: 0\r\n\r\n".length

interface Header {
  readonly size: number
  readonly contentLength: number
  readonly headers: ReadonlyArray<readonly [string, string]>
}

const CR = 0x0d
const LF = 0x0a

/** Reads header lines up to the empty one, and leaves them in the input. Each is read once, however it arrives. */
class HeaderReader {
  readonly #maxHeaderLength: number
  /** The place in the byte stream of the header that is being read. */
  #position = -1
  #lines: Array<readonly [string, string]> = []
  #contentLength: number | undefined = undefined
  /** How many bytes the headers take when they are written: a peer may leave out the space after a colon. */
  #written = 2
  /** How many bytes of it have been read, and how many searched for the next LF. */
  #read = 0
  #searched = 0
  #header: Header | undefined = undefined

  constructor(maxHeaderLength: number) {
    this.#maxHeaderLength = maxHeaderLength
  }

  read(input: FramingInput): Header | NoFrame {
    if (input.position !== this.#position) this.#begin(input.position)
    const { bytes, end, start } = input
    const limit = Math.min(end, start + this.#maxHeaderLength)
    while (this.#header === undefined) {
      const from = Math.min(limit, start + Math.max(this.#searched, input.cleared(LF)))
      const lineEnd = indexOfByte(bytes, LF, from, limit)
      if (lineEnd < 0) {
        this.#searched = limit - start
        return limit < end ? input.tooLong(this.#maxHeaderLength, this.#maxHeaderLength + 1) : input.seek(LF)
      }
      const at = start + this.#read
      if (lineEnd === at || bytes[lineEnd - 1] !== CR) {
        return input.corrupt("a header line ends without a CR before its LF")
      }
      this.#read = this.#searched = lineEnd + 1 - start
      const problem = this.#addLine(ascii(bytes, at, lineEnd - 1))
      if (problem !== undefined) return input.corrupt(problem)
    }
    if (this.#written > this.#maxHeaderLength) return input.tooLong(this.#maxHeaderLength, this.#written)
    return this.#header
  }

  #begin(position: number): void {
    this.#position = position
    this.#lines = []
    this.#contentLength = undefined
    this.#written = 2
    this.#read = 0
    this.#searched = 0
    this.#header = undefined
  }

  /** Says what is wrong with the line, if anything is. */
  #addLine(line: string): string | undefined {
    if (line === "") {
      if (this.#contentLength === undefined) return "it has no Content-Length"
      this.#header = { size: this.#read, contentLength: this.#contentLength, headers: this.#lines }
      return undefined
    }
    const colon = line.indexOf(":")
    const name = line.slice(0, Math.max(colon, 0))
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")
    if (!isName(name) || !isValue(value)) return `its header line ${JSON.stringify(line)} is malformed`
    if (!isContentLength(name)) {
      this.#lines.push([name, value])
      this.#written += name.length + value.length + 4
      return undefined
    }
    if (this.#contentLength !== undefined) return "it has more than one Content-Length"
    if (!/^\d{1,16}$/.test(value)) return `its Content-Length is ${JSON.stringify(value)}, not a number of bytes`
    this.#contentLength = Number(value)
    this.#written += `Content-Length: ${this.#contentLength}\r\n`.length
    return undefined
  }
}

const ascii = (bytes: Uint8Array, start: number, end: number): string => {
  let text = ""
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

/** A token, as names of header fields are in RFC 9110. */
const isName = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)

const isValue = (value: string): boolean => /^(?:[!-~](?:[\t -~]*[!-~])?)?$/.test(value)

const isContentLength = (name: string): boolean => name.toLowerCase() === "content-length"
