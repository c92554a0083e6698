import * as SafeText from "@sluice/framing/SafeText"
import * as NetAddress from "effect/net/NetAddress"

/** IPv4 addresses that an IPv6 socket reports as mapped (RFC 4291, section 2.5.5.2) are shown as what they are. */
export const canonical = (address: NetAddress.SocketAddress): NetAddress.SocketAddress =>
  NetAddress.isInetAddressV6(address) ? NetAddress.toCanonical(address) : address

/** The peer's address as text. The client of a Unix-domain socket mostly has none: then the path that it came to. */
export const formatPeer = (connection: {
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
}): string => {
  const { localAddress, remoteAddress } = connection
  if (!NetAddress.isUnixPathAddress(remoteAddress)) return NetAddress.formatSocketAddress(remoteAddress)
  const path = remoteAddress.path || NetAddress.formatSocketAddress(localAddress)
  // The path of a peer is text that the peer, or a PROXY header, chose.
  return SafeText.escape(`unix://${path}`)
}
