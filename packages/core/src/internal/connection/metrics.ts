import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as MetricSeries from "../../MetricSeries.ts"
import type { Traffic } from "./traffic.ts"

const open = Metric.gauge("sluice_connections_open", { description: "Connections that are open now" })
const failed = Metric.counter("sluice_connections_failed", {
  description: "Connections that broke, or could not be accepted"
})
const bytesIn = Metric.counter("sluice_bytes_in", { description: "Bytes read from connections" })
const bytesOut = Metric.counter("sluice_bytes_out", { description: "Bytes written to connections" })

/** How long connections were open, in milliseconds. */
export const connectionDuration = Metric.histogram("sluice_connection_duration", {
  description: "How long connections were open, in milliseconds",
  boundaries: Metric.exponentialBoundaries({ start: 1, factor: 4, count: 12 })
})

/** The series of the connections that are counted together. */
export const streamSeries = (traffic: Traffic): ReadonlyArray<MetricSeries.MetricSeries> => [
  MetricSeries.gauge(open, () => traffic.open),
  MetricSeries.counter(failed, () => traffic.failed),
  MetricSeries.counter(bytesIn, () => synced(traffic).bytesIn),
  MetricSeries.counter(bytesOut, () => synced(traffic).bytesOut)
]

const synced = (traffic: Traffic): Traffic => {
  for (const activity of traffic.bypassed) activity.sync()
  return traffic
}

const outgoing = { role: "client" }

/** Reports the outgoing connections of a network for as long as the Scope is open. */
export const dialling = (traffic: Traffic): Effect.Effect<void, never, Scope.Scope> =>
  MetricSeries.report(outgoing, streamSeries(traffic))
