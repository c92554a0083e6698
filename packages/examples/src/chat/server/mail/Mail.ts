/**
 * Private messages for users who are away: they presented a token, and their connection was lost. They get the messages when
 * they come back with the token.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import * as Name from "../../protocol/Name.ts"

/** A private message, and when it was sent, in milliseconds since 1970. */
export interface Letter {
  readonly from: string
  readonly text: string
  readonly at: number
}

/** The messages are kept by an engine that cannot be reached. */
export class MailFailed extends Data.TaggedError("MailFailed")<{ readonly message: string }> {}

type Token = Redacted.Redacted<string>

export class Mail extends Context.Service<Mail, {
  /** Records whose name this is from now on. Without a token, messages for the name are not kept. */
  readonly own: (name: string, token: Token | undefined) => Effect.Effect<void, MailFailed>
  /** Keeps a message for the owner of a name. Returns `false` if there is none. */
  readonly keep: (name: string, letter: Letter) => Effect.Effect<boolean, MailFailed>
  /** Removes the messages of an owner, and returns them, the oldest first. */
  readonly take: (token: Token) => Effect.Effect<ReadonlyArray<Letter>, MailFailed>
}>()("@sluice/examples/chat/Mail") {}

/** Messages kept for one owner, at most: the last ones. */
export const mostForOne = 100

/** Names and messages in memory, at most. Beyond that, the oldest are dropped. */
const most = 10_000

/** What stands for an owner: their token is not kept. */
export const ownerOf = (token: Token): string => createHash("sha256").update(Redacted.value(token)).digest("base64url")

/** In the memory of one server. */
export const layerMemory: Layer.Layer<Mail> = Layer.sync(Mail, () => {
  const owners = new Map<string, string>()
  let letters: ReadonlyArray<Letter & { readonly owner: string }> = []
  const ofOwner = (owner: string) => letters.filter((letter) => letter.owner === owner)
  return {
    own: (name, token) =>
      Effect.sync(() => {
        const key = Name.fold(name)
        owners.delete(key)
        if (token === undefined) return
        owners.set(key, ownerOf(token))
        if (owners.size > most) owners.delete(owners.keys().next().value!)
      }),
    keep: (name, letter) =>
      Effect.sync(() => {
        const owner = owners.get(Name.fold(name))
        if (owner === undefined) return false
        const kept = ofOwner(owner)
        const [oldest] = kept.length < mostForOne ? letters.slice(0, letters.length < most ? 0 : 1) : kept
        letters = [...letters.filter((each) => each !== oldest), { ...letter, owner }]
        return true
      }),
    take: (token) =>
      Effect.sync(() => {
        const owner = ownerOf(token)
        const taken = ofOwner(owner)
        if (taken.length > 0) letters = letters.filter((letter) => letter.owner !== owner)
        return taken.map(({ at, from, text }) => ({ at, from, text }))
      })
  }
})
