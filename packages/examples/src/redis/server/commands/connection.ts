/** Commands about the connection, the server and transactions. */
import { glob } from "../glob.ts"
import {
  array,
  bulk,
  integer,
  map,
  nil,
  ok,
  type Outcome,
  Refused,
  type Reply,
  strings,
  syntaxError,
  text,
  verbatim
} from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, type Handler, readOptions, toInteger } from "./arguments.ts"
import type { Entry } from "./table.ts"

/** The version of Redis whose behavior this follows. */
const version = "7.0.0"

const hello = (session: Session, words: ReadonlyArray<string>): Outcome => {
  const asked = words[1] === undefined
    ? session.protocol
    : toInteger(words[1], "Protocol version is not an integer or out of range")
  if (asked !== 2 && asked !== 3) throw new Refused("NOPROTO unsupported protocol version")
  let name = session.name
  readOptions(words, 2, {
    SETNAME: (next) => name = checkName(next()),
    AUTH: (next) => {
      next()
      next()
      throw new Refused("ERR AUTH is not supported: this server has no passwords")
    }
  }, (option) => new Refused(`ERR Syntax error in HELLO option '${option}'`))
  session.name = name
  session.protocol = asked
  return map([
    ["server", bulk("redis")],
    ["version", bulk(version)],
    ["proto", integer(session.protocol)],
    ["id", integer(session.id)],
    ["mode", bulk("standalone")],
    ["role", bulk("master")],
    ["modules", array([])]
  ])
}

const checkName = (name: string): string => {
  if (/^[\x21-\x7e]*$/.test(name)) return name
  throw new Refused("ERR Client names cannot contain spaces, newlines or special characters.")
}

const describe = ({ address, id, name, protocol, subscriptions }: Session): string =>
  `id=${id} addr=${address} name=${name} db=0 sub=${subscriptions} resp=${protocol}`

/** What is set on a connection and changes nothing here. */
const switched: Handler = (_, words) => {
  if (!/^o(?:n|ff)$/i.test(words[2]!)) throw syntaxError()
  return ok
}

const client: Commands = {
  "CLIENT|SETNAME": [3, (session, words) => {
    session.name = checkName(words[2]!)
    return ok
  }],
  "CLIENT|GETNAME": [2, ({ name }) => name === "" ? nil : bulk(name)],
  "CLIENT|ID": [2, ({ id }) => integer(id)],
  "CLIENT|INFO": [2, (session) => verbatim(`${describe(session)}\n`)],
  "CLIENT|LIST": [-2, ({ shared }, words) => {
    if (words.length > 2) throw syntaxError()
    return verbatim(Array.from(shared.sessions, (each) => `${describe(each)}\n`).join(""))
  }],
  "CLIENT|SETINFO": [4, () => ok],
  "CLIENT|NO-EVICT": [3, switched],
  "CLIENT|NO-TOUCH": [3, switched]
}

const sections: Readonly<Record<string, (session: Session) => ReadonlyArray<string>>> = {
  Server: ({ shared, wallMillis }) => [
    `redis_version:${version}`,
    "redis_mode:standalone",
    `uptime_in_seconds:${Math.floor((wallMillis() - shared.startedAt) / 1000)}`
  ],
  Clients: ({ shared }) => [`connected_clients:${shared.sessions.size}`],
  Memory: ({ keyspace }) => [
    `used_memory:${keyspace.used}`,
    `maxmemory:${keyspace.limits.maxMemory}`,
    "maxmemory_policy:noeviction"
  ],
  Replication: () => ["role:master", "connected_slaves:0"],
  Keyspace: ({ keyspace }) =>
    keyspace.size === 0 ? [] : [`db0:keys=${keyspace.size},expires=${keyspace.volatile.size},avg_ttl=0`]
}

/** The sections that are asked for, or all. */
const information = (session: Session, words: ReadonlyArray<string>): Outcome => {
  const asked = words.slice(1).map((word) => word.toLowerCase())
  const isAll = asked.length === 0 || asked.some((word) => /^(?:all|default|everything)$/.test(word))
  const found = Object.entries(sections).filter(([name]) => isAll || asked.includes(name.toLowerCase()))
  return verbatim(found.map(([name, lines]) => [`# ${name}`, ...lines(session), ""].join("\r\n")).join("\r\n"))
}

const settings = ({ keyspace }: Session): ReadonlyArray<readonly [string, string]> => [
  ["appendonly", "no"],
  ["databases", "1"],
  ["maxmemory", String(keyspace.limits.maxMemory)],
  ["maxmemory-policy", "noeviction"],
  ["save", ""]
]

const configuration: Commands = {
  "CONFIG|GET": [-3, (session, words) => {
    const tests = words.slice(2).map((pattern) => glob(pattern.toLowerCase()))
    const found = settings(session).filter(([name]) => tests.some((test) => test(name)))
    return map(found.map(([name, value]) => [name, bulk(value)]))
  }],
  "CONFIG|RESETSTAT": [2, () => ok]
}

const all = ({ shared }: Session): ReadonlyArray<Entry> => [...new Set(shared.commands.values())]

const describeCommand = ({ arity, grows, name }: Entry): Reply =>
  array([bulk(name.toLowerCase()), integer(arity), array(grows ? [text("write"), text("denyoom")] : [])])

const ofCommands: Commands = {
  COMMAND: [-1, (session) => array(all(session).map(describeCommand))],
  "COMMAND|COUNT": [2, (session) => integer(all(session).length)],
  "COMMAND|LIST": [2, (session) => strings(all(session).map(({ name }) => name.toLowerCase()))],
  "COMMAND|DOCS": [-2, () => map([])]
}

const execute = (session: Session): Outcome => {
  const { isSpoiled, transaction } = session
  if (transaction === undefined) throw new Refused("ERR EXEC without MULTI")
  session.discard()
  if (isSpoiled) throw new Refused("EXECABORT Transaction discarded because of previous errors.")
  return array(transaction.map((words) => session.run(words)))
}

const pong = text("PONG")

export const connection: Commands = {
  ...client,
  ...configuration,
  ...ofCommands,
  PING: [-1, (session, words) => {
    const { protocol, subscriptions } = session
    if (words.length > 2) throw new Refused("ERR wrong number of arguments for 'ping' command")
    if (protocol === 2 && subscriptions > 0) return strings(["pong", words[1] ?? ""])
    return words.length === 1 ? pong : bulk(words[1]!)
  }],
  ECHO: [2, (_, [, message]) => bulk(message!)],
  QUIT: [-1, () => ({ _tag: "Close", reply: ok })],
  HELLO: [-1, hello],
  SELECT: [2, (_, [, index]) => {
    if (toInteger(index) !== 0) throw new Refused("ERR DB index is out of range")
    return ok
  }],
  RESET: [1, (session) => {
    session.discard()
    session.leave()
    session.protocol = 2
    session.name = ""
    return text("RESET")
  }],
  INFO: [-1, information],
  TIME: [1, ({ wallMillis }) => {
    const now = wallMillis()
    return strings([String(Math.floor(now / 1000)), String(Math.floor(now % 1000 * 1000))])
  }],
  MULTI: [1, (session) => {
    if (session.transaction !== undefined) throw new Refused("ERR MULTI calls can not be nested")
    session.transaction = []
    return ok
  }],
  DISCARD: [1, (session) => {
    if (session.transaction === undefined) throw new Refused("ERR DISCARD without MULTI")
    session.discard()
    return ok
  }],
  EXEC: [1, execute]
}
