/** Replies of the server. Strings hold a byte in each character, so that binary data costs no more than text. */
import * as Codec from "@sluice/codec/Codec"
import * as Resp from "@sluice/codec/formats/Resp"
import * as Framing from "@sluice/framing/Framing"

export type Reply = Resp.Value<string>

/** What a command comes to: a reply, several, the end of the connection, or a wait for keys. */
export type Outcome =
  | Reply
  | { readonly _tag: "Several"; readonly replies: ReadonlyArray<Reply> }
  | { readonly _tag: "Close"; readonly reply: Reply }
  | Blocked

/** A command that waits until one of the keys has something for it. */
export interface Blocked {
  readonly _tag: "Blocked"
  readonly keys: ReadonlyArray<string>
  readonly attempt: () => Reply | undefined
  /** How long, in milliseconds; 0 is forever. */
  readonly millis: number
}

/** The largest command, in bytes; a larger one is refused before it is gathered. */
const largestCommand = 64 * 1024 * 1024

const { command, value } = Resp.make(Codec.text("latin1"))

const replies = Codec.framing(value, { maxFrameLength: 1024 * 1024 * 1024 })

/** The lines of `text` as bytes. The server chooses them, so that they are few. */
const lines = new Map<string, Uint8Array>()

export const framing = Framing.duplex({
  outgoing: Framing.make<Reply>({
    makeDecode: replies.makeDecode,
    encode: (reply, output) => {
      const line = reply._tag === "Text" ? lines.get(reply.text) : undefined
      if (line === undefined) replies.encode(reply, output)
      else output.write(line)
    }
  }),
  incoming: Codec.framing(command, { maxFrameLength: largestCommand })
})

/** Ends a command with an error. It is thrown, so that parsing an option is one call. */
export class Refused extends Error {
  readonly reply: Reply
  constructor(text: string) {
    super(text)
    this.reply = error(text)
  }
}

export const text = (text: string): Reply => {
  if (!lines.has(text)) lines.set(text, new TextEncoder().encode(`+${text}\r\n`))
  return { _tag: "Text", text }
}
export const ok = text("OK")
export const nil: Reply = { _tag: "Nil" }
export const nilArray: Reply = { _tag: "NullArray" }
export const bulk = (bytes: string): Reply => ({ _tag: "Bulk", bytes })
/** Text for people. */
export const verbatim = (bytes: string): Reply => ({ _tag: "Verbatim", format: "txt", bytes })
export const optional = (bytes: string | undefined): Reply => bytes === undefined ? nil : bulk(bytes)
export const integer = (value: number | bigint): Reply => ({ _tag: "Number", value })
export const array = (items: ReadonlyArray<Reply>): Reply => ({ _tag: "Array", items })
export const strings = (items: ReadonlyArray<string>): Reply => array(items.map(bulk))
export const map = (entries: Iterable<readonly [string, Reply]>): Reply => ({
  _tag: "Map",
  entries: Array.from(entries, ([key, value]) => ({ key: bulk(key), value }))
})
export const double = (value: number): Reply => ({ _tag: "Double", text: numberText(value) })

/** An error in one line, whatever bytes of a command are in it. */
export const error = (text: string): Reply => ({
  _tag: "Error",
  text: (/[^\0-\x7f]/.test(text) ? Buffer.from(text, "latin1").toString() : text).replace(/[\r\n]/g, " ")
})

export const syntaxError = (): Refused => new Refused("ERR syntax error")

/** A number as Redis writes it. */
export const numberText = (value: number): string =>
  value === Infinity ? "inf" : value === -Infinity ? "-inf" : String(value)

/** Converts the types that only RESP3 has to RESP2. */
export const toResp2 = (reply: Reply): Reply => {
  switch (reply._tag) {
    case "Nil":
      return { _tag: "Null" }
    case "Array":
      return reply.items.length === 0 ? reply : array(reply.items.map(toResp2))
    case "Push":
    case "Set":
      return array(reply.items.map(toResp2))
    case "Map":
      return array(reply.entries.flatMap(({ key, value }) => [toResp2(key), toResp2(value)]))
    case "Double":
      return bulk(reply.text)
    case "Verbatim":
      return bulk(reply.bytes)
    default:
      return reply
  }
}

/** Converts the types that only RESP2 has to RESP3. */
export const toResp3 = (reply: Reply): Reply =>
  reply._tag === "NullArray" ? nil : reply._tag === "Array" ? array(reply.items.map(toResp3)) : reply
