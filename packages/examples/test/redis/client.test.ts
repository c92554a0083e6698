import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { layer, RedisClient } from "../../src/redis/client/RedisClient.ts"
import * as RedisServer from "../../src/redis/server/RedisServer.ts"
import { serve } from "../program.ts"
import { hasRedis, startRedis } from "./oracle.ts"
import * as scenario from "./scenario.ts"

const run = (endpoint: string) =>
  Effect.runPromise(
    Effect.andThen(scenario.commands, scenario.uses).pipe(
      Effect.scoped,
      Effect.provide(scenario.layer({ endpoint })),
      Effect.provide(NodeNetwork.layer)
    )
  )

describe("redis server in virtual time", () => {
  VitestSimulation.it(
    "drops a subscriber that leaves too many bytes unread, and no other",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const limits = { ...RedisServer.defaultLimits, maxUnread: 100_000 }
      const logged: Array<string> = []
      const log = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      yield* Host.serve(
        server,
        Layer.provide(RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }, limits), log)
      )
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const { send, subscribe } = yield* RedisClient
          let heard = 0
          const news = yield* subscribe("news")
          yield* Effect.forkChild(Stream.runForEach(news, () => Effect.sync(() => heard++)))
          const deaf = yield* Network.connect("server:6379")
          yield* Connection.writeText(deaf, "SUBSCRIBE news\r\n")
          yield* Effect.sleep("1 second")
          const message = "x".repeat(50_000)
          const counts: Array<unknown> = []
          for (let published = 0; published < 40; published++) {
            counts.push(yield* send("PUBLISH", "news", message))
            yield* Effect.sleep("1 second")
          }
          // What its windows take, and what may wait.
          expect(counts.indexOf(1)).toBeGreaterThan(2)
          expect(counts.indexOf(1)).toBeLessThan(30)
          expect(counts.at(-1)).toBe(1)
          expect(heard).toBe(40)
          expect((yield* Effect.flip(Connection.readAll(deaf, { limit: 1e8 }))).reason._tag).toBe("ConnectionReset")
          expect(logged).toEqual([expect.stringMatching(/^subscriber .* too slow: up to 100,000 bytes waiting/)])
        }).pipe(Effect.provide(layer({ endpoint: "server:6379" })), Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "expires keys, wakes commands that wait, forgets clients that left, and has limits",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const limits = { ...RedisServer.defaultLimits, maxMemory: 10_000, maxKeys: 100 }
      yield* Host.serve(server, RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }, limits))
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const { reserve, send } = yield* RedisClient
          yield* send("SET", "short", "lived", "PX", "1000")
          yield* Effect.sleep("900 millis")
          expect(yield* send("GET", "short")).toBe("lived")
          yield* Effect.sleep("300 millis")
          // No command has asked for it since.
          expect(yield* send("DBSIZE")).toBe(0)

          const reading = yield* reserve
          const read = reading.send("XREAD", "BLOCK", "5000", "STREAMS", "log", "$")
          const [late, nothing] = yield* Effect.timed(read)
          expect(nothing).toBe(null)
          expect(Duration.toSeconds(late)).toBeCloseTo(5, 0)
          const waiting = yield* Effect.forkChild(read, { startImmediately: true })
          yield* Effect.sleep("1 second")
          yield* send("XADD", "log", "7-7", "line", "hello")
          expect(yield* Fiber.join(waiting)).toEqual([["log", [["7-7", ["line", "hello"]]]]])

          yield* Effect.scoped(Effect.gen(function*() {
            const leaving = yield* reserve
            yield* Effect.forkChild(leaving.send("BLPOP", "jobs", "0"), { startImmediately: true })
            yield* Effect.sleep("1 second")
          }))
          yield* Effect.sleep("1 second")
          expect(yield* send("RPUSH", "jobs", "one")).toBe(1)
          expect(yield* send("LLEN", "jobs")).toBe(1)

          expect(yield* send("SET", "large", "x".repeat(20_000))).toBe("OK")
          expect(yield* Effect.flip(send("SET", "more", "x"))).toMatchObject({ code: "OOM" })
          expect(yield* send("DEL", "large")).toBe(1)
          expect(yield* send("SET", "more", "x")).toBe("OK")

          // What connections hold counts as well, until they give it up or leave.
          yield* Effect.scoped(Effect.gen(function*() {
            const greedy = yield* reserve
            yield* greedy.send("MULTI")
            expect(yield* greedy.send("SET", "a", "x".repeat(6000))).toBe("QUEUED")
            expect(yield* Effect.flip(greedy.send("SET", "b", "x".repeat(6000)))).toMatchObject({ code: "OOM" })
            expect(yield* Effect.flip(greedy.send("EXEC"))).toMatchObject({ code: "EXECABORT" })
            yield* greedy.send("MULTI")
            expect(yield* greedy.send("SET", "a", "x".repeat(9500))).toBe("QUEUED")
            expect(yield* Effect.flip(send("SUBSCRIBE", "x".repeat(1000)))).toMatchObject({ code: "OOM" })
            expect(yield* Effect.flip(send("SET", "b", "x".repeat(1000)).pipe(Effect.andThen(send("SET", "c", "x")))))
              .toMatchObject({ code: "OOM" })
          }))
          yield* Effect.sleep("1 second")
          expect(yield* send("SET", "c", "x")).toBe("OK")

          yield* send("SET", "a".repeat(100), "x")
          expect(yield* send("KEYS", `${"*a".repeat(20)}b`)).toEqual([])
          expect(yield* send("KEYS", `${"*a".repeat(20)}*`)).toEqual(["a".repeat(100)])
        }).pipe(Effect.scoped, Effect.provide(layer({ endpoint: "tcp://server:6379" })))
      )
    })
  )
})

describe("the client of Redis", () => {
  it.skipIf(!hasRedis)("works with Redis itself, and so does Effect's persistence", async () => {
    expect(await run(`unix://${await startRedis()}`)).toEqual({ lookups: 1 })
  })

  it("works with redis server", async () => {
    const { port } = await serve("redis server")
    expect(await run(`tcp://127.0.0.1:${port}`)).toEqual({ lookups: 1 })
  })

  VitestSimulation.it(
    "works in virtual time, through a partition",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.serve(server, RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }))
      yield* Host.run(
        client,
        Effect.gen(function*() {
          yield* Effect.andThen(scenario.commands, scenario.uses)
          const redis = yield* RedisClient
          yield* redis.send("SET", "short", "lived", "PX", "60000")
          yield* redis.send("SET", "long", "lived", "EX", "3600")

          yield* Fault.partition(server, client)
          const waiting = yield* Effect.forkChild(Effect.flip(redis.send("INCR", "count")), { startImmediately: true })
          expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "RequestFailed", sent: true })
          yield* Effect.sleep("30 seconds")
          yield* Fault.heal(server, client)
          expect(yield* redis.send("MGET", "short", "long")).toEqual([null, "lived"])
        }).pipe(Effect.scoped, Effect.provide(scenario.layer({ endpoint: "tcp://server:6379" })))
      )
    }),
    { seeds: 3 }
  )
})
