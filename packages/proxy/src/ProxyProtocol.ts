/**
 * The PROXY protocol, versions 1 and 2: headers in which a proxy tells a server the address of its client.
 *
 * A server behind a proxy sees the proxy's address. With the PROXY protocol, the proxy starts each connection with one
 * header, which has the addresses of its own connection to the client. Version 1 is a line of text. Version 2 is binary and
 * can carry more, such as the client's TLS session.
 *
 * Servers read headers with the option `proxyProtocol` of `Network.listen` and `Server`; clients send one with the option
 * `proxyProtocol` of `Network.connect`. This module is the format itself and does no input or output.
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
 * import * as Server from "@sluice/core/Server"
 * import * as Connection from "@sluice/core/Connection"
 *
 * // A server behind a proxy on this machine.
 * const Hello = Server.layer(
 *   { listen: "tcp://127.0.0.1:8000", proxyProtocol: { trusted: ["127.0.0.0/8"] } },
 *   (connection) => Connection.writeText(connection, `hello ${connection.remoteAddress}\n`)
 * )
 *
 * // A proxy that connects to it for a client.
 * const connectFor = (client: Connection.Connection) =>
 *   Network.connect("tcp://127.0.0.1:8000", { proxyProtocol: ProxyProtocol.fromConnection(client) })
 * ```
 *
 * The format is the [specification](https://www.haproxy.org/download/2.2/doc/proxy-protocol.txt) of 2020-03-05. Encoding
 * rejects every header that decoding would reject or change.
 *
 * @since 0.1.0
 */
import * as NetAddress from "effect/net/NetAddress"
import { type Addresses, familyOf, type Header, type Protocol } from "./internal/header.ts"
import type { Tlv } from "./internal/tlvTypes.ts"

export { decode, type Decoded, defaultLimit, encode, format, type LimitOptions, maxLimit } from "./internal/codec.ts"
export type { Addresses, Command, Family, Header, Protocol, Proxy } from "./internal/header.ts"
export type { Alpn, Authority, Crc32c, NetworkNamespace, Noop, Other, Ssl, Tlv, UniqueId } from "./internal/tlvTypes.ts"

/**
 * Options of {@link make} and {@link fromConnection}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Default: 2. */
  readonly version?: 1 | 2 | undefined
  /** The transport protocol of the client's socket. Default: `"STREAM"`. */
  readonly protocol?: Exclude<Protocol, "UNSPEC"> | undefined
  /** The records after the addresses, version 2 only. Default: none. */
  readonly tlvs?: ReadonlyArray<Tlv> | undefined
}

/**
 * Makes the header for a client that connected from `source` to `destination`.
 *
 * Where one address is IPv4 and the other IPv6, the IPv4 address becomes an IPv4-mapped IPv6 address (RFC 4291, section
 * 2.5.5.2). IPv6 scopes are omitted, because no other machine can interpret them. If the version cannot express the
 * addresses, the result is an {@link unknown} header.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (addresses: Addresses, options: Options = {}): Header => {
  const { protocol = "STREAM", tlvs = [], version = 2 } = options
  const { destination, source } = alike(addresses)
  const family = familyOf(source)
  if (family !== familyOf(destination) || (version === 1 && (family === "UNIX" || protocol !== "STREAM"))) {
    return { ...unknown(version), tlvs }
  }
  return { version, command: "PROXY", family, protocol, addresses: { source, destination }, tlvs }
}

const alike = ({ destination, source }: Addresses): Addresses => {
  const wide = NetAddress.isInetAddressV6(source) || NetAddress.isInetAddressV6(destination)
  return { source: plain(source, wide), destination: plain(destination, wide) }
}

const plain = (address: NetAddress.SocketAddress, wide: boolean): NetAddress.SocketAddress =>
  NetAddress.isUnixPathAddress(address)
    ? address
    : NetAddress.inetAddressUnsafe(
      wide && NetAddress.isIpv4Address(address.address) ? NetAddress.toIpv4Mapped(address.address) : address.address,
      address.port
    )

/**
 * Makes the header for a connected client: what a proxy sends to the server.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromConnection = (
  client: { readonly remoteAddress: NetAddress.SocketAddress; readonly localAddress: NetAddress.SocketAddress },
  options?: Options
): Header => make({ source: client.remoteAddress, destination: client.localAddress }, options)

/**
 * The header for a connection of the proxy itself, such as a health check. Version 2 only.
 *
 * @since 0.1.0
 * @category constructors
 */
export const local: Header = {
  version: 2,
  command: "LOCAL",
  family: "UNSPEC",
  protocol: "UNSPEC",
  addresses: undefined,
  tlvs: []
}

/**
 * Makes the header for a client whose addresses are unknown or cannot be expressed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const unknown = (version: 1 | 2): Header => ({ ...local, version, command: "PROXY" })

/**
 * Returns the first record with this tag, if there is one: `ProxyProtocol.tlv(header, "Authority")?.name`.
 *
 * @since 0.1.0
 * @category getters
 */
export const tlv = <T extends Tlv["_tag"]>(header: Header, tag: T): Extract<Tlv, { readonly _tag: T }> | undefined =>
  header.tlvs.find((each): each is Extract<Tlv, { readonly _tag: T }> => each._tag === tag)
