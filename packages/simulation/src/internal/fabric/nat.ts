import { FlowTable } from "./flowTable.ts"
import { IcmpError } from "./icmpError.ts"
import type { IpStack } from "./ipStack.ts"
import type { Middlebox } from "./linkSettings.ts"
import type { Packet } from "./packet.ts"

type Socket = Packet["source"]
type Protocol = Packet["protocol"]

/** A socket behind the router, and the port that it has outside. */
interface Mapping {
  readonly host: IpStack
  readonly inside: Socket
  readonly outside: Socket
  lastAt: number
}

// Ports that the router assigns where the port of the socket is in use (RFC 4787, section 4.2.2).
const firstPort = 1024
const lastPort = 65_535

/**
 * The address translation of a router (RFC 3022, RFC 4787): hosts behind it share its address. A socket keeps its port where that
 * is free, and has the same one to all peers. Packets pass from outside only in flows that began inside.
 */
export class Nat {
  readonly #router: IpStack
  readonly #hosts: ReadonlySet<IpStack>
  readonly #settings: Middlebox
  #flows = new FlowTable()
  readonly #bySocket = new Map<string, Mapping>()
  readonly #byPort = new Map<string, Mapping>()

  constructor(router: IpStack, hosts: ReadonlyArray<IpStack>, settings: Middlebox) {
    this.#router = router
    this.#hosts = new Set(hosts)
    this.#settings = settings
  }

  hides(host: IpStack): boolean {
    return this.#hosts.has(host)
  }

  /** Forgets all flows, as a router that restarts does. */
  clear(): void {
    this.#flows = new FlowTable()
    this.#bySocket.clear()
    this.#byPort.clear()
  }

  /** Translates and forwards a packet that has arrived at the router. Returns whether it was not for the router itself. */
  takes(packet: Packet): boolean {
    if (packet instanceof IcmpError) return this.#takesError(packet)
    const { destination, from, protocol } = packet
    if (!this.#router.owns(destination.address)) return this.hides(from) && this.#outward(packet)
    const mapping = this.#live(this.#byPort, keyOf(protocol, destination))
    if (mapping === undefined) return false
    if (this.#passes(packet, packet.source, false)) {
      this.#forward(packet, mapping, mapping.host, packet.source, mapping.inside)
    } else {
      this.#reject(packet)
    }
    return true
  }

  #outward(packet: Packet): boolean {
    const { destination, from, opens, protocol, source } = packet
    const next = this.#router.linkTo(destination.address)?.to
    // A group is not routed, and the router may be in it.
    if (next === undefined && protocol === "udp") return false
    const mapping = this.#live(this.#bySocket, keyOf(protocol, source)) ??
      (opens ? this.#map(protocol, from, source) : undefined)
    if (next === undefined) {
      packet.drop("unrouted")
    } else if (mapping === undefined || !this.#passes(packet, mapping.outside, true)) {
      this.#reject(packet)
    } else {
      this.#forward(packet, mapping, next, mapping.outside, destination)
    }
    return true
  }

  #forward(packet: Packet, mapping: Mapping, to: IpStack, source: Socket, destination: Socket): void {
    mapping.lastAt = this.#router.engine.now
    this.#router.send(packet.translated(this.#router, to, source, destination), this.#router.linkToMachine(to))
  }

  // An error about a packet that was translated is about that of the host.
  #takesError({ about, from, why }: IcmpError): boolean {
    const mapping = this.#live(this.#byPort, keyOf(about.protocol, about.source))
    if (mapping === undefined) return false
    const original = about.translated(mapping.host, about.to, mapping.inside, about.destination)
    this.#router.send(new IcmpError(original, from, why), this.#router.linkToMachine(mapping.host))
    return true
  }

  #passes(packet: Packet, source: Socket, mayBegin: boolean): boolean {
    const { now } = this.#router.engine
    const { idleTimeout } = this.#settings
    const { destination, opens, protocol, resets } = packet
    return this.#flows.passes({ protocol, source, destination, opens, resets }, now, idleTimeout, mayBegin)
  }

  #reject(packet: Packet): void {
    packet.drop("forgotten")
    const answer = this.#settings.isLoud ? packet.rejection() : undefined
    if (answer !== undefined) this.#router.send(answer, this.#router.linkToMachine(packet.from))
  }

  #live(mappings: ReadonlyMap<string, Mapping>, key: string): Mapping | undefined {
    const mapping = mappings.get(key)
    return mapping !== undefined && this.#isLive(mapping) ? mapping : undefined
  }

  #isLive({ lastAt }: Mapping): boolean {
    return this.#router.engine.now - lastAt <= this.#settings.idleTimeout
  }

  #map(protocol: Protocol, host: IpStack, inside: Socket): Mapping | undefined {
    const address = this.#router.sourceFor(inside.address)
    const port = address === undefined ? undefined : this.#freePort(protocol, address, inside.port)
    if (address === undefined || port === undefined) return undefined
    const mapping = { host, inside, outside: { address, port }, lastAt: this.#router.engine.now }
    const key = keyOf(protocol, inside)
    const former = this.#bySocket.get(key)
    if (former !== undefined) this.#byPort.delete(keyOf(protocol, former.outside))
    this.#bySocket.set(key, mapping)
    this.#byPort.set(keyOf(protocol, mapping.outside), mapping)
    return mapping
  }

  #freePort(protocol: Protocol, address: string, preferred: number): number | undefined {
    const isFree = (port: number) => this.#live(this.#byPort, keyOf(protocol, { address, port })) === undefined
    if (isFree(preferred)) return preferred
    for (let port = firstPort; port <= lastPort; port++) if (isFree(port)) return port
    return undefined
  }
}

const keyOf = (protocol: Protocol, { address, port }: Socket): string => `${protocol} ${address} ${port}`
