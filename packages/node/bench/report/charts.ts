import type { Comparison, Metric } from "./comparison.ts"

const colors = ["#57606a", "#8c959f", "#bf8700", "#0969da", "#1a7f37", "#8250df", "#cf222e", "#afb8c1"]
const width = 720

const text = (x: number, y: number, content: string, anchor = "start"): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${content.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`

const svg = (height: number, title: string, body: ReadonlyArray<string>): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<g fill="#1f2328">`,
    `<g font-size="15" font-weight="600">${text(16, 26, title)}</g>`,
    ...body,
    "</g>",
    "</svg>",
    ""
  ].join("\n")

/** A bar for each server in each scenario, with the interval of its ratio to the baseline. */
export const bars = (comparison: Comparison, metric: Metric): string => {
  const body: Array<string> = []
  const [left, right] = [150, 180]
  let y = 44
  for (const scenario of comparison.scenarios) {
    const summaries = comparison.servers.map((server) => comparison.summary(scenario, server, metric))
    const most = Math.max(...summaries.map(({ median }) => median))
    body.push(`<g font-weight="600">${text(16, y + 12, scenario)}</g>`)
    y += 22
    summaries.forEach(({ high, low, median, ratio }, index) => {
      const length = median / most * (width - left - right)
      body.push(
        text(left - 8, y + 12, comparison.servers[index]!, "end"),
        `<rect x="${left}" y="${y + 1}" width="${length.toFixed(1)}" height="14" rx="2" fill="${colors[index]}"/>`,
        text(
          left + length + 6,
          y + 12,
          index === 0
            ? `${median.toPrecision(3)} ${metric.name}`
            : `${median.toPrecision(3)}, ${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`
        )
      )
      y += 18
    })
    y += 14
  }
  return svg(y, `${comparison.title}: ${metric.name} per operation of the server`, body)
}

/** A line for each server: a latency at each rate, both on logarithmic axes. */
export const curves = (comparison: Comparison, metric: Metric): string => {
  const [left, right, top, bottom] = [60, 150, 50, 330]
  const rates = comparison.scenarios.map((scenario) => Number(/([\d,]+)\/s$/.exec(scenario)![1]!.replaceAll(",", "")))
  const values = comparison.servers.map((server) =>
    comparison.scenarios.map((scenario) => Math.max(1, comparison.summary(scenario, server, metric).median))
  )
  const [least, most] = [Math.min(...values.flat()), Math.max(...values.flat())]
  const place = (value: number, from: number, to: number, low: number, high: number) =>
    from + (to - from) * (Math.log(value / low) / Math.max(0.01, Math.log(high / low)))
  const x = (rate: number) => place(rate, left, width - right, rates[0]!, rates[rates.length - 1]!)
  const y = (value: number) => place(value, bottom, top, least, most)
  const body = rates.map((rate) => text(x(rate), bottom + 22, `${rate.toLocaleString("en")}/s`, "middle"))
  for (const value of [least, most]) body.push(text(left - 10, y(value) + 4, value.toFixed(0), "end"))
  values.forEach((line, index) => {
    const points = line.map((value, at) => `${x(rates[at]!).toFixed(1)},${y(value).toFixed(1)}`).join(" ")
    body.push(
      `<polyline points="${points}" fill="none" stroke="${colors[index]}" stroke-width="2"/>`,
      `<rect x="${width - right + 16}" y="${top + index * 20}" width="12" height="12" fill="${colors[index]}"/>`,
      text(width - right + 34, top + 11 + index * 20, comparison.servers[index]!)
    )
  })
  return svg(bottom + 40, `${comparison.title}: ${metric.name}`, body)
}
