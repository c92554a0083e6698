// Compares servers that answer each message with itself, over loopback: lengths before messages, and lines. What is
// written by hand on node:net checks the same limits, decodes UTF-8 as strictly and notices a message that is cut off.
import { interleave } from "./interleave.ts"
import { makeGenerator } from "./load.ts"
import { readOptions } from "./options.ts"
import { publish } from "./publish.ts"
import { Results, type Row } from "./results.ts"
import { type Server, startServer } from "./server.ts"

type Format = "length" | "lines"

interface FormatRow extends Row {
  readonly format: Format
  readonly inFlight: number
}

const payload = 64
const overhead = { length: 4, lines: 1 }
const connections = 50

const options = readOptions("framing", { full: { rounds: 5, seconds: 0.6 }, quick: { rounds: 3, seconds: 0.1 } })
const generator = makeGenerator("loadgen")

const rows = (["length", "lines"] as const)
  .flatMap((format) =>
    [1, 16].map((inFlight): FormatRow => ({
      name: `${format} echo, ${payload} B, ${connections} conn, ${inFlight} in flight`,
      unit: "k/s",
      better: "more",
      format,
      inFlight
    }))
  )
  .filter((row) => options.isWanted(row.name))

const start = async (name: string, prefix: string) => ({
  name,
  length: await startServer({ name, file: `${prefix}Length` }),
  lines: await startServer({ name, file: `${prefix}Lines` })
})

const measure = async (server: Server, { format, inFlight }: FormatRow): Promise<number> => {
  const size = payload + overhead[format]
  const warmup = options.seconds / 3
  const load = await generator.run(format, server.port, connections, size, inFlight, warmup, options.seconds)
  return load.count / load.seconds / 1000
}

const contestants = [await start("node:net by hand", "framingNode"), await start("Framed.serve", "framingSluice")]
const results = new Results(rows, contestants.map(({ name }) => name))

// In the first round the compiler warms up; it does not count.
await interleave(options.rounds + 1, rows, contestants, async (row, contestant, round) => {
  const value = await measure(contestant[row.format], row)
  if (round > 0) results.add(row, contestant.name, value)
})
for (const { length, lines } of contestants) await Promise.all([length.stop(), lines.stop()])

publish("Messages echoed over loopback", results, options, generator, [
  "Each server is a process of its own; every byte that comes back is checked. Nagle's algorithm is off everywhere."
])
