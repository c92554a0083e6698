// Compares the example programs with third-party programs. `npm run bench:programs -- --help` lists the flags.
// A program adds its tables to `sections`.
import { loadavg } from "node:os"
import { readOptions } from "../../../node/bench/options.ts"
import { writeJson } from "../../../node/bench/output.ts"
import { formatTable } from "../../../node/bench/report/table.ts"
import { dnsServer } from "./dns/server.ts"
import { filesTransfer } from "./files/transfer.ts"
import { mqttServer } from "./mqtt/server.ts"
import { redisClients } from "./redis/clients.ts"
import { redisServer } from "./redis/server.ts"
import type { Section } from "./section.ts"

const sections: ReadonlyArray<Section> = [redisServer, redisClients, dnsServer, filesTransfer, mqttServer]

const options = readOptions("programs", { full: { rounds: 7, seconds: 1 }, quick: { rounds: 3, seconds: 0.5 } })
const wanted = sections.filter(({ rows, title }) => rows.some((row) => options.isWanted(`${title}: ${row}`)))
const measured: Record<string, unknown> = {}

process.stdout.write(
  `Node ${process.version}; medians of ${options.rounds} rounds, ${options.seconds} s each. Right of them: the median of the ` +
    `rounds' ratios to the first, ± half of their range.\nLoad average before the start: ${
      loadavg()[0]!.toFixed(1)
    }. ` +
    "Other programs distort the numbers.\n"
)
for (const section of wanted) {
  const results = await section.run(options)
  process.stdout.write(
    `\n${section.title}\n${"missing" in results ? `skipped: needs ${results.missing}` : formatTable(results)}\n`
  )
  measured[section.title] = results
}
writeJson(options.json, measured)
