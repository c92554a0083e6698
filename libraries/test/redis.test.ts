import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as Effect from "effect/Effect"
import { AbstractConnector, Redis } from "ioredis"
import type { Socket } from "node:net"
import { layer } from "../../packages/examples/src/redis/server/RedisServer.ts"
import { library, rounds } from "./library.ts"

/** How ioredis is told how to connect. */
export const connectorClass = (connector: NodeDuplex.Connector, port: number, host: string) =>
  class extends AbstractConnector {
    constructor() {
      super(0)
    }
    override async connect(): Promise<Socket> {
      return this.stream = connector.connect(port, host) as Socket
    }
  }

library("ioredis", {
  serve: (options) => layer(options),
  expected: rounds.map((round) => round + 1),
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const redis = new Redis({ Connector: connectorClass(connector, port, host) })
      const counts: Array<number> = []
      for (const _ of rounds) {
        counts.push(await redis.incr("count"))
        await pause()
      }
      await redis.quit()
      return counts
    })
})
