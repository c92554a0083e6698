/**
 * The options of `Network.connect`, `Network.listen` and `Network.bind`, with their defaults.
 *
 * They are validated once, before a name is resolved or a socket is opened. An invalid value is a `NetworkError` with the
 * reason `InvalidOption`.
 *
 * @since 0.1.0
 */
import type { Header } from "@sluice/proxy/ProxyProtocol"
import type * as Duration from "effect/Duration"
import type * as NetAddress from "effect/net/NetAddress"
import type * as ServerPolicy from "./ServerPolicy.ts"
import type * as Tls from "./Tls.ts"

/**
 * Options of every byte stream.
 *
 * @category options
 * @since 0.1.0
 */
export interface StreamOptions {
  /** Send small writes at once instead of gathering them (TCP_NODELAY, tcp(7)). Default: `true`. */
  readonly noDelay?: boolean | undefined
  /**
   * Probe an idle peer after this time, from 1 to 32,767 seconds (SO_KEEPALIVE and TCP_KEEPIDLE, tcp(7)); `false` sends
   * no probes. Default: `false`.
   */
  readonly keepAlive?: Duration.Input | false | undefined
  /**
   * How long closing may take: until everything written is sent and the peer has closed its side too, so that no data in
   * flight is destroyed by a reset. The wait for a silent peer is a tenth of it. After that time the connection is reset.
   * Default: 2 seconds.
   */
  readonly closeTimeout?: Duration.Input | undefined
}

/**
 * Options of `Network.connect`.
 *
 * @category options
 * @since 0.1.0
 */
export interface ConnectOptions extends StreamOptions {
  /** The TLS settings of a `tls://` endpoint. Default: the server is verified by the platform's authorities. */
  readonly tls?: Tls.ClientOptions | undefined
  /**
   * A PROXY header to send before everything else, TLS included: it names the client that the connection is for. The
   * server must expect a header. Default: none.
   */
  readonly proxyProtocol?: Header | undefined
  /** How long connecting may take, name resolution and the TLS handshake included. Default: 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** The delay before the next address of a name is tried as well (RFC 8305, section 5). Default: 250 ms. */
  readonly attemptDelay?: Duration.Input | undefined
  /** The local address to connect from. Addresses of the other family are not tried. Default: the system's choice. */
  readonly localAddress?: NetAddress.IpAddressInput | undefined
  /** The local port to connect from, 0 to 65535. Default: 0, the system's choice. */
  readonly localPort?: number | undefined
}

/**
 * Options of `Network.listen`.
 *
 * @category options
 * @since 0.1.0
 */
export interface ListenOptions extends StreamOptions, ServerPolicy.AcceptPolicy {
  /** The certificates and TLS settings of a `tls://` endpoint. Required there, and an error elsewhere. */
  readonly tls?: Tls.ServerOptions | Tls.Reloading | undefined
  /**
   * The certificates and TLS settings of connections that begin in the clear and are upgraded by `Connection.upgradeTls`
   * (STARTTLS). They are checked before the socket is opened, as those of a `tls://` endpoint are. Default: given with each
   * upgrade, and checked then.
   */
  readonly upgradeTls?: Tls.ServerOptions | Tls.Reloading | undefined
  /** Take the client's address from the PROXY header that a trusted proxy sends. Default: no peer is a proxy. */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined
  /**
   * How long the TLS handshake of a client may take. The PROXY header has a timeout of its own. Default: 10 seconds.
   */
  readonly handshakeTimeout?: Duration.Input | undefined
  /** Connections that wait to be accepted, in the kernel and again above it (listen(2)). Default: 511. */
  readonly backlog?: number | undefined
  /**
   * Let several sockets listen on one port, and the kernel spread the connections (SO_REUSEPORT, socket(7)). Default:
   * `false`.
   */
  readonly reusePort?: boolean | undefined
  /** On `[::]`: accept no IPv4 connections (IPV6_V6ONLY, ipv6(7)). Default: `false`. */
  readonly ipv6Only?: boolean | undefined
  /**
   * The permissions of the file of a Unix-domain socket, such as `0o660`: a client needs write permission to connect
   * (unix(7)). They are set before any client can connect. Default: what the umask of the process leaves of `0o777`.
   */
  readonly mode?: number | undefined
}

/**
 * The peers from which a listener takes PROXY headers.
 *
 * A connection from a trusted address must begin with a header, or it is refused with `InvalidProxyHeader` or `TimedOut`
 * (`"proxyHeader"`). On other connections a header is data like any other: a client that can bypass the proxy could
 * otherwise claim any address.
 *
 * @category options
 * @since 0.1.0
 */
export interface ProxyProtocolOptions {
  /**
   * The networks and addresses of the proxies, such as `"10.0.0.0/8"` or `"127.0.0.1"`, and `"unix"` for all clients of a
   * Unix-domain socket. An IPv4-mapped IPv6 address counts as the IPv4 address.
   */
  readonly trusted: ReadonlyArray<ServerPolicy.NetworkInput | "unix">
  /** How long the whole header may take. Less than 3 seconds leaves no time for a retransmission. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** The maximum size of a header in bytes, 107 to 65,551. Default: 16,384. */
  readonly limit?: number | undefined
}

/**
 * Options of `Network.bind`.
 *
 * @category options
 * @since 0.1.0
 */
export interface BindOptions {
  /**
   * Connect the socket to this peer (connect(2)): it sends to and receives from the peer only, and fails with
   * `ConnectionRefused` when no socket is bound there. Default: none.
   */
  readonly peer?: string | undefined
  /** Bind an address that another socket with this option has bound (SO_REUSEADDR, socket(7)). Default: `false`. */
  readonly reuseAddress?: boolean | undefined
  /** Let several sockets bind one port, and the kernel spread the datagrams (SO_REUSEPORT, socket(7)). Default: `false`. */
  readonly reusePort?: boolean | undefined
  /** On `[::]`: no IPv4 (IPV6_V6ONLY, ipv6(7)). Default: `false`: IPv4 peers are sent to and received from as well. */
  readonly ipv6Only?: boolean | undefined
  /** Allow sending to broadcast addresses (SO_BROADCAST, socket(7)). Default: `false`. */
  readonly broadcast?: boolean | undefined
  /** The hop limit of unicast datagrams, 1 to 255 (IP_TTL, ip(7)). Default: the system's, mostly 64. */
  readonly ttl?: number | undefined
  /** The hop limit of multicast datagrams, 0 to 255 (IP_MULTICAST_TTL, ip(7)). Default: 1, the local network. */
  readonly multicastTtl?: number | undefined
  /** Receive the multicast datagrams that this host sends (IP_MULTICAST_LOOP, ip(7)). Default: `true`. */
  readonly multicastLoopback?: boolean | undefined
  /**
   * The interface that multicast datagrams leave by: its IPv4 address, or an IPv6 address with the zone of the interface,
   * such as `"::%eth0"`. Default: the system's choice.
   */
  readonly multicastInterface?: string | undefined
  /** The kernel's receive buffer in bytes (SO_RCVBUF, socket(7)). Default: the system's. */
  readonly receiveBufferSize?: number | undefined
  /** The kernel's send buffer in bytes (SO_SNDBUF, socket(7)). Default: the system's. */
  readonly sendBufferSize?: number | undefined
  /** Datagrams that are queued, above the kernel's buffer, until they are received. Default: 1024. */
  readonly queueCapacity?: number | undefined
  /** Which datagram is dropped, and counted, when the queue is full. Default: `"dropNewest"`. */
  readonly queueOverflow?: "dropNewest" | "dropOldest" | undefined
}
