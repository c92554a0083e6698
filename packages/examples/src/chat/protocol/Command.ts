/** What people can ask of the server: a line that begins with `/`. Any other line is said to the room. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { Name } from "./Name.ts"

/** The longest message, in characters, that is, Unicode code points. */
export const longestText = 1000

/** What is wrong with a line that is longer. */
export const tooLong = `that is too long: ${longestText} characters at most`

const Words = Schema.NonEmptyString.check(
  Schema.makeFilter((text) =>
    text.length <= longestText || Array.from(text).length <= longestText ? undefined : tooLong
  )
)

/** A command, parsed. */
export const Command = Schema.Union([
  Schema.TaggedStruct("Say", { text: Words }),
  Schema.TaggedStruct("Nick", { name: Name }),
  Schema.TaggedStruct("Join", { room: Name }),
  Schema.TaggedStruct("Rejoin", {
    room: Name,
    at: Schema.String.check(
      Schema.isPattern(/^\d{1,15}$/, { message: "a time is a number of milliseconds since 1970" })
    )
  }),
  Schema.TaggedStruct("Leave", {}),
  Schema.TaggedStruct("Rooms", {}),
  Schema.TaggedStruct("Who", {}),
  Schema.TaggedStruct("Msg", { name: Name, text: Words }),
  Schema.TaggedStruct("Me", { text: Words }),
  Schema.TaggedStruct("Token", {
    secret: Schema.String.check(
      Schema.isPattern(/^[\w-]{16,64}$/, { message: "a token has 16 to 64 letters and digits" })
    )
  }),
  Schema.TaggedStruct("Ping", {
    token: Schema.NonEmptyString.check(Schema.isMaxLength(40, { message: "a token has at most 40 characters" }))
  }),
  Schema.TaggedStruct("Pong", {}),
  Schema.TaggedStruct("Help", {}),
  Schema.TaggedStruct("Quit", {})
])
export type Command = typeof Command.Type
type Encoded = typeof Command.Encoded

interface Verb {
  readonly tag: Encoded["_tag"]
  readonly operands: ReadonlyArray<"name" | "room" | "at" | "text" | "token" | "secret">
  readonly about: string
}

/** What can be behind a `/`. */
export const verbs: Readonly<Record<string, Verb>> = {
  nick: { tag: "Nick", operands: ["name"], about: "change your name" },
  join: { tag: "Join", operands: ["room"], about: "enter ROOM, and leave the current one" },
  rejoin: {
    tag: "Rejoin",
    operands: ["room", "at"],
    about: "enter ROOM, and see what was said since AT (ms since 1970)"
  },
  leave: { tag: "Leave", operands: [], about: "leave the room" },
  rooms: { tag: "Rooms", operands: [], about: "list the rooms" },
  who: { tag: "Who", operands: [], about: "list the people in this room" },
  msg: { tag: "Msg", operands: ["name", "text"], about: "send TEXT to NAME only" },
  me: { tag: "Me", operands: ["text"], about: "describe an action, as in: * alice waves" },
  token: { tag: "Token", operands: ["secret"], about: "get your name back by SECRET after a lost connection" },
  ping: { tag: "Ping", operands: ["token"], about: "get the answer: pong TOKEN" },
  pong: { tag: "Pong", operands: [], about: "answer a ping" },
  help: { tag: "Help", operands: [], about: "show this help" },
  quit: { tag: "Quit", operands: [], about: "leave the chat" }
}

/** `/msg NAME TEXT`. */
export const usage = (verb: string): string =>
  [`/${verb}`, ...verbs[verb]!.operands.map((operand) => operand.toUpperCase())].join(" ")

/** Words, the last of which takes all that is left. */
const operandsOf = (text: string, count: number): ReadonlyArray<string> => {
  const words = text.trim().split(/\s+/).filter((word) => word !== "")
  if (count === 0 || words.length <= count) return words
  const rest = words.slice(0, count - 1).reduce((left, word) => left.trimStart().slice(word.length), text)
  return [...words.slice(0, count - 1), rest.trim()]
}

const read = (line: string): Result.Result<Encoded, string> => {
  if (!line.startsWith("/")) return Result.succeed({ _tag: "Say", text: line })
  if (line.startsWith("//")) return Result.succeed({ _tag: "Say", text: line.slice(1) })
  const [, name, rest] = /^\/(\S*)(.*)$/u.exec(line)!
  const key = name!.toLowerCase()
  const verb = Object.hasOwn(verbs, key) ? verbs[key]! : undefined
  if (verb === undefined) return Result.fail(`there is no command /${name}: /help lists them`)
  const operands = operandsOf(rest!, verb.operands.length)
  // A name and a room are one word each: a second one is a mistake.
  const only = verb.operands.at(-1)
  const tooMany = only !== "text" && operands.at(-1)?.includes(" ")
  if (operands.length < verb.operands.length || tooMany) return Result.fail(`it goes like this: ${usage(key)}`)
  const fields = verb.operands.map((operand, index) => [operand, operands[index]!])
  return Result.succeed({ _tag: verb.tag, ...Object.fromEntries(fields) } as Encoded)
}

const write = (command: Encoded): string => {
  if (command._tag === "Say") return command.text.startsWith("/") ? `/${command.text}` : command.text
  const [name, verb] = Object.entries(verbs).find(([, { tag }]) => tag === command._tag)!
  return [`/${name}`, ...verb.operands.map((operand) => (command as unknown as Record<string, string>)[operand])].join(
    " "
  )
}

/** A command from its line. What is wrong with the line is in the issue's message, for the user who typed it. */
export const CommandFromLine = Schema.String.pipe(
  Schema.decodeTo(
    Command,
    SchemaTransformation.transformEffect({
      decode: (line, options) =>
        Result.match(read(line), {
          onSuccess: Effect.succeed,
          onFailure: (message) => Effect.fail(new SchemaIssue.InvalidValue({ message }, line, options))
        }),
      encode: (command) => Effect.succeed(write(command))
    })
  )
)

const decode = Schema.decodeResult(CommandFromLine)

/** Parses a line, or says in one line what is wrong with it. */
export const parse = (line: string): Result.Result<Command, string> =>
  Result.mapError(decode(line), ({ message }) => message.split("\n")[0]!)

/** The line of a command. */
export const format: (command: Command) => string = Schema.encodeSync(CommandFromLine)
