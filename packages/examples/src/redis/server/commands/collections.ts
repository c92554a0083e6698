/** Hashes and sorted sets, as far as Effect's persistence asks for them, and what comes with that. */
import { Hash } from "../Keyspace.ts"
import {
  array,
  bulk,
  double,
  integer,
  map,
  nil,
  optional,
  type Outcome,
  Refused,
  strings,
  syntaxError
} from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Bound, SortedSet } from "../SortedSet.ts"
import { type Commands, oneOf, readOptions, toFloat, toInteger, toRange } from "./arguments.ts"
import { add as plus, toInt64 } from "./integers.ts"

/** About what a field or a member costs besides its bytes. */
const overhead = 64

// ---------------------------------------------------------------------------------------------------------------------
// Hashes
// ---------------------------------------------------------------------------------------------------------------------

const setField = ({ keyspace }: Session, key: string, field: string, value: string): boolean => {
  const hash = keyspace.open(key, Hash)
  const before = hash.get(field)
  hash.set(field, value)
  keyspace.resize(key, value.length - (before?.length ?? -field.length - overhead))
  return before === undefined
}

const deleteField = ({ keyspace }: Session, key: string, field: string): boolean => {
  const hash = keyspace.hash(key)
  const before = hash?.get(field)
  if (before === undefined) return false
  hash!.delete(field)
  keyspace.resize(key, -before.length - field.length - overhead, hash!.size === 0)
  return true
}

const hashes: Commands = {
  HSET: [-4, (session, words) => {
    if (words.length % 2 === 1) throw new Refused("ERR wrong number of arguments for 'hset' command")
    let added = 0
    for (let i = 2; i < words.length; i += 2) if (setField(session, words[1]!, words[i]!, words[i + 1]!)) added++
    return integer(added)
  }, "grows"],
  HSETNX: [4, (session, [, key, field, value]) => {
    if (session.keyspace.hash(key!)?.has(field!)) return integer(0)
    setField(session, key!, field!, value!)
    return integer(1)
  }, "grows"],
  HGET: [3, ({ keyspace }, [, key, field]) => optional(keyspace.hash(key!)?.get(field!))],
  HMGET: [-3, ({ keyspace }, words) => {
    const hash = keyspace.hash(words[1]!)
    return array(words.slice(2).map((field) => optional(hash?.get(field))))
  }],
  HGETALL: [
    2,
    ({ keyspace }, [, key]) => map(Array.from(keyspace.hash(key!) ?? [], ([field, value]) => [field, bulk(value)]))
  ],
  HKEYS: [2, ({ keyspace }, [, key]) => strings([...keyspace.hash(key!)?.keys() ?? []])],
  HVALS: [2, ({ keyspace }, [, key]) => strings([...keyspace.hash(key!)?.values() ?? []])],
  HLEN: [2, ({ keyspace }, [, key]) => integer(keyspace.hash(key!)?.size ?? 0)],
  HEXISTS: [3, ({ keyspace }, [, key, field]) => integer(keyspace.hash(key!)?.has(field!) ? 1 : 0)],
  HDEL: [
    -3,
    (session, words) => integer(words.slice(2).filter((field) => deleteField(session, words[1]!, field)).length)
  ],
  HINCRBY: [4, (session, [, key, field, by]) => {
    const more = toInt64(by)
    const before = session.keyspace.hash(key!)?.get(field!) ?? "0"
    const value = plus(toInt64(before, "hash value is not an integer"), more)
    setField(session, key!, field!, String(value))
    return integer(value)
  }, "grows"]
}

// ---------------------------------------------------------------------------------------------------------------------
// Sorted sets
// ---------------------------------------------------------------------------------------------------------------------

const toBound = (text: string): Bound => {
  const exclusive = text.startsWith("(")
  return { exclusive, score: toFloat(exclusive ? text.slice(1) : text, "min or max is not a float") }
}

const removeMembers = ({ keyspace }: Session, key: string, members: ReadonlyArray<string>): Outcome => {
  const set = keyspace.sortedSet(key)
  const removed = members.filter((member) => set?.delete(member))
  const bytes = removed.reduce((sum, member) => sum + member.length + overhead, 0)
  if (bytes > 0) keyspace.resize(key, -bytes, set!.size === 0)
  return integer(removed.length)
}

const withScores = (session: Session, set: SortedSet | undefined, members: ReadonlyArray<string>): Outcome => {
  const pairs = members.map((member) => [bulk(member), double(set!.score(member)!)])
  return array(session.protocol === 3 ? pairs.map(array) : pairs.flat())
}

const add = ({ keyspace }: Session, words: ReadonlyArray<string>): Outcome => {
  let only: string | undefined
  let isChanged = false
  const at = readOptions(words, 2, {
    ...oneOf(
      ["NX", "XX"],
      (name) => only = name,
      () => new Refused("ERR XX and NX options at the same time are not compatible")
    ),
    CH: () => isChanged = true
  }, "stop")
  if (at === words.length || (words.length - at) % 2 === 1) throw syntaxError()
  const pairs = Array.from(
    { length: (words.length - at) / 2 },
    (_, i) => [toFloat(words[at + 2 * i]), words[at + 2 * i + 1]!] as const
  )
  const key = words[1]!
  if (only === "XX" && keyspace.sortedSet(key) === undefined) return integer(0)
  const set = keyspace.open(key, SortedSet)
  let added = 0
  let changed = 0
  for (const [score, member] of pairs) {
    const before = set.score(member)
    if (only !== undefined && (only === "NX") !== (before === undefined)) continue
    if (before === score) continue
    changed++
    if (!set.set(member, score)) continue
    added++
    keyspace.resize(key, member.length + overhead)
  }
  return integer(isChanged ? changed : added)
}

const sortedSets: Commands = {
  ZADD: [-4, add, "grows"],
  ZREM: [-3, (session, words) => removeMembers(session, words[1]!, words.slice(2))],
  ZCARD: [2, ({ keyspace }, [, key]) => integer(keyspace.sortedSet(key!)?.size ?? 0)],
  ZSCORE: [3, ({ keyspace }, [, key, member]) => {
    const score = keyspace.sortedSet(key!)?.score(member!)
    return score === undefined ? nil : double(score)
  }],
  ZRANGE: [-4, (session, words) => {
    let isScored = false
    readOptions(words, 4, { WITHSCORES: () => isScored = true })
    const range = toRange(words[2]!, words[3]!)
    const set = session.keyspace.sortedSet(words[1]!)
    const members = set?.slice(...range(set.size)) ?? []
    return isScored ? withScores(session, set, members) : strings(members)
  }],
  ZRANGEBYSCORE: [-4, (session, words) => {
    let isScored = false
    let [offset, count] = [0, -1]
    readOptions(words, 4, {
      WITHSCORES: () => isScored = true,
      LIMIT: (next) => [offset, count] = [toInteger(next()), toInteger(next())]
    })
    const [min, max] = [toBound(words[2]!), toBound(words[3]!)]
    const set = session.keyspace.sortedSet(words[1]!)
    const all = set?.between(min, max) ?? []
    const members = all.slice(offset, count < 0 ? undefined : offset + count)
    return isScored ? withScores(session, set, members) : strings(members)
  }],
  ZREMRANGEBYSCORE: [
    4,
    (session, [, key, ...ends]) => {
      const [min, max] = ends.map(toBound)
      return removeMembers(session, key!, session.keyspace.sortedSet(key!)?.between(min!, max!) ?? [])
    }
  ]
}

export const collections: Commands = { ...hashes, ...sortedSets }
