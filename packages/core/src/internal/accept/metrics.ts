import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as MetricSeries from "../../MetricSeries.ts"
import * as ServerPolicy from "../../ServerPolicy.ts"
import { streamSeries } from "../connection/metrics.ts"
import type { ListenerState } from "./listener.ts"

const accepted = Metric.counter("sluice_connections_accepted", { description: "Connections accepted" })
const refused = Metric.counter("sluice_connections_refused", {
  description: "Connections rejected before a byte of them was read"
})
const waiting = Metric.gauge("sluice_connections_waiting", { description: "Connections that wait to be served" })
const handshakesFailed = Metric.counter("sluice_handshakes_failed", {
  description: "Connections that were not admitted, because their handshake failed or took too long"
})

/** Reports a listener for as long as the Scope is open. */
export const listening = (listener: ListenerState): Effect.Effect<void, never, Scope.Scope> =>
  MetricSeries.report(
    { role: "server", address: NetAddress.formatSocketAddress(listener.address) },
    [
      ...streamSeries(listener.traffic),
      MetricSeries.gauge(waiting, () => listener.waiting),
      MetricSeries.counter(accepted, () => listener.traffic.accepted),
      ...ServerPolicy.refusals.map((reason) =>
        MetricSeries.counter(refused, () => listener.traffic.refused[reason], { reason })
      ),
      MetricSeries.counter(handshakesFailed, () => listener.traffic.handshakesFailed)
    ]
  )
