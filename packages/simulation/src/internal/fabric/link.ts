import type * as Trace from "../../Trace.ts"
import type { Engine } from "../time/engine.ts"
import type { RandomStream } from "../time/random.ts"
import type { Streams } from "../time/streams.ts"
import { Bottleneck } from "./bottleneck.ts"
import { FlowTable } from "./flowTable.ts"
import { IcmpError, type WhyUnreachable } from "./icmpError.ts"
import type { IpStack } from "./ipStack.ts"
import type { Bursts, LinkSettings, Middlebox } from "./linkSettings.ts"
import type { Packet } from "./packet.ts"

// Packets that a link keeps while it is held.
const holdLimit = 65_536

/** What links need of the network that they are in. */
export interface Fabric {
  readonly streams: Streams
  readonly engine: Engine
  /** Writes a packet into the trace, and returns its record. */
  readonly describe: (packet: Packet) => Packet["record"]
  /** Sends a packet that no host sends, but something on the way. */
  readonly transmit: (packet: Packet, link: LinkState | undefined) => void
}

type Concern =
  | "loss"
  | "loss by faults"
  | "bursts of loss"
  | "latency"
  | "jitter"
  | "duplication"
  | "reordering"
  | "corruption"
  | "segmentation"

/** What becomes of a packet that a fault keeps from its link; `undefined` if it may pass. */
export type Filter = (packet: Packet, link: LinkState) => Trace.Fate | undefined

/** The faults of a link that are in effect: they add up. */
interface Faults {
  filters: ReadonlyArray<Filter>
  holds: number
  slowness: ReadonlyArray<number>
  losses: ReadonlyArray<number>
  held: Array<Packet>
}

/** One direction of the link between two hosts. There may be many that are never used: they cost little until then. */
export class LinkState {
  readonly #fabric: Fabric
  readonly from: IpStack
  readonly to: IpStack
  settings: LinkSettings
  #faults: Faults | undefined = undefined
  #bottleneck: Bottleneck | undefined = undefined
  #flows: FlowTable | undefined = undefined
  #isInBurst = false
  #lastArrival = 0
  #streams: Partial<Record<Concern, RandomStream>> | undefined = undefined

  constructor(fabric: Fabric, from: IpStack, to: IpStack, settings: LinkSettings) {
    this.#fabric = fabric
    this.from = from
    this.to = to
    this.settings = settings
  }

