import type { Value } from "../redis/client/wire.ts"
import type { Follower, Message } from "./Bus.ts"

/** An entry of a stream. */
export interface Entry {
  readonly id: string
  readonly publisher: string
  readonly number: number
  readonly text: string
}

/** The entries in a reply to `XRANGE`. Entries that no bus wrote are skipped. */
export const entriesOf = (value: Value): ReadonlyArray<Entry> => {
  if (!Array.isArray(value)) return []
  return (value as ReadonlyArray<readonly [string, ReadonlyArray<string>]>).flatMap(([id, fields]) => {
    const [p, publisher, n, number, t, text] = fields
    return p === "p" && n === "n" && t === "t"
      ? [{ id, publisher: publisher!, number: Number(number), text: text! }]
      : []
  })
}

const partsOf = (id: string): readonly [number, number] => {
  const [ms, sequence] = id.split("-")
  return [Number(ms), Number(sequence ?? 0)]
}

/** Whether an id of a stream comes before another. */
export const isBefore = (a: string, b: string): boolean => {
  const [ms, sequence] = partsOf(a)
  const [otherMs, otherSequence] = partsOf(b)
  return ms < otherMs || (ms === otherMs && sequence < otherSequence)
}

/** Publishers remembered for a topic, at most. */
const mostPublishers = 1_024

/** The position of a reader in the stream of a topic, with what it needs to skip duplicates. */
export class TopicCursor {
  readonly follower: Follower
  /** The id that was read last. */
  position = "0-0"
  // The first id read: `#numbers` covers all entries from there.
  #begin: string | undefined = undefined
  #at = 0
  // The highest number of each publisher, in the order of their last messages.
  readonly #numbers = new Map<string, number>()

  constructor(follower: Follower) {
    this.follower = follower
  }

  /** The message of an entry, or `undefined` if it was taken before. */
  take({ id, number, publisher, text }: Entry): Message | undefined {
    this.position = id
    this.#begin ??= id
    const before = this.#numbers.get(publisher) ?? 0
    if (number <= before) return undefined
    this.#numbers.delete(publisher)
    this.#numbers.set(publisher, number)
    if (this.#numbers.size > mostPublishers) this.#numbers.delete(this.#numbers.keys().next().value!)
    // Messages of one millisecond get distinct times.
    this.#at = Math.max(partsOf(id)[0], this.#at + 1)
    return { at: this.#at, text }
  }

  /** Goes back to the first id read, after the stream lost its end. Known messages are skipped. */
  rewind(): void {
    this.position = this.#begin ?? "0-0"
  }
}
