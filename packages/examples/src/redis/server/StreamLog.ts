import { Deque } from "./Deque.ts"

/** A whole number of 64 bits: a bigint only above 2^53 - 1, so that equal numbers are identical. */
export type Uint64 = number | bigint

/** The id of an entry of a stream: milliseconds, and a number among those of one millisecond. */
export interface Id {
  readonly ms: Uint64
  readonly seq: Uint64
}

export interface StreamEntry extends Id {
  /** Fields and values, by turns. */
  readonly fields: ReadonlyArray<string>
}

export const firstId: Id = { ms: 0, seq: 0 }
const largest = 2n ** 64n - 1n
export const lastId: Id = { ms: largest, seq: largest }

const compare = (a: Uint64, b: Uint64): number => a < b ? -1 : a > b ? 1 : 0
export const compareIds = (a: Id, b: Id): number => a.ms === b.ms ? compare(a.seq, b.seq) : compare(a.ms, b.ms)

const toUint64 = (value: bigint): Uint64 => value > BigInt(Number.MAX_SAFE_INTEGER) ? value : Number(value)

const plus = (value: Uint64, by: 1 | -1): Uint64 =>
  typeof value === "number" && value < Number.MAX_SAFE_INTEGER ? value + by : toUint64(BigInt(value) + BigInt(by))

/** The id after another, if there is one. */
export const idAfter = ({ ms, seq }: Id): Id | undefined =>
  seq !== largest ? { ms, seq: plus(seq, 1) } : ms !== largest ? { ms: plus(ms, 1), seq: 0 } : undefined

/** The id before another, if there is one. */
export const idBefore = ({ ms, seq }: Id): Id | undefined =>
  seq !== 0 ? { ms, seq: plus(seq, -1) } : ms !== 0 ? { ms: plus(ms, -1), seq: largest } : undefined

export const idText = ({ ms, seq }: Id): string => `${ms}-${seq}`
export const sizeOf = (fields: ReadonlyArray<string>): number =>
  fields.reduce((size, field) => size + field.length + 16, 48)

/** Parses `1526919030474-55`, or `1526919030474` with `seq` for what is left out. */
export const parseId = (text: string, seq: Uint64): Id | undefined => {
  const match = /^(\d{1,20})(?:-(\d{1,20}))?$/.exec(text)
  if (match === null) return undefined
  const [ms, ownSeq] = [BigInt(match[1]!), match[2] === undefined ? undefined : BigInt(match[2])]
  if (ms > largest || (ownSeq !== undefined && ownSeq > largest)) return undefined
  return { ms: toUint64(ms), seq: ownSeq === undefined ? seq : toUint64(ownSeq) }
}

/** The next id at a time of the wall clock, which may step; `undefined` if no id is left. */
export const nextId = (last: Id, now: number): Id | undefined => now > last.ms ? { ms: now, seq: 0 } : idAfter(last)

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
