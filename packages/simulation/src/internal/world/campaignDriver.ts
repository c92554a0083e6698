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
  /** The hosts that may be hit. */
  readonly targets: () => ReadonlyArray<HostState>
  /** Hosts that are aimed at by what they are. */
  readonly roles: ReadonlyArray<() => ReadonlyArray<HostState>>
  /** How many hosts may be down at once, of this many. */
  readonly down: (hosts: number) => number
}

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
  readonly #events = new Set<Event>()

  constructor(world: World, settings: Settings) {
    this.#world = world
    this.#settings = settings
    this.#random = new RandomStream(world.seed, "campaign")
    const swarm = settings.kinds.filter(() => this.#random.chance(0.5))
    this.#kinds = swarm.length > 0 ? swarm : [this.#pick(settings.kinds)!]
    this.#pace = 2 ** (4 * this.#random.next() - 2)
  }

  start(): void {
    this.#at(this.#world.engine.now + this.#between(this.#settings.every) * this.#pace, () => {
      this.#inject()
      this.start()
    })
  }

  /** Injects what is given, and nothing else. */
  replay(faults: ReadonlyArray<RecordedFault>): void {
    for (const fault of faults) this.#at(fault.at, () => this.#begin(fault, fault.until))
  }

  stop(): void {
    for (const event of this.#events) this.#world.engine.cancel(event)
    this.#events.clear()
    this.#world.faults.heal()
  }

  #at(at: number, run: () => void): void {
    const event: Event = {
      at: 0,
      order: 0,
      cancelled: false,
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

  #inject(): void {
    const description = this.#draw(this.#pick(this.#kinds)!)
    const lasts = this.#between(this.#settings.lasts)
    if (description !== undefined) this.#begin(description, this.#world.engine.now + lasts)
  }

  #draw(kind: Kind): Description | undefined {
    const hosts = this.#settings.targets()
    if (hosts.length === 0) return undefined
    const aimed = this.#settings.roles.length > 0 && this.#random.chance(0.5)
      ? this.#pick(this.#settings.roles)!().filter((host) => hosts.includes(host))
      : []
    const target = this.#pick(aimed) ?? this.#pick(hosts)!
    const amount = amounts[kind]?.(this.#random)
    if (kind in linkFaults) {
      // One host against all others, a pair, or two halves.
      const rest = hosts.filter((host) => host !== target)
      const shape = this.#random.below(3)
      const side = shape === 2 ? rest.filter(() => this.#random.chance(0.5)) : []
      const others = shape === 1 ? rest.filter((_, index) => index === this.#random.below(rest.length)) : rest
      const far = others.filter((host) => !side.includes(host))
      if (far.length === 0) return undefined
      const [a, b] = [[target, ...side], far]
      const isSwapped = kind === "partitionOneWay" && this.#random.chance(0.5)
      return { kind, hosts: names(isSwapped ? b : a), others: names(isSwapped ? a : b), amount }
    }
    if (!target.isUp) return undefined
    const stops = kind === "crash" || kind === "kill" || kind === "stop"
    if (stops && hosts.filter((host) => !host.isUp).length >= this.#settings.down(hosts.length)) return undefined
    return kind === "breakTls"
      ? { kind, hosts: [target.name], tls: this.#pick(["stall", "cut", "corrupt", "truncate"] as const) }
      : { kind, hosts: [target.name], amount }
  }

  #pick<A>(all: ReadonlyArray<A>): A | undefined {
    return all.length === 0 ? undefined : all[this.#random.below(all.length)]
  }

  #between([least, most]: readonly [number, number]): number {
    return Math.round(least + (most - least) * this.#random.next())
  }
}

const amounts: Partial<Record<Kind, (random: RandomStream) => number>> = {
  slow: (random) => 2 + random.below(100),
  lossy: (random) => 0.1 + random.next() * 0.8,
  stop: (random) => random.below(10_000),
  turns: (random) => 0.1 + random.next() * 5,
  skew: (random) => (random.chance(0.5) ? -1 : 1) * Math.round(10 ** (1 + 6 * random.next())),
  drift: (random) => 0.9 + random.next() * 0.2
}

const names = (hosts: ReadonlyArray<HostState>): ReadonlyArray<string> => hosts.map(({ name }) => name)
