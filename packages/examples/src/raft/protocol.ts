/** The messages between nodes, and between clients and nodes. All terms and indexes count from 0; the first entry is 1. */
import * as Codec from "@sluice/codec/Codec"

/** The most bytes of a message: a snapshot is one. */
export const maxMessageBytes = 16 * 1024 * 1024

const number = Codec.varint()
const text = Codec.lengthPrefixed(Codec.varint(), Codec.text(), { limit: 65_536 })

/** What a client asks for. `compareAndSet` answers `"true"` or `"false"`; a key that was never put has the value `""`. */
const operation = Codec.tagged(Codec.uint8, {
  Get: [0, { key: text }],
  Put: [1, { key: text, value: text }],
  CompareAndSet: [2, { key: text, from: text, to: text }],
  /** The first entry of each term. */
  Nothing: [3],
  /** Changes of the members, which answer with the members after them. */
  Add: [4, { id: number, address: text }],
  Remove: [5, { id: number }]
})

/** A client numbers its commands, so that a retried command takes effect once. */
const command = { client: text, sequence: number, operation }

const entry = Codec.struct({ term: number, ...command })
const member = Codec.struct({ id: number, address: text })
const pair = Codec.struct({ key: text, value: text })
const session = Codec.struct({ client: text, sequence: number, result: text, index: number })

/** The state after the entry at `index`. */
const snapshot = Codec.struct({
  index: number,
  term: number,
  members: Codec.countPrefixed(number, member),
  values: Codec.countPrefixed(number, pair),
  sessions: Codec.countPrefixed(number, session)
})

const message = Codec.tagged(Codec.uint8, {
  RequestVote: [1, { term: number, candidate: number, lastIndex: number, lastTerm: number }],
  Vote: [2, { term: number, unused: Codec.paddingBits(7), isGranted: Codec.flag }],
  Append: [3, {
    term: number,
    leader: number,
    /** Counts the leader's rounds of heartbeats: a peer that answers round 5 still followed the leader after round 4. */
    round: number,
    previousIndex: number,
    previousTerm: number,
    commit: number,
    entries: Codec.countPrefixed(number, entry)
  }],
  /** `index`: where the next request should begin after, if this one did not match. */
  Appended: [4, { term: number, unused: Codec.paddingBits(7), isMatch: Codec.flag, index: number }],
  Install: [5, { term: number, leader: number, round: number, snapshot }],
  Submit: [6, command],
  Done: [7, { result: text }],
  /** Another node may be the leader: an empty address if none is known. */
  Redirect: [8, { address: text }],
  /** A change of the members that is not made. */
  Refused: [9, { why: text }]
}).pipe(Codec.named("message"))

export type Operation = Codec.Type<typeof operation>
export type Entry = Codec.Type<typeof entry>
export type Snapshot = Codec.Type<typeof snapshot>
export type Message = Codec.Type<typeof message>
export type MessageOf<Tag extends Message["_tag"]> = Extract<Message, { readonly _tag: Tag }>
/** What a node or a client asks of a node, and the answers. */
export type Request = MessageOf<"RequestVote" | "Append" | "Install" | "Submit">
export type Answer = Exclude<Message, Request>

const requests: ReadonlySet<Message["_tag"]> = new Set<Request["_tag"]>(["RequestVote", "Append", "Install", "Submit"])

export const isRequest = (message: Message): message is Request => requests.has(message._tag)

export const framing = Codec.framing(message, { maxFrameLength: maxMessageBytes })

/** What is written to disk. A snapshot takes the place of all records before it. */
export const record = Codec.tagged(Codec.uint8, {
  Ballot: [1, { term: number, vote: number }],
  /** Entries from `index` on. They replace the entries that were written there before. */
  Entries: [2, { index: number, entries: Codec.countPrefixed(number, entry) }],
  Snapshot: [3, { snapshot }]
}).pipe(Codec.named("record"))

export type Record = Codec.Type<typeof record>
