import * as NetAddress from "effect/net/NetAddress"
import type * as Trace from "../../Trace.ts"

const unixScheme = "unix:"

/** Whether a socket is a Unix-domain one. Those run over the same machinery, within one host. */
export const isUnix = (address: string): boolean => address.startsWith(unixScheme)

export const unixSocket = (path: string, port: number): Trace.Socket => ({ address: unixScheme + path, port })

export const toSocketAddress = (socket: Trace.Socket): NetAddress.SocketAddress =>
  isUnix(socket.address)
    ? NetAddress.unixPathAddress(socket.address.slice(unixScheme.length))
    : NetAddress.inetAddressFromIpStringUnsafe(socket.address, socket.port)

/** The IP address and port; an IPv4 address within an IPv6 one (RFC 4291, section 2.5.5.2) as what it is. */
export const fromInetAddress = (address: NetAddress.InetAddress): Trace.Socket => ({
  address: NetAddress.formatIp(NetAddress.toCanonical(address).address),
  port: address.port
})

export const isLoopback = (address: string): boolean => address.startsWith("127.") || address === "::1"

export const isWildcard = (address: string): boolean => address === "0.0.0.0" || address === "::"

export const isMulticast = (address: string): boolean =>
  address.startsWith("2") ? ipv4Multicast.test(address) : address.startsWith("ff")

const ipv4Multicast = /^2(2[4-9]|3\d)\./
