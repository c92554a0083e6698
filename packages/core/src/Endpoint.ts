/**
 * Where to listen or connect, as a value.
 *
 * | text | meaning |
 * |---|---|
 * | `tcp://127.0.0.1:9000`, `127.0.0.1:9000` | TCP over IPv4 |
 * | `tcp://[::1]:0` | TCP over IPv6; port 0 lets the system choose when listening |
 * | `tcp://db.internal:5432`, `localhost:5432` | TCP, by name |
 * | `tls://example.org:443` | TLS over TCP |
 * | `unix:///run/app.sock` | a Unix-domain stream socket |
 * | `udp://127.0.0.1:5353` | UDP datagrams |
 * | `systemd://web`, `systemd://` | a listening socket passed by systemd, by its name or the only one (sd_listen_fds(3)) |
 * | `fd://3` | a listening socket that the process inherited as this descriptor |
 *
 * Every function that takes an endpoint takes its text too. An invalid one is a `NetworkError` with the reason
 * `InvalidEndpoint`, which names the part that is wrong and says what is expected.
 *
 * **Example**
 *
 * ```ts
 * import * as Endpoint from "@sluice/core/Endpoint"
 * import * as Result from "effect/Result"
 *
 * const endpoint = Result.getOrThrow(Endpoint.parse("localhost:9000"))
 * Endpoint.format(endpoint) // "tcp://localhost:9000"
 * ```
 *
 * @since 0.1.0
 */
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as NetworkError from "./NetworkError.ts"

/**
 * A stream over TCP.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tcp {
  readonly _tag: "Tcp"
  readonly host: Host.Host
  readonly port: number
}

/**
 * A stream over TLS, over TCP.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tls {
  readonly _tag: "Tls"
  readonly host: Host.Host
  readonly port: number
}

/**
 * A stream over a Unix-domain socket.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unix {
  readonly _tag: "Unix"
  readonly path: string
}

/**
 * Datagrams over UDP.
 *
 * @category models
 * @since 0.1.0
 */
export interface Udp {
  readonly _tag: "Udp"
  readonly host: Host.Host
  readonly port: number
}

/**
 * A listening socket that the process inherited when it was started, for `Network.listen` and `Server`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Inherited {
  readonly _tag: "Inherited"
  /** Its descriptor, or its name (`FileDescriptorName=` of systemd.socket(5)); `undefined`: the only one. */
  readonly socket: number | string | undefined
  /** The endpoint to listen on if the process inherited no socket. */
  readonly fallback: StreamEndpoint | undefined
}

/**
 * Endpoints of byte streams: what `Network.connect` and `Network.listen` take.
 *
 * @category models
 * @since 0.1.0
 */
export type StreamEndpoint = Tcp | Tls | Unix

/**
 * Any endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export type Endpoint = StreamEndpoint | Udp | Inherited

/**
 * An endpoint, or its text.
 *
 * @category models
 * @since 0.1.0
 */
export type Input = Endpoint | string

const schemes = { tcp: "Tcp", tls: "Tls", udp: "Udp", unix: "Unix", fd: "Inherited", systemd: "Inherited" } as const

const isScheme = (text: string): text is keyof typeof schemes => Object.hasOwn(schemes, text)

/**
 * Parses an endpoint; without a scheme it is TCP. `Endpoint.parse("tcp://127.0.0.1:9000")`.
 *
 * Fails with `InvalidEndpoint`.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (input: string): Result.Result<Endpoint, NetworkError.NetworkError> => {
  const separator = input.indexOf("://")
  const scheme = separator === -1 ? "tcp" : input.slice(0, separator)
  const rest = separator === -1 ? input : input.slice(separator + 3)
  if (!isScheme(scheme)) return invalid(input, "scheme", "tcp://, tls://, udp://, unix://, systemd:// or fd://")
  if (scheme === "unix") {
    return rest.startsWith("/") && !rest.includes("\0")
      ? Result.succeed(unix(rest))
      : invalid(input, "path", "an absolute path, as in unix:///run/app.sock")
  }
  if (scheme === "fd" || scheme === "systemd") return parseInherited(input, scheme, rest)
  const _tag = schemes[scheme]
  return Result.map(parseHostPort(input, rest), ({ host, port }) => ({ _tag, host, port }))
}

/**
 * Parses an endpoint, or validates one that was made by hand.
 *
 * Fails with `InvalidEndpoint`.
 *
 * @category parsing
 * @since 0.1.0
 */
export const fromInput = (input: Input): Result.Result<Endpoint, NetworkError.NetworkError> =>
  typeof input === "string"
    ? parse(input)
    : input._tag === "Inherited"
    ? Result.flatMap(parse(format(input)), () => validFallback(input))
    : parse(format(input))

const validFallback = (input: Inherited): Result.Result<Inherited, NetworkError.NetworkError> =>
  input.fallback === undefined ? Result.succeed(input) : Result.map(fromInput(input.fallback), () => input)

/**
 * The text of an endpoint as it was given, valid or not: for error messages.
 *
 * @category formatting
 * @since 0.1.0
 */
export const formatInput = (input: Input): string => typeof input === "string" ? input : format(input)

