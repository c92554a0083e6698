import type { HostState } from "../kernel/host.ts"
import type { RandomStream } from "../time/random.ts"
import { type Description, diskKinds, type Kind } from "../world/faultDescription.ts"
import { linkFaults } from "../world/faultKinds.ts"
import type { World } from "../world/world.ts"
import { Injector } from "./injector.ts"
import { drawProfile, type Profile } from "./profile.ts"
import { between, draw, type Shape, stopping, type Tactic } from "./tactic.ts"

/** How faults are drawn. Times are in microseconds. */
export interface Settings {
  readonly kinds: ReadonlyArray<Kind>
  readonly every: readonly [number, number]
  readonly lasts: readonly [number, number]
  /** The hosts that may be hit; by default servers most of the time. */
  readonly targets: (() => ReadonlyArray<HostState>) | undefined
  /** Hosts that are aimed at by their role, such as the leader. */
  readonly roles: ReadonlyArray<() => ReadonlyArray<HostState>>
  /** Whether all hosts may be down at once. */
  readonly mayBlackout: boolean
  /** How many hosts may be down at once, of this many. */
  readonly down: (hosts: number) => number
}

// The share of faults that hit hosts which are not servers.
const clientShare = 0.2

// A fault that waits for a packet strikes after this time without one. Microseconds.
const patience = 1_000_000

// Faults of a burst follow one another within this time. Microseconds.
const within = [200, 200_000] as const

/** Draws faults, and injects them. */
export class CampaignDriver {
  readonly #world: World
  readonly #injector: Injector
  readonly #settings: Settings
  readonly #random: RandomStream
  #profile: Profile
  #cancelNext = () => {}
  #isOver = false
  #active = 0
  #isSlow = false
  #hasBegun = false

  constructor(world: World, settings: Settings) {
    this.#world = world
    this.#injector = new Injector(world)
    this.#settings = settings
    this.#random = world.streams.of("campaign")
    this.#profile = drawProfile(this.#random, settings.kinds)
  }

