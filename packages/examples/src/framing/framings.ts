/** The framings of the conversation: each is a value, and nothing else in the programs knows how messages are told apart. */
import * as Framing from "@sluice/framing/Framing"
import * as Result from "effect/Result"

const space = 0x20

/** Frames of one size; shorter messages are padded with spaces. */
const padded = (length: number): Framing.Framing<Uint8Array> =>
  Framing.fixedLength(length).pipe(
    Framing.mapResult({
      decode: (record) => Result.succeed(record.subarray(0, record.findLastIndex((byte) => byte !== space) + 1)),
      encode: (message: Uint8Array) => {
        if (message.at(-1) === space) return Result.fail("it ends with a space, which would be taken for padding")
        if (message.length > length) return Result.succeed(message)
        const record = new Uint8Array(length).fill(space)
        record.set(message)
        return Result.succeed(record)
      }
    })
  )

export const framings = {
  fixed: padded(32).pipe(Framing.text()),
  length: Framing.lengthPrefixed().pipe(Framing.text()),
  delimited: Framing.delimited("\0").pipe(Framing.text()),
  lines: Framing.lines()
}

/** How the help describes each of them. */
export const about: Record<keyof typeof framings, string> = {
  fixed: "Fixed length: 32 bytes, padded with spaces",
  length: "Length prefix: 4 bytes, big-endian",
  delimited: "Delimiter: a zero byte after each message",
  lines: "Lines: one message a line"
}
