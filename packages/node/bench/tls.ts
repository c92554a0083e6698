// Compares TLS echo servers over loopback: handshakes per second, full and resumed, and the throughput after it.
// `npm run bench:tls -- --help` tells the flags.
import * as Certificates from "@sluice/node/TestCertificates"
import * as Effect from "effect/Effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { interleave } from "./interleave.ts"
import { makeGenerator } from "./load.ts"
import { readOptions } from "./options.ts"
import { directory } from "./output.ts"
import { publish } from "./publish.ts"
import { Results } from "./results.ts"
import { echoRows, type Timed } from "./rows.ts"
import { type Contestant, startServer } from "./server.ts"

const contestants: ReadonlyArray<Contestant> = [
  { name: "node:tls", file: "tlsNode" },
  { name: "Sluice pipe", file: "tlsSluicePipe" },
  { name: "Sluice read, write", file: "tlsSluiceLoop" }
]

const options = readOptions("tls", { full: { rounds: 7, seconds: 0.6 }, quick: { rounds: 3, seconds: 0.2 } })
const generator = makeGenerator("loadgenTls", "-lssl", "-lcrypto")
const warmup = options.seconds / 3

const handshakes = (kind: "full" | "resumed"): Timed => ({
  name: `${kind} handshake, echo 1 B, end`,
  unit: "/s",
  better: "more",
  measure: async ({ port }) => {
    const { count, seconds } = await generator.run(kind, port, 20, warmup, options.seconds)
    return count / seconds
  }
})

const echo = echoRows(generator, warmup, options.seconds)

const rows = [
  handshakes("full"),
  handshakes("resumed"),
  echo(50, 64, 1),
  echo(50, 64, 16),
  echo(1, 16 * 1024, 4),
  echo(1, 64 * 1024, 4),
  echo(50, 64 * 1024, 4)
].filter((row) => options.isWanted(row.name))
const results = new Results(rows, contestants.map(({ name }) => name))

const certificate = await Effect.runPromise(
  Effect.flatMap(Certificates.authority("Benchmark CA"), (authority) => authority.issue({ names: ["localhost"] }))
)
const folder = join(directory, "tls")
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, "chain.pem"), certificate.chain)
writeFileSync(join(folder, "key.pem"), certificate.key)

const servers = await Promise.all(contestants.map((each) => startServer(each)))
// In the first round the compiler warms up; it does not count.
await interleave(options.rounds + 1, rows, servers, async (row, server, round) => {
  const value = await row.measure(server)
  if (round > 0) results.add(row, server.name, value)
})
for (const server of servers) await server.stop()

publish("TLS echo over loopback", results, options, generator, [
  "TLS 1.3 with the ciphers that both sides prefer, and a certificate with a P-256 key. Each server is a process of its",
  "own; every byte that comes back is checked."
])
