/**
 * The contract of a platform: everything between Sluice and an operating system, or a simulation of one.
 *
 * A platform opens sockets at resolved addresses and reports what happens on them. It makes no decisions: names, limits,
 * timeouts, backpressure, orderly closing and metrics are implemented once, above it. Programs do not use this module:
 * they use `Network`, which `Transport.makeNetwork` builds from a `Platform`. What a platform needs besides is
 * `Transport.systemError` for its errors, `Options` to validate its own options, and `CertificateName` where it
 * implements TLS.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as AddressResolver from "effect/net/AddressResolver"
import type * as Dns from "effect/net/Dns"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Connection from "./Connection.ts"
import * as peerAddress from "./internal/address/peerAddress.ts"
import * as network from "./internal/network/network.ts"
import { dnsError } from "./internal/network/resolve.ts"
import { checkCloseTimeout, standalone } from "./internal/network/standalone.ts"
import * as errors from "./internal/network/systemError.ts"
import type { TlsClient, TlsServer } from "./internal/tls/settings.ts"
import type * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as Tls from "./Tls.ts"
import type * as UdpSocket from "./UdpSocket.ts"

export { CurrentNumbers, type Numbers } from "./internal/naming/numbers.ts"
export type { TlsClient, TlsKeyPair, TlsServer } from "./internal/tls/settings.ts"

/**
 * A source of sockets.
 *
 * @category models
 * @since 0.1.0
 */
export interface Platform {
  /** Resolves names to addresses. */
  readonly resolver: AddressResolver.AddressResolver["Service"]
  /** Opens a connection. Interruption abandons the attempt and closes its descriptor. */
  readonly connect: (
    address: NetAddress.SocketAddress,
    settings: ConnectSettings
  ) => Effect.Effect<StreamTransport, NetworkError.NetworkError>
  /** Binds and listens. Every connection from then on goes to `receiver`. */
  readonly listen: (
    address: NetAddress.SocketAddress,
    settings: ListenSettings,
    receiver: ListenerReceiver
  ) => Effect.Effect<ListenerTransport, NetworkError.NetworkError>
  /**
   * Listens on a socket that the process inherited: a descriptor, a name, or the only one. Fails with `NoInheritedSocket` if
   * there is none. Default: there never is one.
   */
  readonly inherit?: (
    socket: number | string | undefined,
    settings: ListenSettings,
    receiver: ListenerReceiver
  ) => Effect.Effect<ListenerTransport, NetworkError.NetworkError>
  /**
   * Prepares TLS for these settings; called once for each value of them, before anything is opened. Fails with
   * `UnusableCertificate` or `KeyMismatch`.
   */
  readonly secure: (
    settings: TlsClient | TlsServer,
    address: string
  ) => Effect.Effect<SecureContext, NetworkError.NetworkError>
  /** Binds a datagram socket. Every datagram from then on goes to `receiver`. */
  readonly bind: (
    address: NetAddress.InetAddress,
    settings: BindSettings,
    receiver: DatagramReceiver
  ) => Effect.Effect<DatagramTransport, NetworkError.NetworkError>
}

/**
 * The `ConnectOptions` that a platform implements, validated and complete; times in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectSettings {
  readonly noDelay: boolean
  readonly keepAlive: number | undefined
  /** Of the family of the address that is connected to. */
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
}

/**
 * The `ListenOptions` that a platform implements, validated and complete; times in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListenSettings {
  readonly noDelay: boolean
  readonly keepAlive: number | undefined
  readonly backlog: number
  readonly reusePort: boolean
  readonly ipv6Only: boolean
  /** The permissions of a socket file. A platform without files ignores it. */
  readonly mode: number | undefined
}

/**
 * The `BindOptions` that a platform implements, validated and complete.
 *
 * @category models
 * @since 0.1.0
 */
export interface BindSettings {
  /** Of a family that the socket can send to. */
  readonly peer: NetAddress.InetAddress | undefined
  readonly reuseAddress: boolean
  readonly reusePort: boolean
  readonly ipv6Only: boolean
  readonly broadcast: boolean
  readonly ttl: number | undefined
  readonly multicastTtl: number | undefined
  readonly multicastLoopback: boolean | undefined
  readonly multicastInterface: string | undefined
  readonly receiveBufferSize: number | undefined
  readonly sendBufferSize: number | undefined
}

