import type * as Trace from "../../Trace.ts"
import type { LinkState } from "../fabric/link.ts"
import type { HostState } from "../kernel/host.ts"
import type { Description, HostKind, Kind, LinkKind, Occasion, RecordedFault } from "./faultDescription.ts"
import { hostFaults, linkFaults } from "./faultKinds.ts"
import type { World } from "./world.ts"

// How many are recorded; those after are in effect all the same.
const limit = 65_536

type Recording = { -readonly [K in keyof RecordedFault]: RecordedFault[K] }

/** A fault that is in effect, on the links and hosts that it concerns. */
export interface ActiveFault {
  readonly id: number
  readonly kind: Kind
  readonly title: string
  /** All that it concerns, those of the other side last. */
  readonly hosts: ReadonlyArray<HostState>
  readonly others: ReadonlyArray<HostState>
  readonly ends: Map<LinkState | HostState, () => void>
  recorded: Recording | undefined
}

type Noted = Pick<ActiveFault, "id" | "title" | "hosts" | "others"> & Pick<Trace.Fault, "kind">

/** Begins and ends the faults of a network, and records them. */
export class FaultLog {
  readonly #world: World
  readonly #active = new Map<number, ActiveFault>()
  readonly #recorded: Array<Recording> = []
  #lastId = 0

  constructor(world: World) {
    this.#world = world
  }

  /** All faults so far, in the order in which they began. */
  get recorded(): ReadonlyArray<RecordedFault> {
    return this.#recorded.map((each) => ({ ...each }))
  }

  /** Begins a fault, which is to end at a time. It is not in effect if all its hosts are down already. */
  begin(description: Description, until?: number, after?: Occasion): ActiveFault {
    const world = this.#world
    const hosts = hostsOf(world, description.hosts)
    const others = hostsOf(world, description.others ?? [])
    const names = (of: ReadonlyArray<HostState>) => of.map(({ name }) => name).join(", ")
    const kind = description.kind as LinkKind
    const link = linkFaults[kind]
    const host = hostFaults[description.kind as HostKind]
    const title = link === undefined
      ? host.title(names(hosts), description)
      : link.title(names(hosts), names(others), description.amount ?? 0)
    const active: ActiveFault = {
      id: ++this.#lastId,
      kind,
      title,
      hosts: [...hosts, ...others],
      others,
      ends: new Map(),
      recorded: undefined
    }
    if (world.hasEnded) return active
    this.#note(active, "begin")
    if (this.#recorded.length < limit) {
      active.recorded = { ...description, at: world.engine.now, until, ...(after !== undefined && { after }) }
      this.#recorded.push(active.recorded)
    }
    this.#active.set(active.id, active)
    if (link === undefined) {
      for (const each of hosts) {
        const end = host.begin(each, description)
        if (end !== undefined) active.ends.set(each, end)
      }
    } else {
      const ways = link.isOneWay
        ? directions(hosts, others)
        : [...directions(hosts, others), ...directions(others, hosts)]
      for (const each of ways) active.ends.set(each, link.begin(each, description.amount ?? 0))
    }
    return active
  }

  /** Ends a fault, or the part of it that concerns some links or hosts. */
  end(active: ActiveFault, only?: ReadonlySet<LinkState | HostState>): void {
    if (!this.#stop(active, only)) return
    if (active.recorded !== undefined) active.recorded.until = this.#world.engine.now
  }

  /** Ends all faults before their time. A replay ends them with the campaign too, and no earlier. */
  cutShort(): void {
    const { now } = this.#world.engine
    for (const active of this.#active.values()) {
      if (this.#stop(active) && active.recorded?.until !== undefined) active.recorded.until = now + 1
    }
    this.#world.rules.clear()
  }

  // Returns whether the fault has ended.
  #stop(active: ActiveFault, only?: ReadonlySet<LinkState | HostState>): boolean {
    if (this.#world.hasEnded || !this.#active.has(active.id)) return false
    for (const [target, end] of active.ends) {
      if (only !== undefined && !only.has(target)) continue
      active.ends.delete(target)
      end()
    }
    if (active.ends.size > 0) return false
    this.#active.delete(active.id)
    this.#note(active, "end")
    return true
  }

  /** Ends what is wrong with some links or hosts; with all of them by default. */
  heal(only?: ReadonlySet<LinkState | HostState>): void {
    for (const active of this.#active.values()) {
      if (only === undefined || [...active.ends.keys()].some((target) => only.has(target))) this.end(active, only)
    }
    if (only === undefined) this.#world.rules.clear()
  }

  /** Notes something that is in effect and is no data, such as a rule. Returns how its end is noted. */
  announce(kind: Trace.Fault["kind"], title: string): () => void {
    const fault = { id: ++this.#lastId, kind, title, hosts: [], others: [] }
    this.#note(fault, "begin")
    return () => this.#note(fault, "end")
  }

  /** Whether a host is down, or asked to end, by a fault. */
  isStopping(host: HostState): boolean {
    return [...this.#active.values()].some(({ ends, kind }) => stopping.has(kind) && ends.has(host))
  }

  /** Starts a host that is down. */
  restart(host: HostState): void {
    for (const active of this.#active.values()) {
      if (stopping.has(active.kind)) this.end(active, new Set([host]))
    }
    if (!host.isUp && !this.#world.hasEnded) host.restart()
  }

  /** The links between two groups of hosts, both ways. */
  linksBetween(a: ReadonlyArray<HostState>, b: ReadonlyArray<HostState>): ReadonlySet<LinkState> {
    return new Set([...directions(a, b), ...directions(b, a)])
  }

  #note({ hosts, id, kind, others, title }: Noted, phase: "begin" | "end"): void {
    this.#world.note({
      _tag: "Fault",
      at: this.#world.engine.now,
      id,
      phase,
      kind,
      name: phase === "begin" ? title : `end of ${title}`,
      hosts: hosts.map(({ name }) => name),
      others: others.map(({ name }) => name)
    })
  }
}

const stopping: ReadonlySet<Kind> = new Set(["crash", "kill", "stop"])

const hostsOf = (world: World, names: ReadonlyArray<string>): ReadonlyArray<HostState> =>
  names.flatMap((name) => world.hosts.get(name) ?? [])

const directions = (from: ReadonlyArray<HostState>, to: ReadonlyArray<HostState>): ReadonlyArray<LinkState> =>
  from.flatMap((each) => to.filter((other) => other !== each).map((other) => each.linkToMachine(other)))
