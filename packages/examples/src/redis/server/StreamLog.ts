import { Deque } from "./Deque.ts"

/** The id of an entry of a stream: milliseconds, and a number among those of one millisecond. */
export interface Id {
  readonly ms: number
  readonly seq: number
}

export interface StreamEntry extends Id {
  /** Fields and values, by turns. */
  readonly fields: ReadonlyArray<string>
}

export const firstId: Id = { ms: 0, seq: 0 }
export const lastId: Id = { ms: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER }

export const compareIds = (a: Id, b: Id): number => a.ms === b.ms ? a.seq - b.seq : a.ms - b.ms
export const idText = ({ ms, seq }: Id): string => `${ms}-${seq}`
export const sizeOf = (fields: ReadonlyArray<string>): number =>
  fields.reduce((size, field) => size + field.length + 16, 48)

/** Parses `1526919030474-55`, or `1526919030474` with `seq` for what is left out. */
export const parseId = (text: string, seq: number): Id | undefined => {
  const match = /^(\d{1,16})(?:-(\d{1,16}))?$/.exec(text)
  return match === null ? undefined : { ms: Number(match[1]), seq: match[2] === undefined ? seq : Number(match[2]) }
}

/** The id that follows at a time of the wall clock, which may step. */
export const nextId = (last: Id, now: number): Id =>
  now > last.ms ? { ms: now, seq: 0 } : { ms: last.ms, seq: last.seq + 1 }

/** A stream: entries in the order of their ids. */
export class StreamLog {
  last: Id = firstId
  /** How many entries were ever added. */
  added = 0
  #entries = new Deque<StreamEntry>()

  get length(): number {
    return this.#entries.length
  }

  get first(): StreamEntry | undefined {
    return this.#entries.at(0)
  }

  add(entry: StreamEntry): void {
    this.#entries.push(entry)
    this.last = { ms: entry.ms, seq: entry.seq }
    this.added++
  }

  /** The entries from one id to another, both included; the last ones first if `backwards`. */
  range(from: Id, to: Id, count: number, backwards = false): Array<StreamEntry> {
    const begin = this.#find(from)
    let end = this.#find(to)
    const at = this.#entries.at(end)
    if (at !== undefined && compareIds(at, to) === 0) end++
    if (backwards) return this.#entries.slice(Math.max(begin, end - count), end).reverse()
    return this.#entries.slice(begin, Math.min(end, begin + count))
  }

  /** Removes entries from the beginning while `isOver` holds for the first. Returns the removed entries. */
  trim(isOver: (first: StreamEntry, length: number) => boolean): Array<StreamEntry> {
    const removed: Array<StreamEntry> = []
    for (let first = this.first; first !== undefined && isOver(first, this.length); first = this.first) {
      removed.push(first)
      this.#entries.shift()
    }
    return removed
  }

  delete(id: Id): StreamEntry | undefined {
    const found = this.#entries.at(this.#find(id))
    if (found === undefined || compareIds(found, id) !== 0) return undefined
    const kept = new Deque<StreamEntry>()
    for (const entry of this.#entries.slice(0, this.length)) if (entry !== found) kept.push(entry)
    this.#entries = kept
    return found
  }

  /** The index of the first entry from an id on. */
  #find(id: Id): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareIds(this.#entries.at(middle)!, id) >= 0) high = middle
      else low = middle + 1
    }
    return low
  }
}
