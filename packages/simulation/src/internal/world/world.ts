import type * as Transport from "@sluice/core/Transport"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Scope from "effect/Scope"
import type * as Trace from "../../Trace.ts"
import type { DiskSettings } from "../disk/settings.ts"
import type { LinkState } from "../fabric/link.ts"
import type { LinkSettings } from "../fabric/linkSettings.ts"
import type { Packet } from "../fabric/packet.ts"
import { HostState, type Surroundings } from "../kernel/host.ts"
import type { TcpSettings } from "../kernel/tcp/settings.ts"
import type { Certificate } from "../kernel/tls/certificate/certificate.ts"
import type { TlsStack } from "../kernel/tls/stack.ts"
import type { Engine } from "../time/engine.ts"
import type { Seed } from "../time/random.ts"
import { Streams } from "../time/streams.ts"
import { CallLog } from "./callLog.ts"
import { FaultLog } from "./faultLog.ts"
import { Rules } from "./rule/rules.ts"
import { Timescale } from "./timescale.ts"
import { TraceBuffer } from "./traceBuffer.ts"

/** The network that a fiber runs in, if it runs in a simulation. */
export const CurrentWorld: Context.Reference<World | undefined> = Context.Reference<World | undefined>(
  "@sluice/simulation/CurrentWorld",
  { defaultValue: () => undefined }
)

/** The options of a simulated network, checked and complete. */
export interface Settings {
  readonly seed: Seed
  readonly defaults: LinkSettings
  readonly loopback: LinkSettings
  readonly tcp: TcpSettings
  /** Of hosts that have no settings of their own. */
  readonly disk: DiskSettings
  readonly names: ReadonlyMap<string, ReadonlyArray<string>>
  readonly authorities: ReadonlyArray<Certificate>
  readonly trace: { readonly records: number; readonly bytes: number } | undefined
}

/** A simulated network: its hosts, its trace and its faults. */
export class World implements Surroundings {
  /** The network of a host: hosts are made by worlds alone. */
  static of(host: HostState): World {
    return host.world as World
  }

  readonly engine: Engine
  /** How long it lasts. */
  readonly scope: Scope.Scope
  readonly streams: Streams
  readonly defaults: LinkSettings
  readonly loopback: LinkSettings
  readonly tcp: TcpSettings
  readonly disk: DiskSettings
  /** Trusted by clients that do not name authorities. */
  readonly authorities: ReadonlyArray<Certificate>
  readonly hosts = new Map<string, HostState>()
  readonly #byAddress = new Map<string, HostState>()
  #names: ReadonlyMap<string, ReadonlyArray<string>>
  readonly #aliases = new Map<string, HostState>()
  #trace: TraceBuffer | undefined
  #hostNumber = 0
  readonly faults = new FaultLog(this)
  readonly rules = new Rules(this)
  readonly calls = new CallLog(this)
  /** Told when a program of a host fails; where nobody is, the failure is logged. */
  onFailure: ((host: HostState, cause: Cause.Cause<unknown>) => void) | undefined = undefined
  /** Told when there is nothing more to expect of the run. */
  onAbandoned: (() => void) | undefined = undefined
  onArrival: ((packet: Packet, host: HostState) => void) | undefined = undefined
  readonly timescale = new Timescale()
  readonly numbers: Transport.Numbers = { connections: 0, subscriptions: 0 }
  #ended = false
  /** Packets sent so far. */
  segments = 0
  datagrams = 0

  constructor(engine: Engine, scope: Scope.Scope, settings: Settings) {
    this.engine = engine
    this.scope = scope
    this.streams = new Streams(settings.seed)
    this.streams.follow(engine)
    this.defaults = settings.defaults
    this.loopback = settings.loopback
    this.tcp = settings.tcp
    this.disk = settings.disk
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
    tls: TlsStack,
    descriptors: number,
    disk: DiskSettings
  ): HostState {
    const own = addresses.length > 0 ? addresses : this.#nextAddresses()
    const host = new HostState(this, name, own, tls, descriptors, disk)
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
  lookup(name: string, names = this.#names): ReadonlyArray<string> {
    const plain = name.endsWith(".") ? name.slice(0, -1) : name
    if (plain === "localhost") return ["127.0.0.1", "::1"]
    return names.get(plain) ?? (this.hosts.get(plain) ?? this.#aliases.get(plain))?.addresses ?? []
  }

  /** From now on, a name resolves to these addresses. */
  setName(name: string, addresses: ReadonlyArray<string>): void {
    this.#names = new Map([...this.#names, [name, addresses]])
  }

  namesNow(): (name: string) => ReadonlyArray<string> {
    const names = this.#names
    return (name) => this.lookup(name, names)
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
    if (this.rules.isEmpty || !this.rules.takes(packet, link)) link.send(packet)
  }

  /** Writes a packet into the trace. What becomes of it may still change. */
  describe(packet: Packet): Packet["record"] {
    if (packet.protocol === "udp") this.datagrams++
    else if (packet.protocol === "tcp") this.segments++
    if (this.#trace === undefined) return undefined
    const record = packet.describe(this.engine.now)
    if (record === undefined) return undefined
    packet.record = record
    this.#trace.add(record)
    return record
  }

  note(record: Trace.Timer | Trace.Disk | Trace.Fault | Trace.Note): void {
    if (!this.#ended) this.#trace?.add(record)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The end
  // -------------------------------------------------------------------------------------------------------------------

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Freezes the trace and turns off the power of all hosts: from now on nothing happens here. */
  end(): void {
    this.#ended = true
    for (const host of this.hosts.values()) host.crash()
  }

  /** Forgets its hosts, its trace and its listeners, at the end of the run. */
  release(): void {
    this.#trace = undefined
    this.onFailure = undefined
    this.onAbandoned = undefined
    this.onArrival = undefined
    this.hosts.clear()
    this.#byAddress.clear()
    this.#aliases.clear()
  }

  get hasTrace(): boolean {
    return this.#trace !== undefined
  }

  /** How many records there were so far. */
  get recorded(): number {
    return this.#trace?.count ?? 0
  }

  get trace(): Trace.Trace {
    const calls = this.calls.snapshot
    return this.#trace === undefined
      ? { records: [], dropped: 0, hosts: [...this.hosts.keys()], hash: "0".repeat(16) }
      : { ...this.#trace.snapshot, ...(calls.length > 0 && { calls }) }
  }
}
