import type * as Network from "@sluice/core/Network"
import type * as Transport from "@sluice/core/Transport"
import type * as Scope from "effect/Scope"
import type * as Host from "../../Host.ts"
import type * as Trace from "../../Trace.ts"
import { Disk, type Machine } from "../disk/disk.ts"
import type { DiskSettings } from "../disk/settings.ts"
import type { Uplink } from "../fabric/bottleneck.ts"
import { IcmpError } from "../fabric/icmpError.ts"
import type { IpStack } from "../fabric/ipStack.ts"
import { type Fabric, LinkState } from "../fabric/link.ts"
import * as LinkSettings from "../fabric/linkSettings.ts"
import { Nat } from "../fabric/nat.ts"
import type { Packet } from "../fabric/packet.ts"
import type { Engine } from "../time/engine.ts"
import type { RandomStream, Seed } from "../time/random.ts"
import type { Streams } from "../time/streams.ts"
import { Descriptors } from "./descriptors.ts"
import { HostTime } from "./hostTime.ts"
import { Names } from "./names.ts"
import { Process } from "./process.ts"
import { isLoopback, isUnix } from "./socketAddress.ts"
import { Segment } from "./tcp/segment.ts"
import type { TcpSettings } from "./tcp/settings.ts"
import { TcpTable } from "./tcp/table.ts"
import type { Certificate } from "./tls/certificate/certificate.ts"
import type { TlsFault } from "./tls/fault.ts"
import type { TlsHost, TlsStack } from "./tls/stack.ts"
import { Datagram } from "./udp/datagram.ts"
import { UdpTable } from "./udp/table.ts"
import { UnixTable } from "./unix.ts"

export const typeId = "~@sluice/simulation/Host"

/** What a host needs of the network that it is in. */
export interface Surroundings extends Fabric {
  /** How long it lasts. */
  readonly scope: Scope.Scope
  readonly defaults: LinkSettings.LinkSettings
  readonly loopback: LinkSettings.LinkSettings
  readonly tcp: TcpSettings
  /** Trusted by clients that do not name authorities. */
  readonly authorities: ReadonlyArray<Certificate>
  readonly hosts: ReadonlyMap<string, HostState>
  /** The numbers of all its connections and subscriptions. */
  readonly numbers: Transport.Numbers
  readonly hasEnded: boolean
  readonly hostAt: (address: string) => HostState | undefined
  /** The addresses of a name. */
  readonly lookup: (name: string) => ReadonlyArray<string>
  /** What names resolve to now, for later. */
  readonly namesNow: () => (name: string) => ReadonlyArray<string>
  /** The names of an address. */
  readonly reverse: (address: string) => ReadonlyArray<string>
  readonly transmit: (packet: Packet, link: LinkState | undefined) => void
  readonly note: (record: Trace.Timer | Trace.Disk) => void
  /** Told of each packet with a payload before its host takes it. */
  readonly onArrival: ((packet: Packet, host: HostState) => void) | undefined
  /** Learns how long programs sleep. */
  readonly timescale: { readonly slept: (micros: number) => void }
}

/** A simulated machine: its addresses, its sockets, its clock, its process, and the links to other machines. */
export class HostState implements Host.Host, IpStack, TlsHost, Machine {
  readonly [typeId]: typeof typeId = typeId
  readonly world: Surroundings
  readonly name: string
  /** One or more, IPv4 and IPv6. */
  readonly addresses: ReadonlyArray<string>
  readonly time: HostTime
  readonly tcp: TcpTable
  readonly udp: UdpTable
  readonly unix = new UnixTable()
  readonly #loopback: LinkState
  readonly #unixLink: LinkState
  readonly #links = new Map<IpStack, LinkState>()
  readonly #sequences: RandomStream
  readonly tickets: RandomStream
  /** For what runs here. */
  readonly random: RandomStream
  readonly tls: TlsStack
  readonly descriptors: Descriptors
  readonly names = new Names(this)
  uplink: Uplink | undefined = undefined
  /** The router that it is behind. */
  gateway: HostState | undefined = undefined
  /** What it does for the hosts behind it, if it is a router. */
  nat: Nat | undefined = undefined
  tlsFault: TlsFault | undefined = undefined
  readonly #diskSettings: DiskSettings
  #disk: Disk | undefined = undefined
  #turnTime: (() => number) | undefined = undefined
  /** The network as it is seen from here. */
  network: Network.Network["Service"] | undefined = undefined
  isPowered = true
  /** Whether others can know where it is: it has listened, or bound a port of its choice. */
  isServer = false
  process: Process
  /** Starts what runs here from the beginning of each process. */
  readonly programs: Array<() => void> = []

  constructor(
    world: Surroundings,
    name: string,
    addresses: ReadonlyArray<string>,
    tls: TlsStack,
    descriptors: number,
    disk: DiskSettings
  ) {
    this.world = world
    this.name = name
    this.addresses = addresses
    this.time = new HostTime(world.engine, world.timescale.slept.bind(world.timescale))
    this.descriptors = new Descriptors(descriptors)
    this.tcp = new TcpTable(this, world.tcp, this.descriptors)
    this.udp = new UdpTable(this, world.tcp.ephemeralPorts, this.descriptors)
    this.#loopback = new LinkState(world, this, this, world.loopback)
    this.#unixLink = new LinkState(world, this, this, LinkSettings.loopback)
    this.#sequences = world.streams.of(`${name}/initial sequence numbers`)
    this.tickets = world.streams.of(`${name}/tickets`)
    this.random = world.streams.of(`${name}/program`)
    this.tls = tls
    this.#diskSettings = disk
    this.process = new Process(this)
  }

