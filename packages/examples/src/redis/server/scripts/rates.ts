/** The scripts of Effect's `RateLimiter` without adaptation, and of locks. */
import { array, bulk, integer } from "../Reply.ts"
import { numberOf, type Script, textOf } from "./script.ts"

export const fixedWindow: Script = (call, [key], [tokensText, refillText, limitText]) => {
  const [tokens, refill, limit] = [Number(tokensText), Number(refillText), toLimit(limitText)]
  const current = numberOf(call("GET", key!))
  if (Number.isNaN(current)) {
    const life = Math.max(1, Math.ceil(refill * tokens))
    call("SET", key!, String(tokens), "PX", String(life))
    return array([bulk(String(tokens)), integer(life)])
  }
  const left = numberOf(call("PTTL", key!))
  const next = current + tokens
  if (next > limit) return array([bulk(String(next)), integer(left)])
  const life = Math.max(1, Math.ceil(left + refill * tokens))
  call("SET", key!, String(next), "PX", String(life))
  return array([bulk(String(next)), integer(life)])
}

const toLimit = (text: string | undefined): number => {
  const limit = Number(text)
  return text === undefined || text === "" || Number.isNaN(limit) ? Infinity : limit
}

export const tokenBucket: Script = (call, [key, refillKey], args) => {
  const [tokens = 0, refillMillis = 0, limit = 0, now = 0] = args.map(Number)
  const found = numberOf(call("GET", key!))
  const refilled = numberOf(call("GET", refillKey!))
  let current = Number.isNaN(found) ? limit : found
  let lastRefill = Number.isNaN(refilled) ? now : refilled
  const refill = Math.floor((now - lastRefill) / refillMillis)
  if (refill > 0) {
    current = Math.min(current + refill, limit)
    lastRefill += refill * refillMillis
  }
  if (current >= limit) lastRefill = now
  const next = current - tokens
  const stored = next >= 0 || args[4] === "1" ? next : current
  const elapsed = Math.max(0, now - lastRefill)
  const life = String(Math.max(1, Math.ceil(Math.ceil(limit - stored) * refillMillis - elapsed)))
  call("SET", key!, String(stored), "PX", life)
  call("SET", refillKey!, String(lastRefill), "PX", life)
  return array([bulk(String(next)), bulk(String(elapsed))])
}

/** Deletes a key that has the value that its owner set: https://redis.io/docs/latest/develop/clients/patterns/distributed-locks */
export const unlock: Script = (call, [key], [owner]) =>
  textOf(call("GET", key!)) === owner ? call("DEL", key!) : integer(0)

/** Prolongs a key that has the value that its owner set. */
export const prolong: Script = (call, [key], [owner, millis]) =>
  textOf(call("GET", key!)) === owner ? call("PEXPIRE", key!, millis!) : integer(0)
