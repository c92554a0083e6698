// Clients of redis-server: ours, node-redis and ioredis, each in a process of its own.
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { Child } from "../../../../node/bench/child.ts"
import { cores } from "../../../../node/bench/cores.ts"
import { type Contestant, type Measured, section } from "../section.ts"
import { startRedis } from "./servers.ts"

interface Client extends Contestant {
  readonly child: Child
}

const libraries = resolve(import.meta.dirname, "../../libraries")

/** Installs the clients that are compared with, which nothing else needs. */
const install = (): boolean =>
  existsSync(resolve(libraries, "node_modules/ioredis")) ||
  spawnSync("npm", ["install", "--prefix", libraries, "--no-audit", "--no-fund", "--no-package-lock"], {
      stdio: ["ignore", 2, 2]
    }).status === 0

const row = (name: string, command: string): Measured<Client> => ({
  name,
  unit: "k/s",
  better: "more",
  measure: async (client, { seconds }) => (await run(client, command, seconds)).rate
})

const cpuRow = (name: string, command: string): Measured<Client> => ({
  name: `${name}, CPU for each`,
  unit: "µs",
  better: "less",
  measure: async (client, { seconds }) => (await run(client, command, seconds)).cpu
})

const run = async ({ child }: Client, command: string, seconds: number) => {
  child.process.stdin!.write(`${command} ${seconds}\n`)
  return JSON.parse(await child.line()) as { readonly rate: number; readonly cpu: number }
}

export const redisClients = section<Client>({
  title: "clients of Redis, 64 callers on one connection",
  rows: [
    row("SET of 64 B", "SET"),
    row("GET of 64 B", "GET"),
    cpuRow("SET of 64 B", "SET"),
    cpuRow("GET of 64 B", "GET")
  ],
  start: async () => {
    if (spawnSync("redis-server", ["--version"]).status !== 0) return { missing: "redis-server" }
    if (!install()) return { missing: "node-redis and ioredis, which npm could not install" }
    const redis = await startRedis(cores?.server)
    const clients = ["node-redis", "ioredis", "Sluice"].map((name): Client => {
      const file = resolve(import.meta.dirname, "client.ts")
      const child = new Child(cores?.load, [process.execPath, file, name, String(redis.port)])
      return { name, child, stop: () => child.end() }
    })
    return [...clients.slice(0, -1), {
      ...clients.at(-1)!,
      stop: async () => {
        await clients.at(-1)!.stop()
        await redis.stop()
      }
    }]
  }
})
