/**
 * The known scripts, by the digests of their normalized text. A script that a later version of Effect changes is refused
 * until its function here is updated.
 */
import { createHash } from "node:crypto"
import * as queue from "./queue.ts"
import * as rates from "./rates.ts"
import type { Script } from "./script.ts"

const known: ReadonlyMap<string, Script> = new Map([
  ["f469320acdde31adda4fe002c48986dd6e48b149", queue.offer],
  ["4ab923738b1d72516c85e320f430ca722b9d6639", queue.offerDelayed],
  ["983d3593d6f4e3478aa01c5081c024bef8448107", queue.reset],
  ["942a3305b7648cf9a5eaf36262f2f44632bcdb62", queue.requeue],
  ["3bd9804ff08db63869b968f3cbf8f0bb15778cad", queue.complete],
  ["e43a125b7e1143ca7bd630d5a90eee95212dfc67", queue.retry],
  ["afe763f68086edf4eb9b4cb274a8989104b7c185", queue.fail],
  ["3dcee8d38768d4a00542bccb25b3587124bc4cf8", queue.take],
  ["015adcd7d403fd1af5991872e68337e1197d88fa", queue.expireAll],
  ["5bfc0a890541eb57ebba4d77bde9c0b9fc554352", queue.trimFailed],
  ["315d02eb8198410de45c13adae0eaef4901861df", queue.setMany],
  ["255da3af04737266c49c2cb74bb9bd18acd31493", rates.fixedWindow],
  ["038549d8b10455232c4ddf408280175f7ad60f26", rates.tokenBucket],
  ["278b7fc39f087c6276c7b7c08962022c4fe73ba6", rates.unlock],
  ["43e9817a622cba86ea5a7b09b0c27646e33f4699", rates.prolong]
])

export const digestOf = (lua: string): string => createHash("sha1").update(lua, "latin1").digest("hex")

/** Normalizes comments, white space, quotes and the case of commands, which do not matter to Lua. */
const essenceOf = (lua: string): string =>
  lua
    .replace(/--[^\n]*/g, "")
    .replace(/'/g, "\"")
    .replace(/\s*([^\w\s])\s*/g, "$1")
    .replace(/\s+/g, " ")
    .replace(/redis\.call\("\w+"/g, (call) => call.toLowerCase())
    .trim()

export const findScript = (lua: string): Script | undefined => known.get(digestOf(essenceOf(lua)))
