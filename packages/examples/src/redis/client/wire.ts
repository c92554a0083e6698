/** What a client of Redis sends and receives. */
import * as Codec from "@sluice/codec/Codec"
import * as Resp from "@sluice/codec/formats/Resp"
import * as Framing from "@sluice/framing/Framing"
import * as Data from "effect/Data"
import * as Result from "effect/Result"

/** A reply as a plain value: nil is `null`, and a map is a list of alternating keys and values. */
export type Value = string | number | bigint | boolean | null | ReadonlyArray<Value>

/** Redis refused a command: `code` is the first word of what it says, such as `WRONGTYPE`. */
export class CommandRefused extends Data.TaggedError("CommandRefused")<{
  readonly command: string
  readonly text: string
}> {
  get code(): string {
    return this.text.split(" ", 1)[0]!
  }
  override get message(): string {
    return `${this.command} failed: ${this.text}`
  }
}

// Strings are of bytes, a character each, so that text that is not UTF-8 does no harm to a connection.
const { command, value } = Resp.make(Codec.text("latin1"))

export type Command = Resp.Command<string>
export type Reply = Resp.Value<string>

export const framing = Framing.duplex<Command, Reply>({
  outgoing: Codec.framing(command, { maxFrameLength: 512 * 1024 * 1024 }),
  incoming: Codec.framing(value, { maxFrameLength: 512 * 1024 * 1024 })
})

const beyondAscii = /[^\0-\x7f]/

const toBytes = (text: string): string => beyondAscii.test(text) ? Buffer.from(text).toString("latin1") : text
const toText = (bytes: string): string => beyondAscii.test(bytes) ? Buffer.from(bytes, "latin1").toString() : bytes

export const commandOf = (words: ReadonlyArray<string>): Command => ({ _tag: "Command", words: words.map(toBytes) })

/** The value of a reply, or the refusal of the command. */
export const valueOf = (reply: Reply, command: string): Result.Result<Value, CommandRefused> => {
  switch (reply._tag) {
    case "Error":
      return Result.fail(new CommandRefused({ command, text: reply.text }))
    case "BulkError":
      return Result.fail(new CommandRefused({ command, text: toText(reply.bytes) }))
    default:
      return Result.succeed(plainValue(reply))
  }
}

/** The value of a reply. An error within it, as in the reply to EXEC, becomes its text. */
export const plainValue = (reply: Reply): Value => {
  switch (reply._tag) {
    case "Bulk":
    case "Verbatim":
    case "BulkError":
      return toText(reply.bytes)
    case "Text":
    case "Error":
    case "Double":
      return reply.text
    case "Number":
    case "BigNumber":
      return reply.value
    case "Array":
    case "Set":
    case "Push":
      return reply.items.map(plainValue)
    case "Map":
    case "Attributes":
      return reply.entries.flatMap(({ key, value }) => [plainValue(key), plainValue(value)])
    case "True":
      return true
    case "False":
      return false
    default:
      return null
  }
}
