import { existsSync, readFileSync } from "node:fs"
import type { Comparison } from "./comparison.ts"
import { table } from "./markdown.ts"

interface Stored {
  readonly ratio: number
  readonly low: number
  readonly high: number
}

type File = {
  readonly suites: Readonly<
    Record<string, {
      readonly scenarios: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Stored>>>>>>
    }>
  >
}

/**
 * What has changed since earlier values were stored: ratios to the baseline of each suite, which depend little on the
 * machine, and only those whose intervals do not overlap.
 */
export const changes = (file: string, suites: Readonly<Record<string, Comparison>>): string => {
  if (!existsSync(file)) return ""
  const stored = JSON.parse(readFileSync(file, "utf8")) as File
  const lines: Array<ReadonlyArray<string>> = []
  for (const [name, comparison] of Object.entries(suites)) {
    for (const scenario of comparison.scenarios) {
      for (const server of comparison.servers.slice(1)) {
        const metric = comparison.metrics[0]!
        const before = stored.suites[name]?.scenarios[scenario]?.[server]?.[metric.name]
        const now = comparison.summary(scenario, server, metric)
        if (before === undefined || (now.low <= before.high && now.high >= before.low)) continue
        const isBetter = (now.ratio < before.ratio) === (metric.better === "less")
        lines.push([
          `${comparison.title}: ${scenario}, ${server}, ${metric.name}`,
          before.ratio.toFixed(2),
          now.ratio.toFixed(2),
          isBetter ? "better" : "worse"
        ])
      }
    }
  }
  const heading = "### Changed since the stored values\n\n"
  if (lines.length === 0) return `${heading}No ratio has left its interval.\n`
  return `${heading}${table([["", "stored", "now", ""], ...lines])}\n`
}
