import { significant } from "./markdown.ts"
import type { Results } from "./results.ts"
import { spread } from "./statistics.ts"

/** The results as a table for a terminal: a line for each row, a column for each server. */
export const formatTable = (results: Results): string => {
  const [base, ...others] = results.servers
  const lines = [["", base!, ...others]]
  for (const row of results.rows) {
    const reference = results.summary(row, base!)
    const variation = Math.round(spread(reference.values) / reference.median * 100)
    lines.push([
      `${row.name}, ${row.unit}${row.better === "less" ? " (less is better)" : ""}`,
      `${significant(reference.median)} ±${variation}%`,
      ...others.map((server) => {
        const { median, ratio, spread } = results.summary(row, server)
        return `${significant(median)}  ${ratio.toFixed(2)} ±${spread.toFixed(2)}`
      })
    ])
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) => line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("   "))
    .join("\n")
}
