import * as NetAddress from "effect/net/NetAddress"

/**
 * Whether a datagram socket bound to `local` can send to `address`: to its own family, and from `[::]` without `ipv6Only` to
 * IPv4 as well (ipv6(7); RFC 3493, section 3.7). Both addresses are canonical.
 */
export const reaches = (local: NetAddress.InetAddress, ipv6Only: boolean, address: NetAddress.InetAddress): boolean =>
  local._tag === address._tag ||
  (NetAddress.isInetAddressV6(local) && NetAddress.isUnspecified(local.address) && !ipv6Only)
