import { expect } from "@effect/vitest"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { layer, RedisClient } from "../../src/redis/client/RedisClient.ts"
import * as RedisServer from "../../src/redis/server/RedisServer.ts"

VitestSimulation.it(
  "runs a transaction as a whole, and not at all once EXEC or one of its commands was refused",
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(server, RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }))
    yield* Host.run(
      client,
      Effect.gen(function*() {
        const { send } = yield* RedisClient
        const refused = (...words: ReadonlyArray<string>) =>
          Effect.map(Effect.flip(send(...words)), (error) => "text" in error ? error.text : String(error))
        yield* send("MULTI")
        expect(yield* send("SET", "a", "9007199254740992")).toBe("QUEUED")
        expect(yield* send("INCR", "a")).toBe("QUEUED")
        expect(yield* send("EXEC")).toEqual(["OK", 9007199254740993n])

        const reason = "wrong number of arguments for 'exec' command"
        yield* send("MULTI")
        yield* send("DEL", "a")
        expect(yield* refused("EXEC", "now")).toBe(`EXECABORT Transaction discarded because of: ${reason}`)
        expect(yield* refused("EXEC")).toBe("ERR EXEC without MULTI")

        for (const wrong of [["NOSUCH"], ["GET"], ["CLIENT", "NOSUCH"], ["CLIENT", "ID", "now"]]) {
          yield* send("MULTI")
          yield* send("DEL", "a")
          yield* refused(...wrong)
          expect(yield* refused("EXEC")).toBe("EXECABORT Transaction discarded because of previous errors.")
        }
        expect(yield* send("GET", "a")).toBe("9007199254740993")

        // The furthest time that there is, in a number that takes 64 bits.
        expect(yield* send("PEXPIREAT", "a", String(2n ** 63n - 1n))).toBe(1)
        expect(yield* send("PTTL", "a")).toBeTypeOf("bigint")
      }).pipe(Effect.provide(layer({ endpoint: "server:6379" })), Effect.scoped)
    )
  })
)
