import type * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"

/** The first bits of an address as a key: a number for IPv4, a bigint for IPv6, so that the two never collide. */
export type Prefix = number | bigint

/** The first `length` bits of an address. */
export const prefixOf = (address: NetAddress.IpAddress, length: number): Prefix => {
  if (!NetAddress.isIpv4Address(address)) {
    let bits = 0n
    for (const segment of NetAddress.ipv6ToSegments(address)) bits = (bits << 16n) | BigInt(segment)
    return bits >> BigInt(128 - length)
  }
  let bits = 0
  for (const octet of NetAddress.ipv4ToOctets(address)) bits = bits * 256 + octet
  return Math.floor(bits / 2 ** (32 - length))
}

/** A set of networks. The cost of a lookup grows with the number of different prefix lengths, not of networks. */
export class NetworkSet {
  readonly #ipv4 = new Map<number, Set<Prefix>>()
  readonly #ipv6 = new Map<number, Set<Prefix>>()

  constructor(networks: ReadonlyArray<IpNetwork.IpNetwork>) {
    for (const { address, prefixLength } of networks) {
      const lengths = this.#lengths(address)
      const prefixes = lengths.get(prefixLength) ?? new Set()
      lengths.set(prefixLength, prefixes.add(prefixOf(address, prefixLength)))
    }
  }

  #lengths(address: NetAddress.IpAddress): Map<number, Set<Prefix>> {
    return NetAddress.isIpv4Address(address) ? this.#ipv4 : this.#ipv6
  }

  has(address: NetAddress.IpAddress): boolean {
    for (const [length, prefixes] of this.#lengths(address)) if (prefixes.has(prefixOf(address, length))) return true
    return false
  }
}
