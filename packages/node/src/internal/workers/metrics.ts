import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/** A snapshot of a metric of a worker. */
export type Sample = Metric.Metric.Snapshot

/** The metrics of several workers as Prometheus text, each with the name of its worker. */
export const format = (
  workers: ReadonlyArray<{ readonly worker: string; readonly value: ReadonlyArray<Sample> }>
): Effect.Effect<string> => {
  const samples = new Map<string, Metric.Metric.Metadata<never, unknown>>()
  for (const { value, worker } of workers) {
    for (const { attributes, description, id, state, type } of value) {
      samples.set(String(samples.size), {
        id,
        type,
        description,
        attributes: { ...attributes, worker },
        hooks: { get: () => state, update: () => {}, modify: () => {} }
      })
    }
  }
  // Loaded on demand, because it imports the router of Effect's HTTP.
  return Effect.promise(() => import("effect/observability/PrometheusMetrics")).pipe(
    Effect.flatMap((prometheus) => prometheus.format()),
    Effect.provideService(Metric.MetricRegistry, samples)
  )
}
