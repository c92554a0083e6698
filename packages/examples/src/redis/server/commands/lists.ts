import { List } from "../Keyspace.ts"
import { array, bulk, integer, nil, nilArray, ok, optional, type Outcome, Refused, strings } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, toCount, toFloat, toInteger, toRange } from "./arguments.ts"

type End = "left" | "right"

/** The longest timeout in seconds: 64 bits of milliseconds. */
const longest = 2 ** 63 / 1000

/** About what an element costs besides its bytes. */
const overhead = 16

const push = ({ keyspace }: Session, words: ReadonlyArray<string>, end: End, isNew = true): Outcome => {
  const key = words[1]!
  if (!isNew && keyspace.list(key) === undefined) return integer(0)
  const list = keyspace.open(key, List)
  let bytes = 0
  for (let i = 2; i < words.length; i++) {
    const item = words[i]!
    if (end === "left") list.unshift(item)
    else list.push(item)
    bytes += item.length + overhead
  }
  keyspace.resize(key, bytes)
  keyspace.touch(key)
  return integer(list.length)
}

const take = ({ keyspace }: Session, key: string, end: End): string | undefined => {
  const list = keyspace.list(key)
  const item = end === "left" ? list?.shift() : list?.pop()
  if (item !== undefined) keyspace.resize(key, -item.length - overhead, list!.length === 0)
  return item
}

const pop = (session: Session, words: ReadonlyArray<string>, end: End): Outcome => {
  const key = words[1]!
  if (words.length === 2) return optional(take(session, key, end))
  if (words.length > 3) throw new Refused(`ERR wrong number of arguments for '${words[0]!.toLowerCase()}' command`)
  const outOfRange = "value is out of range, must be positive"
  const length = Math.min(toCount(words[2], outOfRange, outOfRange), session.keyspace.list(key)?.length ?? -1)
  return length < 0 ? nilArray : array(Array.from({ length }, () => bulk(take(session, key, end)!)))
}

const blockingPop = (session: Session, words: ReadonlyArray<string>, end: End): Outcome => {
  const keys = words.slice(1, -1)
  const seconds = toFloat(words.at(-1), "timeout is not a float or out of range")
  // As Redis says it of a timeout that is too large, too.
  if (!(seconds >= 0 && seconds <= longest)) throw new Refused("ERR timeout is negative")
  const attempt = () => {
    for (const key of keys) {
      const item = take(session, key, end)
      if (item !== undefined) return strings([key, item])
    }
    return undefined
  }
  return attempt() ?? { _tag: "Blocked", keys, attempt, millis: seconds * 1000 }
}

export const lists: Commands = {
  LPUSH: [-3, (session, words) => push(session, words, "left"), "grows"],
  RPUSH: [-3, (session, words) => push(session, words, "right"), "grows"],
  LPUSHX: [-3, (session, words) => push(session, words, "left", false), "grows"],
  RPUSHX: [-3, (session, words) => push(session, words, "right", false), "grows"],
  LPOP: [-2, (session, words) => pop(session, words, "left")],
  RPOP: [-2, (session, words) => pop(session, words, "right")],
  BLPOP: [-3, (session, words) => blockingPop(session, words, "left")],
  BRPOP: [-3, (session, words) => blockingPop(session, words, "right")],
  LLEN: [2, ({ keyspace }, [, key]) => integer(keyspace.list(key!)?.length ?? 0)],
  LINDEX: [3, ({ keyspace }, [, key, index]) => {
    const list = keyspace.list(key!)
    if (list === undefined) return nil
    const at = toInteger(index)
    return optional(list.at(at < 0 ? list.length + at : at))
  }],
  LRANGE: [4, ({ keyspace }, [, key, start, stop]) => {
    const range = toRange(start!, stop!)
    const list = keyspace.list(key!)
    return strings(list?.slice(...range(list.length)) ?? [])
  }],
  LTRIM: [4, (session, [, key, start, stop]) => {
    const { keyspace } = session
    const range = toRange(start!, stop!)
    const length = keyspace.list(key!)?.length ?? 0
    const [from, to] = range(length)
    // Where nothing is kept, the left side is all of it.
    const left = from < to ? from : length
    const right = from < to ? length - to : 0
    for (let i = 0; i < left; i++) take(session, key!, "left")
    for (let i = 0; i < right; i++) take(session, key!, "right")
    return ok
  }]
}
