/**
 * Runs the example servers for ten minutes over loopback, with honest and hostile clients together, and fails if their memory or
 * their descriptors grow, if one of them ends, or if an honest client gets no answer.
 *
 * `npm run soak`, or `npm run soak -- --seconds 60`.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { Honest, type Protocol } from "./honest.ts"
import { Hostile } from "./hostile.ts"
import { type Server, start, type Usage, usageOf } from "./servers.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    honest: { type: "string", default: "10" },
    hostile: { type: "string", default: "3" }
  }
})
const seconds = Number(values.seconds)
const clients = Number(values.honest)
const attackers = Number(values.hostile)

/** How much memory may grow between the second and the last fifth of the run: in MB, and as a share. */
const growth = { megabytes: 20, share: 0.2 }
/** How many descriptors may be left when the attackers are gone, beside those at the start and those of honest clients. */
const slack = 5
const settling = 25 // seconds without attackers at the end

const folder = mkdtempSync(join(tmpdir(), "sluice-soak-"))
const main = resolve(import.meta.dirname, "../../src/main.ts")
execFileSync(process.execPath, [main, "certificates", folder], { stdio: "ignore" })
const authority = readFileSync(join(folder, "ca.pem"), "utf8")
const certificate = ["--tls-cert", join(folder, "server.pem"), "--tls-key", join(folder, "server.key")]
const limits = ["--max-connections", "200", "--idle-timeout", "20s"]

const echo = await start("echo", ["echo", "server", "--port", "0", ...limits])
const tls = await start("echo over TLS", ["echo", "server", "--port", "0", ...limits, ...certificate])
const proxied = await start("echo behind PROXY", ["echo", "server", "--port", "0", ...limits, "--proxy-protocol"])
const relay = await start("relay, TLS to PROXY", [
  "relay",
  "--listen",
  "tls://127.0.0.1:0",
  "--to",
  `tcp://127.0.0.1:${proxied.port}`,
  "--send-proxy",
  "v2",
  ...limits,
  ...certificate
])
const room = ["--clients", "200", "--accept-rate", "100", "--burst", "200", "--refill", "10ms", "--introduction", "20s"]
const chat = await start("chat", ["chat", "server", "--port", "0", ...room])
const servers: ReadonlyArray<Server> = [echo, tls, proxied, relay, chat]

const protocols = new Map<Server, Protocol>([
  [echo, { port: echo.port }],
  [tls, { port: tls.port, authority }],
  [proxied, { port: proxied.port, opening: () => "PROXY TCP4 192.0.2.1 192.0.2.2 4000 4001\r\n" }],
  [relay, { port: relay.port, authority }],
  [chat, {
    port: chat.port,
    opening: (client) => `/nick honest${client}\n`,
    ask: (token) => [`/ping ${token}`, `pong ${token}`]
  }]
])

const samples = new Map<Server, Array<Usage>>(servers.map((server) => [server, []]))
const before = new Map(servers.map((server) => [server, usageOf(server)!.descriptors]))

const honest = new Map(Array.from(protocols, ([server, protocol]) => [server, new Honest(protocol, clients)]))
const hostile = new Hostile(servers.map(({ port }) => port), attackers)

const interval = Math.max(1, Math.min(5, seconds / 60))
for (let time = 0; time < seconds; time += interval) {
  await sleep(interval * 1000)
  for (const server of servers) {
    const usage = usageOf(server)
    if (usage !== undefined) samples.get(server)!.push(usage)
  }
}
await hostile.stop()
await sleep(settling * 1000)

// ---------------------------------------------------------------------------------------------------------------------
// Report
// ---------------------------------------------------------------------------------------------------------------------

const mean = (values: ReadonlyArray<number>) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
const slice = (server: Server, from: number, to: number) => {
  const all = samples.get(server)!.map(({ memory }) => memory)
  return mean(all.slice(Math.floor(all.length * from), Math.floor(all.length * to)))
}

const problems: Array<string> = []
const rows = servers.map((server) => {
  const { answers, failures, latencies, open } = honest.get(server)!
  const outcome = server.ended()
  if (outcome !== undefined) problems.push(outcome)
  const early = slice(server, 0.2, 0.4)
  const late = slice(server, 0.8, 1)
  if (late - early > Math.max(growth.megabytes, early * growth.share)) {
    problems.push(`${server.name}: memory grew from ${early.toFixed(0)} to ${late.toFixed(0)} MB`)
  }
  const left = usageOf(server)?.descriptors ?? 0
  // The relay has two for each of its clients, and is itself a client of the server behind it.
  const own = server === relay ? 2 * open : server === proxied ? open + honest.get(relay)!.open : open
  if (left > before.get(server)! + own + slack) {
    problems.push(`${server.name}: ${left} descriptors are open, ${before.get(server)} at the start, ${own} in use`)
  }
  if (failures.length > 0) {
    problems.push(`${server.name}: ${failures.length} failures of honest clients, such as ${failures[0]}`)
  }
  const milliseconds = (percentile: number) => (latencies.percentile(percentile) / 1000).toFixed(1)
  return {
    server: server.name,
    answers,
    failures: failures.length,
    "p50 (ms)": milliseconds(50),
    "p99 (ms)": milliseconds(99),
    "memory, early (MB)": early.toFixed(0),
    "memory, late (MB)": late.toFixed(0),
    "descriptors, most": Math.max(...samples.get(server)!.map(({ descriptors }) => descriptors)),
    "descriptors, after": left
  }
})

console.table(rows)
console.table(Object.fromEntries(Array.from(hostile.opened, ([behavior, count]) => [behavior, { connections: count }])))

await Promise.all(Array.from(honest.values(), (each) => each.stop()))
for (const server of servers) await server.stop()
rmSync(folder, { recursive: true })

if (problems.length > 0) {
  console.error(problems.join("\n"))
  process.exitCode = 1
} else {
  console.log(`nothing grew in ${seconds} s`)
}