  get engine(): Engine {
    return this.world.engine
  }

  get streams(): Streams {
    return this.world.streams
  }

  get seed(): Seed {
    return this.world.streams.seed
  }

  get authorities(): ReadonlyArray<Certificate> {
    return this.world.authorities
  }

  get machines(): Iterable<IpStack> {
    return this.world.hosts.values()
  }

  get wallClock(): number {
    return this.time.wall
  }

  readonly initialSequence = (): number => this.#sequences.bits()

  // -------------------------------------------------------------------------------------------------------------------
  // Addresses and links
  // -------------------------------------------------------------------------------------------------------------------

  owns(address: string): boolean {
    return isLoopback(address) || this.addresses.includes(address)
  }

  linkTo(address: string): LinkState | undefined {
    if (isUnix(address)) return this.#unixLink
    if (this.owns(address)) return this.#loopback
    const host = this.world.hostAt(address)
    if (host === undefined) return undefined
    const { gateway } = this
    if (host.gateway === gateway || host === gateway) return this.linkToMachine(host)
    if (gateway !== undefined) return this.linkToMachine(gateway)
    // Hosts behind a router cannot be reached but from there.
    return host.gateway === this ? this.linkToMachine(host) : undefined
  }

  linkToMachine(machine: IpStack): LinkState {
    if (machine === this) return this.#loopback
    let link = this.#links.get(machine)
    if (link === undefined) {
      link = new LinkState(this.world, this, machine, this.world.defaults)
      this.#links.set(machine, link)
    }
    return link
  }

  sourceFor(address: string): string | undefined {
    if (isLoopback(address)) return address.includes(":") ? "::1" : "127.0.0.1"
    if (this.owns(address)) return address
    const isIpv6 = address.includes(":")
    return this.addresses.find((own) => own.includes(":") === isIpv6)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Packets
  // -------------------------------------------------------------------------------------------------------------------

  send(packet: Packet, link: LinkState | undefined): void {
    if (!this.isPowered) return
    // What does not leave the machine is no traffic.
    if (link === this.#unixLink) return link.send(packet)
    this.world.transmit(packet, link)
  }

  receive(packet: Packet): void {
    if (this.nat !== undefined && this.nat.takes(packet)) return
    if (packet.payload.length > 0) this.world.onArrival?.(packet, this)
    if (packet instanceof Segment) this.tcp.receive(packet)
    else if (packet instanceof Datagram) this.udp.receive(packet)
    else if (packet instanceof IcmpError) this[packet.about instanceof Segment ? "tcp" : "udp"].receiveError(packet)
  }

  hasJoined(group: string): boolean {
    return this.udp.hasJoined(group)
  }

  note(record: Trace.Timer | Trace.Disk): void {
    this.world.note(record)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The disk
  // -------------------------------------------------------------------------------------------------------------------

  get disk(): Disk {
    return this.#disk ??= new Disk(this, this.#diskSettings)
  }

  /** Whether anything has used its disk. */
  get usesDisk(): boolean {
    return this.#disk?.isUsed === true
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Processes
  // -------------------------------------------------------------------------------------------------------------------

  get hasEnded(): boolean {
    return this.world.hasEnded
  }

  get isUp(): boolean {
    return this.isPowered && !this.process.gate.isDead
  }

  /** How long a turn of a task takes, in microseconds; no time by default. */
  setTurnTime(turnTime: (() => number) | undefined): void {
    this.#turnTime = turnTime
    this.process.gate.turnTime = turnTime
  }

  /** The machine loses its power: the process, all sockets and the page cache are gone at once, and nothing is sent. */
  crash(): void {
    this.isPowered = false
    if (!this.hasEnded) this.#disk?.crash()
    this.process.gate.kill()
    this.nat?.clear()
    this.tcp.vanish()
    this.udp.vanish()
    this.unix.vanish()
    this.descriptors.clear()
  }

  /** The process is gone at once, and the kernel closes its sockets: peers get FIN or RST, and its ports refuse. */
  kill(): void {
    this.process.gate.kill()
    this.tcp.orphan()
    this.udp.vanish()
    this.unix.vanish()
    this.descriptors.clear()
  }

  /** Power, if it had none, and a new process. */
  restart(): void {
    this.isPowered = true
    this.process = new Process(this)
    this.process.gate.turnTime = this.#turnTime
    for (const program of this.programs) program()
  }
}

/** Puts hosts behind a router, which then translates their addresses. */
export const hide = (router: Host.Host, hosts: ReadonlyArray<Host.Host>, settings: LinkSettings.Middlebox): void => {
  const others = (hosts as ReadonlyArray<HostState>).filter((host) => host !== router)
  for (const host of others) host.gateway = router as HostState
  ;(router as HostState).nat = new Nat(router as HostState, others, settings)
}
