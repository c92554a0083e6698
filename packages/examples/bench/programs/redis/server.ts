// redis-benchmark against redis-server and the program `redis server`.
import { spawnSync } from "node:child_process"
import { cores, onCore } from "../../../../node/bench/cores.ts"
import { type Contestant, section } from "../section.ts"
import { startOurs, startRedis } from "./servers.ts"

interface RedisServer extends Contestant {
  readonly port: number
}

/** How many requests a second of measuring asks for. */
const requestsPerSecond = 400_000

const row = (name: string, test: string) => ({
  name,
  unit: "k/s",
  better: "more" as const,
  measure: async ({ port }: RedisServer, { seconds }: { readonly seconds: number }) => {
    const count = String(Math.round(requestsPerSecond * seconds))
    const command = ["redis-benchmark", "-p", String(port), "-P", "16", "-t", test, "-n", count, "--csv"]
    const [file, ...args] = onCore(cores?.load, command)
    const { stdout } = spawnSync(file!, args, { encoding: "utf8" })
    const rate = Number(/^"[^"]+","([\d.]+)"/m.exec(stdout.split("\n").slice(1).join("\n"))?.[1])
    if (!(rate > 0)) throw new Error(`redis-benchmark measured nothing: ${stdout}`)
    return rate / 1000
  }
})

export const redisServer = section<RedisServer>({
  title: "redis server, 50 connections, 16 in flight each",
  rows: [row("PING", "ping_mbulk"), row("SET of 3 B", "set"), row("GET of 3 B", "get")],
  start: async () => {
    if (spawnSync("redis-benchmark", ["--version"]).status !== 0) return { missing: "redis-server and redis-tools" }
    return [await startRedis(cores?.server), await startOurs(cores?.server)]
  }
})
