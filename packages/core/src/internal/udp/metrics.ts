import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as MetricSeries from "../../MetricSeries.ts"
import type { UdpSocketState } from "./udpSocket.ts"

const datagramsIn = Metric.counter("sluice_datagrams_in", { description: "Datagrams received" })
const datagramsOut = Metric.counter("sluice_datagrams_out", { description: "Datagrams sent" })
const datagramsDropped = Metric.counter("sluice_datagrams_dropped", {
  description: "Datagrams dropped because the receive queue was full"
})

/** Reports a datagram socket for as long as the Scope is open. */
export const bound = (socket: UdpSocketState): Effect.Effect<void, never, Scope.Scope> =>
  MetricSeries.report({ address: NetAddress.formatInet(socket.address) }, [
    MetricSeries.counter(datagramsIn, () => socket.traffic.received),
    MetricSeries.counter(datagramsOut, () => socket.traffic.sent),
    MetricSeries.counter(datagramsDropped, () => socket.traffic.dropped)
  ])
