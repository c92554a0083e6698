// Compares UDP echo servers over loopback: datagrams per second, and how many are lost. `npm run bench:udp -- --help` tells
// the flags.
import { interleave } from "./interleave.ts"
import { makeGenerator } from "./load.ts"
import { readOptions } from "./options.ts"
import { publish } from "./publish.ts"
import { Results, type Row } from "./results.ts"
import { type Contestant, startServer } from "./server.ts"

const contestants: ReadonlyArray<Contestant> = [
  { name: "node:dgram", file: "udpNode" },
  { name: "platform-node", file: "udpPlatform" },
  { name: "Sluice", file: "udpSluice" },
  { name: "Sluice Stream", file: "udpSluiceStream" }
]

const options = readOptions("udp", { full: { rounds: 5, seconds: 1 }, quick: { rounds: 3, seconds: 0.25 } })
const generator = makeGenerator("loadgenUdp")
const warmup = options.seconds / 3

// Two, so that a full window of 1 KiB datagrams of both fits into the kernel's default receive buffer.
const clients = 2

interface Case extends Row {
  readonly size: number
  readonly inFlight: number
}

const datagrams = (size: number, inFlight: number): Case => ({
  name: `${size} B, ${clients} clients, ${inFlight} in flight each`,
  unit: "k/s",
  better: "more",
  size,
  inFlight
})

const cases = [datagrams(64, 1), datagrams(64, 32), datagrams(1024, 1), datagrams(1024, 32)]
  .filter((row) => options.isWanted(row.name))
const results = new Results(cases, contestants.map(({ name }) => name))
const lost = new Map(contestants.map(({ name }) => [name, 0]))

const servers = await Promise.all(contestants.map((contestant) => startServer(contestant)))
// In the first round the compiler warms up; it does not count.
await interleave(options.rounds + 1, cases, servers, async (row, { name, port }, round) => {
  const load = await generator.run(port, clients, row.size, row.inFlight, warmup, options.seconds)
  if (round === 0) return
  results.add(row, name, load.count / load.seconds / 1000)
  lost.set(name, lost.get(name)! + load.lost)
})
for (const server of servers) await server.stop()

publish("UDP echo over loopback", results, options, generator, [
  "Each server is a process of its own; the contents of every datagram that comes back are checked.",
  `Lost: ${Array.from(lost, ([name, count]) => `${name} ${count}`).join(", ")}.`
])
