import type * as Rule from "../../../Rule.ts"
import type * as Trace from "../../../Trace.ts"
import type { LinkState } from "../../fabric/link.ts"
import type { Packet } from "../../fabric/packet.ts"
import { Segment } from "../../kernel/tcp/segment.ts"
import type { Event } from "../../time/eventQueue.ts"
import type { World } from "../world.ts"
import type { PlainAction } from "./options.ts"

// Packets that a rule keeps.
const heldLimit = 65_536

export interface RunningRule {
  readonly count: () => number
  readonly release: () => void
  readonly end: () => void
}

export type OnHeld = (packet: Rule.Packet, release: () => void, drop: () => void) => void

/** A packet on its link. */
interface Travel {
  readonly packet: Packet
  readonly link: LinkState
}

/** Asked about each packet: whether it matches, and then whether the rule acts on it. */
interface ActiveRule {
  readonly matches: (packet: Rule.Packet) => boolean
  readonly acts: (packet: Rule.Packet) => boolean
  readonly act: (travel: Travel, view: Rule.Packet) => void
  readonly end: () => void
}

/** The rules that look at each packet that is sent. */
export class Rules {
  readonly #world: World
  #active: ReadonlyArray<ActiveRule> = []
  #count = 0

  constructor(world: World) {
    this.#world = world
  }

  get isEmpty(): boolean {
    return this.#active.length === 0
  }

  /** Whether a rule takes a packet. All of them look at it: they may count packets, or decode connections. */
  takes(packet: Packet, link: LinkState): boolean {
    const view = new PacketView(packet)
    const matching = this.#active.filter((rule) => rule.matches(view))
    const rule = matching.find((rule) => rule.acts(view))
    rule?.act({ packet, link }, view)
    return rule !== undefined
  }

  /** Ends all of them, and sends what they hold. */
  clear(): void {
    for (const rule of this.#active) rule.end()
  }

  /** Begins a rule. A number is a delay in milliseconds. */
  begin(matching: Rule.Matching, action: PlainAction, options: Rule.Options): RunningRule {
    const held = new Holding()
    const counter = new Counter(options)
    const title = typeof action === "number" ? `delay by ${action} ms` : action
    const end = this.#add("rule", options.name ?? title, {
      matches: predicateOf(matching),
      acts: () => counter.acts(),
      act: this.#action(action, held),
      end: () => held.release()
    })
    return { count: () => counter.count, release: () => held.release(), end }
  }

  /** Holds packets. `onHeld` decides what becomes of each. */
  barrier(matching: Rule.Matching, onHeld: OnHeld, options: Rule.Options): () => void {
    const counter = new Counter(options)
    // The segments that were held, and whether they still are: their retransmissions are lost until then, and pass later.
    const segments = new Map<string, boolean>()
    const waiting = new Set<() => void>()
    return this.#add("barrier", options.name ?? "held", {
      matches: predicateOf(matching),
      acts: (view) => segments.get(segmentOf(view)) ?? counter.acts(),
      act: (travel, view) => {
        const { packet } = travel
        const segment = segmentOf(view)
        if (segments.get(segment) === true || waiting.size >= heldLimit) return packet.drop("dropped")
        const decide = (act: () => void) => () => {
          if (!waiting.delete(release)) return
          if (view.protocol === "tcp") segments.set(segment, false)
          act()
        }
        const release: () => void = decide(() => sendOn(travel))
        packet.drop("held")
        waiting.add(release)
        if (view.protocol === "tcp") segments.set(segment, true)
        if (segments.size > 2 * heldLimit) segments.delete(segments.keys().next().value!)
        onHeld(view, release, decide(() => packet.drop("dropped")))
      },
      end: () => {
        for (const release of waiting) release()
      }
    })
  }

  #add(kind: "rule" | "barrier", name: string, rule: ActiveRule): () => void {
    const noteEnd = this.#world.faults.announce(kind, `${kind}: ${name}`)
    const end = () => {
      if (!this.#active.includes(active)) return
      this.#active = this.#active.filter((each) => each !== active)
      noteEnd()
      if (!this.#world.hasEnded) rule.end()
    }
    const active = { ...rule, end }
    this.#active = [...this.#active, active]
    return end
  }

  #action(action: PlainAction, held: Holding): ActiveRule["act"] {
    if (typeof action === "number") return (travel) => this.#delay(travel, action)
    switch (action) {
      case "drop":
        return ({ packet }) => packet.drop("dropped")
      case "duplicate":
        return (travel) => this.#duplicate(travel)
      case "corrupt": {
        const random = this.#world.streams.of(`rule ${++this.#count}`)
        return ({ link, packet }) => packet.corrupt(random) ? link.send(packet) : packet.drop("corrupted")
      }
      case "reset":
        return (travel) => this.#reset(travel)
      case "hold":
        return (travel) => held.add(travel)
    }
  }

  #delay(travel: Travel, millis: number): void {
    travel.packet.drop("held")
    const event: Event = { place: -1, run: () => sendOn(travel) }
    const { engine } = this.#world
    engine.schedule(event, engine.now + Math.round(millis * 1000))
  }

  #duplicate({ link, packet }: Travel): void {
    const copy = packet.copy()
    link.send(packet)
    const record = this.#world.describe(copy)
    if (record !== undefined) record.duplicate = true
    link.send(copy)
  }

  #reset({ link, packet }: Travel): void {
    packet.drop("reset")
    const answer = packet.rejection()
    if (answer !== undefined) this.#inject(answer, link.to.linkToMachine(link.from))
    const reset = packet.reset()
    if (reset !== undefined) this.#inject(reset, link)
  }

  #inject(packet: Packet, link: LinkState): void {
    this.#world.describe(packet)
    link.send(packet)
  }
}

