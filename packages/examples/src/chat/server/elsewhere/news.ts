/** The messages between the servers of a chat: JSON, over the bus. */
import * as Schema from "effect/Schema"
import { Name } from "../../protocol/Name.ts"

const Room = Schema.NullOr(Schema.Struct({ key: Schema.String, name: Name }))
const Member = Schema.Struct({ name: Name, room: Room })

/** A message, and the name of the server that sent it. */
export const News = Schema.Struct({
  from: Schema.String,
  what: Schema.Union([
    /** A server started or reconnected: all others answer with `Here`. */
    Schema.TaggedStruct("Hello", {}),
    Schema.TaggedStruct("Alive", {}),
    /** Its members, in several parts if there are many. */
    Schema.TaggedStruct("Here", { isFirst: Schema.Boolean, members: Schema.Array(Member) }),
    Schema.TaggedStruct("Moved", {
      ...Member.fields,
      was: Schema.NullOr(Schema.String),
      why: Schema.NullOr(Schema.String)
    }),
    Schema.TaggedStruct("Gone", { name: Schema.String }),
    Schema.TaggedStruct("Whisper", { to: Schema.String, by: Schema.String, text: Schema.String }),
    Schema.TaggedStruct("Bye", {})
  ])
})
export type News = typeof News.Type
export type What = News["what"]

const json = Schema.fromJsonString(News)

/** Decodes a message; `None` if another program wrote it. */
export const decode = Schema.decodeUnknownOption(json)
export const encode = Schema.encodeSync(json)
