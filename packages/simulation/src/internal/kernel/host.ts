import type * as Network from "@sluice/core/Network"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Host from "../../Host.ts"
import * as Link from "../../Link.ts"
import { LinkState } from "../fabric/link.ts"
import type { World } from "../fabric/world.ts"
import { RandomStream } from "../time/random.ts"
import { isLoopback, isUnix } from "./socketAddress.ts"
import type { Segment } from "./tcp/segment.ts"
import { TcpTable } from "./tcp/table.ts"
import type { TlsFault } from "./tls/fault.ts"
import type { TlsStack } from "./tls/stack.ts"
import { UdpTable } from "./udp/table.ts"
import { UnixTable } from "./unix.ts"

export const typeId = "~@sluice/simulation/Host"

/** A simulated machine: its addresses, its sockets, and the links that lead away from it. */
export class HostState implements Host.Host {
  readonly [typeId]: typeof typeId = typeId
  readonly world: World
  readonly name: string
  /** One or more, IPv4 and IPv6. */
  readonly addresses: ReadonlyArray<string>
  readonly tcp: TcpTable
  readonly udp: UdpTable
  readonly unix = new UnixTable()
  readonly loopback: LinkState
  readonly #unixLink: LinkState
  readonly #links = new Map<HostState, LinkState>()
  readonly #sequences: RandomStream
  /** For the tickets of TLS sessions. */
  readonly tickets: RandomStream
  readonly tls: TlsStack
  tlsFault: TlsFault | undefined = undefined
  /** The network as it is seen from here. */
  network: Network.Network["Service"] | undefined = undefined
  isUp = true
  /** What runs here. */
  readonly fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  /** What runs here from the start, and again after a crash. */
  readonly programs: Array<Effect.Effect<void>> = []
  /** Milliseconds by which its clock is ahead. */
  skew = 0

  constructor(world: World, name: string, addresses: ReadonlyArray<string>, tls: TlsStack) {
    this.world = world
    this.name = name
    this.addresses = addresses
    this.tcp = new TcpTable(this)
    this.udp = new UdpTable(this)
    this.loopback = new LinkState(world, this, this, world.loopback)
    this.#unixLink = new LinkState(world, this, this, Link.loopback)
    this.#sequences = new RandomStream(world.seed, `${name}/initial sequence numbers`)
    this.tickets = new RandomStream(world.seed, `${name}/tickets`)
    this.tls = tls
  }

  initialSequence(): number {
    return this.#sequences.bits()
  }

  /** What its clock says, in milliseconds. */
  get wallClock(): number {
    return Math.floor(this.world.engine.now / 1000) + this.skew
  }

  owns(address: string): boolean {
    return isLoopback(address) || this.addresses.includes(address)
  }

  /** The way to an address, if anybody has it. */
  linkTo(address: string): LinkState | undefined {
    if (isUnix(address)) return this.#unixLink
    if (this.owns(address)) return this.loopback
    const host = this.world.hostAt(address)
    return host === undefined ? undefined : this.linkToHost(host)
  }

  linkToHost(host: HostState): LinkState {
    if (host === this) return this.loopback
    let link = this.#links.get(host)
    if (link === undefined) {
      link = new LinkState(this.world, this, host, this.world.defaults)
      this.#links.set(host, link)
    }
    return link
  }

  /** The address that packets to another one come from, if this host has one of that family. */
  sourceFor(address: string): string | undefined {
    if (isLoopback(address)) return address.includes(":") ? "::1" : "127.0.0.1"
    if (this.owns(address)) return address
    const isIpv6 = address.includes(":")
    return this.addresses.find((own) => own.includes(":") === isIpv6)
  }

  send(segment: Segment, link: LinkState | undefined): void {
    // What does not leave the machine is no traffic.
    if (link === this.#unixLink) link.send(segment)
    else this.world.transmit(segment, link)
  }

  /** All sockets are gone at once, and nobody is told. */
  vanish(): void {
    this.isUp = false
    this.tcp.vanish()
    this.udp.vanish()
    this.unix.vanish()
  }
}