  /** The random numbers of a concern. */
  #random(concern: Concern): RandomStream {
    const streams = this.#streams ??= {}
    return streams[concern] ??= this.#fabric.streams.of(`${this.from.name}>${this.to.name}/${concern}`)
  }

  #chance(concern: Concern, probability: number): boolean {
    return probability > 0 && this.#random(concern).chance(probability)
  }

  /** For the ends of TCP connections, which cut and merge what they send. */
  divides(): boolean {
    return this.#chance("segmentation", this.settings.segmentation)
  }

  /** Where `size` bytes are divided: after the first, the last, or any between. */
  part(size: number): number {
    return 1 + this.#random("segmentation").below(size)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Faults: each returns how it ends
  // -------------------------------------------------------------------------------------------------------------------

  #begin(): Faults {
    return this.#faults ??= { filters: [], holds: 0, slowness: [], losses: [], held: [] }
  }

  /** Keeps packets from the link. */
  filter(filter: Filter): () => void {
    const faults = this.#begin()
    // So that the same one is in it twice if it is added twice.
    const own: Filter = (packet, link) => filter(packet, link)
    faults.filters = [...faults.filters, own]
    return () => {
      faults.filters = without(faults.filters, own)
    }
  }

  /** Keeps all packets until it ends, which sends them in their order. */
  hold(): () => void {
    const faults = this.#begin()
    faults.holds++
    return () => {
      if (--faults.holds > 0) return
      const { held } = faults
      faults.held = []
      for (const packet of held) {
        packet.drop("arrives")
        this.#forward(packet)
      }
    }
  }

  /** Multiplies latencies. */
  slow(factor: number): () => void {
    const faults = this.#begin()
    faults.slowness = [...faults.slowness, factor]
    return () => {
      faults.slowness = without(faults.slowness, factor)
    }
  }

  /** Loses packets with this probability, besides those that the settings lose. */
  lose(probability: number): () => void {
    const faults = this.#begin()
    faults.losses = [...faults.losses, probability]
    return () => {
      faults.losses = without(faults.losses, probability)
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Packets
  // -------------------------------------------------------------------------------------------------------------------

  /** Takes a packet, which is in the trace already. */
  send(packet: Packet): void {
    const faults = this.#faults
    if (faults === undefined) return this.#forward(packet)
    for (const filter of faults.filters) {
      const fate = filter(packet, this)
      if (fate !== undefined) return packet.drop(fate)
    }
    if (faults.holds === 0) return this.#forward(packet)
    if (faults.held.length >= holdLimit) return packet.drop("queueFull")
    packet.drop("held")
    faults.held.push(packet)
  }

  #forward(packet: Packet): void {
    const { settings } = this
    const { size } = packet
    if (size > settings.mtu && !packet.fragments) return packet.drop("tooLarge")
    if (settings.middlebox !== undefined && !this.#passesMiddlebox(packet, settings.middlebox)) {
      return packet.drop("forgotten")
    }
    if (this.#isLost(size)) return packet.drop("lost")
    if (this.#chance("corruption", settings.corruption) && !packet.corrupt(this.#random("corruption"))) {
      return packet.drop("corrupted")
    }

    const departure = this.#departure(size)
    if (departure === undefined) return packet.drop("queueFull")
    const latency = settings.fixedLatency ?? settings.latency.sample(this.#random("latency").next)
    const jitter = settings.jitter === 0 ? 0 : this.#random("jitter").next() * settings.jitter
    let delay = Math.max(0, Math.round((latency + jitter) * 1000)) || 0
    if (this.#faults !== undefined) {
      for (const factor of this.#faults.slowness) delay = Math.round(delay * factor)
    }
    let arrival = departure + delay
    if (this.#chance("reordering", settings.reordering)) {
      arrival += 1 + this.#random("reordering").below(2 * delay + 1000)
    } else {
      arrival = Math.max(arrival, this.#lastArrival)
      this.#lastArrival = arrival
    }
    if (packet.record !== undefined) packet.record.arrival = arrival
    this.#fabric.engine.schedule(packet, arrival)
    if (this.#chance("duplication", settings.duplication)) {
      this.#duplicate(packet, arrival + this.#random("duplication").below(delay + 1000))
    }
  }

  #passesMiddlebox(packet: Packet, { idleTimeout, isLoud }: Middlebox): boolean {
    const { engine } = this.#fabric
    // Both directions are of one middlebox.
    const back = this.to.linkToMachine(this.from)
    this.#flows ??= back.#flows ??= new FlowTable()
    if (this.#flows.passes(packet, engine.now, idleTimeout)) return true
    if (isLoud) this.reject(packet)
    return false
  }

  /** Tells the sender of a packet that nobody takes it. */
  reject(packet: Packet): void {
    const answer = packet.rejection()
    if (answer !== undefined) this.#fabric.transmit(answer, this.to.linkToMachine(this.from))
  }

  /** Tells both ends of a connection that it is over. */
  reset(packet: Packet): void {
    this.reject(packet)
    const reset = packet.reset()
    if (reset !== undefined) this.#fabric.transmit(reset, this)
  }

  /** Tells the sender of a packet by an ICMP error why it does not arrive. */
  report(packet: Packet, why: WhyUnreachable): void {
    this.#fabric.transmit(new IcmpError(packet, this.to, why), this.to.linkToMachine(this.from))
  }

  // A packet is lost with any of its fragments.
  #isLost(size: number): boolean {
    const { bursts, loss, mtu } = this.settings
    if (this.#faults !== undefined) {
      for (const probability of this.#faults.losses) {
        if (this.#random("loss by faults").chance(probability)) return true
      }
    }
    if (bursts !== undefined && this.#isLostInBurst(bursts)) return true
    if (loss === 0) return false
    for (let left = size; left > 0; left -= mtu) {
      if (this.#random("loss").chance(loss)) return true
    }
    return false
  }

  // The model of Gilbert and Elliott: a good state and a bad one, which each packet may change.
  #isLostInBurst({ loss, start, stop }: Bursts): boolean {
    const random = this.#random("bursts of loss")
    if (random.chance(this.#isInBurst ? stop : start)) this.#isInBurst = !this.#isInBurst
    return this.#isInBurst && random.chance(loss)
  }

  // When the last bit has left; `undefined` if a queue is full.
  #departure(size: number): number | undefined {
    const { engine } = this.#fabric
    let at: number | undefined = engine.now
    if (this.settings.bandwidth !== Infinity) {
      at = (this.#bottleneck ??= new Bottleneck()).departure(at, size, this.settings)
    }
    const { uplink: near } = this.from
    const { uplink: far } = this.to
    if (near === far) return at
    if (at !== undefined && near !== undefined) at = near.up.departure(at, size, near.upload)
    if (at !== undefined && far !== undefined) at = far.down.departure(at, size, far.download)
    return at
  }

  #duplicate(packet: Packet, arrival: number): void {
    const copy = packet.copy()
    const record = this.#fabric.describe(copy)
    if (record !== undefined) {
      record.duplicate = true
      record.arrival = arrival
    }
    this.#fabric.engine.schedule(copy, arrival)
  }
}

const without = <A>(all: ReadonlyArray<A>, one: A): ReadonlyArray<A> => {
  const index = all.indexOf(one)
  return all.filter((_, at) => at !== index)
}
