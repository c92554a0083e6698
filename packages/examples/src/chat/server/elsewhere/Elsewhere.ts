/** The other servers of the chat: their members, rooms and names. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Line from "../../protocol/Line.ts"
import type { Name } from "../../protocol/Name.ts"

/** A member of some server, and the room that they are in. */
export interface Whereabouts {
  readonly name: Name
  readonly room: Place | undefined
}

/** A room: its key, and its name as the first member wrote it. */
export interface Place {
  readonly key: string
  readonly name: Name
}

/** The other servers cannot be reached. */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly message: string }> {}

/** What this server does with news from the others, and the members that it reports to them. */
export interface Here {
  readonly members: () => Iterable<Whereabouts>
  /** Says something in a room, if there is one here. */
  readonly tell: (key: string, line: Line.Line) => Effect.Effect<void>
  /** Says something in all rooms. */
  readonly tellAll: (line: Line.Line) => Effect.Effect<void>
  readonly whisper: (to: string, from: string, text: string) => Effect.Effect<void>
  /** Takes the name of a member away: another server's member has it. */
  readonly onNameLost: (key: string) => Effect.Effect<void>
}

export class Elsewhere extends Context.Service<Elsewhere, {
  /** A part of the names of guests, which no two servers share. */
  readonly tag: string
  /** Connects this server with the others, for the life of the Scope. */
  readonly connect: (here: Here) => Effect.Effect<void, never, Scope.Scope>
  /** Claims a name for a member. Returns `false` if another member has it, without this token. */
  readonly claim: (name: string, token: Redacted.Redacted<string> | undefined) => Effect.Effect<boolean, Unreachable>
  /** Releases a name, apart from the keys that it shares with the name `but`. */
  readonly release: (name: string, but?: string) => Effect.Effect<void>
  /** Tells the others where a member is now. `was`: the previous name; `why`: why they left the previous room. */
  readonly moved: (
    whereabouts: Whereabouts,
    before?: { readonly was?: string; readonly why?: string | undefined }
  ) => void
  /** Tells the others that a member is gone. */
  readonly gone: (name: string) => void
  /** A member of another server. */
  readonly find: (name: string) => Name | undefined
  /** Sends a private message to a member of another server. Returns once it is published. */
  readonly whisper: (to: string, from: string, text: string) => Effect.Effect<void, Unreachable>
  /** The members of other servers in a room. */
  readonly inRoom: (key: string) => ReadonlyArray<Name>
  /** The rooms of other servers, by key, and how many people are there. */
  readonly rooms: () => ReadonlyMap<string, { readonly name: Name; readonly people: number }>
  /** How many members the other servers have. */
  readonly size: () => number
}>()("@sluice/examples/chat/Elsewhere") {}

/** There are no other servers. */
export const layerNone: Layer.Layer<Elsewhere> = Layer.succeed(Elsewhere, {
  tag: "",
  connect: () => Effect.void,
  claim: () => Effect.succeed(true),
  release: () => Effect.void,
  moved: () => {},
  gone: () => {},
  find: () => undefined,
  whisper: () => Effect.void,
  inRoom: () => [],
  rooms: () => new Map(),
  size: () => 0
})
