import * as NetAddress from "effect/net/NetAddress"
import type { Tlv } from "./tlvTypes.ts"

/**
 * Whom the connection is for: a client of the proxy (`"PROXY"`), or the proxy itself (`"LOCAL"`), such as a health check.
 *
 * @since 0.1.0
 * @category models
 */
export type Command = "PROXY" | "LOCAL"

/**
 * The address family of the client's socket.
 *
 * @since 0.1.0
 * @category models
 */
export type Family = "UNSPEC" | "INET" | "INET6" | "UNIX"

/**
 * The transport protocol of the client's socket.
 *
 * @since 0.1.0
 * @category models
 */
export type Protocol = "UNSPEC" | "STREAM" | "DGRAM"

/**
 * Both ends of the client's connection to the proxy.
 *
 * @since 0.1.0
 * @category models
 */
export interface Addresses {
  /** The client. */
  readonly source: NetAddress.SocketAddress
  /** The address that the client connected to. */
  readonly destination: NetAddress.SocketAddress
}

/**
 * A PROXY header of either version.
 *
 * @since 0.1.0
 * @category models
 */
export interface Header {
  readonly version: 1 | 2
  /** Always `"PROXY"` in version 1. */
  readonly command: Command
  readonly family: Family
  readonly protocol: Protocol
  /**
   * `undefined` where the command is `"LOCAL"`, or the family or the protocol is `"UNSPEC"` (`UNKNOWN` in version 1):
   * only the addresses of the socket itself are known then.
   */
  readonly addresses: Addresses | undefined
  /** Always empty in version 1. */
  readonly tlvs: ReadonlyArray<Tlv>
}

/**
 * The proxy that a connection came through: its header, and the addresses of the socket itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface Proxy {
  readonly header: Header
  /** This side's address on the connection with the proxy. */
  readonly localAddress: NetAddress.SocketAddress
  /** The proxy's address on that connection. */
  readonly remoteAddress: NetAddress.SocketAddress
}

/** Whether a header with this command, family and protocol carries addresses. */
export const hasAddresses = (header: Pick<Header, "command" | "family" | "protocol">): boolean =>
  header.command === "PROXY" && header.family !== "UNSPEC" && header.protocol !== "UNSPEC"

/** The family of an address. */
export const familyOf = (address: NetAddress.SocketAddress): Exclude<Family, "UNSPEC"> =>
  NetAddress.isUnixPathAddress(address) ? "UNIX" : NetAddress.isInetAddressV4(address) ? "INET" : "INET6"
