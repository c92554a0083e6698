import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as MetricSeries from "../../MetricSeries.ts"

const messagesDropped = Metric.counter("sluice_messages_dropped", {
  description: "Messages that a slow subscriber missed"
})

/** Reports a subscription from now on. Most subscriptions never drop a message, and those are not reported. */
export const dropping = (
  subscription: { readonly name: string; readonly dropped: number },
  context: Context.Context<never>
): Metric.Registration =>
  MetricSeries.counter(messagesDropped, () => subscription.dropped, { subscriber: subscription.name })(context)
