import { join } from "node:path"
import { parseArgs } from "node:util"
import { directory } from "./output.ts"

/** How much is measured. */
export interface Options {
  readonly rounds: number
  /** Seconds of each measurement, after a warm-up of a third of it. */
  readonly seconds: number
  /** Which rows are measured, as it was given. */
  readonly only: string
  readonly isWanted: (row: string) => boolean
  readonly json: string
  /** Earlier values to compare with. */
  readonly baseline: string
}

const usage = (name: string) =>
  `usage: npm run ${name === "bench" ? name : `bench:${name}`} -- [flags]

  --quick          fewer and shorter rounds
  --rounds N       rounds, 1 to 50; of each value the median is printed
  --seconds N      seconds of each measurement, 0.1 to 10
  --only PATTERN   only the rows whose name matches this regular expression
  --json FILE      where to write all values (default: .bench/${name}.json)
${
    name === "bench"
      ? "  --baseline FILE  earlier values to compare with (default: packages/node/bench/baseline.json)\n"
      : ""
  }`

/** Reads the flags; on a wrong one it prints the usage and ends the process. */
export const readOptions = (
  name: string,
  defaults: Record<"full" | "quick", { readonly rounds: number; readonly seconds: number }>
): Options => {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        seconds: { type: "string" },
        only: { type: "string", default: "" },
        json: { type: "string", default: join(directory, `${name}.json`) },
        baseline: { type: "string", default: join(import.meta.dirname, "baseline.json") },
        help: { type: "boolean", default: false }
      }
    })
    if (values.help) throw new Error("")
    const chosen = values.quick ? defaults.quick : defaults.full
    const only = new RegExp(values.only, "i")
    return {
      rounds: number("--rounds", values.rounds ?? chosen.rounds, 1, 50, Number.isInteger),
      seconds: number("--seconds", values.seconds ?? chosen.seconds, 0.1, 10),
      only: values.only,
      isWanted: (row) => only.test(row),
      json: values.json,
      baseline: values.baseline
    }
  } catch (error) {
    const { message } = error as Error
    process.stderr.write(message === "" ? usage(name) : `${message}\n\n${usage(name)}`)
    process.exit(message === "" ? 0 : 2)
  }
}

const number = (
  flag: string,
  input: string | number,
  min: number,
  max: number,
  isValid: (value: number) => boolean = Number.isFinite
): number => {
  const value = Number(input)
  if (isValid(value) && value >= min && value <= max) return value
  throw new Error(`${flag} ${input}: not a number from ${min} to ${max}`)
}
