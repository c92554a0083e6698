/**
 * Scripts. There is no Lua here: the scripts of Effect's persistence, and two that locks are made with, are known by their
 * text, whatever its comments and white space, and are run as the commands that they are made of. Others are refused.
 */
import { array, bulk, integer, ok, type Outcome, Refused } from "../Reply.ts"
import { digestOf, findScript } from "../scripts/known.ts"
import type { Session } from "../Session.ts"
import { type Commands, type Handler, toCount } from "./arguments.ts"

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

/** Runs the script that `digestOf` finds, once it is known where its keys end. */
const evaluate = (digestOf: (session: Session, script: string) => string): Handler => (session, words): Outcome => {
  const count = toCount(words[2], "Number of keys can't be negative")
  if (count > words.length - 3) throw new Refused("ERR Number of keys can't be greater than number of args")
  const script = session.shared.scripts.get(digestOf(session, words[1]!))
  if (script === undefined) throw new Refused("NOSCRIPT No matching script. Please use EVAL.")
  const call = (...words: ReadonlyArray<string>) => {
    const reply = session.run(words)
    if (reply._tag === "Error") throw new Refused(reply.text)
    return reply
  }
  return script(call, words.slice(3, 3 + count), words.slice(3 + count))
}

export const scripting: Commands = {
  "SCRIPT|LOAD": [3, (session, words) => bulk(load(session, words[2]!))],
  "SCRIPT|EXISTS": [
    -3,
    ({ shared }, words) =>
      array(words.slice(2).map((digest) => integer(shared.scripts.has(digest.toLowerCase()) ? 1 : 0)))
  ],
  "SCRIPT|FLUSH": [-2, ({ shared }, words) => {
    if (words.length > 3 || !/^a?sync$/i.test(words[2] ?? "sync")) {
      throw new Refused("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    }
    shared.scripts.clear()
    return ok
  }],
  EVAL: [-3, evaluate(load), "grows"],
  EVALSHA: [-3, evaluate((_, digest) => digest.toLowerCase()), "grows"]
}
