/** The history of the rooms: lines shown to members who enter later. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Line from "../../protocol/Line.ts"

/** Something that was said, and when: milliseconds since 1970. */
export interface Entry {
  readonly at: number
  readonly spoken: Line.Spoken
}

/** A line could not be kept, or the history could not be read. */
export class HistoryFailed extends Data.TaggedError("HistoryFailed")<{
  readonly what: string
  readonly cause: unknown
  /** Whether the line still waits, and will be kept later. Default: `false`. */
  readonly isWaiting?: boolean
}> {
  override get message(): string {
    const { cause } = this
    return `cannot ${this.what}: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

export class History extends Context.Service<History, {
  /** The last lines of a room, the oldest first. */
  readonly last: (room: string, count: number) => Effect.Effect<ReadonlyArray<Entry>, HistoryFailed>
  /**
   * Opens a room for the life of the Scope, and returns its last lines. `onEntry` runs for each later line that `keep` does
   * not publish itself, as in a history that several servers share.
   */
  readonly open: (
    room: string,
    count: number,
    onEntry: (entry: Entry) => Effect.Effect<void>
  ) => Effect.Effect<ReadonlyArray<Entry>, HistoryFailed, Scope.Scope>
  /**
   * Keeps a line, and publishes it only once nothing can take it back. Lines are published in the order in which they
   * were given.
   */
  readonly keep: (room: string, entry: Entry, publish: Effect.Effect<void>) => Effect.Effect<void, HistoryFailed>
}>()("@sluice/examples/chat/History") {}

/** Nothing is kept for longer than the room is there: the room itself knows its last lines. */
export const layerMemory: Layer.Layer<History> = Layer.succeed(History, {
  last: () => Effect.succeed([]),
  open: () => Effect.succeed([]),
  keep: (_room, _entry, publish) => publish
})
