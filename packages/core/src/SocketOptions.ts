/**
 * The socket options that people set, with their defaults, checked once when a socket is opened.
 *
 * A value that cannot be used is a `NetworkError` with the reason `InvalidOption`.
 */
import type * as Duration from "effect/Duration"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as AcceptPolicy from "./AcceptPolicy.ts"
import type { Header } from "./internal/proxy/header.ts"
import { checkHeader, checkTrust } from "./internal/proxy/options.ts"
import { checkClient, type Settings, settingsOf } from "./internal/tls/options.ts"
import type * as NetworkError from "./NetworkError.ts"
import { checked, duration, oneOf, optionalDuration, optionalInteger, reject } from "./Options.ts"
import type * as Tls from "./Tls.ts"

/** Options of every byte stream. */
export interface StreamOptions {
  /** Send small writes at once instead of gathering them (TCP_NODELAY, tcp(7)). Default: `true`. */
  readonly noDelay?: boolean | undefined
  /** Probe an idle peer after this time, 1 to 32767 seconds (SO_KEEPALIVE and TCP_KEEPIDLE, tcp(7)); `false`: never.
   * Default: `false`. */
  readonly keepAlive?: Duration.Input | false | undefined
  /**
   * How long closing may take: for what was written to be sent, and for the peer to end too, so that nothing in flight is
   * destroyed by a reset. A peer that is silent is waited for a tenth of it. When it is over, the connection is reset.
   * Default: 2 seconds.
   */
  readonly closeTimeout?: Duration.Input | undefined
}

/** Options of `Network.connect`. */
export interface ConnectOptions extends StreamOptions {
  /** How to make a connection to a `tls://` endpoint secure. Default: verified, by the authorities of the platform. */
  readonly tls?: Tls.ClientOptions | undefined
  /**
   * A PROXY header to send before all else, TLS included: who the connection is for, if not for this program. The server
   * must expect one. Default: none.
   */
  readonly proxyProtocol?: Header | undefined
  /** How long connecting may take, looking up the name and the TLS handshake included. Default: 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** When a name has several addresses: how long to wait before trying the next one too (RFC 8305). Default: 250 ms. */
  readonly attemptDelay?: Duration.Input | undefined
  /** Connect from this address of this machine. Default: the system's choice. */
  readonly localAddress?: NetAddress.IpAddressInput | undefined
  /** Connect from this port. Default: the system's choice. */
  readonly localPort?: number | undefined
}

/** Options of `Network.listen`. */
export interface ListenOptions extends StreamOptions, AcceptPolicy.Options {
  /** What a `tls://` endpoint shows to its clients. It cannot do without. */
  readonly tls?: Tls.ServerOptions | Tls.Reloading | undefined
  /** Take the client's address from the PROXY header that a proxy sends. Default: there is no proxy. */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined
  /**
   * How long a client may take from connecting to being ready to be accepted: the TLS handshake. A PROXY header has a time
   * of its own besides. Default: 10 seconds.
   */
  readonly handshakeTimeout?: Duration.Input | undefined
  /** Connections that wait to be accepted, in the kernel and again above it (listen(2)). Default: 511. */
  readonly backlog?: number | undefined
  /** Let several sockets listen on one port, and the kernel spread connections (SO_REUSEPORT, socket(7)). Default: `false`. */
  readonly reusePort?: boolean | undefined
  /** On `[::]`: do not take IPv4 connections (IPV6_V6ONLY, ipv6(7)). Default: `false`. */
  readonly ipv6Only?: boolean | undefined
}

/**
 * From whom a listener takes PROXY headers.
 *
 * Whether there is a header is never guessed. A connection from a trusted address must begin with one, or is refused with
 * `InvalidProxyHeader` or `TimedOut` (`"proxyHeader"`). A connection from any other is served as it is, and a header
 * there is data like any other: who can reach the listener past the proxy could otherwise claim any address.
 */
