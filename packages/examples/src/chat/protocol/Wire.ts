/** How lines go over the wire: UTF-8, each with LF behind it. Whatever they hold, they are safe to show when they arrive. */
import * as Framing from "@sluice/framing/Framing"
import type * as FramingError from "@sluice/framing/FramingError"
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
  /** Whether the client sends nothing more. */
  readonly isLast: boolean
}

const lines = Framing.delimited("\n", { maxFrameLength: longestLine, atEnd: "frame" })

/** What a person said. */
export const clean = (dirty: string): string => Text.clean(dirty).trimEnd()

const encoder = new TextEncoder()

/** A line that came, or one that is too long. */
export type Incoming = Result.Result<Typed, FramingError.FramingError>

/** What the server sends and receives. A line that is too long is a failure among the others. */
export const server: Framing.Framing<Line.Line, Incoming> = lines.pipe(
  Framing.map({
    decode: (line): Typed => {
      const { answer, bytes } = Telnet.strip(line)
      return { text: clean(Text.decode(bytes)), answer, isLast: false }
    },
    encode: (line: Line.Line) => encoder.encode(Line.format(line))
  }),
  Framing.overlong("discard")
)

/** What a client sends and receives. */
export const client: Framing.Framing<string, Line.Line> = lines.pipe(
  Framing.map({
    decode: (line): Line.Line => Line.parse(clean(Text.decode(line))),
    encode: (line: string) => encoder.encode(line)
  })
)

/** How the server and a client speak to each other. */
export interface Wire {
  readonly framing: Framing.Framing<Line.Line, Incoming>
  /** A line of the server as bytes. */
  readonly encode: (line: Line.Line) => Uint8Array
  /** The line for a client that is in the room while something is said. */
  readonly live: (past: Line.Past) => Line.Line
  /** The last bytes for a client, if any. `isFinal`: the client should not reconnect by itself. */
  readonly ending: (isFinal: boolean) => Uint8Array | undefined
  /** Whether clients get the list of rooms whenever it changes. */
  readonly isToldOfRooms: boolean
}

/** Lines of text. */
export const text: Wire = {
  framing: server,
  encode: (line) => encoder.encode(`${Line.format(line)}\n`),
  live: ({ spoken }) => spoken,
  ending: () => undefined,
  isToldOfRooms: false
}
