import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as MetricSeries from "../../MetricSeries.ts"
import type * as Server from "../../Server.ts"
import type { Events } from "./eventHub.ts"

const connectionsDrained = Metric.counter("sluice_connections_drained", {
  description: "Connections that were open when a server drained"
})
const eventsLost = Metric.counter("sluice_server_events_lost", {
  description: "Events of a server that slow subscribers have missed"
})

/** Reports the events of a server for as long as the Scope is open. */
export const emitting = (events: Events, address: string): Effect.Effect<void, never, Scope.Scope> =>
  MetricSeries.report({ role: "server", address }, [MetricSeries.counter(eventsLost, () => events.lost)])

/** Counts the connections of a server that has drained. The counts stay after the server is gone. */
export const drained = (address: string, counts: Server.Drained): Effect.Effect<void> =>
  Effect.forEach(["ended", "cut"] as const, (outcome) =>
    Metric.update(
      Metric.withAttributes(connectionsDrained, { role: "server", address, outcome }),
      counts[outcome]
    ), { discard: true })
