/** Libraries over Sluice with the servers that they are made for, on the kernel's network. */
import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { execFileSync } from "node:child_process"
import { chmodSync, globSync } from "node:fs"
import type { Socket } from "node:net"
import { Client } from "pg"
import { expect, test } from "vitest"
import { connectorClass } from "./ioredis.ts"
import { freePort, has, start } from "./servers.ts"

const host = "127.0.0.1"

const withConnector = <A>(use: (connector: NodeDuplex.Connector) => Promise<A>): Promise<A> =>
  Effect.runPromise(
    Effect.flatMap(NodeDuplex.connector(), (connector) => Effect.promise(() => use(connector))).pipe(
      Effect.scoped,
      Effect.provide(NodeNetwork.layer)
    )
  )

test.skipIf(!has("redis-server"))("ioredis with Redis: pipelines, a megabyte, publish and subscribe", async () => {
  const port = await freePort()
  await using _ = await start(port, (dir) => ["redis-server", "--port", String(port), "--dir", dir, "--save", ""])
  await withConnector(async (connector) => {
    const Connector = connectorClass(connector, port, host)
    const redis = new Redis({ Connector })
    const subscriber = new Redis({ Connector })
    const large = Buffer.alloc(1024 * 1024, "sluice")
    await redis.set("large", large)
    expect((await redis.getBuffer("large"))!.equals(large)).toBe(true)
    const pipeline = redis.pipeline()
    for (let round = 0; round < 1000; round++) pipeline.incr("count")
    expect((await pipeline.exec())!.at(-1)).toEqual([null, 1000])
    const heard = new Promise((resolve) => subscriber.on("message", (_, message) => resolve(message)))
    await subscriber.subscribe("news")
    await redis.publish("news", "hello")
    expect(await heard).toBe("hello")
    await Promise.all([redis.quit(), subscriber.quit()])
  })
})

// Debian has a folder for each version.
const [binaries] = globSync("/usr/lib/postgresql/*/bin")

test.skipIf(binaries === undefined || process.getuid?.() !== 0)(
  "pg with PostgreSQL: many rows, a large value, notifications",
  async () => {
    const port = await freePort()
    // PostgreSQL refuses to run as root.
    const asPostgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    await using _ = await start(
      port,
      (
        folder
      ) => [...asPostgres, `${binaries}/postgres`, "-D", `${folder}/data`, "-k", folder, "-p", String(port), "-F"],
      (folder) => {
        chmodSync(folder, 0o777)
        const [command, ...args] = [
          ...asPostgres,
          `${binaries}/initdb`,
          "-A",
          "trust",
          "--no-sync",
          "-D",
          `${folder}/data`
        ]
        execFileSync(command!, args, { stdio: "ignore" })
      }
    )
    await withConnector(async (connector) => {
      const client = new Client({ host, port, user: "postgres", stream: () => connector.create() as Socket })
      await client.connect()
      const { rows } = await client.query("select n, n * n as square from generate_series(1, 10000) n")
      expect(rows.at(-1)).toEqual({ n: 10_000, square: 100_000_000 })
      const large = "x".repeat(1024 * 1024)
      expect((await client.query("select $1::text as text", [large])).rows[0].text).toBe(large)
      const heard = new Promise((resolve) => client.on("notification", ({ payload }) => resolve(payload)))
      await client.query("listen news; notify news, 'hello'")
      expect(await heard).toBe("hello")
      await client.end()
    })
  }
)
