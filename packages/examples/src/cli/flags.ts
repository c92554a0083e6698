/**
 * The flags that programs share. Each of them falls back to an environment variable: `--max-connections` to
 * `SLUICE_MAX_CONNECTIONS`.
 */
import * as Endpoint from "@sluice/core/Endpoint"
import type * as Server from "@sluice/core/Server"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import type * as UdpServer from "@sluice/core/UdpServer"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** A flag with a fallback in the environment; both are parsed by the same function. */
export const setting = <A>(name: string, options: {
  readonly metavar: string
  readonly description: string
  readonly expected: string
  readonly parse: (text: string) => Option.Option<A>
}): Flag.Flag<A> => {
  const variable = `SLUICE_${name.toUpperCase().replaceAll("-", "_")}`
  return Flag.String(name).pipe(
    Flag.withFallbackConfig(Config.String(variable)),
    Flag.filterMap(options.parse, () => `Expected ${options.expected}, here or in ${variable}`),
    Flag.withMetavar(options.metavar),
    Flag.withDescription(`${options.description} [${variable}]`)
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// Where
// ---------------------------------------------------------------------------------------------------------------------

/** `--host`. */
export const host = setting("host", {
  metavar: "host",
  description: "Name or IP address, 127.0.0.1 by default",
  expected: "a name, an IPv4 or an IPv6 address",
  parse: (text) => Option.getSuccess(Host.hostFromString(text.replace(/^\[(.*)\]$/, "$1")))
}).pipe(Flag.withDefault(Result.getOrThrow(Host.hostFromString("127.0.0.1"))))

/** `--port`, or another name; 0 for any free port, where a server listens. */
export const port = (byDefault: number, name = "port"): Flag.Flag<number> =>
  setting(name, {
    metavar: "port",
    description: `Port, ${byDefault} by default; a server takes any free one with 0`,
    expected: "a port from 0 to 65535",
    parse: (text) => Option.filter(wholeNumber(text), (port) => port <= 65535)
  }).pipe(Flag.withDefault(byDefault))

const unix = Flag.Path("unix").pipe(
  Flag.withFallbackConfig(Config.String("SLUICE_UNIX")),
  Flag.withDescription("Path of a Unix-domain socket, instead of host and port [SLUICE_UNIX]"),
  Flag.optional
)

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

/** Digits as a number. */
export const wholeNumber = (text: string): Option.Option<number> =>
  /^\d{1,15}$/.test(text) ? Option.some(Number(text)) : Option.none()

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A duration, such as `500ms`, `5s` or `2m`. */
export const duration = (name: string, description: string): Flag.Flag<Duration.Duration> =>
  setting(name, {
    metavar: "duration",
    description,
    expected: "a duration such as 500ms, 5s or 2m",
    parse: (text) => {
      const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(text) ?? []
      return unit === undefined
        ? Option.none()
        : Option.some(Duration.millis(Number(amount) * units[unit as keyof typeof units]))
    }
  })

/** `--drain`: how long what has begun may take to end, after Ctrl-C or SIGTERM. */
export const drain = duration("drain", "How long what is open may take to end on Ctrl-C or SIGTERM, 5s by default")
  .pipe(
    Flag.withDefault(Duration.seconds(5))
  )

/** `--deadline`: how long a client of UDP waits for an answer. */
export const deadline = duration("deadline", "How long to ask and wait, 3s by default").pipe(
  Flag.withDefault(Duration.seconds(3))
)

/** `--max-connections`, `--idle-timeout` and `--drain`. */
export const policy = {
  maxConnections: setting("max-connections", {
    metavar: "number",
    description: "Connections that may be open at once; more wait. Any number by default",
    expected: "a whole number from 1 up",
    parse: (text) => Option.filter(wholeNumber(text), (number) => number > 0)
  }).pipe(Flag.optional),
  idleTimeout: duration("idle-timeout", "Break connections on which nothing moves for so long. Never by default").pipe(
    Flag.optional
  ),
  drain
}

/** What `Server` makes of the flags of `policy`. An idle connection need not wait for the end of the grace period. */
export const serverPolicy = (flags: {
  readonly maxConnections: Option.Option<number>
  readonly idleTimeout: Option.Option<Duration.Duration>
  readonly drain: Duration.Duration
}) => ({
  maxConnections: Option.getOrUndefined(flags.maxConnections),
  idleTimeout: Option.getOrUndefined(flags.idleTimeout),
  drain: { grace: flags.drain, idle: Duration.min(Duration.seconds(1), Duration.divideUnsafe(flags.drain, 2)) }
})

/** The flags of every server of byte streams. */
export const server = (byDefault: number) => ({ ...streamAddress(byDefault), ...policy })

/** What `Server` makes of the flags of `server`; it prints where it listens. */
export const serverOptions = (
  flags: Parameters<typeof streamEndpoint>[0] & Parameters<typeof serverPolicy>[0]
): Server.Options => ({ ...serverPolicy(flags), listen: streamEndpoint(flags), onListening: printListening })

/** `--proxy-protocol`: whether a proxy on this machine says who the client is. */
export const proxyProtocol = Flag.Boolean("proxy-protocol").pipe(
  Flag.withFallbackConfig(Config.Boolean("SLUICE_PROXY_PROTOCOL")),
  Flag.withDescription(
    "Clients connect through a proxy on this machine, which sends PROXY headers [SLUICE_PROXY_PROTOCOL]"
  ),
  Flag.withDefault(false)
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
  drain: flags.drain,
  onListening: printListening
})

/** Prints `Server listening on 127.0.0.1:12345`. */
export const printListening = (address: NetAddress.SocketAddress) =>
  Console.log(`Server listening on ${NetAddress.formatSocketAddress(address)}`)