/**
 * One open byte stream.
 *
 * It delivers nothing before `start`; from then on it delivers until a receiver answers `false`, and again after
 * `resume`. The order of events is: any number of `onData`, at most one `onEnd`; at most one `onError`; and exactly one
 * `onClose`, after which the descriptor is closed and nothing follows. A stream whose directions have both ended closes
 * itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamTransport {
  /** What was negotiated, if it is a stream over TLS. */
  readonly tls?: Tls.Session | undefined
  /** Whether something that `write` has taken is not with the system yet, so that `destroy` would lose it. Default: not. */
  readonly isSending?: boolean | undefined
  /**
   * How many bytes that the system has taken the peer has not acknowledged, or `undefined` where the system does not tell.
   * Asked only while a write has waited for long: `writeTimeout` and `idleTimeout` count a change as progress. Default:
   * not known, and a waiting write progresses when the system takes more of it.
   */
  readonly unacknowledged?: Effect.Effect<number | undefined> | undefined
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  /** Names the receiver and begins to deliver. Called once. */
  readonly start: (receiver: StreamReceiver) => void
  /** Resumes delivery after an `onData` that answered `false`. */
  readonly resume: () => void
  /** A chunk given to `onData` is only lent for the call: this gives one that may be kept. */
  readonly keep: (chunk: Uint8Array) => Uint8Array
  /** Takes a copy back that `keep` has made and nobody uses any more, so that the next can use its memory. Default: not. */
  readonly recycle?: (chunk: Uint8Array) => void
  /**
   * Reads into a buffer of this stream's own from now on, so that a lent chunk stays as it is until the next `onData`:
   * that saves bulk transfers a copy. Answers whether it does.
   */
  readonly dedicate: () => boolean
  /**
   * Writes, in order, the chunks given. `true`: all is on its way and the chunks are free again. `false`: the chunks are
   * in use until `onFlushed`, and nothing may be written before it.
   */
  readonly write: (chunks: ReadonlyArray<Uint8Array>) => boolean
  /** Whether `write` would copy this number of bytes now and answer `true`: it then takes lent chunks. Default: not. */
  readonly copies?: (bytes: number) => boolean
  /** Sends FIN. Called once, when nothing is being written. */
  readonly end: () => void
  /** Closes the descriptor at once. What the system has taken is still sent, if nothing is left unread. */
  readonly destroy: () => void
  /** Closes the descriptor at once with a TCP reset, where there is such a thing. */
  readonly reset: () => void
}

/**
 * Prepared TLS settings: secures open streams, in the role of the settings.
 *
 * @category models
 * @since 0.1.0
 */
export interface SecureContext {
  /**
   * Performs the handshake over an open stream, and returns the secure stream that replaces it.
   *
   * The stream may have been started and be delivering. From this call on its receiver is no longer called, and its next
   * bytes belong to the handshake. Its `destroy` and `reset` still work, and do what they do on the secure stream. After
   * a failure or an interruption it is closed.
   */
  readonly handshake: (
    transport: StreamTransport,
    peer: HandshakePeer
  ) => Effect.Effect<SecureTransport, NetworkError.NetworkError>
}

/**
 * The other side of a handshake, as it is known before.
 *
 * @category models
 * @since 0.1.0
 */
export interface HandshakePeer {
  /** Its address, as errors show it. A client stores sessions to resume under it. */
  readonly address: string
  /** For a client: the name or IP address that the server's certificate must be for. A name is sent too (SNI). */
  readonly serverName?: string | undefined
  /** The bytes that the stream has delivered already: the first of the handshake. */
  readonly unread?: Uint8Array | undefined
}

/**
 * A stream over TLS. Its `end` sends `close_notify` and then FIN, and does not end reading; so does `destroy`, unless
 * `isSending`. Its `onEnd` is the peer's `close_notify`; a FIN without one is `onError` with the reason `Truncated`. No
 * input is lost before `start`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SecureTransport extends StreamTransport {
  readonly tls: Tls.Session
}

/**
 * Receives the events of a `StreamTransport`.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamReceiver {
  /** Bytes were received. Returns whether to continue delivery. */
  readonly onData: (chunk: Uint8Array) => boolean
  /** The peer's FIN was received: there will be no more data. */
  readonly onEnd: () => void
  /** The write that was unfinished is on its way. */
  readonly onFlushed: () => void
  /** The stream broke. `onClose` follows. */
  readonly onError: (error: NetworkError.NetworkError) => void
  /** The descriptor is closed. */
  readonly onClose: () => void
}

/**
 * A listening socket.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListenerTransport {
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.SocketAddress
  /** How many descriptors the process may open, where the platform knows it (RLIMIT_NOFILE, getrlimit(2)). */
  readonly descriptorLimit?: number | undefined
  /**
   * Stops accepting, or continues. Meanwhile connections wait in the system, where other processes that listen on the same
   * socket can accept them. Called only for a change. Default: the platform cannot, and delivers every connection.
   */
  readonly setAccepting?: ((accepting: boolean) => void) | undefined
  /** Stops listening and closes the descriptor; connections already delivered stay open. */
  readonly close: Effect.Effect<void>
}

