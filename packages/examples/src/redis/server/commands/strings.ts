import { array, bulk, integer, nil, ok, optional, Refused } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, oneOf, readOptions, toFloat, toInteger } from "./arguments.ts"
import { expiryOf, type Time, times } from "./expiry.ts"
import { add, type Int64, negate, toInt64 } from "./integers.ts"

/** An option that says when a key expires, and its value. */
type Life = readonly [time: Time, value: string]

const expiryAfter = (session: Session, [time, value]: Life, command: string): number =>
  expiryOf(session, time, value, command, 1)

const set: Commands[string][1] = (session, words) => {
  const { keyspace } = session
  const key = words[1]!
  const value = words[2]!
  if (words.length === 3) {
    keyspace.set(key, value)
    return ok
  }
  let life: Life | "KEEPTTL" | undefined
  let only: string | undefined
  let isGet = false
  readOptions(words, 3, {
    ...oneOf(["NX", "XX"], (name) => only = name),
    ...oneOf([...times, "KEEPTTL"], (name, next) => life = name === "KEEPTTL" ? name : [name, next()]),
    GET: () => isGet = true
  })
  const expiresAt = life === undefined || life === "KEEPTTL" ? undefined : expiryAfter(session, life, "set")
  const before = isGet ? optional(keyspace.string(key)) : undefined
  const entry = keyspace.entry(key)
  if (only !== undefined && (only === "NX") !== (entry === undefined)) return before ?? nil
  keyspace.set(key, value, life === "KEEPTTL" ? entry?.expiresAt : expiresAt)
  return before ?? ok
}

const increment = (session: Session, key: string, by: Int64) => {
  const value = add(toInt64(session.keyspace.string(key) ?? "0"), by)
  replace(session, key, String(value))
  return integer(value)
}

/** A number without an exponent. */
const decimalText = (value: number): string => {
  if (!String(value).includes("e")) return String(value)
  return Math.abs(value) < 1 ? value.toFixed(17).replace(/\.?0+$/, "") : String(BigInt(value))
}

/** Sets the value of a key, and keeps its time of expiry. */
const replace = ({ keyspace }: Session, key: string, value: string): void =>
  keyspace.set(key, value, keyspace.entry(key)?.expiresAt)

/** Keys and values, by turns. */
const pairsOf = (words: ReadonlyArray<string>): ReadonlyArray<readonly [key: string, value: string]> => {
  if (words.length % 2 === 0) {
    throw new Refused(`ERR wrong number of arguments for '${words[0]!.toLowerCase()}' command`)
  }
  return Array.from({ length: (words.length - 1) / 2 }, (_, i) => [words[2 * i + 1]!, words[2 * i + 2]!])
}

export const strings: Commands = {
  GET: [2, ({ keyspace }, words) => optional(keyspace.string(words[1]!))],
  SET: [-3, set, "grows"],
  SETNX: [3, ({ keyspace }, [, key, value]) => {
    if (keyspace.entry(key!) !== undefined) return integer(0)
    keyspace.set(key!, value!)
    return integer(1)
  }, "grows"],
  SETEX: [4, (session, [, key, time, value]) => {
    session.keyspace.set(key!, value!, expiryAfter(session, ["EX", time!], "setex"))
    return ok
  }, "grows"],
  PSETEX: [4, (session, [, key, time, value]) => {
    session.keyspace.set(key!, value!, expiryAfter(session, ["PX", time!], "psetex"))
    return ok
  }, "grows"],
  GETSET: [3, ({ keyspace }, [, key, value]) => {
    const before = optional(keyspace.string(key!))
    keyspace.set(key!, value!)
    return before
  }, "grows"],
  GETDEL: [2, ({ keyspace }, [, key]) => {
    const before = optional(keyspace.string(key!))
    keyspace.delete(key!)
    return before
  }],
  GETEX: [-2, (session, words) => {
    const { keyspace } = session
    const key = words[1]!
    let life: Life | "PERSIST" | undefined
    readOptions(
      words,
      2,
      oneOf([...times, "PERSIST"], (name, next) => life = name === "PERSIST" ? name : [name, next()])
    )
    const value = keyspace.string(key)
    if (value !== undefined && life !== undefined) {
      keyspace.expire(key, keyspace.entry(key)!, life === "PERSIST" ? Infinity : expiryAfter(session, life, "getex"))
    }
    return optional(value)
  }],
  MGET: [-2, ({ keyspace }, words) =>
    array(
      words.slice(1).map((key) => {
        const data = keyspace.entry(key)?.data
        return typeof data === "string" ? bulk(data) : nil
      })
    )],
  MSET: [-3, ({ keyspace }, words) => {
    for (const [key, value] of pairsOf(words)) keyspace.set(key, value)
    return ok
  }, "grows"],
  MSETNX: [-3, ({ keyspace }, words) => {
    const pairs = pairsOf(words)
    if (pairs.some(([key]) => keyspace.entry(key) !== undefined)) return integer(0)
    for (const [key, value] of pairs) keyspace.set(key, value)
    return integer(1)
  }, "grows"],
  INCR: [2, (session, [, key]) => increment(session, key!, 1), "grows"],
  DECR: [2, (session, [, key]) => increment(session, key!, -1), "grows"],
  INCRBY: [3, (session, [, key, by]) => increment(session, key!, toInt64(by)), "grows"],
  DECRBY: [3, (session, [, key, by]) => increment(session, key!, negate(toInt64(by))), "grows"],
  INCRBYFLOAT: [3, (session, [, key, by]) => {
    const value = toFloat(session.keyspace.string(key!) ?? "0") + toFloat(by)
    if (!Number.isFinite(value)) throw new Refused("ERR increment would produce NaN or Infinity")
    const text = decimalText(value)
    replace(session, key!, text)
    return bulk(text)
  }, "grows"],
  APPEND: [3, (session, [, key, more]) => {
    const value = (session.keyspace.string(key!) ?? "") + more!
    replace(session, key!, value)
    return integer(value.length)
  }, "grows"],
  STRLEN: [2, ({ keyspace }, [, key]) => integer(keyspace.string(key!)?.length ?? 0)],
  GETRANGE: [4, ({ keyspace }, [, key, start, stop]) => {
    const [from, to] = [toInteger(start), toInteger(stop)]
    const value = keyspace.string(key!) ?? ""
    // An end before the beginning of the value is its first byte.
    const place = (index: number) => index < 0 ? Math.max(0, value.length + index) : index
    return bulk(from < 0 && to < from ? "" : value.slice(place(from), place(to) + 1))
  }]
}
