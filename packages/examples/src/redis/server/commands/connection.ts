/** Commands about the connection, the server and transactions. */
import { glob } from "../glob.ts"
import { array, bulk, integer, map, ok, type Outcome, Refused, type Reply, strings, text } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { type Commands, readOptions, toInteger } from "./arguments.ts"

/** The version of Redis whose behavior this follows. */
const version = "7.0.0"

const hello = (session: Session, words: ReadonlyArray<string>): Outcome => {
  const asked = words[1] ?? String(session.protocol)
  if (asked !== "2" && asked !== "3") throw new Refused("NOPROTO unsupported protocol version")
  let name = session.name
  readOptions(words, 2, {
    SETNAME: (next) => name = checkName(next()),
    AUTH: (next) => {
      next()
      next()
      throw new Refused("ERR AUTH is not supported: this server has no passwords")
    }
  })
  session.name = name
  session.protocol = asked === "3" ? 3 : 2
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

const client = (session: Session, words: ReadonlyArray<string>): Outcome => {
  switch (words[1]!.toUpperCase()) {
    case "SETNAME":
      session.name = checkName(words[2] ?? "")
      return ok
    case "GETNAME":
      return bulk(session.name)
    case "ID":
      return integer(session.id)
    case "INFO":
      return bulk(describe(session))
    case "LIST":
      return bulk(Array.from(session.shared.sessions, (each) => `${describe(each)}\n`).join(""))
    case "SETINFO":
    case "NO-EVICT":
    case "NO-TOUCH":
      return ok
  }
  throw new Refused(`ERR unknown subcommand '${words[1]}'. Try CLIENT HELP.`)
}

const information = ({ keyspace, shared, wallMillis }: Session): Outcome =>
  bulk([
    "# Server",
    `redis_version:${version}`,
    "redis_mode:standalone",
    `uptime_in_seconds:${Math.floor((wallMillis() - shared.startedAt) / 1000)}`,
    "",
    "# Clients",
    `connected_clients:${shared.sessions.size}`,
    "",
    "# Memory",
    `used_memory:${keyspace.used}`,
    `maxmemory:${keyspace.limits.maxMemory}`,
    "maxmemory_policy:noeviction",
    "",
    "# Replication",
    "role:master",
    "connected_slaves:0",
    "",
    "# Keyspace",
    ...keyspace.size === 0 ? [] : [`db0:keys=${keyspace.size},expires=${keyspace.volatile.size},avg_ttl=0`],
    ""
  ].join("\r\n"))

const settings = ({ keyspace }: Session): ReadonlyArray<readonly [string, string]> => [
  ["appendonly", "no"],
  ["databases", "1"],
  ["maxmemory", String(keyspace.limits.maxMemory)],
  ["maxmemory-policy", "noeviction"],
  ["save", ""]
]

const configuration = (session: Session, words: ReadonlyArray<string>): Outcome => {
  switch (words[1]!.toUpperCase()) {
    case "GET": {
      const tests = words.slice(2).map((pattern) => glob(pattern.toLowerCase()))
      const found = settings(session).filter(([name]) => tests.some((test) => test(name)))
      return map(found.map(([name, value]) => [name, bulk(value)]))
    }
    case "RESETSTAT":
      return ok
  }
  throw new Refused(`ERR unknown subcommand '${words[1]}'. Try CONFIG HELP.`)
}

const describeCommands = ({ shared }: Session, words: ReadonlyArray<string>): Outcome => {
  const all = [...new Set(shared.commands.values())]
  switch (words[1]?.toUpperCase()) {
    case undefined:
      return array(
        all.map(({ arity, grows, name }): Reply =>
          array([bulk(name.toLowerCase()), integer(arity), array(grows ? [text("write"), text("denyoom")] : [])])
        )
      )
    case "COUNT":
      return integer(all.length)
    case "LIST":
      return strings(all.map(({ name }) => name.toLowerCase()))
    case "DOCS":
      return map([])
  }
  throw new Refused(`ERR unknown subcommand '${words[1]}'. Try COMMAND HELP.`)
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
  CLIENT: [-2, client],
  COMMAND: [-1, describeCommands],
  INFO: [-1, information],
  CONFIG: [-2, configuration],
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
