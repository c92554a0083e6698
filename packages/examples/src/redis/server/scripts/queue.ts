/** The scripts of Effect's `PersistedQueue`, command by command as in its Lua. */
import { array, bulk, integer, Refused, strings } from "../Reply.ts"
import { type Call, nothing, numberOf, type Script, textOf, textsOf } from "./script.ts"

export const offer: Script = (call, [queue, ids], [id, payload]) => {
  if (numberOf(call("ZADD", ids!, "NX", "+inf", id!)) === 1) call("RPUSH", queue!, payload!)
  return nothing
}

export const offerDelayed: Script = (call, [delayed, ids], [id, payload, visibleAt]) => {
  if (numberOf(call("ZADD", ids!, "NX", "+inf", id!)) === 1) call("ZADD", delayed!, visibleAt!, payload!)
  return nothing
}

export const reset: Script = (call, [queue, pending, attempts, failed, ids, owners], [maxAttempts, now]) => {
  const entries = textsOf(call("HGETALL", pending!))
  for (let i = 0; i < entries.length; i += 2) {
    const id = entries[i]!
    const payload = entries[i + 1]!
    const lock = textOf(call("HGET", owners!, id))
    if (lock !== undefined && numberOf(call("EXISTS", lock)) === 1) continue
    const tried = textOf(call("HGET", attempts!, id)) ?? "0"
    if (Number(tried) >= Number(maxAttempts)) {
      const record = `${payload.slice(0, -1)},"attempts":${tried},"lastFailure":"Lock expired after final attempt",`
      call("RPUSH", failed!, `${record}"failedAt":${now}}`)
      call("HDEL", attempts!, id)
      call("ZADD", ids!, "XX", "+inf", id)
    } else call("RPUSH", queue!, payload)
    call("HDEL", owners!, id)
    call("HDEL", pending!, id)
  }
  return nothing
}

/** Releases a claim, unless another worker holds it. */
const release = (call: Call, pending: string, lock: string, owners: string, id: string): boolean => {
  if (textOf(call("HGET", owners, id)) !== lock) return false
  call("HDEL", owners, id)
  call("DEL", lock)
  call("HDEL", pending, id)
  return true
}

export const requeue: Script = (call, [queue, pending, lock, attempts, owners], [id, payload]) => {
  if (!release(call, pending!, lock!, owners!, id!)) return integer(0)
  if (numberOf(call("HINCRBY", attempts!, id!, "-1")) <= 0) call("HDEL", attempts!, id!)
  call("RPUSH", queue!, payload!)
  return nothing
}

export const complete: Script = (call, [pending, lock, attempts, ids, owners], [id, now]) => {
  if (!release(call, pending!, lock!, owners!, id!)) return integer(0)
  call("HDEL", attempts!, id!)
  call("ZADD", ids!, "XX", now!, id!)
  return nothing
}

export const retry: Script = (call, [pending, lock, delayed, owners], [id, payload, visibleAt]) => {
  if (!release(call, pending!, lock!, owners!, id!)) return integer(0)
  call("ZADD", delayed!, visibleAt!, payload!)
  return nothing
}

export const fail: Script = (call, [pending, lock, failed, attempts, ids, owners], [id, payload]) => {
  if (!release(call, pending!, lock!, owners!, id!)) return integer(0)
  call("HDEL", attempts!, id!)
  call("RPUSH", failed!, payload!)
  call("ZADD", ids!, "XX", "+inf", id!)
  return nothing
}

/** The id of a record, as UTF-8 bytes: it stands first. */
const recordId = (payload: string): string | undefined => {
  const quoted = /^\{"id":("(?:[^"\\]|\\.)*")/s.exec(payload)?.[1]
  if (quoted === undefined) return undefined
  try {
    const id = JSON.parse(Buffer.from(quoted, "latin1").toString()) as string
    return Buffer.from(id).toString("latin1")
  } catch {
    return undefined
  }
}

export const take: Script = (call, [queue, pending, delayed, attempts, owners], [prefix, batchSize, life, now]) => {
  const due = textsOf(call("ZRANGEBYSCORE", delayed!, "-inf", now!, "LIMIT", "0", "100"))
  for (const payload of due) call("RPUSH", queue!, payload)
  if (due.length > 0) call("ZREM", delayed!, ...due)
  const payloads = textsOf(call("LRANGE", queue!, "0", String(Number(batchSize) - 1)))
  if (payloads.length === 0) return nothing
  const ids = payloads.map((payload) => {
    const id = recordId(payload)
    if (id === undefined) throw new Refused("ERR Invalid queue record id")
    return id
  })
  call("LTRIM", queue!, String(payloads.length), "-1")
  return array(ids.flatMap((id, i) => {
    const lock = `${prefix}${i + 1}`
    call("SET", lock, "1", "PX", life!)
    call("HSET", owners!, id, lock)
    call("HSET", pending!, id, payloads[i]!)
    return [bulk(payloads[i]!), call("HINCRBY", attempts!, id, "1"), bulk(lock)]
  }))
}

export const expireAll: Script = (call, keys, [life, ...ids]) => {
  for (const [i, id] of ids.entries()) {
    const [lock, owners] = keys.slice(2 * i)
    if (textOf(call("HGET", owners!, id)) === lock) call("SET", lock!, "1", "PX", life!)
  }
  return nothing
}

export const trimFailed: Script = (call, [failed, ids], [cutoff]) => {
  let removed = 0
  for (; removed < 1000; removed++) {
    const head = textOf(call("LINDEX", failed!, "0"))
    if (head === undefined) break
    const id = recordId(head)
    if (id !== undefined) {
      const failedAt = Number(/,"failedAt":([^,}]+)\}$/.exec(head)?.[1])
      if (failedAt >= Number(cutoff)) break
      call("ZREM", ids!, id)
    }
    call("LPOP", failed!)
  }
  return integer(removed)
}

export const setMany: Script = (call, keys, args) => {
  const sets = Number(args[0])
  for (const [i, value] of args.slice(2).entries()) {
    if (i < sets) call("SET", keys[i]!, value)
    else call("PEXPIRE", keys[i]!, value)
  }
  return strings([])
}
