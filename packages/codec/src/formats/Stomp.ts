/**
 * STOMP 1.2, a text protocol of message brokers: https://stomp.github.io/stomp-specification-1.2.html
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Codec from "../Codec.ts"

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\c" }
const characters: Readonly<Record<string, string>> = { "\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\c": ":" }

/** Text in which a backslash begins an escape. */
const escaped = Codec.mapResult(
  Codec.text(),
  (text) =>
    /^(?:[^\\]|\\[\\nrc])*$/.test(text)
      ? Result.succeed(text.replaceAll(/\\./g, (escape) => characters[escape]!))
      : Result.fail("a backslash begins no escape"),
  (text) => Result.succeed(text.replaceAll(/[\\\n\r:]/g, (character) => escapes[character]!))
)

const eol = ["\n", "\r\n"] as const

const header = Codec.struct({
  name: Codec.delimited(":", escaped),
  value: Codec.delimited(eol, escaped)
})

interface Head {
  readonly headers: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

const lengthIn = ({ headers }: Head): number | undefined => {
  const header = headers.find(({ name }) => name === "content-length")
  return header === undefined ? undefined : Number(header.value)
}

/**
 * A frame, or the line that keeps the connection alive between frames.
 *
 * A NUL byte ends the body, which contains others only if a `content-length` header says how long it is.
 *
 * @category codecs
 * @since 0.1.0
 */
export const frame = Codec.taggedByPrefix({
  HeartBeat: ["\n"],
  Frame: ["", {
    command: Codec.delimited(eol, Codec.text("ascii"), { limit: 64 }),
    headers: Codec.repeat(header, { until: eol, limit: 1000 }),
    body: Codec.sizedBy(lengthIn, Codec.bytes(), { otherwise: Codec.delimited("\0", Codec.bytes(), { keep: true }) }),
    end: Codec.literal("\0")
  }]
}).pipe(Codec.named("stomp"))
