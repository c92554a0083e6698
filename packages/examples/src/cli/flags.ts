/** The flags that programs share. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as Server from "@sluice/core/Server"
import * as ServerPolicy from "@sluice/core/ServerPolicy"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import type * as UdpServer from "@sluice/core/UdpServer"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { duration, path, positiveNumber, setting, toggle, wholeNumber } from "./setting.ts"
import * as tls from "./tls.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Where
// ---------------------------------------------------------------------------------------------------------------------

/** A host, loopback by default. */
export const hostNamed = (name: string, description: string): Flag.Flag<Host.Host> =>
  setting(name, {
    metavar: "host",
    description,
    expected: "a name, an IPv4 or an IPv6 address",
    parse: (text) => Option.getSuccess(Host.hostFromString(text.replace(/^\[(.*)\]$/, "$1")))
  }).pipe(Flag.withDefault(Result.getOrThrow(Host.hostFromString("127.0.0.1"))))

/** `--host`. */
export const host = hostNamed("host", "Name or IP address; default: 127.0.0.1")

/** `--port`, or another name; 0 for any free port, where a server listens. */
export const port = (byDefault: number, name = "port"): Flag.Flag<number> =>
  setting(name, {
    metavar: "port",
    description: `Port; default: ${byDefault}; 0: a server takes any free port`,
    expected: "a port from 0 to 65535",
    parse: (text) => Option.filter(wholeNumber(text), (port) => port <= 65535)
  }).pipe(Flag.withDefault(byDefault))

const unix = path("unix", "Path of a Unix-domain socket, instead of --host and --port")

/** `--host` and `--port`, for UDP. */
export const datagramAddress = (byDefault: number) => ({ host, port: port(byDefault) })

/** `--host`, `--port` and `--unix`, for byte streams. */
export const streamAddress = (byDefault: number) => ({ ...datagramAddress(byDefault), unix })

/** The endpoint that the flags of `streamAddress` mean. */
export const streamEndpoint = (flags: {
  readonly host: Host.Host
  readonly port: number
  readonly unix: Option.Option<string>
}): Endpoint.StreamEndpoint =>
  Option.match(flags.unix, {
    onNone: () => Endpoint.tcp(flags.host, flags.port),
    onSome: Endpoint.unix
  })

// ---------------------------------------------------------------------------------------------------------------------
// How
// ---------------------------------------------------------------------------------------------------------------------

/** `--drain`: how long what has begun may take to end, after Ctrl-C or SIGTERM. */
export const drain = duration(
  "drain",
  "Time for open connections to finish at shutdown (Ctrl-C or SIGTERM); default: 5s"
)
  .pipe(
    Flag.withDefault(Duration.seconds(5))
  )

/** `--deadline`: how long a client of UDP waits for an answer. */
export const deadline = duration("deadline", "Time to wait for a reply, retries included; default: 3s").pipe(
  Flag.withDefault(Duration.seconds(3))
)

/** `--public`: limits for a server that strangers can reach. */
export const forStrangers = toggle(
  "public",
  "Limits for a server on the Internet: 1000 connections; from one address 50, and 10 new ones a second; idle for 5m"
)

/** `--max-connections`, `--idle-timeout`, `--drain` and `--public`. */
export const policy = {
  public: forStrangers,
  maxConnections: positiveNumber("max-connections", "Connections open at once; more wait; default: unlimited").pipe(
    Flag.optional
  ),
  idleTimeout: duration("idle-timeout", "Time without traffic before a connection is reset; default: never").pipe(
    Flag.optional
  ),
  drain
}

/** What `Server` makes of the flags of `policy`. An idle connection need not wait for the end of the grace period. */
export const serverPolicy = (flags: {
  readonly maxConnections: Option.Option<number>
  readonly idleTimeout: Option.Option<Duration.Duration>
  readonly drain: Duration.Duration
  readonly public: boolean
}): ServerPolicy.ServerPolicy => ({
  ...preset(flags.public),
  ...Option.match(flags.maxConnections, { onNone: () => ({}), onSome: (maxConnections) => ({ maxConnections }) }),
  ...Option.match(flags.idleTimeout, { onNone: () => ({}), onSome: (idleTimeout) => ({ idleTimeout }) }),
  drain: { grace: flags.drain, idle: Duration.min(Duration.seconds(1), Duration.divideUnsafe(flags.drain, 2)) }
})

/** What `--public` allows. */
export const preset = (isPublic: boolean): ServerPolicy.ServerPolicy => isPublic ? ServerPolicy.forStrangers : {}

/** The flags of every server of byte streams. */
export const server = (byDefault: number) => ({ ...streamAddress(byDefault), ...policy, tls: tls.server })

/** What `Server` makes of the flags of `server`; it prints where it listens. */
export const serverOptions = (
  flags:
    & Parameters<typeof streamEndpoint>[0]
    & Parameters<typeof serverPolicy>[0]
    & { readonly tls: tls.ServerFlags }
) =>
  Effect.map(tls.listening(streamEndpoint(flags), flags.tls), (listening): Server.Options => ({
    ...serverPolicy(flags),
    ...listening,
    onListening: printListening
  }))

/** The flags of every client of byte streams. */
export const client = (byDefault: number) => ({ ...streamAddress(byDefault), tls: tls.client })

/** Where a client connects and how, from the flags of `client`. */
export const connecting = (
  flags: Parameters<typeof streamEndpoint>[0] & { readonly tls: tls.ClientFlags }
) => tls.connecting(streamEndpoint(flags), flags.tls)

/** Connects, from the flags of `client`; says so if it is not known to whom. */
export const connect = Effect.fnUntraced(function*(flags: Parameters<typeof connecting>[0]) {
  const { endpoint, options } = yield* connecting(flags)
  const connection = yield* Network.connect(endpoint, options)
  const unverified = connection.tls?.unverified
  if (unverified !== undefined) yield* Effect.logWarning(`not verified: ${unverified.message}`)
  return connection
})

/** `--proxy-protocol`: whether a proxy on this machine says who the client is. */
export const proxyProtocol = toggle(
  "proxy-protocol",
  "Clients connect through a proxy on this machine, which sends PROXY headers"
)

/** From whom headers are taken with `--proxy-protocol`: from this machine alone. */
export const localProxies: SocketOptions.ProxyProtocolOptions = { trusted: ["127.0.0.0/8", "::1", "unix"] }

/** The flags of every server of datagrams: it has no connections to count or to break. */
export const udpServer = (byDefault: number) => ({ ...datagramAddress(byDefault), drain })

/** What `UdpServer` makes of the flags of `udpServer`; it prints where it listens. */
export const udpServerOptions = (flags: {
  readonly host: Host.Host
  readonly port: number
  readonly drain: Duration.Duration
}): UdpServer.Options => ({
  bind: Endpoint.udp(flags.host, flags.port),
  // Ends an exchange with another server that answers everything within a second.
  ratePerSource: { perSecond: 100, burst: 500 },
  drain: flags.drain,
  onListening: printListening
})

/** Whether servers print where they listen: not in a worker, whose supervisor does. */
export const isAnnounced = Context.Reference<boolean>("@sluice/examples/isAnnounced", { defaultValue: () => true })

/** Prints where a server listens, unless it is not to be announced. */
export const announce = (printing: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.flatMap(Effect.service(isAnnounced), (isWanted) => isWanted ? printing : Effect.void)

/** Prints `Server listening on 127.0.0.1:12345`. */
export const printListening = (address: NetAddress.SocketAddress) =>
  announce(Console.log(`Server listening on ${NetAddress.formatSocketAddress(address)}`))
