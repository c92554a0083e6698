import { describe, expect, it } from "@effect/vitest"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Persistence from "effect/persistence/Persistence"
import * as Persistable from "effect/persistence/Persistable"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redis from "effect/persistence/Redis"
import * as PrimaryKey from "effect/PrimaryKey"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as persistence from "../../src/redis/client/persistence.ts"
import { RedisClient } from "../../src/redis/client/RedisClient.ts"
import * as RedisServer from "../../src/redis/server/RedisServer.ts"
import { hasRedis, startRedis } from "./oracle.ts"

class Lookup extends Persistable.Class<{ payload: { id: string } }>()("Lookup", {
  primaryKey: ({ id }) => id,
  success: Schema.String
}) {}

/** What Effect builds on Redis, and what it stands on. */
const everything = Effect.gen(function*() {
  const client = yield* RedisClient
  yield* client.send("FLUSHALL")
  expect(yield* client.send("SET", "größe", "½ \u{1f600}")).toBe("OK")
  expect(yield* client.send("GET", "größe")).toBe("½ \u{1f600}")
  expect(yield* client.send("GET", "none")).toBe(null)
  const refused = yield* Effect.flip(client.send("LPUSH", "größe", "x"))
  expect(refused).toMatchObject({ _tag: "CommandRefused", code: "WRONGTYPE" })

  const many = yield* Effect.forEach(
    Array.from({ length: 100 }, (_, i) => i),
    (i) => client.send("ECHO", String(i)),
    { concurrency: "unbounded" }
  )
  expect(many).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))

  const redis = yield* Redis.Redis
  const news = yield* redis.subscribe("news")
  expect(yield* redis.send("PUBLISH", "news", "hello")).toBe(1)
  expect(yield* Queue.take(news)).toEqual({ channel: "news", message: "hello" })

  const popped = yield* Effect.scoped(Effect.gen(function*() {
    const waiting = yield* redis.reserve
    const popping = yield* Effect.forkChild(waiting.send("BLPOP", "jobs", "0"), { startImmediately: true })
    yield* redis.send("RPUSH", "jobs", "one")
    return yield* Effect.flatMap(Effect.exit(Effect.raceFirst(popping.await ?? Effect.never, Effect.never)), Effect.flatten)
  }))
  expect(popped).toEqual(["jobs", "one"])
})
