// Compares framings with what is written by hand: servers that answer each message with itself, over loopback, and then
// decoding and encoding in memory, which packages/core/bench/framing.ts measures. The servers by hand check the same limits,
// decode UTF-8 as strictly and notice a message that is cut off.
import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
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

if (rows.length > 0) {
  const contestants = [
    await start("node:net by hand", "framingNode"),
    await start("Framed.serve", "framingSluice"),
    await start("Framed.serve, Effect.gen", "framingGen")
  ]
  const results = new Results(rows, contestants.map(({ name }) => name))

  // In the first round the compiler warms up; it does not count.
  await interleave(options.rounds + 1, rows, contestants, async (row, contestant, round) => {
    const value = await measure(contestant[row.format], row)
    if (round > 0) results.add(row, contestant.name, value)
  })
  for (const { length, lines } of contestants) await Promise.all([length.stop(), lines.stop()])

  publish("Messages echoed over loopback", results, options, generator, [
    "Each server is a process of its own; every byte that comes back is checked. Nagle's algorithm is off everywhere.",
    ""
  ])
}

const inMemory = resolve(import.meta.dirname, "../../core/bench/framing.ts")
const milliseconds = String(options.seconds * 400)
const { status } = spawnSync(process.execPath, [inMemory, "--only", options.only, "--milliseconds", milliseconds], {
  stdio: "inherit"
})
process.exitCode = status ?? 1

// Codecs, against decoders by hand and the packages that people use for these protocols.
if (status === 0) {
  const codecs = resolve(import.meta.dirname, "../../codec/bench/codec.ts")
  const { status } = spawnSync(process.execPath, [codecs, "--only", options.only, "--milliseconds", milliseconds], {
    stdio: "inherit"
  })
  process.exitCode = status ?? 1
}
