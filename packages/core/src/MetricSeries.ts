/**
 * Metrics of numbers that a program keeps anyway: a reader of the metrics asks for them, and counting costs nothing more.
 *
 * ```ts
 * import * as MetricSeries from "@sluice/core/MetricSeries"
 * import * as Metric from "effect/Metric"
 *
 * const waiting = Metric.gauge("jobs_waiting")
 *
 * const jobs: Array<string> = []
 *
 * // As long as the Scope is open.
 * const reported = MetricSeries.report({ queue: "mail" }, [MetricSeries.gauge(waiting, () => jobs.length)])
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"

/**
 * A number that is reported whenever a reader of the metrics asks, until the registration is removed.
 *
 * @category models
 * @since 0.1.0
 */
export type MetricSeries = (context: Context.Context<never>) => Metric.Registration

const inert = { update: () => {}, modify: () => {} }

/**
 * A counter that reports what `count` returns, with these attributes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const counter = (
  metric: Metric.Counter<number>,
  count: () => number,
  attributes?: Metric.Metric.AttributeSet
): MetricSeries =>
(context) =>
  Metric.registerUnsafe(metric, attributes === undefined ? context : labelled(context, attributes), {
    ...inert,
    get: () => ({ count: count(), incremental: false })
  })

/**
 * A gauge that reports what `value` returns.
 *
 * @category constructors
 * @since 0.1.0
 */
export const gauge = (metric: Metric.Gauge<number>, value: () => number): MetricSeries => (context) =>
  Metric.registerUnsafe(metric, context, { ...inert, get: () => ({ value: value() }) })

/**
 * Reports the series, with these attributes, as long as the Scope is open.
 *
 * @category reporting
 * @since 0.1.0
 */
export const report = (
  attributes: Metric.Metric.AttributeSet,
  series: ReadonlyArray<MetricSeries>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() => series.map((register) => register(labelled(context, attributes))))
    ),
    (registrations) => Effect.sync(() => registrations.forEach((registration) => registration.remove()))
  ))

const labelled = (
  context: Context.Context<never>,
  attributes: Metric.Metric.AttributeSet
): Context.Context<never> => {
  const around = Context.get(context, Metric.CurrentMetricAttributes)
  // One object for all series of a report: a metric remembers the key of the attributes that it was given last.
  const own = Object.keys(around).length === 0 ? attributes : { ...around, ...attributes }
  return Context.add(context, Metric.CurrentMetricAttributes, own)
}
