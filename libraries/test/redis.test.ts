import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { layer } from "../../packages/examples/src/redis/server/RedisServer.ts"
import { connectorClass } from "./ioredis.ts"
import { library, rounds } from "./library.ts"

library("ioredis", {
  serve: (options) => layer(options),
  expected: rounds.map((round) => round + 1),
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const redis = new Redis({ Connector: connectorClass(connector, port, host) })
      const counts: Array<number> = []
      while (counts.length < rounds.length) {
        counts.push(await redis.incr("count"))
        await pause()
      }
      await redis.quit()
      return counts
    })
})
