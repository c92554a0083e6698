/** Private messages for users who are away, in Redis: a string for each name, and a list for each owner. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { RedisClient } from "../../../redis/client/RedisClient.ts"
import * as Name from "../../protocol/Name.ts"
import { Mail, MailFailed, mostForOne, ownerOf } from "./Mail.ts"

/** How long names and messages are kept, in seconds. */
const kept = String(24 * 3600)

const LetterJson = Schema.fromJsonString(
  Schema.Struct({ from: Schema.String, text: Schema.String, at: Schema.Number })
)
const decode = Schema.decodeUnknownOption(LetterJson)
const encode = Schema.encodeSync(LetterJson)

const nameKey = (name: string): string => `chat:owner:${Name.fold(name)}`
const mailKey = (owner: string): string => `chat:mail:${owner}`

/** Over the client's Redis. */
export const layer: Layer.Layer<Mail, never, RedisClient> = Layer.effect(
  Mail,
  Effect.map(RedisClient, ({ send }) => {
    const within = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
      effect.pipe(
        Effect.timeout("2 seconds"),
        Effect.mapError(({ message }) => new MailFailed({ message }))
      )
    return Mail.of({
      own: (name, token) =>
        within(Effect.asVoid(
          token === undefined
            ? send("DEL", nameKey(name))
            : send("SET", nameKey(name), ownerOf(token), "EX", kept)
        )),
      keep: (name, letter) =>
        within(Effect.gen(function*() {
          const owner = yield* send("GET", nameKey(name))
          if (typeof owner !== "string") return false
          const key = mailKey(owner)
          yield* send("RPUSH", key, encode(letter))
          yield* send("LTRIM", key, String(-mostForOne), "-1")
          yield* send("EXPIRE", key, kept)
          return true
        })),
      take: (token) =>
        within(
          Effect.map(send("LPOP", mailKey(ownerOf(token)), String(mostForOne)), (letters) =>
            Array.isArray(letters)
              ? letters.flatMap((letter) => Option.toArray(decode(letter)))
              : [])
        )
    })
  })
)
