import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"

/** A count that is reported until it is removed. */
export type Registration = Metric.Registration

/** Something that reports a number whenever a reader of the metrics asks. */
export type Series = (context: Context.Context<never>) => Registration

const inert = { update: () => {}, modify: () => {} }

/** A counter that reports a plain number which is kept anyway. */
export const counted = (
  metric: Metric.Counter<number>,
  count: () => number,
  attributes: Metric.Metric.AttributeSet = {}
): Series =>
(context) =>
  Metric.registerUnsafe(metric, labelled(context, attributes), {
    ...inert,
    get: () => ({ count: count(), incremental: false })
  })

/** A gauge that reports a plain number which is kept anyway. */
export const gauged = (metric: Metric.Gauge<number>, value: () => number): Series => (context) =>
  Metric.registerUnsafe(metric, context, { ...inert, get: () => ({ value: value() }) })

/** Reports the series, with these attributes, for as long as the Scope is open. */
export const registered = (
  attributes: Metric.Metric.AttributeSet,
  series: ReadonlyArray<Series>
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
): Context.Context<never> =>
  Context.add(context, Metric.CurrentMetricAttributes, {
    ...Context.get(context, Metric.CurrentMetricAttributes),
    ...attributes
  })
