import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as AcceptPolicy from "../../AcceptPolicy.ts"
import type * as Server from "../../Server.ts"
import type { ListenerState } from "../accept/listener.ts"
import type { Traffic } from "../connection/traffic.ts"
import type { Events } from "../server/eventHub.ts"
import type { UdpSocketState } from "../udp/udpSocket.ts"

const connectionsOpen = Metric.gauge("sluice_connections_open", { description: "Connections that are open now" })
const connectionsAccepted = Metric.counter("sluice_connections_accepted", { description: "Connections taken" })
const connectionsRefused = Metric.counter("sluice_connections_refused", {
  description: "Connections turned away before a byte of them was read"
})
const connectionsFailed = Metric.counter("sluice_connections_failed", {
  description: "Connections that broke, or could not be accepted"
})
const connectionsDrained = Metric.counter("sluice_connections_drained", {
  description: "Connections that were open when a server drained"
})
const eventsLost = Metric.counter("sluice_server_events_lost", {
  description: "Events of a server that slow listeners have missed"
})
const handshakesFailed = Metric.counter("sluice_handshakes_failed", {
  description: "Connections that were not admitted, because their handshake failed or took too long"
})
const bytesIn = Metric.counter("sluice_bytes_in", { description: "Bytes read from connections" })
const bytesOut = Metric.counter("sluice_bytes_out", { description: "Bytes written to connections" })
const datagramsIn = Metric.counter("sluice_datagrams_in", { description: "Datagrams received" })
const datagramsOut = Metric.counter("sluice_datagrams_out", { description: "Datagrams sent" })
const datagramsDropped = Metric.counter("sluice_datagrams_dropped", {
  description: "Datagrams dropped because the receive queue was full"
})

const messagesDropped = Metric.counter("sluice_messages_dropped", {
  description: "Messages that a slow subscriber missed"
})

/** How long connections were open, in milliseconds. */
export const connectionDuration = Metric.histogram("sluice_connection_duration", {
  description: "How long connections were open, in milliseconds",
  boundaries: Metric.exponentialBoundaries({ start: 1, factor: 4, count: 12 })
})

/** The metrics of a network's outgoing connections, for as long as the Scope is open. */
export const dialling = (traffic: Traffic): Effect.Effect<void, never, Scope.Scope> =>
  registered({ role: "client" }, streamSeries(traffic))

/** The metrics of a listener, for as long as the Scope is open. */
export const listening = (listener: ListenerState): Effect.Effect<void, never, Scope.Scope> =>
  registered(
    { role: "server", address: NetAddress.formatSocketAddress(listener.address) },
    [
      ...streamSeries(listener.traffic),
      counted(connectionsAccepted, () => listener.traffic.accepted),
      ...AcceptPolicy.refusals.map((reason) =>
        counted(connectionsRefused, () => listener.traffic.refused[reason], { reason })
      ),
      counted(handshakesFailed, () => listener.traffic.handshakesFailed)
    ]
  )

/** The metrics of a server's events, for as long as the Scope is open. */
export const emitting = (events: Events, address: string): Effect.Effect<void, never, Scope.Scope> =>
  registered({ role: "server", address }, [counted(eventsLost, () => events.lost)])

/** Counts the connections of a server that has drained. They stay counted: the server is gone, and this is its last word. */
export const drained = (address: string, counts: Server.Drained): Effect.Effect<void> =>
  Effect.forEach(["ended", "cut"] as const, (outcome) =>
    Metric.update(
      Metric.withAttributes(connectionsDrained, { role: "server", address, outcome }),
      counts[outcome]
    ), { discard: true })

/** The metrics of a datagram socket, for as long as the Scope is open. */
export const bound = (socket: UdpSocketState): Effect.Effect<void, never, Scope.Scope> =>
  registered({ address: NetAddress.formatInet(socket.address) }, [
    counted(datagramsIn, () => socket.traffic.received),
    counted(datagramsOut, () => socket.traffic.sent),
    counted(datagramsDropped, () => socket.traffic.dropped)
  ])

/** Something that is counted until it is removed. */
export type Counting = Metric.Registration

/** The metric of a subscription, from now on: most never drop anything, and none of these pays for it. */
export const dropping = (
  subscription: { readonly name: string; readonly dropped: number },
  context: Context.Context<never>
): Counting =>
  counted(messagesDropped, () => subscription.dropped)(labelled(context, { subscriber: subscription.name }))

type Series = (context: Context.Context<never>) => Metric.Registration

const streamSeries = (traffic: Traffic): ReadonlyArray<Series> => [
  (context) => Metric.registerUnsafe(connectionsOpen, context, { ...inert, get: () => ({ value: traffic.open }) }),
  counted(connectionsFailed, () => traffic.failed),
  counted(bytesIn, () => traffic.bytesIn),
  counted(bytesOut, () => traffic.bytesOut)
]

const counted = (
  metric: Metric.Counter<number>,
  count: () => number,
  attributes: Record<string, string> = {}
): Series =>
(context) =>
  Metric.registerUnsafe(metric, labelled(context, attributes), {
    ...inert,
    get: () => ({ count: count(), incremental: false })
  })

const inert = { update: () => {}, modify: () => {} }

// Nothing is pushed to these: the plain numbers that are kept anyway are read when someone looks.
const registered = (
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