export interface ProxyProtocolOptions {
  /**
   * The proxies' networks and addresses, such as `"10.0.0.0/8"` or `"127.0.0.1"`; and `"unix"` for all who connect to a
   * Unix-domain socket, who have no address. IPv4-mapped IPv6 addresses are what they map.
   */
  readonly trusted: ReadonlyArray<AcceptPolicy.NetworkInput | "unix">
  /** How long the whole header may take. Less than 3 seconds is short for a lost segment. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** Bytes that a header may have, 107 to 65,551. Default: 16,384. */
  readonly limit?: number | undefined
}

/** Options of `Network.bind`. */
export interface BindOptions {
  /** Talk to this peer only: a connected socket (connect(2)), which also learns that nobody is there. Default: none. */
  readonly peer?: string | undefined
  /** Allow the address to be taken over at once after it was in use (SO_REUSEADDR, socket(7)). Default: `false`. */
  readonly reuseAddress?: boolean | undefined
  /** Let several sockets bind one port, and the kernel spread datagrams (SO_REUSEPORT, socket(7)). Default: `false`. */
  readonly reusePort?: boolean | undefined
  /** On `[::]`: do not take IPv4 datagrams (IPV6_V6ONLY, ipv6(7)). Default: `false`. */
  readonly ipv6Only?: boolean | undefined
  /** Allow sending to broadcast addresses (SO_BROADCAST, socket(7)). Default: `false`. */
  readonly broadcast?: boolean | undefined
  /** Hops that a unicast datagram may make, 1 to 255 (IP_TTL, ip(7)). Default: the system's, mostly 64. */
  readonly ttl?: number | undefined
  /** Hops that a multicast datagram may make, 0 to 255 (IP_MULTICAST_TTL, ip(7)). Default: 1, this network only. */
  readonly multicastTtl?: number | undefined
  /** Hear one's own multicast datagrams (IP_MULTICAST_LOOP, ip(7)). Default: `true`. */
  readonly multicastLoopback?: boolean | undefined
  /** The interface that multicast datagrams leave by: its IPv4 address, or its IPv6 scope. Default: the system's choice. */
  readonly multicastInterface?: string | undefined
  /** The kernel's receive buffer in bytes (SO_RCVBUF, socket(7)). Default: the system's. */
  readonly receiveBufferSize?: number | undefined
  /** The kernel's send buffer in bytes (SO_SNDBUF, socket(7)). Default: the system's. */
  readonly sendBufferSize?: number | undefined
  /** Datagrams that wait to be received, above the kernel. Default: 1024. */
  readonly queueCapacity?: number | undefined
  /** Which datagram is dropped, and counted, when the queue is full. Default: `"dropNewest"`. */
  readonly queueOverflow?: "dropNewest" | "dropOldest" | undefined
}

/** A membership in a multicast group: of one source only when `source` is given (RFC 4607). */
export interface Multicast {
  readonly group: NetAddress.IpAddress
  readonly source?: NetAddress.IpAddress | undefined
  /** The interface to hear it on: its IPv4 address, or its IPv6 scope. Default: the system's choice. */
  readonly interface?: string | undefined
}

/** `ConnectOptions`, checked and complete; times in milliseconds. */
export interface Connect {
  /** The bytes of the PROXY header. */
  readonly proxyHeader: Uint8Array | undefined
  readonly tls: Tls.Client
  readonly noDelay: boolean
  readonly keepAlive: number | undefined
  readonly closeTimeout: number
  readonly connectTimeout: number
  readonly attemptDelay: number
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
}

/** What a platform takes of `ListenOptions`, checked and complete; times in milliseconds. */
export interface Listen {
  readonly proxyProtocol: ProxyTrust | undefined
  readonly tls: Settings | undefined
  readonly handshakeTimeout: number
  readonly noDelay: boolean
  readonly keepAlive: number | undefined
  readonly closeTimeout: number
  readonly backlog: number
  readonly reusePort: boolean
  readonly ipv6Only: boolean
}

