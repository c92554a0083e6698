import type * as Scope from "effect/Scope"
import type * as Link from "../../Link.ts"
import type * as Trace from "../../Trace.ts"
import { HostState } from "../kernel/host.ts"
import type { TcpSettings } from "../kernel/tcp/settings.ts"
import type { Certificate } from "../kernel/tls/certificate/certificate.ts"
import type { TlsStack } from "../kernel/tls/stack.ts"
import { TraceBuffer } from "../report/trace/buffer.ts"
import type { Engine } from "../time/engine.ts"
import type { Seed } from "../time/random.ts"
import type { LinkState } from "./link.ts"
import type { Packet } from "./packet.ts"

/** What a simulated network is made with. */
export interface Settings {
  readonly seed: Seed
  readonly defaults: Link.Settings
  readonly loopback: Link.Settings
  readonly tcp: TcpSettings
  readonly names: ReadonlyMap<string, ReadonlyArray<string>>
  readonly authorities: ReadonlyArray<Certificate>
  readonly trace: { readonly records: number; readonly bytes: number } | undefined
}

/** Everything that there is in a simulated network. */
export class World {
  readonly engine: Engine
  /** How long it goes on. */
  readonly scope: Scope.Scope
  readonly seed: Seed
  readonly defaults: Link.Settings
  readonly loopback: Link.Settings
  readonly tcp: TcpSettings
  /** Whom clients trust that do not say. */
  readonly authorities: ReadonlyArray<Certificate>
  readonly hosts = new Map<string, HostState>()
  readonly #byAddress = new Map<string, HostState>()
  readonly #names: ReadonlyMap<string, ReadonlyArray<string>>
  readonly #aliases = new Map<string, HostState>()
  readonly #trace: TraceBuffer | undefined
  #hostNumber = 0
  /** Packets sent so far. */
  segments = 0
  datagrams = 0

  constructor(engine: Engine, scope: Scope.Scope, settings: Settings) {
    this.engine = engine
    this.scope = scope
    this.seed = settings.seed
    this.defaults = settings.defaults
    this.loopback = settings.loopback
    this.tcp = settings.tcp
    this.authorities = settings.authorities
    this.#names = settings.names
    this.#trace = settings.trace === undefined ? undefined : new TraceBuffer(settings.trace)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Hosts
  // -------------------------------------------------------------------------------------------------------------------

  /** Adds a host; without addresses it gets one of each family. */
  addHost(
    name: string,
    addresses: ReadonlyArray<string>,
    aliases: ReadonlyArray<string>,
    tls: TlsStack
  ): HostState {
    const own = addresses.length > 0 ? addresses : this.#nextAddresses()
    const host = new HostState(this, name, own, tls)
    this.hosts.set(name, host)
    for (const address of own) this.#byAddress.set(address, host)
    for (const alias of aliases) this.#aliases.set(alias, host)
    this.#trace?.hosts.push(name)
    return host
  }

  #nextAddresses(): ReadonlyArray<string> {
    while (true) {
      const number = ++this.#hostNumber
      const addresses = [
        `10.${number >> 16 & 255}.${number >> 8 & 255}.${number & 255}`,
        number <= 0xffff
          ? `fd00::${number.toString(16)}`
          : `fd00::${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}`
      ]
      if (!addresses.some((address) => this.#byAddress.has(address))) return addresses
    }
  }

  hostAt(address: string): HostState | undefined {
    return this.#byAddress.get(address)
  }

  /** The addresses of a name. */
  lookup(name: string): ReadonlyArray<string> {
    const plain = name.endsWith(".") ? name.slice(0, -1) : name
    if (plain === "localhost") return ["127.0.0.1", "::1"]
    return this.#names.get(plain) ?? (this.hosts.get(plain) ?? this.#aliases.get(plain))?.addresses ?? []
  }

  /** The names of an address. */
  reverse(address: string): ReadonlyArray<string> {
    const host = this.#byAddress.get(address)
    return host === undefined ? [] : [host.name]
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Packets
  // -------------------------------------------------------------------------------------------------------------------

  /** Sends a packet on its way, or to nowhere. */
  transmit(packet: Packet, link: LinkState | undefined): void {
    this.describe(packet)
    if (link === undefined) return packet.drop("unrouted")
    link.send(packet)
  }

  /** Writes a packet into the trace. What becomes of it may still change. */
  describe(packet: Packet): Packet["record"] {
    if (packet.fragments) this.datagrams++
    else this.segments++
    if (this.#trace === undefined) return undefined
    const record = packet.describe(this.engine.now)
    packet.record = record
    this.#trace.add(record)
    return record
  }

  note(record: Trace.Timer | Trace.Fault): void {
    this.#trace?.add(record)
  }

  fault(name: string, hosts: ReadonlyArray<HostState>): void {
    this.note({ _tag: "Fault", at: this.engine.now, name, hosts: hosts.map((host) => host.name) })
  }

  get trace(): Trace.Trace {
    return this.#trace?.snapshot ?? { records: [], dropped: 0, hosts: [...this.hosts.keys()], hash: "0".repeat(16) }
  }
}
