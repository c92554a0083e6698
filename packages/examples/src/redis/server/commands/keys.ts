import { glob } from "../glob.ts"
import { array, bulk, integer, ok, Refused, strings, text } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, oneOf, readOptions, toCount, toInteger } from "./arguments.ts"

/** Lets a key expire at a time of the monotonic clock, in milliseconds, unless a condition forbids it. */
const expire = ({ keyspace }: Session, words: ReadonlyArray<string>, expiresAt: number) => {
  let condition: string | undefined
  readOptions(words, 3, oneOf(["NX", "XX", "GT", "LT"], (name) => condition = name))
  const key = words[1]!
  const entry = keyspace.entry(key)
  if (entry === undefined) return integer(0)
  const before = entry.expiresAt
  const isAllowed = condition === undefined ||
    { NX: before === Infinity, XX: before !== Infinity, GT: expiresAt > before, LT: expiresAt < before }[condition]
  if (!isAllowed) return integer(0)
  if (expiresAt <= keyspace.now()) keyspace.delete(key)
  else keyspace.expire(key, entry, expiresAt)
  return integer(1)
}

const timeToLive = ({ keyspace }: Session, key: string, of: (millis: number) => number) => {
  const entry = keyspace.entry(key)
  if (entry === undefined) return integer(-2)
  return integer(entry.expiresAt === Infinity ? -1 : of(entry.expiresAt - keyspace.now()))
}

const countKeys = (words: ReadonlyArray<string>, has: (key: string) => boolean) =>
  integer(words.reduce((count, key, i) => i > 0 && has(key) ? count + 1 : count, 0))

const live = ({ keyspace }: Session, pattern: string): Array<string> => {
  const matches = glob(pattern)
  return Array.from(keyspace.keys()).filter((key) => matches(key) && keyspace.entry(key) !== undefined)
}

/**
 * Pages through the keys. A cursor is a place in the order in which keys were made, which new keys do not change; a key that
 * is removed meanwhile moves those behind it, so a cursor goes back by as many as fit in a page.
 */
const scan = (session: Session, words: ReadonlyArray<string>) => {
  const cursor = Number(words[1])
  if (!/^\d{1,15}$/.test(words[1]!)) throw new Refused("ERR invalid cursor")
  let matches = glob("*")
  let count = 10
  let type: string | undefined
  readOptions(words, 2, {
    MATCH: (next) => matches = glob(next()),
    COUNT: (next) => count = Math.max(1, toCount(next())),
    TYPE: (next) => type = next().toLowerCase()
  })
  const { keyspace } = session
  const page: Array<string> = []
  let index = 0
  for (const key of keyspace.keys()) {
    if (index >= cursor + count) break
    if (index++ >= cursor) page.push(key)
  }
  const found = page.filter((key) => matches(key) && (type ?? keyspace.typeOf(key)) === keyspace.typeOf(key))
  const isLast = cursor + count >= keyspace.size
  return array([
    bulk(isLast ? "0" : String(cursor + count)),
    strings(found.filter((key) => keyspace.typeOf(key) !== "none"))
  ])
}

const clear: Commands[string][1] = ({ keyspace }) => {
  keyspace.clear()
  return ok
}

const remove: Commands[string][1] = ({ keyspace }, words) =>
  countKeys(words, (key) => keyspace.entry(key) !== undefined && keyspace.delete(key))

export const keys: Commands = {
  DEL: [-2, remove],
  UNLINK: [-2, remove],
  EXISTS: [-2, ({ keyspace }, words) => countKeys(words, (key) => keyspace.entry(key) !== undefined)],
  TYPE: [2, ({ keyspace }, [, key]) => text(keyspace.typeOf(key!))],
  EXPIRE: [-3, (session, words) => expire(session, words, session.keyspace.now() + toInteger(words[2]) * 1000)],
  PEXPIRE: [-3, (session, words) => expire(session, words, session.keyspace.now() + toInteger(words[2]))],
  EXPIREAT: [
    -3,
    (session, words) =>
      expire(session, words, session.keyspace.now() + toInteger(words[2]) * 1000 - session.wallMillis())
  ],
  PEXPIREAT: [
    -3,
    (session, words) => expire(session, words, session.keyspace.now() + toInteger(words[2]) - session.wallMillis())
  ],
  TTL: [2, (session, [, key]) => timeToLive(session, key!, (millis) => Math.round(millis / 1000))],
  PTTL: [2, (session, [, key]) => timeToLive(session, key!, Math.ceil)],
  PERSIST: [2, ({ keyspace }, [, key]) => {
    const entry = keyspace.entry(key!)
    if (entry === undefined || entry.expiresAt === Infinity) return integer(0)
    keyspace.expire(key!, entry, Infinity)
    return integer(1)
  }],
  KEYS: [2, (session, [, pattern]) => strings(live(session, pattern!))],
  SCAN: [-2, scan],
  DBSIZE: [1, ({ keyspace }) => integer(keyspace.size)],
  FLUSHALL: [-1, clear],
  FLUSHDB: [-1, clear]
}
