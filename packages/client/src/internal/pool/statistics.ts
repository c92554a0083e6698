import * as MetricSeries from "@sluice/core/MetricSeries"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"

const boundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000]

// The most of each bucket.
const limits = [...boundaries, Infinity]

/** Counts the outcomes of requests, in plain numbers that metrics read on demand. */
export class Statistics {
  answered = 0
  readonly failed = new Map<string, number>()
  /** Called when requests fail for a reason for the first time. */
  onReason: (reason: string) => void = () => {}
  readonly #latencies = limits.map(() => 0)
  #least = Infinity
  #most = 0
  #sum = 0

  answer(millis: number): void {
    this.answered++
    this.#sum += millis
    this.#least = Math.min(this.#least, millis)
    this.#most = Math.max(this.#most, millis)
    this.#latencies[limits.findIndex((most) => millis <= most)]!++
  }

  fail(error: unknown, requests: number): void {
    const reason = reasonOf(error)
    const before = this.failed.get(reason)
    this.failed.set(reason, (before ?? 0) + requests)
    if (before === undefined) this.onReason(reason)
  }

  get latency(): Metric.HistogramState {
    let upTo = 0
    const buckets = this.#latencies.map((count, index): [number, number] => {
      upTo += count
      return [limits[index]!, upTo]
    })
    const min = this.answered === 0 ? 0 : this.#least
    return { buckets, count: this.answered, min, max: this.#most, sum: this.#sum }
  }
}

const reasonOf = (error: unknown): string => {
  if (!Predicate.hasProperty(error, "_tag")) return "Other"
  return Predicate.hasProperty(error, "reason") ? reasonOf(error.reason) : String(error._tag)
}

/** A client, as its metrics see it. */
export interface Measured {
  readonly statistics: Statistics
  readonly slots: { readonly taken: number; readonly waiting: number }
  readonly connections: number
  readonly ejections: number
}

const connections = Metric.gauge("sluice_client_connections", { description: "Open connections of a client" })
const pending = Metric.gauge("sluice_client_pending", {
  description: "Requests that wait for an answer or a connection"
})
const waiting = Metric.gauge("sluice_client_waiting", { description: "Requests that wait for room" })
const answered = Metric.counter("sluice_client_answered", { description: "Requests that were answered" })
const failed = Metric.counter("sluice_client_failed", { description: "Requests that failed, by reason" })
const ejections = Metric.counter("sluice_client_ejections", { description: "How often endpoints were ejected" })
const latency = Metric.histogram("sluice_client_latency", {
  description: "Time from a request to its answer, in milliseconds",
  boundaries
})

/** Reports a client by its name for as long as the Scope is open. */
export const measuring = (name: string, client: Measured): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { slots, statistics } = client
    yield* MetricSeries.report({ client: name }, [
      MetricSeries.gauge(connections, () => client.connections),
      MetricSeries.gauge(pending, () => slots.taken),
      MetricSeries.gauge(waiting, () => slots.waiting),
      MetricSeries.counter(answered, () => statistics.answered),
      MetricSeries.counter(ejections, () => client.ejections),
      (context) =>
        Metric.registerUnsafe(latency, context, { get: () => statistics.latency, update: () => {}, modify: () => {} })
    ])
    const context = yield* Effect.context<never>()
    const reasons: Array<Metric.Registration> = []
    statistics.onReason = (reason) => {
      const count = MetricSeries.counter(failed, () => statistics.failed.get(reason)!, { client: name, reason })
      reasons.push(count(context))
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => reasons.forEach((registration) => registration.remove())))
  })
