/**
 * Scripts. There is no Lua here: the scripts of Effect's persistence, and two that locks are made with, are known by their
 * text, whatever its comments and white space, and are run as the commands that they are made of. Others are refused.
 */
import { array, bulk, integer, ok, type Outcome, Refused } from "../Reply.ts"
import { digestOf, findScript } from "../scripts/known.ts"
import type { Session } from "../Session.ts"
import { type Commands, toCount } from "./arguments.ts"

/** The scripts by the digests of their text, as `SCRIPT LOAD` returns them. */
const load = ({ shared }: Session, lua: string): string => {
  const digest = digestOf(lua)
  if (shared.scripts.has(digest)) return digest
  const script = findScript(lua)
  if (script === undefined) {
    throw new Refused(
      "ERR this server has no Lua: it knows only the scripts of Effect's persistence and those of locks"
    )
  }
  shared.scripts.set(digest, script)
  return digest
}

const evaluate = (session: Session, digest: string, words: ReadonlyArray<string>): Outcome => {
  const script = session.shared.scripts.get(digest.toLowerCase())
  if (script === undefined) throw new Refused("NOSCRIPT No matching script. Please use EVAL.")
  const count = toCount(words[2])
  if (count > words.length - 3) throw new Refused("ERR Number of keys can't be greater than number of args")
  const call = (...words: ReadonlyArray<string>) => {
    const reply = session.run(words)
    if (reply._tag === "Error") throw new Refused(reply.text)
    return reply
  }
  return script(call, words.slice(3, 3 + count), words.slice(3 + count))
}

const manage = (session: Session, words: ReadonlyArray<string>): Outcome => {
  const { scripts } = session.shared
  switch (words[1]!.toUpperCase()) {
    case "LOAD":
      return bulk(load(session, words[2] ?? ""))
    case "EXISTS":
      return array(words.slice(2).map((digest) => integer(scripts.has(digest.toLowerCase()) ? 1 : 0)))
    case "FLUSH":
      scripts.clear()
      return ok
  }
  throw new Refused(`ERR unknown subcommand '${words[1]}'. Try SCRIPT HELP.`)
}

export const scripting: Commands = {
  SCRIPT: [-2, manage],
  EVAL: [-3, (session, words) => evaluate(session, load(session, words[1]!), words), "grows"],
  EVALSHA: [-3, (session, words) => evaluate(session, words[1]!, words), "grows"]
}
