import type { RandomStream } from "../time/random.ts"

// The range that Linux hands out (ip(7), ip_local_port_range).
const first = 32_768
const count = 28_232

/** Hands out the ports that nobody asked for. */
export class EphemeralPorts {
  #next: number

  constructor(random: RandomStream) {
    this.#next = random.below(count)
  }

  /** The next one that is free, if any is. */
  take(isTaken: (port: number) => boolean): number | undefined {
    for (let tried = 0; tried < count; tried++) {
      const port = first + this.#next
      this.#next = (this.#next + 1) % count
      if (!isTaken(port)) return port
    }
    return undefined
  }
}

/** What a bound socket says of its address. */
export interface Bound {
  readonly address: string
  readonly port: number
  readonly ipv6Only: boolean
  readonly reusePort: boolean
}

const isWildcard = (address: string): boolean => address === "0.0.0.0" || address === "::"
const isIpv6 = (address: string): boolean => address.includes(":")

/** Whether a socket that is bound so takes what comes to an address. */
export const takes = (bound: Bound, address: string): boolean =>
  bound.address === address ||
  (bound.address === "0.0.0.0" && !isIpv6(address)) ||
  (bound.address === "::" && (isIpv6(address) || !bound.ipv6Only))

/** Whether two sockets on one port are in each other's way. */
export const collide = (a: Bound, b: Bound): boolean => {
  if (a.reusePort && b.reusePort) return false
  if (isWildcard(a.address)) {
    return isWildcard(b.address)
      ? sharesFamily(a, b) || sharesFamily(b, a)
      : takes(a, b.address)
  }
  return isWildcard(b.address) ? takes(b, a.address) : a.address === b.address
}

const sharesFamily = (a: Bound, b: Bound): boolean => a.address === b.address || (a.address === "::" && !a.ipv6Only)

/** Those among the sockets of a port that fit an address best: bound to just that, rather than to all. */
export const bestMatches = <A extends Bound>(sockets: ReadonlyArray<A>, address: string): ReadonlyArray<A> => {
  const exact = sockets.filter((each) => each.address === address)
  if (exact.length > 0) return exact
  const family = sockets.filter((each) => takes(each, address) && isIpv6(each.address) === isIpv6(address))
  return family.length > 0 ? family : sockets.filter((each) => takes(each, address))
}
