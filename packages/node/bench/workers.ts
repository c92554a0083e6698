/** `npm run bench:workers`: an echo server in one process, in workers, and in those of node:cluster, on the same cores. */
import { readdirSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { Child } from "./child.ts"
import { interleave } from "./interleave.ts"
import { type Load, makeGenerator } from "./load/generator.ts"
import { readOptions } from "./options.ts"
import { writeJson } from "./output.ts"
import { median, ratios } from "./report/statistics.ts"

const { isWanted, json, rounds, seconds } = readOptions("workers", {
  full: { rounds: 5, seconds: 2 },
  quick: { rounds: 3, seconds: 0.5 }
})

const generator = makeGenerator("loadgen")
const warmup = seconds / 3

/** The CPU time of a process and of those that it started, in microseconds; 0 outside of Linux. */
const cpuTime = (root: number): number => {
  if (process.platform !== "linux") return 0
  const ticks = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /, "").split(" ")
      const isIts = Number(pid) === root || Number(fields[1]) === root
      return isIts ? Number(fields[11]) + Number(fields[12]) : 0
    } catch {
      // It has ended.
      return 0
    }
  })
  return ticks.reduce((sum, each) => sum + each, 0) * 10_000
}

interface Row {
  readonly name: string
  readonly measure: (port: number) => Promise<Load>
}

const all: ReadonlyArray<Row> = [
  { name: "64 B echo, 50 connections", measure: (port) => generator.run("echo", port, 50, 64, 1, warmup, seconds) },
  { name: "connect + echo + close", measure: (port) => generator.run("connect", port, 50, 64, warmup, seconds) }
]
const rows = all.filter(({ name }) => isWanted(name))

const counts = Array.from(new Set([1, 2, Math.min(availableParallelism(), 8)]))
const servers = [
  { name: "one process", file: "tcpSluicePipe.ts", count: 1 },
  ...counts.map((count) => ({ name: `Workers, ${count}`, file: "workersSluice.ts", count })),
  ...counts.map((count) => ({ name: `node:cluster, ${count}`, file: "workersCluster.ts", count }))
]

// Not bound to a core, as the load is: the system chooses where each process runs.
const started = await Promise.all(servers.map(async ({ count, file, name }) => {
  const child = new Child(undefined, [process.execPath, join(import.meta.dirname, "servers", file), String(count)])
  const port = Number((await child.line()).split(" ")[1])
  return { name, child, port }
}))

const loads = new Map<string, Array<Load>>()
const key = (row: string, server: string) => `${row}: ${server}`

await interleave(rounds, rows, started, async (row, server) => {
  const { pid } = server.child.process
  const before = cpuTime(pid!)
  const load = await row.measure(server.port)
  // The warm-up is in it, too.
  const cpu = (cpuTime(pid!) - before) / (1 + warmup / seconds)
  const at = key(row.name, server.name)
  loads.set(at, [...loads.get(at) ?? [], { ...load, cpu }])
})

const rates = (row: string, server: string) => loads.get(key(row, server))!.map(({ count, seconds }) => count / seconds)

for (const { name: row } of rows) {
  process.stdout.write(`\n${row}\n`)
  for (const { name } of started) {
    const all = loads.get(key(row, name))!
    const ratio = median(ratios(rates(row, name), rates(row, started[0]!.name)))
    const p99 = median(all.map(({ p99 }) => p99))
    const cpu = median(all.map(({ count, cpu }) => cpu / count))
    process.stdout.write(
      `  ${name.padEnd(16)} ${median(rates(row, name)).toFixed(0).padStart(8)}/s  ${
        ratio.toFixed(2)
      } of one process  ` +
        `p99 ${(p99 / 1_000).toFixed(2).padStart(6)} ms  ${cpu.toFixed(1)} µs of CPU each\n`
    )
  }
}

writeJson(json, Object.fromEntries(loads))
for (const { child } of started) await child.end()