/**
 * Receives the connections of a listener.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListenerReceiver {
  readonly onConnection: (transport: StreamTransport) => void
  /** A connection could not be accepted, for example because no descriptors are left. The listener continues. */
  readonly onAcceptError: (error: NetworkError.NetworkError) => void
}

/**
 * The source or destination of a datagram in the system's form. It is parsed only when a program reads it.
 *
 * @category models
 * @since 0.1.0
 */
export interface DatagramSource {
  readonly address: string
  readonly port: number
}

/**
 * A bound datagram socket.
 *
 * @category models
 * @since 0.1.0
 */
export interface DatagramTransport {
  readonly localAddress: NetAddress.InetAddress
  /** Sends a datagram, by default to the connected peer. The payload is in use until `done`: called once, now or later. */
  readonly send: (
    payload: Uint8Array,
    to: DatagramSource | undefined,
    done: (error?: NetworkError.NetworkError) => void
  ) => void
  /** Parses a source. An IPv4-mapped IPv6 address may stay mapped. */
  readonly parse: (source: DatagramSource) => NetAddress.InetAddress
  /** Formats an address to send to. It is of the socket's family, or IPv4 on an IPv6 socket that may send to IPv4. */
  readonly format: (address: NetAddress.InetAddress) => DatagramSource
  /** Whether an IP address, as in a source, is one of this machine's. */
  readonly isLocal: (address: string) => boolean
  /** Calls back after the datagrams that can be received now: one fiber takes them together. Default: one by one. */
  readonly afterTurn?: ((callback: () => void) => void) | undefined
  readonly joinMulticast: (
    membership: UdpSocket.Membership<NetAddress.IpAddress>
  ) => Effect.Effect<void, NetworkError.NetworkError>
  readonly leaveMulticast: (membership: UdpSocket.Membership<NetAddress.IpAddress>) => Effect.Effect<void>
  /** Closes the descriptor. */
  readonly close: Effect.Effect<void>
}

/**
 * Receives the events of a `DatagramTransport`.
 *
 * @category models
 * @since 0.1.0
 */
export interface DatagramReceiver {
  /** A datagram was received. The payload may be kept. */
  readonly onDatagram: (payload: Uint8Array, source: DatagramSource) => void
  /** The system reports that a datagram sent before did not arrive, or that receiving failed. It may work again. */
  readonly onError: (error: NetworkError.NetworkError) => void
}

/**
 * The peer of a stream as errors show it: its address, or for a client of a Unix-domain socket, which has no path, the
 * path it connected to.
 *
 * @category formatting
 * @since 0.1.0
 */
export const formatPeer: (
  transport: Pick<StreamTransport, "localAddress" | "remoteAddress">
) => string = peerAddress.formatPeer

/**
 * Makes the `Network` of a platform. Its metrics are reported until the Scope closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeNetwork: (
  platform: Platform
) => Effect.Effect<Network.Network["Service"], never, Scope.Scope> = network.make

/**
 * The platform that `makeNetwork` made a network of, to wrap it in another one; `undefined` if the network was made otherwise.
 *
 * @category constructors
 * @since 0.1.0
 */
export const platformOf: (network: Network.Network["Service"]) => Platform | undefined = network.platformOf

/**
 * Makes a connection of a stream that is already open and that no `Network` opened. The Scope closes it.
 *
 * `closeTimeout` is that of `Network.connect`; default: 2 seconds. Fails with `InvalidOption`. `Connection.upgradeTls` on the
 * connection fails with `Unsupported`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeConnection = (
  transport: StreamTransport,
  options: { readonly closeTimeout?: Duration.Input | undefined } = {}
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Scope.Scope> =>
  Effect.flatMap(
    Effect.fromResult(checkCloseTimeout("a stream", options.closeTimeout)),
    (closeTimeout) => Effect.flatMap(Effect.scope, (scope) => standalone(transport, closeTimeout, scope))
  )

/**
 * Translates an error of the operating system (`code` as in errno(3) and getaddrinfo(3), `syscall`) into a `NetworkError`
 * with a typed reason. `anyPort` says that the system was to choose the local port: then a port in use means
 * `PortsExhausted`.
 *
 * @category errors
 * @since 0.1.0
 */
export const systemError: (failure: errors.SystemFailure) => NetworkError.NetworkError = errors.systemError

/**
 * Translates a failed lookup of `host` into a `NetworkError`. `address` is what the error names.
 *
 * @category errors
 * @since 0.1.0
 */
export const lookupError: (
  error: Dns.DnsError | NetAddress.NetAddressError,
  address: string,
  host: string
) => NetworkError.NetworkError = dnsError
