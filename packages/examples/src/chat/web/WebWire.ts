/**
 * The wire between the server and browsers: a WebSocket frame (RFC 6455) for each line. Lines of users are text, as typed;
 * lines of the server are JSON.
 */
import * as Codec from "@sluice/codec/Codec"
import * as WebSocket from "@sluice/codec/formats/WebSocket"
import * as Framing from "@sluice/framing/Framing"
import { FrameTooLong, FramingError } from "@sluice/framing/FramingError"
import type { FramingInput } from "@sluice/framing/FramingInput"
import * as Result from "effect/Result"
import type * as Line from "../protocol/Line.ts"
import * as Wire from "../protocol/Wire.ts"

type Frame = Codec.Type<typeof WebSocket.frame>

// A message longer than `Wire.longestLine` is refused, as in text; one that is longer than this ends the connection.
const longestMessage = 8 * Wire.longestLine

const frames = Codec.framing(WebSocket.frame, { maxFrameLength: longestMessage })

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const bytesOf = (opcode: Frame["opcode"], payload: Uint8Array): Uint8Array =>
  Result.getOrThrow(Codec.encode(WebSocket.frame, { isFinal: true, reserved: 0, opcode, payload, key: undefined }))

const ping = bytesOf("ping", new Uint8Array())

const nothing: Wire.Typed = { text: "", answer: undefined, isLast: false }

const isControl = ({ opcode }: Frame): boolean => opcode === "close" || opcode === "ping" || opcode === "pong"

/** What is wrong with a frame of a client (RFC 6455, 5). */
const problem = (frame: Frame, isContinued: boolean): string | undefined => {
  if (frame.key === undefined) return "a frame of a client is not masked"
  if (frame.reserved !== 0) return "a frame uses an extension"
  if (isControl(frame)) {
    return frame.isFinal && frame.payload.length <= 125 ? undefined : "a control frame is too long or fragmented"
  }
  if (frame.opcode === "binary") return "the chat has no binary messages"
  return (frame.opcode === "continuation") === isContinued ? undefined : "a fragment is out of order"
}

const makeDecode = () => {
  const decode = frames.makeDecode()
  // The fragments of a message that has not ended. Empty ones are dropped, so that their number is bounded, too.
  let fragments: Array<Uint8Array> = []
  let length = 0
  let isContinued = false

  const messageOf = (input: FramingInput, { isFinal, payload }: Frame): Wire.Incoming | Framing.NoFrame => {
    if (payload.length > 0) fragments.push(payload)
    length += payload.length
    isContinued = !isFinal
    if (length > longestMessage) return input.tooLong(longestMessage, length)
    if (!isFinal) return Result.succeed(nothing)
    const bytes = Buffer.concat(fragments)
    fragments = []
    length = 0
    if (bytes.length > Wire.longestLine) {
      const reason = new FrameTooLong({ limit: Wire.longestLine, length: bytes.length, offset: input.offset })
      return Result.fail(new FramingError({ reason }))
    }
    try {
      return Result.succeed({ ...nothing, text: Wire.clean(decoder.decode(bytes)) })
    } catch {
      return input.invalidText("UTF-8")
    }
  }

  return (input: FramingInput): Wire.Incoming | Framing.NoFrame => {
    const frame = decode(input)
    if (frame === Framing.noFrame) return frame
    const why = problem(frame, isContinued)
    if (why !== undefined) return input.corrupt(why)
    switch (frame.opcode) {
      case "close":
        return Result.succeed({ ...nothing, isLast: true })
      case "ping":
        return Result.succeed({ ...nothing, answer: bytesOf("pong", frame.payload) })
      case "pong":
        return Result.succeed(nothing)
      default:
        return messageOf(input, frame)
    }
  }
}

/** A line of the server as a frame. `Ping` is a ping frame, which browsers answer by themselves. */
const encode = (line: Line.Line): Uint8Array =>
  line._tag === "Ping" ? ping : bytesOf("text", encoder.encode(JSON.stringify(line)))

/** The close code for clients that should not reconnect by themselves, from the range for private use. */
export const finalCode = 4000

// "Service restart", of IANA's registry of close codes.
const restartCode = 1012

const closing = (code: number) => bytesOf("close", Uint8Array.of(code >> 8, code & 255))

/** Frames of a browser. */
export const wire: Wire.Wire = {
  framing: Framing.make<Line.Line, Wire.Incoming>({
    makeDecode,
    encode: (line, output) => output.write(encode(line))
  }),
  encode,
  live: (past) => past,
  ending: (isFinal) => closing(isFinal ? finalCode : restartCode),
  isToldOfRooms: true
}
