/** What the servers of a chat tell each other: JSON, over the bus. */
import * as Schema from "effect/Schema"
import { Name } from "../../protocol/Name.ts"

const Room = Schema.NullOr(Schema.Struct({ key: Schema.String, name: Name }))
const Member = Schema.Struct({ name: Name, room: Room })

/** Of a server, whose name is `from`. */
export const News = Schema.Struct({
  from: Schema.String,
  what: Schema.Union([
    /** It wants to know who is where: all others answer with `Here`. */
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

/** What it means; nothing, if another program has written it. */
export const decode = Schema.decodeUnknownOption(json)
export const encode = Schema.encodeSync(json)
