import { availableParallelism, cpus, loadavg } from "node:os"
import { cores } from "../cores.ts"
import type { Generator } from "../load/generator.ts"
import type { Options } from "../options.ts"
import { writeJson } from "../output.ts"
import type { Results } from "./results.ts"
import { formatTable } from "./table.ts"

const loadBefore = loadavg()[0]!

/** Prints the table, with what a reader has to know of how it came about, and writes all values as JSON. */
export const publish = (
  title: string,
  results: Results,
  options: Options,
  generator: Generator,
  notes: ReadonlyArray<string>
): void => {
  const binding = cores === undefined
    ? "server and load share all cores, because taskset or a second core is missing"
    : `server on core ${cores.server}, load on core ${cores.load}`
  const lines = [
    title,
    `Node ${process.version}, ${
      cpus()[0]?.model ?? process.arch
    }; ${binding}; load generator in ${generator.language}` +
    (generator.language === "C"
      ? ""
      : ": slower, because no C compiler works here; ratios are nearer to 1 than they should be"),
    `Load average before the start: ${loadBefore.toFixed(1)}. Other programs distort the numbers.`,
    "",
    formatTable(results),
    "",
    `Medians of ${options.rounds} rounds, ${options.seconds} s each. Right of them: the median of the rounds' ratios to ` +
    `${results.servers[0]}, ± half of their range.`,
    ...notes
  ]
  process.stdout.write(`${lines.join("\n")}\n`)
  writeJson(options.json, {
    title,
    node: process.version,
    processor: cpus()[0]?.model,
    availableParallelism: availableParallelism(),
    cores: cores ?? null,
    loadBefore,
    generator: generator.language,
    rounds: options.rounds,
    seconds: options.seconds,
    rows: results
  })
}
