import type { Comparison, Summary } from "./comparison.ts"

/** A comparison as Markdown: a table for each scenario, a line for each server. */
export const markdown = (comparison: Comparison): string => {
  const { metrics, scenarios, servers, title } = comparison
  const hasCollections = scenarios.some((each) => servers.some((server) => comparison.collections(each, server)))
  return scenarios.map((scenario) => {
    const columns = metrics.map((metric, index) => {
      const summaries = servers.map((server) => comparison.summary(scenario, server, metric))
      // The first metric has a ratio in any case.
      return { metric, summaries, isCompared: index === 0 || summaries.some(({ reach }) => reach !== undefined) }
    })
    const head = columns.flatMap(({ isCompared, metric: { name } }) =>
      isCompared ? [name, "ratio [95 %]", "reach"] : [name]
    )
    const lines = servers.map((server, at) => {
      const share = comparison.collections(scenario, server)
      const cells = columns.flatMap(({ isCompared, summaries }) => {
        const summary = summaries[at]!
        const value = significant(summary.median)
        if (!isCompared) return [value]
        return at === 0 ? [value, "1", ""] : [value, ratio(summary), reach(summary)]
      })
      const collections = share === undefined ? "" : `${Math.round(share * 100)} %`
      return [server, ...cells, ...(hasCollections ? [collections] : [])]
    })
    return `### ${title}: ${scenario}\n\n${table([["", ...head, ...(hasCollections ? ["GC"] : [])], ...lines])}\n`
  }).join("\n")
}

const ratio = ({ high, low, ratio }: Summary): string => `${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`

const reach = ({ reach, verdict }: Summary): string => reach === undefined ? "" : `${reach} ${verdict}`

/** Three significant digits; from 100, a whole number. */
export const significant = (value: number): string =>
  Number.isNaN(value) ? "" : value >= 100 ? value.toFixed(0) : value.toPrecision(3)

/** A table in Markdown whose columns are aligned for a terminal too. */
export const table = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = lines[0]!.map((_, column) => Math.max(3, ...lines.map((line) => line[column]!.length)))
  const format = (line: ReadonlyArray<string>) =>
    `| ${line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(" | ")} |`
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)
  return [format(lines[0]!), format(rule), ...lines.slice(1).map(format)].join("\n")
}