const predicateOf = (matching: Rule.Matching): Rule.Predicate =>
  typeof matching === "function" ? matching : matching.begin()

/** The same for a segment that is sent again. */
const segmentOf = (view: Rule.Packet): string => `${view.flow} ${view.sequence + view.payload.length} ${view.flags & 3}`

/** Skips some packets, and lets the rule act on a number of those that follow. */
class Counter {
  readonly #skip: number
  readonly #times: number
  #matched = 0

  constructor({ skip = 0, times = Infinity }: Rule.Options) {
    this.#skip = skip
    this.#times = times
  }

  get count(): number {
    return Math.max(0, this.#matched - this.#skip)
  }

  acts(): boolean {
    return this.count < this.#times && ++this.#matched > this.#skip
  }
}

/** Packets that are held, in order. */
class Holding {
  #held: Array<Travel> = []

  add(travel: Travel): void {
    if (this.#held.length >= heldLimit) return travel.packet.drop("queueFull")
    travel.packet.drop("held")
    this.#held.push(travel)
  }

  release(): void {
    const held = this.#held
    this.#held = []
    for (const travel of held) sendOn(travel)
  }
}

const sendOn = ({ link, packet }: Travel): void => {
  packet.drop("arrives")
  link.send(packet)
}

class PacketView implements Rule.Packet {
  readonly #packet: Packet
  readonly #segment: Segment | undefined

  constructor(packet: Packet) {
    this.#packet = packet
    this.#segment = packet instanceof Segment ? packet : undefined
  }

  get protocol(): Rule.Packet["protocol"] {
    return this.#packet.protocol
  }

  get from(): string {
    return this.#packet.from.name
  }

  get to(): string {
    return this.#packet.to?.name ?? ""
  }

  get source(): Trace.Socket {
    return this.#packet.source
  }

  get destination(): Trace.Socket {
    return this.#packet.destination
  }

  get size(): number {
    return this.#packet.size
  }

  get flags(): number {
    return this.#segment?.flags ?? 0
  }

  get sequence(): number {
    return this.#segment?.sequence ?? 0
  }

  get retransmission(): boolean {
    return this.#segment?.retransmission ?? false
  }

  get flow(): string {
    const { destination, protocol, source } = this.#packet
    const ends = `${source.address} ${source.port} ${destination.address} ${destination.port}`
    return `${protocol} ${ends} ${this.#segment?.sequenceBase ?? 0}`
  }

  get payload(): Uint8Array {
    return this.#packet.payload
  }
}