/**
 * A TCP endpoint: `Endpoint.tcp("127.0.0.1", 9000)`; throws the `NetworkError` when a part is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tcp = (host: Host.HostInput, port: number): Tcp => ({ _tag: "Tcp", ...hostAndPort("tcp", host, port) })

/**
 * A TLS endpoint: `Endpoint.tls("example.org", 443)`; throws the `NetworkError` when a part is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tls = (host: Host.HostInput, port: number): Tls => ({ _tag: "Tls", ...hostAndPort("tls", host, port) })

/**
 * A UDP endpoint: `Endpoint.udp("127.0.0.1", 5353)`; throws the `NetworkError` when a part is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const udp = (host: Host.HostInput, port: number): Udp => ({ _tag: "Udp", ...hostAndPort("udp", host, port) })

/**
 * A Unix-domain endpoint: `Endpoint.unix("/run/app.sock")`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unix = (path: string): Unix => ({ _tag: "Unix", path })

/**
 * A listening socket that the process inherited, or this endpoint if there is none: for servers that systemd.socket(5) may
 * start. `socket` is its name, or its descriptor; the only inherited socket by default. Over TLS with the option `tls`.
 *
 * ```ts
 * import * as Endpoint from "@sluice/core/Endpoint"
 *
 * const listen = Endpoint.inherited("tcp://127.0.0.1:9000", "web")
 * ```
 *
 * Throws the `NetworkError` when the fallback is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const inherited = (fallback: StreamEndpoint | string, socket?: number | string): Inherited => {
  const endpoint = Result.getOrThrow(fromInput(fallback))
  return endpoint._tag === "Udp" || endpoint._tag === "Inherited"
    ? Result.getOrThrow(invalid(format(endpoint), "scheme", "tcp://, tls:// or unix://"))
    : { _tag: "Inherited", socket, fallback: endpoint }
}

/**
 * The endpoint of a socket's address, for connecting back to it: `Endpoint.fromAddress(listener.address)`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromAddress = (address: NetAddress.SocketAddress): StreamEndpoint =>
  address._tag === "UnixPathAddress"
    ? unix(address.path)
    : tcp(NetAddress.formatHost(address), address.port)

/**
 * Formats an endpoint as the text that `parse` reads.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (self: Endpoint): string => {
  switch (self._tag) {
    case "Unix":
      return `unix://${self.path}`
    case "Inherited":
      return typeof self.socket === "number" ? `fd://${self.socket}` : `systemd://${self.socket ?? ""}`
    default:
      return `${self._tag.toLowerCase()}://${formatHost(self.host)}:${self.port}`
  }
}

const formatHost = (host: Host.Host): string => {
  const text = Host.formatHost(host)
  return text.includes(":") ? `[${text}]` : text
}

// Descriptors 0 to 2 are the standard streams. Names as in sd_listen_fds_with_names(3).
const parseInherited = (
  input: string,
  scheme: "fd" | "systemd",
  rest: string
): Result.Result<Inherited, NetworkError.NetworkError> => {
  if (scheme === "fd") {
    return /^[1-9]\d{0,5}$/.test(rest) && Number(rest) > 2
      ? Result.succeed({ _tag: "Inherited", socket: Number(rest), fallback: undefined })
      : invalid(input, "descriptor", "a descriptor from 3 up, as in fd://3")
  }
  return /^[!-9;-~]{0,255}$/.test(rest)
    ? Result.succeed({ _tag: "Inherited", socket: rest === "" ? undefined : rest, fallback: undefined })
    : invalid(
      input,
      "name",
      "the name of a socket, as in systemd://web: up to 255 printable ASCII characters, no colon"
    )
}

const hostAndPort = (scheme: string, host: Host.HostInput, port: number) => {
  const text = typeof host === "string" ? host : Host.formatHost(Result.getOrThrow(Host.hostFromInput(host)))
  const bracketed = text.includes(":") && !text.startsWith("[") ? `[${text}]` : text
  return Result.getOrThrow(parseHostPort(`${scheme}://${bracketed}:${port}`, `${bracketed}:${port}`))
}

// Not with `Host.hostPortFromString`, so that the error can name the part.
const parseHostPort = (
  input: string,
  rest: string
): Result.Result<{ readonly host: Host.Host; readonly port: number }, NetworkError.NetworkError> => {
  const colon = rest.lastIndexOf(":")
  const bracket = rest.lastIndexOf("]")
  if (colon === -1 || colon < bracket) return invalid(input, "port", "a port, as in tcp://127.0.0.1:9000")
  if (rest.includes("@")) return invalid(input, "host", "no user name or password")
  const portText = rest.slice(colon + 1)
  if (/^\d{1,5}[/?#]/.test(portText)) {
    return invalid(input, "port", "nothing behind the port, as in tcp://127.0.0.1:9000")
  }
  if (!/^\d{1,5}$/.test(portText) || Number(portText) > 65535) {
    return invalid(input, "port", "a whole number from 0 to 65535")
  }
  const hostText = rest.slice(0, colon)
  const bracketed = hostText.startsWith("[") && hostText.endsWith("]")
  if (hostText === "") return invalid(input, "host", "a host, such as 127.0.0.1, [::1] or localhost")
  if (!bracketed && hostText.includes(":")) return invalid(input, "host", "IPv6 addresses in brackets, as in [::1]")
  if (bracketed && !hostText.includes(":")) return invalid(input, "host", "brackets around IPv6 addresses only")
  const host = Host.hostFromString(bracketed ? hostText.slice(1, -1) : hostText)
  return Result.isSuccess(host)
    ? Result.succeed({ host: host.success, port: Number(portText) })
    : invalid(input, "host", "an IPv4 address, an IPv6 address in brackets, or a domain name")
}

// A URL of a database may hold a password.
const withoutPassword = (input: string): string => input.replace(/^(\w+:\/\/)?[^/]*@/, "$1…@")

const invalid = (
  given: string,
  part: NetworkError.InvalidEndpoint["part"],
  expected: string
): Result.Result<never, NetworkError.NetworkError> => {
  const input = withoutPassword(given)
  return Result.fail(NetworkError.make("parse", input, new NetworkError.InvalidEndpoint({ input, part, expected })))
}
