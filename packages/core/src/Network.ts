/**
 * The service that opens sockets: `connect` and `listen` for byte streams, `bind` for datagrams.
 *
 * A platform provides it: `NodeNetwork.layer` over the kernel's sockets. Each socket belongs to the Scope in which it was
 * opened, and is closed with it.
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
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Connection from "./Connection.ts"
import type * as Endpoint from "./Endpoint.ts"
import { CurrentBufferBudget } from "./internal/budget/bufferBudget.ts"
import type * as Listener from "./Listener.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as SocketOptions from "./SocketOptions.ts"
import type * as UdpSocket from "./UdpSocket.ts"

/**
 * The service that opens sockets.
 *
 * @category services
 * @since 0.1.0
 */
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
 * The addresses of a name are tried as RFC 8305 (happy eyeballs) specifies: the two families alternate, a short delay
 * apart, and the first that connects wins. When all fail, the error has the error of each in `attempts`. Names are
 * resolved by the `AddressResolver` of the platform. A connection of a socket to itself is refused.
 *
 * Fails with `ConnectionRefused`, `TimedOut` (`"connect"`), `HostNotFound`, `NameServerFailed`, `Unreachable`,
 * `PortsExhausted`, `PathNotFound`, `InvalidEndpoint`, `InvalidOption` and other reasons of the system; over TLS also with
 * those of `TlsReason`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const connect = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ConnectOptions
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Network | Scope.Scope> =>
  Effect.flatMap(Effect.service(Network), (network) => network.connect(endpoint, options))

/**
 * Listens on a stream endpoint. With port 0 the system chooses the port, and `listener.address` has it. On `tls://` a
 * connection is accepted when its handshake is done.
 *
 * A socket file that no server listens on, as after a crash, is replaced, by one server only when several start at once.
 * Closing removes the file, unless another has taken its place.
 *
 * Fails with `AddressInUse`, `AddressNotAvailable`, `PermissionDenied`, `NotASocket`, `PathTooLong`, `InvalidEndpoint`,
 * `InvalidOption` and other reasons of the system; over TLS also with `KeyMismatch` or `UnusableCertificate`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.ListenOptions
): Effect.Effect<Listener.Listener, NetworkError.NetworkError, Network | Scope.Scope> =>
  Effect.flatMap(Effect.service(Network), (network) => network.listen(endpoint, options))

/**
 * Binds a datagram socket: `"udp://127.0.0.1:5353"` to receive there, `"udp://0.0.0.0:0"` to send from any port.
 * `"udp://[::]:5353"` is for IPv6 and IPv4.
 *
 * Fails with `AddressInUse`, `AddressNotAvailable`, `PermissionDenied`, `AddressFamilyMismatch` (the peer),
 * `HostNotFound`, `InvalidEndpoint`, `InvalidOption` and other reasons of the system.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bind = (
  endpoint: Endpoint.Input,
  options?: SocketOptions.BindOptions
): Effect.Effect<UdpSocket.UdpSocket, NetworkError.NetworkError, Network | Scope.Scope> =>
  Effect.flatMap(Effect.service(Network), (network) => network.bind(endpoint, options))

/**
 * How many bytes the connections of a network may have received and not yet delivered, all together: unfinished frames of
 * `Framed`, and what `Connection.readUntil` and its like gather. Default: 512 MiB.
 *
 * Close to the limit, a connection that holds more than its share is not read from until there is room, which slows its
 * peer down; after 10 seconds without room it fails with `BufferBudgetExceeded`. It is read when a network is made, so
 * provide it to the Layer of the platform.
 *
 * **Example** (64 MiB)
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as Layer from "effect/Layer"
 *
 * const Small = Layer.provide(NodeNetwork.layer, Layer.succeed(Network.BufferBudget, 64 * 1024 * 1024))
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export const BufferBudget: Context.Reference<number> = CurrentBufferBudget
