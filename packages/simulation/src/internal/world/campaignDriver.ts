import type { HostState } from "../kernel/host.ts"
import type { Event } from "../time/eventQueue.ts"
import { RandomStream } from "../time/random.ts"
import type { Description, Kind, RecordedFault } from "./faultDescription.ts"
import { linkFaults } from "./faultKinds.ts"
import type { World } from "./world.ts"

/** How faults are drawn. Times are in microseconds. */
export interface Settings {
  readonly kinds: ReadonlyArray<Kind>
  readonly every: readonly [number, number]
  readonly lasts: readonly [number, number]
  /** The hosts that may be hit; by default servers most of the time. */
  readonly targets: (() => ReadonlyArray<HostState>) | undefined
  /** Hosts that are aimed at by what they are. */
  readonly roles: ReadonlyArray<() => ReadonlyArray<HostState>>
  /** How many hosts may be down at once, of this many. */
  readonly down: (hosts: number) => number
}

// How often hosts are hit that are not servers.
const clientShare = 0.1

// Few programs care about them.
const rare: ReadonlySet<Kind> = new Set(["skew", "drift"])

// A fault that waits for a packet strikes so long after it, or after this time without one. Microseconds.
const afterPacket = [10, 20_000] as const
const patience = 2_000_000

// A packet of a sort of which a host has had this many is worth a fault for certain; one of twice as many, half of the time.
const novelty = 8

/**
 * Injects faults by events of the network, not by fibers: so the faults of a run can be replayed, or left out one by one,
 * without another order of the tasks of its programs.
 */
export class CampaignDriver {
  readonly #world: World
  readonly #settings: Settings
  readonly #random: RandomStream
  readonly #kinds: ReadonlyArray<Kind>
  // Some runs are calmer than others.
  readonly #pace: number
  // How often a fault waits for a packet, and how often it aims at the host that sends the most.
  readonly #onPacket: number
  readonly #atBusiest: number
  readonly #events = new Set<Event>()
  readonly #armed = new Map<HostState, Array<() => void>>()
  readonly #sent = new Map<HostState, number>()
  // How many packets of each sort a host has had.
  readonly #had = new Map<HostState, Map<number, number>>()

