/** `npm run bench:idle`: what idle connections cost, how long they take to drain, and what happens when all come back. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Child } from "./child.ts"
import type { Usage } from "./servers/ready.ts"

const { values } = parseArgs({ options: { connections: { type: "string", default: "15000" } } })
const count = Number(values.connections)
if (!Number.isInteger(count) || count < 1 || count > 50_000) {
  process.stderr.write(`--connections ${values.connections}: not a whole number from 1 to 50000\n`)
  process.exit(2)
}

const file = (name: string) => join(import.meta.dirname, name)
const print = (text: string) => process.stdout.write(`${text}\n`)

/** Memory of the kernel for sockets, files and buffers, in bytes: all slabs that cannot be reclaimed. */
const kernelMemory = (): number => {
  try {
    return Number(/^SUnreclaim:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

const startServer = async (port = 0) => {
  const child = new Child(undefined, [process.execPath, "--expose-gc", file("servers/idleSluice.ts"), String(port)])
  return { child, port: Number((await child.line()).split(" ")[1]) }
}

interface Storm {
  readonly seconds: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
}

const startClients = async (port: number, jitter: number) => {
  const child = new Child(undefined, [process.execPath, file("load/storm.ts"), ...[port, count, jitter].map(String)])
  const next = async () => JSON.parse(await child.line()) as Storm
  await next()
  return { child, next }
}

/** Ends a server in order, and tells how long that took. */
const drain = async (child: Child): Promise<number> => {
  const ended = new Promise((resolve) => child.process.once("exit", resolve))
  const begun = performance.now()
  child.process.kill("SIGTERM")
  await ended
  return (performance.now() - begun) / 1_000
}

let server = await startServer()
const before = await server.child.ask<Usage>()
const kernelBefore = kernelMemory()
const clients = await startClients(server.port, 0)
const after = await server.child.ask<Usage>()
// The other end of each connection is on this machine as well.
const kernel = (kernelMemory() - kernelBefore) / 2 / count
print(`${count} idle connections, bytes each`)
print(`  heap        ${((after.heap - before.heap) / count).toFixed(0).padStart(6)}`)
print(`  resident    ${((after.resident - before.resident) / count).toFixed(0).padStart(6)}`)
print(`  kernel      ${kernel.toFixed(0).padStart(6)}  (the slabs of the machine; half of what both ends take)`)

for (const [jitter, running] of [[0, clients], [10_000, undefined]] as const) {
  const storm = running ?? await startClients(server.port, jitter)
  const { port } = server
  const seconds = await drain(server.child)
  const back = storm.next()
  server = await startServer(port)
  const { failed, p50, p99, seconds: whole } = await back
  print(`\n${jitter === 0 ? "all come back at once" : `all come back within ${jitter / 1_000} s, at random`}`)
  print(`  drained in ${seconds.toFixed(2)} s; all are back ${whole.toFixed(1)} s after the first left`)
  print(
    `  refused or broken attempts: ${failed}; connect to answer: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`
  )
  await storm.child.end()
}
await server.child.end()