/** `ProxyProtocolOptions`, checked and complete. */
export interface ProxyTrust {
  readonly isTrusted: (address: NetAddress.SocketAddress) => boolean
  /** In milliseconds. */
  readonly timeout: number
  /** In bytes. */
  readonly limit: number
}

/** `BindOptions`, checked and complete. */
export interface Bind {
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
  readonly queueCapacity: number
  readonly queueOverflow: "dropNewest" | "dropOldest"
}

/** Checks the options of `Network.connect`. */
export const checkConnect = (
  options: ConnectOptions,
  address: string
): Result.Result<Connect, NetworkError.NetworkError> =>
  checked("connect", address, () => ({
    ...checkStream(options),
    proxyHeader: checkHeader(options.proxyProtocol),
    tls: checkClient(options.tls ?? defaultTls),
    connectTimeout: duration("connectTimeout", options.connectTimeout ?? 30_000, 1),
    attemptDelay: duration("attemptDelay", options.attemptDelay ?? 250),
    localAddress: options.localAddress === undefined ? undefined : ipAddress("localAddress", options.localAddress),
    localPort: optionalInteger("localPort", options.localPort, 0, 65535)
  }))

/** Checks the options of `Network.listen`. */
export const checkListen = (
  options: ListenOptions,
  address: string
): Result.Result<Listen, NetworkError.NetworkError> =>
  checked("listen", address, () => ({
    ...checkStream(options),
    proxyProtocol: checkTrust(options.proxyProtocol),
    tls: options.tls === undefined ? undefined : settingsOf(options.tls),
    handshakeTimeout: duration("handshakeTimeout", options.handshakeTimeout ?? 10_000, 1),
    backlog: optionalInteger("backlog", options.backlog, 1, 65535) ?? 511,
    reusePort: options.reusePort ?? false,
    ipv6Only: options.ipv6Only ?? false
  }))

/** Checks the options of `Network.bind`; the peer's address has been found by then. */
export const checkBind = (
  options: BindOptions,
  peer: NetAddress.InetAddress | undefined,
  address: string
): Result.Result<Bind, NetworkError.NetworkError> =>
  checked("bind", address, () => ({
    peer,
    reuseAddress: options.reuseAddress ?? false,
    reusePort: options.reusePort ?? false,
    ipv6Only: options.ipv6Only ?? false,
    broadcast: options.broadcast ?? false,
    ttl: optionalInteger("ttl", options.ttl, 1, 255),
    multicastTtl: optionalInteger("multicastTtl", options.multicastTtl, 0, 255),
    multicastLoopback: options.multicastLoopback,
    multicastInterface: options.multicastInterface,
    receiveBufferSize: optionalInteger("receiveBufferSize", options.receiveBufferSize, 1, 2 ** 31 - 1),
    sendBufferSize: optionalInteger("sendBufferSize", options.sendBufferSize, 1, 2 ** 31 - 1),
    queueCapacity: optionalInteger("queueCapacity", options.queueCapacity, 1, 2 ** 31 - 1) ?? 1024,
    queueOverflow: oneOf("queueOverflow", options.queueOverflow ?? "dropNewest", ["dropNewest", "dropOldest"])
  }))

// One value, so that all connections share what is made of it.
const defaultTls: Tls.ClientOptions = {}

const checkStream = (options: StreamOptions) => ({
  noDelay: options.noDelay ?? true,
  keepAlive: options.keepAlive === false
    ? undefined
    : optionalDuration("keepAlive", options.keepAlive, 1_000, 32_767_000),
  closeTimeout: duration("closeTimeout", options.closeTimeout ?? 2_000)
})

const ipAddress = (option: string, value: NetAddress.IpAddressInput): string => {
  const parsed = NetAddress.ipFromInput(value)
  return Result.isSuccess(parsed)
    ? NetAddress.formatIp(parsed.success)
    : reject(option, value, "an IP address")
}
