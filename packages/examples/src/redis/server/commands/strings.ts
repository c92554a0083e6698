import { array, bulk, integer, nil, numberText, ok, optional, Refused } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, oneOf, readOptions, toFloat, toInteger } from "./arguments.ts"

/** The time of expiry from the text of an option, in the option's unit. */
const expiryOf = ({ keyspace, wallMillis }: Session, option: string, text: string, command: string): number => {
  const amount = toInteger(text)
  const millis = amount * (option.startsWith("P") ? 1 : 1000)
  if (amount <= 0 || !Number.isSafeInteger(millis)) throw new Refused(`ERR invalid expire time in '${command}' command`)
  return keyspace.now() + (option.endsWith("AT") ? millis - wallMillis() : millis)
}

const times = ["EX", "PX", "EXAT", "PXAT"] as const

const set: Commands[string][1] = (session, words) => {
  const { keyspace } = session
  const key = words[1]!
  const value = words[2]!
  if (words.length === 3) {
    keyspace.set(key, value)
    return ok
  }
  let expiresAt: number | undefined
  let only: string | undefined
  let isKept = false
  let isGet = false
  const life = oneOf([...times, "KEEPTTL"], () => {})
  readOptions(words, 3, {
    ...oneOf(["NX", "XX"], (name) => only = name),
    GET: () => isGet = true,
    KEEPTTL: () => {
      life["KEEPTTL"]!()
      isKept = true
    },
    ...Object.fromEntries(times.map((name) => [name, (next: () => string) => {
      life[name]!()
      expiresAt = expiryOf(session, name, next(), "set")
    }]))
  })
  const before = isGet ? optional(keyspace.string(key)) : undefined
  const entry = keyspace.entry(key)
  if (only !== undefined && (only === "NX") !== (entry === undefined)) return before ?? nil
  keyspace.set(key, value, isKept ? entry?.expiresAt : expiresAt)
  return before ?? ok
}

const increment = (session: Session, key: string, by: number) => {
  const value = toInteger(session.keyspace.string(key) ?? "0") + by
  if (!Number.isSafeInteger(value)) throw new Refused("ERR increment or decrement would overflow")
  replace(session, key, String(value))
  return integer(value)
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
    session.keyspace.set(key!, value!, expiryOf(session, "EX", time!, "setex"))
    return ok
  }, "grows"],
  PSETEX: [4, (session, [, key, time, value]) => {
    session.keyspace.set(key!, value!, expiryOf(session, "PX", time!, "psetex"))
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
    const value = keyspace.string(words[1]!)
    let expiresAt: number | undefined
    readOptions(words, 2, {
      PERSIST: () => expiresAt = Infinity,
      ...Object.fromEntries(times.map((name) => [name, (next: () => string) => {
        expiresAt = expiryOf(session, name, next(), "getex")
      }]))
    })
    const entry = keyspace.entry(words[1]!)
    if (entry !== undefined && expiresAt !== undefined) keyspace.expire(words[1]!, entry, expiresAt)
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
  INCRBY: [3, (session, [, key, by]) => increment(session, key!, toInteger(by)), "grows"],
  DECRBY: [3, (session, [, key, by]) => increment(session, key!, -toInteger(by)), "grows"],
  INCRBYFLOAT: [3, (session, [, key, by]) => {
    const value = toFloat(session.keyspace.string(key!) ?? "0") + toFloat(by)
    if (!Number.isFinite(value)) throw new Refused("ERR increment would produce NaN or Infinity")
    replace(session, key!, numberText(value))
    return bulk(numberText(value))
  }, "grows"],
  APPEND: [3, (session, [, key, more]) => {
    const value = (session.keyspace.string(key!) ?? "") + more!
    replace(session, key!, value)
    return integer(value.length)
  }, "grows"],
  STRLEN: [2, ({ keyspace }, [, key]) => integer(keyspace.string(key!)?.length ?? 0)],
  GETRANGE: [4, ({ keyspace }, [, key, start, stop]) => {
    const value = keyspace.string(key!) ?? ""
    const from = toInteger(start)
    const to = toInteger(stop)
    const place = (index: number) => index < 0 ? Math.max(0, value.length + index) : index
    return bulk(value.slice(place(from), place(to) + 1))
  }]
}
