// Compares the chat with chats by hand on node:net: one room, 1,000 receivers and a sender that always has lines on their
// way; then the memory of idle clients, and of receivers that do not read. `npm run bench:chat -- --help` tells the flags.
import { resolve } from "node:path"
import { installExamples } from "../../node/bench/installation.ts"
import { interleave } from "../../node/bench/interleave.ts"
import { type Load, makeGenerator } from "../../node/bench/load/generator.ts"
import { readOptions } from "../../node/bench/options.ts"
import { publish } from "../../node/bench/report/publish.ts"
import { Results, type Row } from "../../node/bench/report/results.ts"
import { type Contestant, type Server, startServer } from "../../node/bench/server.ts"

const options = readOptions("chat", { full: { rounds: 5, seconds: 1.5 }, quick: { rounds: 3, seconds: 0.5 } })
const generator = makeGenerator(resolve(import.meta.dirname, "chatload"))
const servers = installExamples()

const contestants: ReadonlyArray<Contestant> = [
  { name: "node:net, by line", file: resolve(servers, "chatNodeLines") },
  { name: "node:net, by read", file: resolve(servers, "chatNode") },
  { name: "Sluice chat", file: resolve(servers, "chatSluice") }
]

const receivers = 1000
const idleClients = 10_000
const megabyte = 1e6
const warmup = options.seconds / 3

// ---------------------------------------------------------------------------------------------------------------------
// Rows
// ---------------------------------------------------------------------------------------------------------------------

interface Fan {
  readonly name: string
  readonly inFlight: number
  readonly rows: ReadonlyArray<Row & { readonly of: (load: Load) => number }>
}

const fan = (inFlight: number): Fan => {
  const name = `${receivers} receivers, ${inFlight} lines in flight`
  return {
    name,
    inFlight,
    rows: [
      { name: `${name}, deliveries`, unit: "k/s", better: "more", of: ({ count, seconds }) => count / seconds / 1000 },
      { name: `${name}, p50`, unit: "ms", better: "less", of: ({ p50 }) => p50 / 1000 },
      { name: `${name}, p99`, unit: "ms", better: "less", of: ({ p99 }) => p99 / 1000 }
    ]
  }
}

const fans = [fan(1), fan(16), fan(128)].filter(({ name }) => options.isWanted(name))

const idleHeap: Row = { name: `heap per idle client of ${idleClients}`, unit: "bytes", better: "less" }
const idleResident: Row = { name: "resident per idle client", unit: "bytes", better: "less" }
const deafGrowth: Row = { name: "resident growth, a tenth does not read", unit: "MB", better: "less" }
const memory = [idleHeap, idleResident].filter((row) => options.isWanted(row.name))
const deaf = [deafGrowth].filter((row) => options.isWanted(row.name))

const results = new Results(
  [...fans.flatMap(({ rows }) => rows), ...memory, ...deaf],
  contestants.map(({ name }) => name)
)

// ---------------------------------------------------------------------------------------------------------------------
// Rounds
// ---------------------------------------------------------------------------------------------------------------------

const load = (server: Server, inFlight: number, deaf: number, seconds: number): Promise<Load> =>
  generator.run("fan", server.port, receivers - deaf, deaf, inFlight, warmup, seconds)

if (fans.length > 0) {
  const running = await Promise.all(contestants.map((contestant) => startServer(contestant)))
  // In the first round the compiler warms up; it does not count.
  await interleave(options.rounds + 1, fans, running, async ({ inFlight, rows }, server, round) => {
    const result = await load(server, inFlight, 0, options.seconds)
    if (round > 0) { for (const row of rows) results.add(row, server.name, row.of(result)) }
  })
  for (const server of running) await server.stop()
}

// What memory is needed hardly varies.
const memoryRounds = Math.max(1, options.rounds - 3)

if (memory.length > 0) {
  await interleave(memoryRounds, ["idle"], contestants, async (_, contestant) => {
    const server = await startServer(contestant)
    // What the first clients load and compile is not for them alone.
    await load(server, 1, 0, 0.2)
    const before = await server.usage()
    const after = await generator.hold(["idle", server.port, idleClients], server.usage)
    results.add(idleHeap, contestant.name, (after.heap - before.heap) / idleClients)
    results.add(idleResident, contestant.name, (after.resident - before.resident) / idleClients)
    await server.stop()
  })
}

if (deaf.length > 0) {
  await interleave(memoryRounds, deaf, contestants, async (row, contestant) => {
    const server = await startServer(contestant)
    await load(server, 16, 0, options.seconds)
    const before = await server.usage()
    const most = await highest(server, () => load(server, 16, receivers / 10, 2 * options.seconds))
    results.add(row, contestant.name, (most - before.resident) / megabyte)
    await server.stop()
  })
}

/** The most memory that a server has, in bytes, while something runs. */
async function highest(server: Server, run: () => Promise<unknown>): Promise<number> {
  let most = 0
  const finished = run().then(() => true)
  const pause = () => new Promise<boolean>((resolve) => setTimeout(resolve, 1000, false))
  do most = Math.max(most, (await server.usage()).resident)
  while (!await Promise.race([finished, pause()]))
  return most
}

publish(
  "A chat over loopback: one line of 64 bytes to each of 1,000 receivers is 1,000 deliveries",
  results,
  options,
  generator,
  [
    "Each server is a process of its own; every tenth receiver checks every line. \"By line\" writes each line to everybody by",
    "itself, \"by read\" what came in one read at once. The Sluice chat is the program that `npm run -s example -- chat server`",
    `runs, without its rate limit. Memory: ${memoryRounds} rounds, each with servers started anew.`
  ]
)
