/**
 * The PROXY protocol, versions 1 and 2: how a proxy tells a server who its client is.
 *
 * A proxy that relays bytes hides the client: the server sees the proxy's address. So the proxy writes one header in
 * front of all else, with the addresses of its own connection to the client. Version 1 is a line of text; version 2 is
 * binary, and carries more, such as what is known of the client's TLS session.
 *
 * Servers read headers with the option `proxyProtocol` of `Network.listen` and `Server`, clients write one with that of
 * `Network.connect`. This module is the format itself, without any input or output.
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as ProxyProtocol from "@sluice/core/ProxyProtocol"
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
 * The format is that of the [specification](https://www.haproxy.org/download/2.2/doc/proxy-protocol.txt) of 2020-03-05.
 * What decoding would refuse, encoding refuses.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as binary from "./internal/proxy/binary.ts"
import { check } from "./internal/proxy/check.ts"
import { type Addresses, familyOf, type Header, type Protocol } from "./internal/proxy/header.ts"
import * as text from "./internal/proxy/text.ts"
import { attempt, fail } from "./internal/proxy/throwing.ts"
import type { Tlv } from "./internal/proxy/tlvTypes.ts"
import type { ProxyProtocolError } from "./ProxyProtocolError.ts"

export type { Addresses, Command, Family, Header, Protocol, Proxy } from "./internal/proxy/header.ts"
export type {
  Alpn,
  Authority,
  Crc32c,
  NetworkNamespace,
  Noop,
  Other,
  Ssl,
  Tlv,
  UniqueId
} from "./internal/proxy/tlvTypes.ts"
export { isProxyProtocolError, ProxyProtocolError, type Reason } from "./ProxyProtocolError.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Headers
// ---------------------------------------------------------------------------------------------------------------------

/** What {@link make} and {@link fromConnection} may be told beyond the addresses. */
export interface Options {
  /** Default: 2. */
  readonly version?: 1 | 2 | undefined
  /** The transport protocol of the client's socket. Default: `"STREAM"`. */
  readonly protocol?: Exclude<Protocol, "UNSPEC"> | undefined
  /** The records behind the addresses, for version 2 alone. Default: none. */
  readonly tlvs?: ReadonlyArray<Tlv> | undefined
}

/**
 * The header for a client that connected from `source` to `destination`.
 *
 * An IPv4 address beside one of IPv6 is written as an IPv6 address (RFC 4291, section 2.5.5.2), and a scope is left out,
 * because it means nothing on another machine. Addresses that the version cannot express make an {@link unknown} header.
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

/** The header for a client that is connected here: what a proxy sends on to the server. */
export const fromConnection = (
  client: { readonly remoteAddress: NetAddress.SocketAddress; readonly localAddress: NetAddress.SocketAddress },
  options?: Options
): Header => make({ source: client.remoteAddress, destination: client.localAddress }, options)

/** The header for a connection that is the proxy's own, such as a check that the server is well. Version 2 alone has it. */
export const local: Header = {
  version: 2,
  command: "LOCAL",
  family: "UNSPEC",
  protocol: "UNSPEC",
  addresses: undefined,
  tlvs: []
}

/** The header for a client whose addresses are not known, or cannot be expressed. */
export const unknown = (version: 1 | 2): Header => ({ ...local, version, command: "PROXY" })

/** The first record with this tag, if there is one: `ProxyProtocol.tlv(header, "Authority")?.name`. */
export const tlv = <T extends Tlv["_tag"]>(header: Header, tag: T): Extract<Tlv, { readonly _tag: T }> | undefined =>
  header.tlvs.find((each): each is Extract<Tlv, { readonly _tag: T }> => each._tag === tag)

/** A header as one line for a person: `"198.51.100.7:50412 to 203.0.113.1:443"`. */
export const format = ({ addresses, command }: Header): string =>
  addresses === undefined
    ? command === "LOCAL" ? "the proxy itself" : "an unknown client"
    : `${NetAddress.formatSocketAddress(addresses.source)} to ${NetAddress.formatSocketAddress(addresses.destination)}`

// ---------------------------------------------------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------------------------------------------------

/** Options of {@link decode} and {@link encode}. */
export interface LimitOptions {
  /**
   * How many bytes a header may have. The format allows 65,551; HAProxy itself writes no more than its buffer holds,
   * and version 1 has at most 107. Default: 16,384.
   */
  readonly limit?: number | undefined
}

/** The `limit` where none is given, in bytes. */
export const defaultLimit = 16_384

/** The largest `limit` that means something: no header is longer. In bytes. */
export const maxLimit: number = binary.maxSize

/** A header that was found at the beginning of some bytes. */
export interface Decoded {
  readonly header: Header
  /** How many bytes it has. Those behind it are the connection's. */
  readonly size: number
}

/**
 * The header that the bytes begin with; or `None` as long as it is not whole, and nothing is wrong with what is there.
 *
 * A header may come in any pieces: give all that has come so far. How it was split changes neither the header nor the
 * error.
 */
export const decode = (
  bytes: Uint8Array,
  options: LimitOptions = {}
): Result.Result<Option.Option<Decoded>, ProxyProtocolError> =>
  attempt(() => {
    const size = measure(bytes, options.limit ?? defaultLimit)
    if (size === undefined || bytes.length < size) return Option.none()
    const whole = bytes.subarray(0, size)
    return Option.some({ header: formatOf(bytes[0]!).decode(whole), size })
  })

const measure = (bytes: Uint8Array, limit: number): number | undefined =>
  bytes.length === 0 ? undefined : formatOf(bytes[0]!).measure(bytes, limit)

// The first byte tells the versions apart.
const formatOf = (first: number): typeof text | typeof binary => {
  switch (first) {
    case 0x50:
      return text
    case 0x0d:
      return binary
    default:
      return fail({ _tag: "NotProxyHeader", offset: 0 })
  }
}

/** The bytes of a header. Fails with `InvalidHeader` and the like where decoding would not give the header back. */
export const encode = (header: Header, options: LimitOptions = {}): Result.Result<Uint8Array, ProxyProtocolError> =>
  attempt(() => {
    check(header)
    const bytes = (header.version === 1 ? text : binary).encode(header)
    const limit = options.limit ?? defaultLimit
    return bytes.length <= limit ? bytes : fail({ _tag: "HeaderTooLong", limit, length: bytes.length })
  })
