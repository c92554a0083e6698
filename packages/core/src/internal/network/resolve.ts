import * as Effect from "effect/Effect"
import type * as Dns from "effect/net/Dns"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Endpoint from "../../Endpoint.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { systemError } from "./systemError.ts"

type NonEmpty<A> = readonly [A, ...Array<A>]

type Checked<A> = Result.Result<A, NetworkError.NetworkError>

/** The endpoint of a byte stream, or the error that says what it is instead. */
export const streamEndpoint = (
  operation: NetworkError.Operation,
  input: Endpoint.Input
): Checked<Endpoint.StreamEndpoint> =>
  Result.flatMap(Endpoint.fromInput(input), (endpoint) =>
    endpoint._tag === "Udp"
      ? wrongScheme(operation, input, "tcp://, tls:// or unix://; udp:// is for Network.bind")
      : endpoint._tag === "Inherited"
      ? wrongScheme(operation, input, "tcp://, tls:// or unix://; inherited sockets are for Network.listen")
      : Result.succeed(endpoint))

/** The endpoint of a listener, or the error that says what it is instead. */
export const listenEndpoint = (input: Endpoint.Input): Checked<Endpoint.StreamEndpoint | Endpoint.Inherited> =>
  Result.flatMap(
    Endpoint.fromInput(input),
    (endpoint): Checked<Endpoint.StreamEndpoint | Endpoint.Inherited> =>
      endpoint._tag === "Inherited" ? Result.succeed(endpoint) : streamEndpoint("listen", endpoint)
  )

/** The endpoint of datagrams, or the error that says what it is instead. */
export const datagramEndpoint = (input: Endpoint.Input): Checked<Endpoint.Udp> =>
  Result.flatMap(Endpoint.fromInput(input), (endpoint) =>
    endpoint._tag === "Udp"
      ? Result.succeed(endpoint)
      : wrongScheme("bind", input, "udp://, as in udp://127.0.0.1:5353"))

const wrongScheme = (operation: NetworkError.Operation, endpoint: Endpoint.Input, expected: string) => {
  const input = Endpoint.formatInput(endpoint)
  const wrong = new NetworkError.InvalidEndpoint({ input, part: "scheme", expected })
  return Result.fail(NetworkError.make(operation, input, wrong))
}

/** The addresses of a stream endpoint. */
export const resolve = (
  platform: Transport.Platform,
  endpoint: Endpoint.StreamEndpoint
): Effect.Effect<NonEmpty<NetAddress.SocketAddress>, NetworkError.NetworkError> =>
  endpoint._tag === "Unix"
    ? Effect.succeed([NetAddress.unixPathAddress(endpoint.path)])
    : resolveInet(platform, endpoint)

/** The addresses of an endpoint with a host. */
export const resolveInet = (
  platform: Transport.Platform,
  endpoint: Endpoint.Tcp | Endpoint.Tls | Endpoint.Udp
): Effect.Effect<NonEmpty<NetAddress.InetAddress>, NetworkError.NetworkError> =>
  NetAddress.isIpAddress(endpoint.host)
    ? Effect.succeed([NetAddress.inetAddressUnsafe(endpoint.host, endpoint.port)])
    : Effect.mapError(
      platform.resolver.resolve(Host.hostPortUnsafe(endpoint.host, endpoint.port)),
      (error) => dnsError(error, Endpoint.format(endpoint), Host.formatHost(endpoint.host))
    )

/** The error of a host that was not resolved. */
export const dnsError = (
  error: Dns.DnsError | NetAddress.NetAddressError,
  address: string,
  host: string
): NetworkError.NetworkError => {
  // What the system said, where the resolver tells: `EMFILE` is not the fault of the name.
  const system = systemError({ operation: "resolve", address, error: error.cause })
  return new NetworkError.NetworkError({
    operation: "resolve",
    address,
    reason: error._tag === "DnsError"
      ? reasonOf(error, host, system)
      : new NetworkError.Other({ message: error.message }),
    code: system.code,
    syscall: system.syscall,
    cause: error
  })
}

const reasonOf = (error: Dns.DnsError, host: string, system: NetworkError.NetworkError): NetworkError.Reason => {
  if (system.reason._tag === "TooManyOpenFiles") return system.reason
  switch (error.reason) {
    case "NotFound":
    case "BadName":
      return new NetworkError.HostNotFound({ host })
    case "Timeout":
    case "Temporary":
    case "ServerFailure":
    case "Refused":
    case "InvalidResponse":
      return new NetworkError.NameServerFailed({ host })
    default:
      return Predicate.isUndefined(system.code)
        ? new NetworkError.Other({ message: error.message })
        : system.reason
  }
}
