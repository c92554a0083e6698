/**
 * The service that opens sockets: `connect` and `listen` for byte streams, `bind` for datagrams.
 *
 * A platform provides it: `NodeNetwork.layer` over the kernel's sockets. Each socket belongs to the Scope in which it was
 * opened and is closed with it.
 *
 * **Example** (a client)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const ask = Effect.scoped(Effect.gen(function*() {
 *   const connection = yield* Network.connect("localhost:9000", { connectTimeout: "5 seconds" })
 *   yield* Connection.writeText(connection, "hello\n")
 *   yield* Connection.end(connection)
 *   return yield* Connection.readAll(connection)
 * }))
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Connection from "./Connection.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as internal from "./internal/network/network.ts"
import type * as Listener from "./Listener.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as SocketOptions from "./SocketOptions.ts"
import type * as Transport from "./Transport.ts"
import type * as UdpSocket from "./UdpSocket.ts"

/** The service that opens sockets. */
export class Network extends Context.Service<Network, {
  readonly connect: (
    endpoint: Endpoint.Input,
    options?: SocketOptions.ConnectOptions
  ) => Effect.Effect<Connection.Connection, NetworkError.NetworkError, Scope.Scope>
  readonly listen: (
    endpoint: Endpoint.Input,
    options?: SocketOptions.ListenOptions
  ) => Effect.Effect<Listener.Listener, NetworkError.NetworkError, Scope.Scope>
  readonly bind: (
    endpoint: Endpoint.Input,
    options?: SocketOptions.BindOptions
  ) => Effect.Effect<UdpSocket.UdpSocket, NetworkError.NetworkError, Scope.Scope>
}>()("@sluice/core/Network") {}

/**
 * Connects to a stream endpoint: `"tcp://127.0.0.1:9000"`, `"localhost:9000"`, `"tls://example.org:443"`,
 * `"unix:///run/app.sock"`.
 *
 * A name's addresses are tried as RFC 8305 (happy eyeballs) says: both families in turn, a little apart, and the first
 * that answers wins. Names are looked up with the `AddressResolver` of the platform.
 *
 * Fails with `ConnectionRefused`, `TimedOut` (`"connect"`), `HostNotFound`, `Unreachable`, `PathNotFound`,
 * `InvalidEndpoint`, `InvalidOption`, and what else the system says; over TLS also with what `TlsReason` lists.
 */
export const connect = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ConnectOptions
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Network | Scope.Scope> =>
  Effect.flatMap(Effect.service(Network), (network) => network.connect(endpoint, options))

/**
 * Listens on a stream endpoint. Port 0 lets the system choose: `listener.address` says which. On `tls://` a connection
 * comes to be accepted when its handshake is done.
 *
 * Fails with `AddressInUse`, `AddressNotAvailable`, `PermissionDenied`, `NotASocket`, `PathTooLong`, `InvalidEndpoint`,
 * `InvalidOption`, and what else the system says; over TLS also with `KeyMismatch` or `UnusableCertificate`.
 */
export const listen = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ListenOptions
): Effect.Effect<Listener.Listener, NetworkError.NetworkError, Network | Scope.Scope> =>
  Effect.flatMap(Effect.service(Network), (network) => network.listen(endpoint, options))

/**
 * Binds a datagram socket: `"udp://127.0.0.1:5353"` to be found there, `"udp://0.0.0.0:0"` to send from anywhere.
 *
 * Fails with `AddressInUse`, `AddressNotAvailable`, `PermissionDenied`, `HostNotFound`, `InvalidEndpoint`,
 * `InvalidOption`, and what else the system says.
 */
export const bind = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.BindOptions
): Effect.Effect<UdpSocket.UdpSocket, NetworkError.NetworkError, Network | Scope.Scope> =>
  Effect.flatMap(Effect.service(Network), (network) => network.bind(endpoint, options))

/** Makes the service from what a platform implements. For those who write a platform. */
export const make = (platform: Transport.Platform): Effect.Effect<Network["Service"], never, Scope.Scope> =>
  internal.make(platform)