  constructor(world: World, settings: Settings) {
    this.#world = world
    this.#settings = settings
    this.#random = new RandomStream(world.seed, "campaign")
    const share = this.#random.next()
    const swarm = settings.kinds.filter(() => this.#random.chance(share))
    this.#kinds = (swarm.length > 0 ? swarm : [this.#pick(settings.kinds)!])
      .flatMap((kind) => rare.has(kind) ? [kind] : [kind, kind, kind])
    this.#pace = 2 ** (5 * this.#random.next() - 3)
    this.#onPacket = this.#random.next()
    this.#atBusiest = this.#random.next()
  }

  start(): void {
    this.#world.onArrival = (host, payload) => this.#arrived(host, payload)
    this.#next()
  }

  /** Injects what is given, and nothing else. */
  replay(faults: ReadonlyArray<RecordedFault>): void {
    for (const fault of faults) this.#at(fault.at, () => this.#begin(fault, fault.until))
  }

  stop(): void {
    for (const event of this.#events) this.#world.engine.cancel(event)
    this.#events.clear()
    this.#armed.clear()
    this.#world.onArrival = undefined
    this.#world.faults.heal()
  }

  #next(): void {
    this.#at(this.#world.engine.now + this.#between(this.#settings.every) * this.#pace, () => {
      this.#strike()
      this.#next()
    })
  }

  #at(at: number, run: () => void): void {
    const event: Event = {
      at: 0,
      order: 0,
      cancelled: false,
      isFirst: true,
      run: () => {
        this.#events.delete(event)
        run()
      }
    }
    this.#events.add(event)
    this.#world.engine.schedule(event, Math.round(at))
  }

  #begin({ amount, hosts, kind, others, tls }: Description, until: number | undefined): void {
    const active = this.#world.faults.begin({ amount, hosts, kind, others, tls })
    if (until !== undefined) this.#at(until, () => this.#world.faults.end(active))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // When
  // -------------------------------------------------------------------------------------------------------------------

  // What matters happens around packets, and more around those that are rare: a vote, rather than a heartbeat. So some
  // faults wait for one.
  #strike(): void {
    const kind = this.#pick(this.#kinds)!
    const pool = this.#pool()
    const target = this.#target(pool)
    if (target === undefined) return
    let isDone = false
    const inject = () => {
      if (isDone) return
      isDone = true
      const description = this.#describe(kind, target, pool)
      const lasts = this.#between(this.#settings.lasts)
      if (description !== undefined) this.#begin(description, this.#world.engine.now + lasts)
    }
    if (!this.#random.chance(this.#onPacket)) return inject()
    const soon = () => this.#at(this.#world.engine.now + this.#between(afterPacket), inject)
    const armed = this.#armed.get(target)
    if (armed === undefined) this.#armed.set(target, [soon])
    else armed.push(soon)
    this.#at(this.#world.engine.now + patience, inject)
  }

  #arrived(host: HostState, payload: Uint8Array): void {
    const sort = payload[0]! << 5 | Math.clz32(payload.length)
    let had = this.#had.get(host)
    if (had === undefined) this.#had.set(host, had = new Map())
    const count = had.get(sort) ?? 0
    had.set(sort, count + 1)
    const armed = this.#armed.get(host)
    if (armed === undefined || !this.#random.chance(novelty / (count + 1))) return
    this.#armed.delete(host)
    for (const soon of armed) soon()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Where
  // -------------------------------------------------------------------------------------------------------------------

  // Hosts among which a fault chooses, and of which a part may be down.
  #pool(): ReadonlyArray<HostState> {
    const { targets } = this.#settings
    if (targets !== undefined) return targets()
    const all = [...this.#world.hosts.values()]
    const isServer = !this.#random.chance(clientShare)
    const pool = all.filter((host) => host.isServer === isServer)
    return pool.length > 0 ? pool : all
  }

  #target(pool: ReadonlyArray<HostState>): HostState | undefined {
    const busiest = this.#busiest(pool)
    if (this.#settings.roles.length > 0 && this.#random.chance(0.5)) {
      const aimed = this.#pick(this.#settings.roles)!().filter((host) => pool.includes(host))
      if (aimed.length > 0) return this.#pick(aimed)
    }
    return this.#random.chance(this.#atBusiest) ? busiest : this.#pick(pool)
  }

  // The host that has sent the most since the last fault: a leader, a primary, a hub.
  #busiest(pool: ReadonlyArray<HostState>): HostState | undefined {
    let most = -1
    let busiest: HostState | undefined
    for (const host of pool) {
      const sent = host.bytesSent - (this.#sent.get(host) ?? 0)
      this.#sent.set(host, host.bytesSent)
      if (sent > most) [most, busiest] = [sent, host]
    }
    return busiest
  }

  #describe(kind: Kind, target: HostState, pool: ReadonlyArray<HostState>): Description | undefined {
    const amount = amounts[kind]?.(this.#random)
    if (kind in linkFaults) {
      const [near, far] = this.#sides(target, pool)
      if (far.length === 0) return undefined
      const isSwapped = kind === "partitionOneWay" && this.#random.chance(0.5)
      return { kind, hosts: names(isSwapped ? far : near), others: names(isSwapped ? near : far), amount }
    }
    if (!target.isUp) return undefined
    const stops = kind === "crash" || kind === "kill" || kind === "stop"
    if (stops && !this.#mayStop(target, pool)) return undefined
    return kind === "breakTls"
      ? { kind, hosts: [target.name], tls: this.#pick(["stall", "cut", "corrupt", "truncate"] as const) }
      : { kind, hosts: [target.name], amount }
  }

  // A host without programs would not start again, and a caller of `Host.run` would be interrupted.
  #mayStop(target: HostState, pool: ReadonlyArray<HostState>): boolean {
    if (this.#settings.targets === undefined && target.programs.length === 0) return false
    const others = pool.filter((host) => host !== target && (!host.isUp || this.#world.faults.isStopping(host)))
    return others.length < this.#settings.down(pool.length)
  }

  // One host against others, or two halves; among the hosts of the pool, or among all.
  #sides(target: HostState, pool: ReadonlyArray<HostState>): readonly [Hosts: Hosts, others: Hosts] {
    const isOpen = this.#settings.targets === undefined
    const others = [...this.#world.hosts.values()].filter((host) => host !== target)
    const inside = others.filter((host) => pool.includes(host))
    const outside = others.filter((host) => !pool.includes(host))
    const one = (hosts: Hosts): Hosts => hosts.length === 0 ? [] : [this.#pick(hosts)!]
    const halves = (hosts: Hosts): readonly [Hosts, Hosts] => {
      const near = hosts.filter(() => this.#random.chance(0.5))
      return [[target, ...near], hosts.filter((host) => !near.includes(host))]
    }
    switch (this.#random.below(isOpen && outside.length > 0 ? 7 : 3)) {
      case 0:
        return [[target], inside]
      case 1:
        return [[target], one(inside)]
      case 2:
        return halves(inside)
      case 3:
        return [[target], others]
      case 4:
        return [[target], outside]
      case 5:
        return [[target], one(outside)]
      default:
        return halves(others)
    }
  }

  #pick<A>(all: ReadonlyArray<A>): A | undefined {
    return all.length === 0 ? undefined : all[this.#random.below(all.length)]
  }

  // Short and long times are equally likely: what is hit by one of a millisecond is not hit by one of a second.
  #between([least, most]: readonly [number, number]): number {
    return Math.round(Math.max(1, least) * (Math.max(1, most) / Math.max(1, least)) ** this.#random.next())
  }
}

type Hosts = ReadonlyArray<HostState>

const amounts: Partial<Record<Kind, (random: RandomStream) => number>> = {
  slow: (random) => 2 + random.below(100),
  lossy: (random) => 0.1 + random.next() * 0.8,
  stop: (random) => random.below(10_000),
  turns: (random) => 0.1 + random.next() * 5,
  skew: (random) => (random.chance(0.5) ? -1 : 1) * Math.round(10 ** (1 + 6 * random.next())),
  drift: (random) => 0.9 + random.next() * 0.2
}

const names = (hosts: ReadonlyArray<HostState>): ReadonlyArray<string> => hosts.map(({ name }) => name)
