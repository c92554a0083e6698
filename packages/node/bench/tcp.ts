// Compares TCP echo servers over loopback: messages and bytes per second, connections per second, the memory of idle
// connections, and what starting costs. `npm run bench:tcp -- --help` tells the flags.
import { cores } from "./cores.ts"
import { interleave } from "./interleave.ts"
import { makeGenerator } from "./load.ts"
import { readOptions } from "./options.ts"
import { publish } from "./publish.ts"
import { Results, type Row } from "./results.ts"
import { echoRows, type Timed } from "./rows.ts"
import { type Contestant, startServer } from "./server.ts"

const contestants: ReadonlyArray<Contestant> = [
  { name: "node:net", file: "tcpNode" },
  { name: "platform-node", file: "tcpPlatform" },
  { name: "Sluice pipe", file: "tcpSluicePipe" },
  { name: "Sluice Stream", file: "tcpSluiceStream" },
  { name: "Sluice lent Stream", file: "tcpSluiceLent" },
  { name: "Sluice read, write", file: "tcpSluiceLoop" }
]

const options = readOptions("tcp", { full: { rounds: 5, seconds: 0.6 }, quick: { rounds: 3, seconds: 0.1 } })
const generator = makeGenerator("loadgen")
const warmup = options.seconds / 3
const megabyte = 1e6

// ---------------------------------------------------------------------------------------------------------------------
// Rows
// ---------------------------------------------------------------------------------------------------------------------

const echo = echoRows(generator, warmup, options.seconds)

const accept: Timed = {
  name: "connect, echo 64 B, close",
  unit: "k/s",
  better: "more",
  measure: async ({ port }) => {
    const { count, seconds } = await generator.run("connect", port, 50, 64, warmup, options.seconds)
    return count / seconds / 1000
  }
}

const idleConnections = 5000
const idleHeap: Row = { name: `heap per idle connection of ${idleConnections}`, unit: "bytes", better: "less" }
const idleResident: Row = { name: "resident per idle connection", unit: "bytes", better: "less" }
const startWall: Row = { name: "start until listening", unit: "ms", better: "less" }
const startCpu: Row = { name: "start until listening, CPU", unit: "ms", better: "less" }
const startHeap: Row = { name: "heap when listening", unit: "MB", better: "less" }

const timed = [
  echo(1, 64, 1),
  echo(50, 64, 1),
  echo(1, 64, 16),
  echo(50, 64, 16),
  echo(1, 16 * 1024, 4),
  echo(50, 16 * 1024, 4),
  accept
].filter((row) => options.isWanted(row.name))
const footprint = [idleHeap, idleResident, startWall, startCpu, startHeap].filter((row) => options.isWanted(row.name))
const results = new Results([...timed, ...footprint], contestants.map(({ name }) => name))

const relayed = [echo(50, 64, 16), echo(50, 16 * 1024, 4), accept]
  .map((row) => ({ ...row, name: `relay: ${row.name}` }))
  .filter((row) => options.isWanted(row.name))

// What is measured of relays goes into a file of its own.
const beside = (file: string): string => file.replace(/(\.json)?$/, "-relay.json")

// ---------------------------------------------------------------------------------------------------------------------
// Rounds
// ---------------------------------------------------------------------------------------------------------------------

if (timed.length > 0) {
  const servers = await Promise.all(contestants.map((contestant) => startServer(contestant)))
  // In the first round the compiler warms up; it does not count.
  await interleave(options.rounds + 1, timed, servers, async (row, server, round) => {
    const value = await row.measure(server)
    if (round > 0) results.add(row, server.name, value)
  })
  for (const server of servers) await server.stop()
}

// Starting takes long, and what it costs hardly varies.
const footprintRounds = Math.max(1, options.rounds - 2)

if (footprint.length > 0) {
  await interleave(footprintRounds, ["footprint"], contestants, async (_, contestant) => {
    const { name } = contestant
    const server = await startServer(contestant)
    const started = await server.usage()
    results.add(startWall, name, server.startWall)
    results.add(startCpu, name, started.startCpu)
    results.add(startHeap, name, started.heap / megabyte)
    // What the first connections load and compile is not for them alone.
    await generator.run("connect", server.port, 50, 64, 0, 0.25)
    const before = await server.usage()
    const after = await generator.hold(["idle", server.port, idleConnections, 64], server.usage)
    results.add(idleHeap, name, (after.heap - before.heap) / idleConnections)
    results.add(idleResident, name, (after.resident - before.resident) / idleConnections)
    await server.stop()
  })
}

if (timed.length + footprint.length > 0) {
  publish("TCP echo over loopback", results, options, generator, [
    "Each server is a process of its own; every byte that comes back is checked. Nagle's algorithm is off everywhere.",
    `Memory and start: ${footprintRounds} rounds, each with servers started anew.`
  ])
}

// ---------------------------------------------------------------------------------------------------------------------
// Relays
// ---------------------------------------------------------------------------------------------------------------------

if (relayed.length > 0) {
  const upstream = await startServer({ name: "upstream", file: "tcpNode" }, cores?.load)
  const args = [String(upstream.port)]
  const relays = await Promise.all([
    startServer({ name: "node:net, pipe", file: "relayNode", args }),
    startServer({ name: "Sluice relay", file: "relaySluice", args })
  ])
  const results = new Results(relayed, relays.map(({ name }) => name))
  await interleave(options.rounds + 1, relayed, relays, async (row, server, round) => {
    const value = await row.measure(server)
    if (round > 0) results.add(row, server.name, value)
  })
  for (const server of [...relays, upstream]) await server.stop()
  if (timed.length + footprint.length > 0) process.stdout.write("\n")
  publish("TCP relay over loopback", results, { ...options, json: beside(options.json) }, generator, [
    "Each relay connects to an echo server on node:net for every connection that it accepts."
  ])
}
