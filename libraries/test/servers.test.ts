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
import { freePort } from "../../packages/node/test/fixtures/freePort.ts"
import { connectorClass } from "./ioredis.ts"
import { has, withServer } from "./servers.ts"

const host = "127.0.0.1"

const withConnector = (use: (connector: NodeDuplex.Connector) => Promise<void>): Promise<void> =>
  Effect.runPromise(
    Effect.flatMap(NodeDuplex.connector(), (connector) => Effect.promise(() => use(connector))).pipe(
      Effect.scoped,
      Effect.provide(NodeNetwork.layer)
    )
  )

test.skipIf(!has("redis-server"))("ioredis with Redis: pipelines, a megabyte, publish and subscribe", async () => {
  const port = await freePort()
  const ready = ["redis-cli", "-p", String(port), "ping"]
  const command = (dir: string) => ["redis-server", "--port", String(port), "--dir", dir, "--save", ""]
  const use = async (connector: NodeDuplex.Connector) => {
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
  }
  await withServer({ ready, command }, () => withConnector(use))
})

// Debian has a folder for each version. PostgreSQL refuses to run as root.
const [binaries] = globSync("/usr/lib/postgresql/*/bin")
const asPostgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]

test.skipIf(binaries === undefined || process.getuid?.() !== 0)(
  "pg with PostgreSQL: many rows, a large value, notifications",
  async () => {
    const port = await freePort()
    const server = {
      ready: [`${binaries}/pg_isready`, "-h", host, "-p", String(port)],
      command: (folder: string) => {
        const settings = ["-D", `${folder}/data`, "-k", folder, "-p", String(port), "-F"]
        return [...asPostgres, `${binaries}/postgres`, ...settings]
      },
      prepare: (folder: string) => {
        chmodSync(folder, 0o777)
        const settings = ["-A", "trust", "--no-sync", "-D", `${folder}/data`]
        const [file, ...args] = [...asPostgres, `${binaries}/initdb`, ...settings]
        execFileSync(file!, args, { stdio: "ignore" })
      }
    }
    const use = async (connector: NodeDuplex.Connector) => {
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
    }
    await withServer(server, () => withConnector(use))
  }
)
