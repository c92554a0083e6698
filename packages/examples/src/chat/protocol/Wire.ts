/** How lines go over the wire: UTF-8, each with LF behind it. Whatever they hold, they are safe to show when they arrive. */
import * as Framing from "@sluice/core/Framing"
import type * as FramingError from "@sluice/core/FramingError"
import type * as Result from "effect/Result"
import * as Line from "./Line.ts"
import * as Telnet from "./Telnet.ts"
import * as Text from "./Text.ts"

/** How long a line may be, in bytes. */
export const longestLine = 8192

/** A line as a person typed it, and what their telnet program is to be answered, if it is one. */
export interface Typed {
  readonly text: string
  readonly answer: Uint8Array | undefined
}

const lines = Framing.delimited("\n", { maxFrameLength: longestLine, atEnd: "frame" })

const text = (bytes: Uint8Array): string => Text.clean(Text.decode(bytes)).trimEnd()

const encoder = new TextEncoder()

/** What the server sends and receives. A line that is too long is a failure among the others. */
export const server: Framing.Framing<Line.Line, Result.Result<Typed, FramingError.FramingError>> = lines.pipe(
  Framing.map({
    decode: (line): Typed => {
      const { answer, bytes } = Telnet.strip(line)
      return { text: text(bytes), answer }
    },
    encode: (line: Line.Line) => encoder.encode(Line.format(line))
  }),
  Framing.overlong("discard")
)

/** What a client sends and receives. */
export const client: Framing.Framing<string, Line.Line> = lines.pipe(
  Framing.map({
    decode: (line): Line.Line => Line.parse(text(line)),
    encode: (line: string) => encoder.encode(line)
  })
)

/** A line of the server as bytes. */
export const encode = (line: Line.Line): Uint8Array => encoder.encode(`${Line.format(line)}\n`)
