/** How lines go over the wire: UTF-8, each with LF behind it. From both sides, whatever they hold, they are safe to show. */
import * as Framing from "@sluice/core/Framing"
import type * as FramingError from "@sluice/core/FramingError"
import type * as Result from "effect/Result"
import * as Line from "./Line.ts"
import * as Telnet from "./Telnet.ts"
import * as Text from "./Text.ts"

/** How long a line of a client may be, in bytes. */
export const longestFromClient = 2048

/** How long a line of the server may be, in bytes: what a client said, and who said it and when. */
export const longestFromServer = 16_384

/** A line as a person typed it, and what their telnet program is to be answered, if it is one. */
export interface Typed {
  readonly text: string
  readonly answer: Uint8Array | undefined
}

const lines = (maxFrameLength: number) => Framing.delimited("\n", { maxFrameLength, atEnd: "frame" })

const text = (bytes: Uint8Array): string => Text.clean(Text.decode(bytes))

const encoder = new TextEncoder()

/** What the server sends and receives. A line that is too long is a failure among the others. */
export const server: Framing.Framing<Line.Line, Result.Result<Typed, FramingError.FramingError>> = lines(
  longestFromClient
).pipe(
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
export const client: Framing.Framing<string, Line.Line> = lines(longestFromServer).pipe(
  Framing.map({
    decode: (line): Line.Line => Line.parse(text(line)),
    encode: (line: string) => encoder.encode(line)
  })
)