  /** Begins. Returns how it ends. */
  start(): () => void {
    this.#next()
    // From then on it is another campaign, with what is in effect.
    this.#world.streams.onBranch(() => {
      if (this.#isOver) return
      this.#cancelNext()
      this.#profile = drawProfile(this.#random, this.#settings.kinds)
      this.#next()
    })
    return () => {
      this.#isOver = true
      this.#injector.stop()
    }
  }

  #next(): void {
    const isBurst = this.#hasBegun && this.#random.chance(this.#profile.inBurst)
    const wait = isBurst ? this.#between(within) : this.#between(this.#settings.every) * this.#profile.pace
    this.#cancelNext = this.#injector.at(this.#world.engine.now + wait, () => {
      this.#hasBegun = true
      this.#strike()
      this.#next()
    })
  }

  #begin(description: Description, lasts: number): void {
    const { kind } = description
    if (kind === "slow") this.#isSlow = true
    this.#active++
    this.#injector.begin(description, this.#world.engine.now + lasts, () => {
      this.#active--
      if (kind === "slow") this.#isSlow = false
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // When
  // -------------------------------------------------------------------------------------------------------------------

  // Without habits, a chain of the same faults is unlikely, such as one for each new leader.
  #tactic(): Tactic {
    const { habitCount, habits, inHabit, kinds } = this.#profile
    const isHabit = this.#random.chance(inHabit)
    if (isHabit && habits.length === habitCount) return this.#pick(habits)!
    const tactic = draw(this.#random, kinds, this.#settings.lasts, this.#world.timescale)
    if (isHabit) habits.push(tactic)
    return tactic
  }

  #strike(): void {
    const tactic = this.#tactic()
    const { packet } = tactic
    const { moments } = this.#injector
    const pool = this.#pool()
    const inject = (target: HostState | undefined, other?: HostState) => {
      const description = this.#active < this.#profile.most && target !== undefined
        ? this.#describe(tactic, target, pool, other)
        : undefined
      if (description !== undefined) this.#begin(description, this.#duration(tactic))
    }
    const inRole = this.#random.chance(0.5) ? this.#pick(this.#settings.roles) : undefined
    const aimed = () => this.#pick(inRole?.().filter((host) => pool.includes(host)) ?? [])
    const others = () => tactic.aim === "busiest" ? moments.busiest(pool) : this.#pick(pool)
    if (packet === undefined) return inject(aimed() ?? others())
    const isDone = moments.wait(moments.rare(packet.rarity), ({ from, to }) => {
      const [near, far] = packet.at === "to" ? [to, from] : [from, to]
      // A microsecond later at least: what arrives at the same moment comes before the fault, as it does in a replay.
      this.#injector.at(this.#world.engine.now + Math.max(1, this.#about(packet.delay)), () => {
        const target = aimed()
        if (target !== undefined) inject(target)
        else if (pool.includes(near)) inject(near, far)
        else if (pool.includes(far)) inject(far, near)
      })
    })
    this.#injector.at(this.#world.engine.now + patience, () => {
      if (!isDone()) inject(aimed() ?? others())
    })
  }

  #duration({ lasts }: Tactic): number {
    const [least, most] = this.#settings.lasts
    return Math.min(most, Math.max(least, this.#about(lasts)))
  }

  #about(time: number): number {
    return Math.round(time * 2 ** (this.#random.next() - 0.5))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Where
  // -------------------------------------------------------------------------------------------------------------------

  // Whether all hosts may be hit.
  get #isOpen(): boolean {
    return this.#settings.targets === undefined
  }

  // Hosts among which a fault chooses, and of which a part may be down.
  #pool(): ReadonlyArray<HostState> {
    const { targets } = this.#settings
    if (targets !== undefined) return targets()
    const all = [...this.#world.hosts.values()]
    const isServer = !this.#random.chance(clientShare)
    const pool = all.filter((host) => host.isServer === isServer)
    return pool.length > 0 ? pool : all
  }

  #describe(
    { isBlackout, isOneLink, isSwapped, kind, shape }: Tactic,
    target: HostState,
    pool: ReadonlyArray<HostState>,
    other: HostState | undefined
  ): Description | undefined {
    const amount = amounts[kind]?.(this.#random)
    if (kind in linkFaults) {
      // Their factors multiply, and packets stay in order: what is slowed down twice may be late for hours.
      if (kind === "slow" && this.#isSlow) return undefined
      const isLink = isOneLink && other !== undefined && (this.#isOpen || pool.includes(other))
      const [near, far] = isLink ? [[target], [other]] : this.#sides(shape, target, pool)
      if (far.length === 0) return undefined
      return { kind, hosts: names(isSwapped ? far : near), others: names(isSwapped ? near : far), amount }
    }
    if (isBlackout && this.#settings.mayBlackout) {
      const hosts = pool.filter((host) => host.isUp && this.#startsAgain(host))
      return hosts.length === 0 ? undefined : { kind, hosts: names(hosts), amount }
    }
    if (diskFaults.has(kind)) {
      const host = target.usesDisk ? target : this.#pick(pool.filter((each) => each.usesDisk))
      return host === undefined ? undefined : { kind, hosts: [host.name], amount }
    }
    if (!target.isUp || (stopping.has(kind) && !this.#mayStop(target, pool))) return undefined
    return kind === "breakTls"
      ? { kind, hosts: [target.name], tls: this.#pick(["stall", "cut", "corrupt", "truncate"] as const) }
      : { kind, hosts: [target.name], amount }
  }

  // A host without programs does not start again, and a caller of `Host.run` would be interrupted.
  #startsAgain(host: HostState): boolean {
    return !this.#isOpen || host.programs.length > 0
  }

  #mayStop(target: HostState, pool: ReadonlyArray<HostState>): boolean {
    if (!this.#startsAgain(target)) return false
    const others = pool.filter((host) => host !== target && (!host.isUp || this.#world.faults.isStopping(host)))
    return others.length < this.#settings.down(pool.length)
  }

  // One host against others, or two halves; among the hosts of the pool, or among all.
  #sides(shape: Shape, target: HostState, pool: Hosts): readonly [Hosts: Hosts, others: Hosts] {
    const others = [...this.#world.hosts.values()].filter((host) => host !== target)
    const near = others.filter((host) => pool.includes(host))
    const far = others.filter((host) => !pool.includes(host))
    const one = (hosts: Hosts): Hosts => hosts.length === 0 ? [] : [this.#pick(hosts)!]
    const halves = (hosts: Hosts): readonly [Hosts, Hosts] => {
      const same = hosts.filter(() => this.#random.chance(0.5))
      return [[target, ...same], hosts.filter((host) => !same.includes(host))]
    }
    const isInside = !this.#isOpen || far.length === 0
    switch (shape) {
      case "near":
        return [[target], near]
      case "oneNear":
        return [[target], one(near)]
      case "halfNear":
        return halves(near)
      case "all":
        return [[target], isInside ? near : others]
      case "far":
        return [[target], isInside ? near : far]
      case "oneFar":
        return [[target], one(isInside ? near : far)]
      case "half":
        return halves(isInside ? near : others)
    }
  }

  #pick<A>(all: ReadonlyArray<A>): A | undefined {
    return all.length === 0 ? undefined : all[this.#random.below(all.length)]
  }

  #between(range: readonly [number, number]): number {
    return between(this.#random, range)
  }
}

type Hosts = ReadonlyArray<HostState>

const amounts: Partial<Record<Kind, (random: RandomStream) => number>> = {
  slow: (random) => Math.round(2 * 50 ** random.next()),
  lossy: (random) => 0.05 * 16 ** random.next(),
  stop: (random) => Math.round(10 ** (4 * random.next())),
  turns: (random) => 0.02 * 200 ** random.next(),
  skew: (random) => (random.chance(0.5) ? -1 : 1) * Math.round(10 ** (1 + 6 * random.next())),
  descriptors: (random) => random.below(20),
  slowDns: (random) => Math.round(10 * 1000 ** random.next()),
  drift: (random) => 0.9 + random.next() * 0.2,
  slowDisk: (random) => Math.round(2 * 50 ** random.next()),
  failReads: (random) => 0.02 * 50 ** random.next(),
  failSyncs: (random) => 0.02 * 50 ** random.next(),
  rot: (random) => 1 + random.below(4)
}

const diskFaults: ReadonlySet<Kind> = new Set(diskKinds)

const names = (hosts: ReadonlyArray<HostState>): ReadonlyArray<string> => hosts.map(({ name }) => name)
