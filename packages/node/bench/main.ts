// Measures servers against node:net by hand, platform-node and C: CPU time per operation, throughput, latencies, memory and
// start. `npm run bench -- --help` lists the flags; `--only tcp` measures one suite.
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { dirname, join, resolve } from "node:path"
import { cores } from "./cores.ts"
import { readOptions } from "./options.ts"
import { writeJson } from "./output.ts"
import { changes } from "./report/baseline.ts"
import { bars, curves } from "./report/charts.ts"
import type { Comparison } from "./report/comparison.ts"
import { markdown } from "./report/markdown.ts"
import { startServer } from "./server.ts"
import { runSuite, type Suite, using } from "./suite.ts"
import { bridge, bridgeHttp } from "./suites/bridge.ts"
import { idle, start } from "./suites/footprint.ts"
import { framing } from "./suites/framing.ts"
import { generator, latency, relay, tcp } from "./suites/tcp.ts"
import { tls } from "./suites/tls.ts"
import { udp } from "./suites/udp.ts"

const options = readOptions("bench", { full: { rounds: 12, seconds: 0.25 }, quick: { rounds: 5, seconds: 0.1 } })
const folder = dirname(resolve(options.json))
mkdirSync(folder, { recursive: true })

const written: Array<string> = []
const print = (text: string): void => {
  written.push(text)
  process.stdout.write(`${text}\n`)
}

print(`## Servers, measured

Node ${process.version}, ${cpus()[0]?.model ?? process.arch}; ${
  cores === undefined
    ? "server and load share all cores"
    : `server on core ${cores.server}, load on core ${cores.load}`
}; load generator in ${generator.language}. Load average before the start: ${loadavg()[0]!.toFixed(1)}.

Each server is a process of its own; every byte that comes back is checked; Nagle's algorithm is off everywhere. All take
turns, up to ${options.rounds} rounds of ${options.seconds} s of the server's CPU time; those of NodeDuplex share a core instead, and are measured at
the same time. CPU is the time of all threads of the server per operation. A ratio is the median of the rounds' ratios to the
first server, with its interval of 95 %; a reach is "met" or "missed" where the whole interval is on one side, and otherwise
"open". A server is measured until its verdicts are clear, and for six rounds at least. "node:net again" is the first server a
second time: its ratio shows the noise of the machine. GC is the share of time in garbage collection.
`)

const suites: Record<string, Comparison> = {}
const failed: Array<string> = []

/** Everything measured so far is written: a run that is stopped leaves its finished suites. */
const write = (): void => {
  writeFileSync(join(folder, "bench.md"), written.join("\n"))
  writeJson(options.json, {
    node: process.version,
    processor: cpus()[0]?.model,
    rounds: options.rounds,
    suites,
    failed
  })
}

/** Runs a suite. If it fails, the table says so, and the others run all the same. */
const run = async (name: string, begin: () => Promise<void>): Promise<void> => {
  const before = performance.now()
  try {
    await begin()
  } catch (error) {
    failed.push(name)
    process.exitCode = 1
    print(`### ${name}: failed\n\n${(error as Error).message}\n`)
  }
  write()
  const seconds = (performance.now() - before) / 1000
  if (seconds > 1) process.stderr.write(`${name}: ${seconds.toFixed(0)} s\n`)
}

const measure = async (suite: Suite): Promise<void> => {
  const comparison = await runSuite(suite, options)
  if (comparison.scenarios.length === 0) return
  suites[suite.name] = comparison
  print(markdown(comparison))
  const metric = comparison.metrics[0]!
  writeFileSync(join(folder, `${suite.name}.svg`), bars(comparison, metric))
  if (suite.name !== "latency") return
  for (const name of ["p50 µs", "p99 µs"]) {
    const curve = curves(comparison, { name, better: "less" })
    writeFileSync(join(folder, `${suite.name}-${name.slice(0, 3)}.svg`), curve)
  }
}

const begun = performance.now()
for (const suite of [tcp, latency, ...framing]) await run(suite.name, () => measure(suite))
await run(
  "relay",
  () => using(startServer({ name: "upstream", file: "tcpNode" }, cores?.load), ({ port }) => measure(relay(port)))
)
await run("udp", () => measure(udp))
await run("tls", async () => measure(await tls()))
for (const suite of [bridge, bridgeHttp, idle, start]) await run(suite.name, () => measure(suite))

// What other packages measure, in processes of their own.
const also = [
  {
    name: "chat",
    file: "../../examples/bench/chat.ts",
    flags: ["--rounds", "3", "--seconds", "0.6", "--only", " (1|128) lines|idle"]
  },
  { name: "simulation", file: "../../simulation/bench/simulation.ts", flags: [] }
]
for (const { file, flags, name } of also.filter((each) => options.isWanted(each.name))) {
  await run(name, async () => {
    const path = resolve(import.meta.dirname, file)
    const { status, stderr, stdout } = spawnSync(process.execPath, ["--expose-gc", path, ...flags], {
      encoding: "utf8"
    })
    if (status !== 0) throw new Error(stderr.trim())
    print(`### ${name}\n\n\`\`\`\n${stdout.trim()}\n\`\`\`\n`)
  })
}

const changed = changes(options.baseline, suites)
if (changed !== "") print(changed)
print(`Measured in ${((performance.now() - begun) / 60_000).toFixed(1)} minutes.`)
write()
