import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Persistable from "effect/persistence/Persistable"
import * as PersistedCache from "effect/persistence/PersistedCache"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Persistence from "effect/persistence/Persistence"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redis from "effect/persistence/Redis"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as persistence from "../../src/redis/client/persistence.ts"
import * as RedisClient from "../../src/redis/client/RedisClient.ts"

class Lookup extends Persistable.Class<{ payload: { readonly id: string } }>()("Lookup", {
  primaryKey: ({ id }) => id,
  success: Schema.String
}) {}

/** A client of a server, and what Effect builds on it. */
export const layer = (options: RedisClient.Options) =>
  Layer.mergeAll(
    Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreRedis({ pollInterval: "20 millis" })),
    Persistence.layerRedis,
    Layer.provide(RateLimiter.layer, RateLimiter.layerStoreRedis())
  ).pipe(
    Layer.provideMerge(persistence.layerFromClient()),
    Layer.provideMerge(RedisClient.layer(options))
  )

/** The client itself: values, errors, order, subscriptions, commands that wait. */
export const commands = Effect.gen(function*() {
  const client = yield* RedisClient.RedisClient
  yield* client.send("FLUSHALL")
  expect(yield* client.send("SET", "größe", "½ 😀")).toBe("OK")
  expect(yield* client.send("GET", "größe")).toBe("½ 😀")
  expect(yield* client.send("GET", "none")).toBe(null)
  expect(yield* Effect.flip(client.send("LPUSH", "größe", "x"))).toMatchObject({
    _tag: "CommandRefused",
    code: "WRONGTYPE"
  })
  const numbers = Array.from({ length: 100 }, (_, i) => String(i))
  const echoes = Effect.forEach(numbers, (number) => client.send("ECHO", number), { concurrency: "unbounded" })
  expect(yield* echoes).toEqual(numbers)

  const redis = yield* Redis.Redis
  const news = yield* redis.subscribe("news")
  expect(yield* redis.send("PUBLISH", "news", "hello")).toBe(1)
  expect(yield* Queue.take(news)).toEqual({ channel: "news", message: "hello" })
  const reserved = yield* redis.reserve
  const popping = yield* Effect.forkChild(reserved.send("BLPOP", "jobs", "0"), { startImmediately: true })
  yield* redis.send("RPUSH", "jobs", "one")
  expect(yield* Fiber.join(popping)).toEqual(["jobs", "one"])
})

/** Each of Effect's uses of Redis that the server knows the scripts of. Returns how often what is cached was looked up. */
export const uses = Effect.gen(function*() {
  const queue = yield* PersistedQueue.make({
    name: "mail",
    schema: Schema.String,
    maxAttempts: 2,
    retrySchedule: undefined
  })
  yield* queue.offer("first", { id: "Ä\"1" })
  yield* queue.offer("first again", { id: "Ä\"1" })
  const take = queue.take((value, { attempts }) => Effect.succeed([value, attempts] as const))
  expect(yield* Effect.exit(queue.take(() => Effect.interrupt))).toSatisfy(Exit.isFailure)
  expect(yield* take).toEqual(["first", 1])
  yield* queue.offer("late", { id: "2", delay: "50 millis" })
  expect(yield* Effect.exit(queue.take((value) => Effect.fail(value)))).toEqual(Exit.fail("late"))
  expect(yield* take).toEqual(["late", 2])

  let lookups = 0
  const cache = yield* PersistedCache.make((key: Lookup) => Effect.sync(() => `${key.id} ${++lookups}`), {
    storeId: "cache",
    timeToLive: () => "1 minute",
    inMemoryCapacity: 0
  })
  const key = new Lookup({ id: "a" })
  expect(yield* cache.get(key)).toBe("a 1")
  expect(yield* cache.get(key)).toBe("a 1")
  const store = yield* (yield* Persistence.Persistence).make({ storeId: "cache", timeToLive: () => "1 minute" })
  yield* store.setMany([[key, Exit.succeed("b")], [new Lookup({ id: "c" }), Exit.succeed("d")]])
  expect(yield* store.getMany([key, new Lookup({ id: "c" })])).toEqual([Exit.succeed("b"), Exit.succeed("d")])
  yield* store.clear
  expect(yield* store.get(key)).toBe(undefined)

  const limiter = yield* RateLimiter.RateLimiter
  for (const algorithm of ["fixed-window", "token-bucket"] as const) {
    const consume = limiter.consume({ algorithm, key: algorithm, limit: 2, window: "1 minute", onExceeded: "fail" })
    yield* consume
    expect((yield* consume).remaining).toBe(0)
    expect(yield* Effect.flip(consume)).toMatchObject({ reason: { _tag: "RateLimitExceeded" } })
  }
  return { lookups }
})
