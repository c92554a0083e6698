import {
  array,
  bulk,
  integer,
  map,
  nil,
  nilArray,
  type Outcome,
  Refused,
  type Reply,
  strings,
  syntaxError
} from "../Reply.ts"
import type { Session } from "../Session.ts"
import {
  compareIds,
  firstId,
  type Id,
  idAfter,
  idBefore,
  idText,
  lastId,
  nextId,
  parseId,
  sizeOf,
  type StreamEntry,
  StreamLog
} from "../StreamLog.ts"
import { type Commands, readOptions, toCount, toInteger } from "./arguments.ts"

const toId = (text: string, seq: Id["seq"]): Id => {
  const id = parseId(text, seq)
  if (id === undefined) throw new Refused("ERR Invalid stream ID specified as stream command argument")
  return id
}

/** An end of a range: `-`, `+`, an id, or `(` and an id that does not belong to it. */
const toEnd = (text: string, side: "from" | "to"): Id => {
  if (text === "-") return firstId
  if (text === "+") return lastId
  const id = toId(text.replace(/^\(/, ""), side === "from" ? 0 : lastId.seq)
  if (!text.startsWith("(")) return id
  const end = side === "from" ? idAfter(id) : idBefore(id)
  if (end === undefined) throw new Refused(`ERR invalid ${side === "from" ? "start" : "end"} ID for the interval`)
  return end
}

/** The id that `5-*` asks for: the next one of the millisecond. */
const nextOf = (ms: Id["ms"], last: Id): Id => {
  if (ms !== last.ms) return { ms, seq: ms === 0 ? 1 : 0 }
  const next = idAfter(last)
  // The millisecond has no id left.
  return next?.ms === ms ? next : last
}

const entryReply = (entry: StreamEntry): Reply => array([bulk(idText(entry)), strings(entry.fields)])

type Trim = (first: StreamEntry, length: number) => boolean

/** The options of trimming, and what they come to once they are read. With `~`, trimming is exact, too. */
const trimming = () => {
  let isOver: Trim | undefined
  let isExact = true
  let isLimited = false
  const bound = (next: () => string): string => {
    if (isOver !== undefined) {
      throw new Refused("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
    }
    const word = next()
    isExact = word !== "~"
    return word === "~" || word === "=" ? next() : word
  }
  return {
    options: {
      MAXLEN: (next: () => string) => {
        const most = toCount(bound(next), "The MAXLEN argument must be >= 0.")
        isOver = (_, length) => length > most
      },
      MINID: (next: () => string) => {
        const least = toId(bound(next), 0)
        isOver = (first) => compareIds(first, least) < 0
      },
      LIMIT: (next: () => string) => {
        toCount(next(), "The LIMIT argument must be >= 0.")
        isLimited = true
      }
    },
    result: (): Trim | undefined => {
      if (!isLimited) return isOver
      const lacking = isOver === undefined ? "specifying a trimming strategy" : isExact ? "the special ~ option" : ""
      if (lacking !== "") throw new Refused(`ERR syntax error, LIMIT cannot be used without ${lacking}`)
      return isOver
    }
  }
}

const trim = ({ keyspace }: Session, key: string, stream: StreamLog, isOver: Trim): number => {
  const removed = stream.trim(isOver)
  keyspace.resize(key, -removed.reduce((size, { fields }) => size + sizeOf(fields), 0))
  return removed.length
}

const add = (session: Session, words: ReadonlyArray<string>): Outcome => {
  const { keyspace } = session
  const key = words[1]!
  let isMade = true
  const { options, result } = trimming()
  const at = readOptions(words, 2, { NOMKSTREAM: () => isMade = false, ...options }, "stop")
  const isOver = result()
  const wanted = words[at] ?? "*"
  const isNext = wanted.endsWith("-*")
  const given = wanted === "*" ? undefined : toId(isNext ? wanted.slice(0, -2) : wanted, 0)
  const fields = words.slice(at + 1)
  if (fields.length === 0 || fields.length % 2 === 1) {
    throw new Refused("ERR wrong number of arguments for 'xadd' command")
  }
  if (given !== undefined && !isNext && compareIds(given, firstId) === 0) {
    throw new Refused("ERR The ID specified in XADD must be greater than 0-0")
  }
  const last = keyspace.stream(key)?.last ?? firstId
  const id = given === undefined ? nextId(last, session.wallMillis()) : isNext ? nextOf(given.ms, last) : given
  if (id === undefined || idAfter(last) === undefined) {
    throw new Refused("ERR The stream has exhausted the last possible ID, unable to add more items")
  }
  if (compareIds(id, last) <= 0) {
    throw new Refused("ERR The ID specified in XADD is equal or smaller than the target stream top item")
  }
  if (!isMade && keyspace.stream(key) === undefined) return nil
  const stream = keyspace.open(key, StreamLog)
  stream.add({ ...id, fields })
  keyspace.resize(key, sizeOf(fields))
  if (isOver !== undefined) trim(session, key, stream, isOver)
  keyspace.touch(key)
  return bulk(idText(id))
}

const range = ({ keyspace }: Session, words: ReadonlyArray<string>, backwards: boolean): Outcome => {
  let count = Infinity
  const [first, last] = backwards ? [words[3]!, words[2]!] : [words[2]!, words[3]!]
  const [from, to] = [toEnd(first, "from"), toEnd(last, "to")]
  readOptions(words, 4, { COUNT: (next) => count = toInteger(next()) })
  const stream = keyspace.stream(words[1]!)
  if (stream === undefined) return array([])
  return count > 0 ? array(stream.range(from, to, count, backwards).map(entryReply)) : nilArray
}

const read = ({ keyspace, protocol }: Session, words: ReadonlyArray<string>): Outcome => {
  let count = Infinity
  let millis: number | undefined
  const at = readOptions(words, 1, {
    COUNT: (next) => {
      const most = toInteger(next())
      count = most > 0 ? most : Infinity
    },
    BLOCK: (next) => millis = toCount(next(), "timeout is negative", "timeout is not an integer or out of range")
  }, "stop")
  if (words[at]?.toUpperCase() !== "STREAMS") throw syntaxError()
  const rest = words.slice(at + 1)
  if (rest.length === 0) throw syntaxError()
  if (rest.length % 2 === 1) {
    throw new Refused("ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.")
  }
  const keys = rest.slice(0, rest.length / 2)
  const after = rest.slice(rest.length / 2).map((id, i) => {
    const stream = keyspace.stream(keys[i]!)
    return id === "$" ? stream?.last ?? firstId : toId(id, 0)
  })
  const attempt = (): Reply | undefined => {
    const found: Array<[string, Reply]> = []
    for (const [i, key] of keys.entries()) {
      const from = idAfter(after[i]!)
      const entries = from === undefined ? [] : keyspace.stream(key)?.range(from, lastId, count) ?? []
      if (entries.length > 0) found.push([key, array(entries.map(entryReply))])
    }
    if (found.length === 0) return undefined
    return protocol === 3 ? map(found) : array(found.map(([key, entries]) => array([bulk(key), entries])))
  }
  return attempt() ?? (millis === undefined ? nilArray : { _tag: "Blocked", keys, attempt, millis })
}

const information = ({ keyspace }: Session, words: ReadonlyArray<string>): Outcome => {
  const stream = keyspace.stream(words[2]!)
  if (stream === undefined) throw new Refused("ERR no such key")
  const last = stream.range(firstId, lastId, 1, true)[0]
  const entry = (entry: StreamEntry | undefined) => entry === undefined ? nil : entryReply(entry)
  return map([
    ["length", integer(stream.length)],
    ["last-generated-id", bulk(idText(stream.last))],
    ["entries-added", integer(stream.added)],
    ["groups", integer(0)],
    ["first-entry", entry(stream.first)],
    ["last-entry", entry(last)]
  ])
}

export const streams: Commands = {
  XADD: [-5, add, "grows"],
  XLEN: [2, ({ keyspace }, [, key]) => integer(keyspace.stream(key!)?.length ?? 0)],
  XRANGE: [-4, (session, words) => range(session, words, false)],
  XREVRANGE: [-4, (session, words) => range(session, words, true)],
  XREAD: [-4, read],
  XTRIM: [-4, (session, words) => {
    const { options, result } = trimming()
    readOptions(words, 2, options)
    const isOver = result()
    if (isOver === undefined) throw syntaxError()
    const stream = session.keyspace.stream(words[1]!)
    return integer(stream === undefined ? 0 : trim(session, words[1]!, stream, isOver))
  }],
  XDEL: [-3, ({ keyspace }, words) => {
    const key = words[1]!
    const stream = keyspace.stream(key)
    if (stream === undefined) return integer(0)
    let deleted = 0
    for (const id of words.slice(2).map((word) => toId(word, 0))) {
      const entry = stream.delete(id)
      if (entry === undefined) continue
      deleted++
      keyspace.resize(key, -sizeOf(entry.fields))
    }
    return integer(deleted)
  }],
  "XINFO|STREAM": [3, information]
}
