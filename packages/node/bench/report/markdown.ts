import type { Comparison, Summary } from "../comparison.ts"

/** A comparison as Markdown: a table for each scenario, a line for each server. */
export const markdown = (comparison: Comparison): string => {
  const { metrics, scenarios, servers, title } = comparison
  const [first, ...others] = metrics
  const hasCollections = scenarios.some((each) => servers.some((server) => comparison.collections(each, server)))
  return scenarios.map((scenario) => {
    const lines = servers.map((server) => {
      const summaries = metrics.map((metric) => comparison.summary(scenario, server, metric))
      const isBaseline = server === servers[0]
      const collections = comparison.collections(scenario, server)
      return [
        server,
        ...summaries.flatMap((summary, index) =>
          index === 0 || summary.reach !== undefined
            ? [significant(summary.median), isBaseline ? "1" : ratio(summary), isBaseline ? "" : reach(summary)]
            : [significant(summary.median)]
        ),
        ...(hasCollections ? [collections === undefined ? "" : `${Math.round(collections * 100)} %`] : [])
      ]
    })
    const isReached = (name: string) =>
      servers.some((server) =>
        comparison.summary(scenario, server, metrics.find((metric) => metric.name === name)!).reach !== undefined
      )
    const head = [
      "",
      ...[first!, ...others].flatMap(({ name }, index) =>
        index === 0 || isReached(name) ? [name, "ratio [95 %]", "reach"] : [name]
      ),
      ...(hasCollections ? ["GC"] : [])
    ]
    // A server without a reach has empty cells where another has one.
    const full = lines.map((line, at) =>
      line.length === head.length ? line : [
        line[0]!,
        ...metrics.flatMap((metric, index) => {
          const summary = comparison.summary(scenario, servers[at]!, metric)
          const cells = [significant(summary.median), at === 0 ? "1" : ratio(summary), at === 0 ? "" : reach(summary)]
          return index === 0 || isReached(metric.name) ? cells : cells.slice(0, 1)
        }),
        ...(hasCollections ? [line[line.length - 1]!] : [])
      ]
    )
    return `### ${title}: ${scenario}\n\n${table([head, ...full])}\n`
  }).join("\n")
}

const ratio = ({ high, low, ratio }: Summary): string => `${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`

const reach = ({ reach, verdict }: Summary): string => reach === undefined ? "" : `${reach} ${verdict}`

/** Three digits that matter; what is above a thousand is whole. */
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
