/** The types that the parts of the page share. Lines are those of `protocol/Line.ts`, as JSON. */
import type * as Line from "../../protocol/Line.ts"

export type { Line, Past, RoomSummary } from "../../protocol/Line.ts"

/** A message or a note in a conversation. */
export interface Item {
  readonly kind: "said" | "acted" | "note" | "refusal" | "gap"
  readonly name: string
  readonly text: string
  readonly at: number
  /** Whether the user had not seen it when the conversation was opened. */
  isNew?: boolean
}

/** A room, or the private messages with one person. */
export interface Conversation {
  readonly kind: "room" | "person"
  name: string
  items: Array<Item>
  /** The messages that were shown, so that none is shown twice. */
  readonly seen: Set<string>
  /** When something was said last. */
  last: number
  /** When something was said last, by the list of rooms. */
  announced: number
  unread: number
  people: ReadonlyArray<string>
  more: number
  draft: string
  /** `false` while the lines after `last` are requested. */
  isCaughtUp: boolean
}

/** A line that waits to be sent, or to be answered. */
export interface Outgoing {
  readonly kind: "say" | "msg" | "join" | "command"
  /** The line as it is sent. */
  readonly line: string
  /** The words as they come back. */
  readonly text: string
  readonly to: Conversation | undefined
}

export type State =
  | { readonly tag: "connecting" | "open" | "offline" }
  | { readonly tag: "waiting"; readonly until: number }
  /** It does not reconnect by itself. */
  | { readonly tag: "ended"; readonly why: string }

export interface Connection {
  readonly send: (line: string) => void
  /** Connects now. */
  readonly retry: () => void
}

export interface ConnectionEvents {
  readonly onOpen: () => void
  readonly onLine: (line: Line.Line) => void
  readonly onState: (state: State) => void
}

/** What the session calls on the view. */
export interface View {
  /** Something of a list, a title or a mark has changed. */
  readonly refresh: () => void
  /** Another conversation is shown, or all of one has changed. */
  readonly rebuild: () => void
  readonly append: (conversation: Conversation, item: Item) => void
  readonly showState: (state: State) => void
  /** Puts text that was not sent back into the message field. */
  readonly giveBack: (text: string) => void
}
