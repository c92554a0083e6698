import { isIpv6 } from "../fabric/packet.ts"
import type { RandomStream } from "../time/random.ts"
import { isWildcard } from "./socketAddress.ts"

/** The ports that a system assigns, both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Assigns ephemeral ports. */
export class EphemeralPorts {
  readonly #range: PortRange
  readonly #count: number
  #next: number

  constructor(range: PortRange, random: RandomStream) {
    this.#range = range
    this.#count = range.last - range.first + 1
    this.#next = random.below(this.#count)
  }

  /** The next free port; `undefined` if none is free. */
  take(isTaken: (port: number) => boolean): number | undefined {
    for (let tried = 0; tried < this.#count; tried++) {
      const port = this.#range.first + this.#next
      this.#next = (this.#next + 1) % this.#count
      if (!isTaken(port)) return port
    }
    return undefined
  }
}

/** The address of a bound socket, and what it shares it with. */
export interface Bound {
  readonly address: string
  readonly port: number
  readonly ipv6Only: boolean
  readonly reusePort: boolean
}

/** The bound sockets of one protocol on one host. */
export class BindTable<A extends Bound> {
  readonly #byPort = new Map<number, Array<A>>()
  readonly #ephemeral: EphemeralPorts

  constructor(ephemeral: EphemeralPorts) {
    this.#ephemeral = ephemeral
  }

  get all(): ReadonlyArray<A> {
    return [...this.#byPort.values()].flat()
  }

  at(port: number): ReadonlyArray<A> {
    return this.#byPort.get(port) ?? none
  }

  isTaken(bound: Bound): boolean {
    return this.at(bound.port).some((other) => collide(bound, other))
  }

  /** A free port to bind, of those that are not in use otherwise; `undefined` if none is free. */
  portFor(bound: Omit<Bound, "port">, inUse: ReadonlySet<number> = noPorts): number | undefined {
    return this.#ephemeral.take((port) => inUse.has(port) || this.isTaken({ ...bound, port }))
  }

  bind(socket: A): void {
    const others = this.#byPort.get(socket.port)
    if (others === undefined) this.#byPort.set(socket.port, [socket])
    else others.push(socket)
  }

  unbind(socket: A): void {
    const left = this.at(socket.port).filter((each) => each !== socket)
    if (left.length === 0) this.#byPort.delete(socket.port)
    else this.#byPort.set(socket.port, left)
  }

  clear(): void {
    this.#byPort.clear()
  }
}

const none: ReadonlyArray<never> = []

const noPorts: ReadonlySet<number> = new Set()

/** Whether a bound socket receives what is sent to an address. */
export const takes = (bound: Bound, address: string): boolean =>
  bound.address === address ||
  (bound.address === "0.0.0.0" && !isIpv6(address)) ||
  (bound.address === "::" && (isIpv6(address) || !bound.ipv6Only))

/** Whether two sockets on one port conflict. */
const collide = (a: Bound, b: Bound): boolean => {
  if (a.reusePort && b.reusePort) return false
  if (isWildcard(a.address)) {
    return isWildcard(b.address)
      ? sharesFamily(a, b) || sharesFamily(b, a)
      : takes(a, b.address)
  }
  return isWildcard(b.address) ? takes(b, a.address) : a.address === b.address
}

const sharesFamily = (a: Bound, b: Bound): boolean => a.address === b.address || (a.address === "::" && !a.ipv6Only)

/** The sockets of a port that match an address best: an exact address before a wildcard. */
export const bestMatches = <A extends Bound>(sockets: ReadonlyArray<A>, address: string): ReadonlyArray<A> => {
  const exact = sockets.filter((each) => each.address === address)
  if (exact.length > 0) return exact
  const family = sockets.filter((each) => takes(each, address) && isIpv6(each.address) === isIpv6(address))
  return family.length > 0 ? family : sockets.filter((each) => takes(each, address))
}
