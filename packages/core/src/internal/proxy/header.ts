import * as NetAddress from "effect/net/NetAddress"
import type { Tlv } from "./tlvTypes.ts"

/** Who the connection is for: a client of the proxy's, or the proxy itself, which checks that the server is well. */
export type Command = "PROXY" | "LOCAL"

/** The family of the client's socket. */
export type Family = "UNSPEC" | "INET" | "INET6" | "UNIX"

/** The transport protocol of the client's socket. */
export type Protocol = "UNSPEC" | "STREAM" | "DGRAM"

/** The two ends of the client's connection to the proxy. */
export interface Addresses {
  /** The client. */
  readonly source: NetAddress.SocketAddress
  /** Where the client connected to. */
  readonly destination: NetAddress.SocketAddress
}

/** A PROXY header, of either version. */
export interface Header {
  readonly version: 1 | 2
  /** Always `"PROXY"` in version 1. */
  readonly command: Command
  readonly family: Family
  readonly protocol: Protocol
  /**
   * None where the command is `"LOCAL"`, or the family or the protocol is `"UNSPEC"` (`UNKNOWN` in version 1): then the
   * addresses of the socket itself are all that is known.
   */
  readonly addresses: Addresses | undefined
  /** Always empty in version 1. */
  readonly tlvs: ReadonlyArray<Tlv>
}

/** A proxy that a connection came through: what it said, and the addresses of the socket itself. */
export interface Proxy {
  readonly header: Header
  /** This side's end of the connection with the proxy. */
  readonly localAddress: NetAddress.SocketAddress
  /** The proxy's end of it. */
  readonly remoteAddress: NetAddress.SocketAddress
}

/** Whether a header of this command, family and protocol has addresses. */
export const hasAddresses = (header: Pick<Header, "command" | "family" | "protocol">): boolean =>
  header.command === "PROXY" && header.family !== "UNSPEC" && header.protocol !== "UNSPEC"

/** The family of an address. */
export const familyOf = (address: NetAddress.SocketAddress): Exclude<Family, "UNSPEC"> =>
  NetAddress.isUnixPathAddress(address) ? "UNIX" : NetAddress.isInetAddressV4(address) ? "INET" : "INET6"
