import { glob } from "../glob.ts"
import { array, bulk, integer, ok, type Outcome, Refused, strings, syntaxError, text } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, type Handler, readOptions, toInteger } from "./arguments.ts"
import { expiryOf, type Time } from "./expiry.ts"

const conditions = ["NX", "XX", "GT", "LT"] as const

/** Lets a key expire, unless a condition forbids it. */
const expire = (time: Time): Handler => (session, words): Outcome => {
  const { keyspace } = session
  const asked = new Set<typeof conditions[number]>()
  readOptions(
    words,
    3,
    Object.fromEntries(conditions.map((name) => [name, () => void asked.add(name)])),
    (option) => new Refused(`ERR Unsupported option ${option}`)
  )
  if (asked.has("NX") && asked.size > 1) {
    throw new Refused("ERR NX and XX, GT or LT options at the same time are not compatible")
  }
  if (asked.has("GT") && asked.has("LT")) {
    throw new Refused("ERR GT and LT options at the same time are not compatible")
  }
  const expiresAt = expiryOf(session, time, words[2], words[0]!.toLowerCase())
  const key = words[1]!
  const entry = keyspace.entry(key)
  if (entry === undefined) return integer(0)
  const before = entry.expiresAt
  const isMet = { NX: before === Infinity, XX: before !== Infinity, GT: expiresAt > before, LT: expiresAt < before }
  if (![...asked].every((name) => isMet[name])) return integer(0)
  if (expiresAt <= keyspace.now()) keyspace.delete(key)
  else keyspace.expire(key, entry, expiresAt)
  return integer(1)
}

const timeToLive = ({ keyspace }: Session, key: string, of: (millis: number) => number) => {
  const entry = keyspace.entry(key)
  if (entry === undefined) return integer(-2)
  const left = entry.expiresAt === Infinity ? -1 : of(entry.expiresAt - keyspace.now())
  return integer(Number.isSafeInteger(left) ? left : BigInt(left))
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
    COUNT: (next) => {
      count = toInteger(next())
      if (count < 1) throw syntaxError()
    },
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

const clear: Handler = ({ keyspace }, words) => {
  if (words.length > 2 || !/^a?sync$/i.test(words[1] ?? "sync")) throw syntaxError()
  keyspace.clear()
  return ok
}

const remove: Handler = ({ keyspace }, words) =>
  countKeys(words, (key) => keyspace.entry(key) !== undefined && keyspace.delete(key))

export const keys: Commands = {
  DEL: [-2, remove],
  UNLINK: [-2, remove],
  EXISTS: [-2, ({ keyspace }, words) => countKeys(words, (key) => keyspace.entry(key) !== undefined)],
  TYPE: [2, ({ keyspace }, [, key]) => text(keyspace.typeOf(key!))],
  EXPIRE: [-3, expire("EX")],
  PEXPIRE: [-3, expire("PX")],
  EXPIREAT: [-3, expire("EXAT")],
  PEXPIREAT: [-3, expire("PXAT")],
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
