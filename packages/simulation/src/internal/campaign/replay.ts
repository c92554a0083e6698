import * as Context from "effect/Context"
import type { RandomStream } from "../time/random.ts"
import type { Occasion, RecordedFault } from "../world/faultDescription.ts"
import type { World } from "../world/world.ts"
import { Injector } from "./injector.ts"
import type { Arrival } from "./moments.ts"

/** Injects recorded faults at their times, and nothing else. Returns how it ends. */
export const replay = (world: World, faults: ReadonlyArray<RecordedFault>, patience: number): () => void => {
  const injector = new Injector(world)
  for (const fault of faults) injector.at(fault.at, () => injector.begin(fault, fault.until))
  abandon(injector, Math.max(0, ...faults.map(({ at }) => at)) + patience * 1000)
  return () => injector.stop()
}

const abandon = (injector: Injector, at: number): void => {
  if (at < Infinity) injector.at(at, () => injector.world.onAbandoned?.())
}

/** How long a run may last after the last of its faults, in milliseconds, before it is abandoned. Default: no limit. */
export const CurrentPatience: Context.Reference<number> = Context.Reference<number>(
  "@sluice/simulation/CurrentPatience",
  { defaultValue: () => Infinity }
)

/**
 * Injects faults like recorded ones, in their order, where the run is not the one in which they were recorded: each after
 * a packet like the one that it followed, or after about as long. Returns how it ends.
 */
export const vary = (world: World, faults: ReadonlyArray<RecordedFault>, patience: number): () => void => {
  const injector = new Injector(world)
  new Variation(injector, faults, patience * 1000).next(0)
  return () => injector.stop()
}

// How often a fault waits for a packet, if it had followed one; and how often for another than the first that comes.
const byPacket = 0.75
const another = 0.4

// A fault that waits for a packet strikes after this time without one. Microseconds.
const longest = 500_000

// The first fault strikes at about this time at the latest. Microseconds.
const soon = 1_000_000

class Variation {
  readonly #injector: Injector
  readonly #faults: ReadonlyArray<RecordedFault>
  // Microseconds.
  readonly #patience: number
  readonly #random: RandomStream
  readonly #cast: Cast

  constructor(injector: Injector, faults: ReadonlyArray<RecordedFault>, patience: number) {
    this.#injector = injector
    this.#faults = faults
    this.#patience = patience
    this.#random = injector.world.streams.of("campaign/variation")
    this.#cast = new Cast(injector.world, this.#random.chance(0.7))
  }

  /** Waits for the moment of a fault, then injects it. */
  next(index: number): void {
    const fault = this.#faults[index]
    const injector = this.#injector
    const { world } = injector
    if (fault === undefined) return abandon(injector, world.engine.now + this.#patience)
    const { after, at } = fault
    const before = this.#faults[index - 1]
    // When the run begins it is as good as at any other time.
    const gap = before === undefined ? Math.min(at, soon) : at - before.at
    const strike = () => {
      this.#begin(fault)
      this.next(index + 1)
    }
    // A packet that came before the previous fault is no occasion for this one.
    if (after !== undefined && after.delay <= gap && this.#random.chance(byPacket)) {
      const wait = this.#random.chance(0.5) ? 0 : (gap - after.delay) * this.#random.next()
      return void injector.at(world.engine.now + wait, () => this.#await(after, gap, strike))
    }
    injector.at(world.engine.now + (before === undefined ? gap * this.#random.next() : this.#about(gap)), strike)
  }

  #await(after: Occasion, gap: number, strike: () => void): void {
    const injector = this.#injector
    const { engine } = injector.world
    let skipped = 0
    while (this.#random.chance(another)) skipped++
    const isOver = injector.moments.wait(
      (arrival, sort) => sort === after.sort && this.#cast.plays(after, arrival) && skipped-- === 0,
      (arrival) => {
        this.#cast.give(after, arrival)
        injector.at(engine.now + Math.max(1, this.#random.chance(0.5) ? after.delay : this.#about(after.delay)), strike)
      }
    )
    injector.at(engine.now + Math.max(2 * gap, longest), () => {
      if (!isOver()) strike()
    })
  }

  #begin(fault: RecordedFault): void {
    const { at, hosts, others, until } = fault
    const injector = this.#injector
    const renamed = (names: ReadonlyArray<string>) => names.map((name) => this.#cast.actor(name))
    const lasts = until === undefined ? undefined : this.#random.chance(0.5) ? until - at : this.#about(until - at)
    injector.begin(
      { ...fault, hosts: renamed(hosts), others: others === undefined ? undefined : renamed(others) },
      lasts === undefined ? undefined : injector.world.engine.now + lasts
    )
  }

  #about(time: number): number {
    return Math.round(time * 2 ** (this.#random.next() - 0.5))
  }
}

/**
 * Which host plays the role of which: in another run, another server may be the leader. Servers take each other's roles as the
 * packets come.
 */
class Cast {
  readonly #world: World
  readonly #isOpen: boolean
  readonly #actors = new Map<string, string>()
  readonly #taken = new Set<string>()

  constructor(world: World, isOpen: boolean) {
    this.#world = world
    this.#isOpen = isOpen
  }

  /** Whether the hosts of a packet can play those of another. */
  plays(role: Occasion, { from, to }: Arrival): boolean {
    return this.#fits(role.from, from.name) && this.#fits(role.to, to.name)
  }

  give(role: Occasion, { from, to }: Arrival): void {
    this.#set(role.from, from.name)
    this.#set(role.to, to.name)
  }

  actor(role: string): string {
    const known = this.#actors.get(role)
    if (known !== undefined || !this.#isServer(role) || !this.#isOpen) return known ?? role
    const free = [role, ...this.#world.hosts.keys()].find((name) => this.#fits(role, name)) ?? role
    this.#set(role, free)
    return free
  }

  #fits(role: string, name: string): boolean {
    if (!this.#isOpen) return role === name
    if (!this.#isServer(role)) return !this.#isServer(name)
    const known = this.#actors.get(role)
    return known === undefined ? this.#isServer(name) && !this.#taken.has(name) : known === name
  }

  #set(role: string, name: string): void {
    if (!this.#isServer(role)) return
    this.#actors.set(role, name)
    this.#taken.add(name)
  }

  #isServer(name: string): boolean {
    return this.#world.hosts.get(name)?.isServer === true
  }
}
