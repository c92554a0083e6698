/** The data: keys, their values and when they expire; how much memory they take; and the commands that wait for keys. */
import { Deque } from "./Deque.ts"
import { type Blocked, Refused, type Reply } from "./Reply.ts"
import { SortedSet } from "./SortedSet.ts"
import { StreamLog } from "./StreamLog.ts"

export class List extends Deque<string> {}
export class Hash extends Map<string, string> {}

export type Data = string | List | Hash | SortedSet | StreamLog

export interface Entry {
  data: Data
  /** When it expires, by the monotonic clock in milliseconds; Infinity for never. */
  expiresAt: number
  /** About how many bytes it takes. */
  size: number
}

export interface Limits {
  readonly maxMemory: number
  readonly maxKeys: number
  /** Bytes of published messages that may wait for a subscriber that does not read. */
  readonly maxUnread: number
}

/** A command that waits. */
interface Waiter extends Blocked {
  readonly resume: (reply: Reply) => void
}

/** About what a key costs besides its bytes. */
const overhead = 64

const kinds = [[List, "list"], [Hash, "hash"], [SortedSet, "zset"], [StreamLog, "stream"]] as const

export class Keyspace {
  readonly limits: Limits
  /** Milliseconds of the monotonic clock, by which keys expire. */
  readonly now: () => number
  /** About how many bytes keys and values take. */
  used = 0
  /** About how many bytes connections hold: the commands of transactions, and the names of subscriptions. */
  held = 0
  /** Keys that expire. */
  readonly volatile = new Set<string>()
  /** Called when the first of them is added. */
  onVolatile: () => void = () => {}
  readonly #entries = new Map<string, Entry>()
  readonly #waiters = new Map<string, Set<Waiter>>()
  #touched: Array<string> = []

  constructor(limits: Limits, now: () => number) {
    this.limits = limits
    this.now = now
  }

  get size(): number {
    return this.#entries.size
  }

  get isFull(): boolean {
    return this.used + this.held > this.limits.maxMemory || this.#entries.size > this.limits.maxKeys
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys()
  }

  // ------------------------------------------------------------------------------------------------------------------
  // Values
  // ------------------------------------------------------------------------------------------------------------------

  entry(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt === Infinity || entry.expiresAt > this.now()) return entry
    this.delete(key)
    return undefined
  }

  string(key: string): string | undefined {
    const data = this.entry(key)?.data
    if (data === undefined || typeof data === "string") return data
    throw wrongType()
  }

  list(key: string): List | undefined {
    return this.#find(key, List)
  }

  hash(key: string): Hash | undefined {
    return this.#find(key, Hash)
  }

  sortedSet(key: string): SortedSet | undefined {
    return this.#find(key, SortedSet)
  }

  stream(key: string): StreamLog | undefined {
    return this.#find(key, StreamLog)
  }

  #find<A extends Data>(key: string, kind: new() => A): A | undefined {
    const data = this.entry(key)?.data
    if (data === undefined || data instanceof kind) return data
    throw wrongType()
  }

  /** The value of a key, made if there is none. */
  open<A extends Exclude<Data, string>>(key: string, kind: new() => A): A {
    const found = this.#find(key, kind)
    if (found !== undefined) return found
    const made = new kind()
    this.set(key, made)
    return made
  }

  /** Sets a key, which then never expires unless `expiresAt` says when. */
  set(key: string, data: Data, expiresAt = Infinity): void {
    const size = overhead + key.length + (typeof data === "string" ? data.length : 0)
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#entries.set(key, { data, expiresAt, size })
      this.used += size
      if (expiresAt !== Infinity) this.#watch(key)
      return
    }
    this.used += size - entry.size
    entry.data = data
    entry.size = size
    if (entry.expiresAt !== expiresAt) this.expire(key, entry, expiresAt)
  }

  /** Accounts for a value that grew or shrank. Deletes an empty collection. */
  resize(key: string, bytes: number, isEmpty = false): void {
    const entry = this.#entries.get(key)!
    entry.size += bytes
    this.used += bytes
    if (isEmpty) this.delete(key)
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.used -= entry.size
    if (entry.expiresAt !== Infinity) this.volatile.delete(key)
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.volatile.clear()
    this.used = 0
  }

  typeOf(key: string): string {
    const data = this.entry(key)?.data
    if (data === undefined) return "none"
    return typeof data === "string" ? "string" : kinds.find(([kind]) => data instanceof kind)![1]
  }

  // ------------------------------------------------------------------------------------------------------------------
  // Expiry
  // ------------------------------------------------------------------------------------------------------------------

  expire(key: string, entry: Entry, expiresAt: number): void {
    entry.expiresAt = expiresAt
    if (expiresAt === Infinity) this.volatile.delete(key)
    else this.#watch(key)
  }

  #watch(key: string): void {
    this.volatile.add(key)
    if (this.volatile.size === 1) this.onVolatile()
  }

  /** Removes the expired keys among the next `count` that can expire: no command may ever ask for them again. */
  sweep(count: number): void {
    let left = Math.min(count, this.volatile.size)
    for (const key of this.volatile) {
      if (left-- === 0) break
      // It is the last one now: the next sweep continues behind it.
      this.volatile.delete(key)
      this.volatile.add(key)
      this.entry(key)
    }
  }

  // ------------------------------------------------------------------------------------------------------------------
  // Waiting
  // ------------------------------------------------------------------------------------------------------------------

  /** Notes that a key changed, for the commands that wait for it. */
  touch(key: string): void {
    if (this.#waiters.size > 0 && this.#waiters.has(key)) this.#touched.push(key)
  }

  /** Waits for keys, first come, first served. Returns a function that stops waiting. */
  wait(blocked: Blocked, resume: (reply: Reply) => void): () => void {
    const waiter = { ...blocked, resume }
    for (const key of blocked.keys) {
      const waiters = this.#waiters.get(key)
      if (waiters === undefined) this.#waiters.set(key, new Set([waiter]))
      else waiters.add(waiter)
    }
    return () => this.#leave(waiter)
  }

  /** Resumes commands that wait for touched keys. Call it after each command. */
  serve(): void {
    while (this.#touched.length > 0) {
      const keys = this.#touched
      this.#touched = []
      for (const key of keys) {
        for (const waiter of Array.from(this.#waiters.get(key) ?? [])) {
          const reply = attempted(waiter)
          if (reply === undefined) continue
          this.#leave(waiter)
          waiter.resume(reply)
        }
      }
    }
  }

  #leave(waiter: Waiter): void {
    for (const key of waiter.keys) {
      const waiters = this.#waiters.get(key)
      waiters?.delete(waiter)
      if (waiters?.size === 0) this.#waiters.delete(key)
    }
  }
}

/** What a waiting command finds: by now the key may be of another type. */
const attempted = ({ attempt }: Waiter): Reply | undefined => {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof Refused) return error.reply
    throw error
  }
}

const wrongType = () => new Refused("WRONGTYPE Operation against a key holding the wrong kind of value")
