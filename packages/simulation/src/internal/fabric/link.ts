import type { Engine } from "../time/engine.ts"
import { RandomStream, type Seed } from "../time/random.ts"
import type { IpStack } from "./ipStack.ts"
import type { LinkSettings } from "./linkSettings.ts"
import type { Packet } from "./packet.ts"

// Packets that a link keeps while it is held.
const holdLimit = 65_536

/** What links need of the network that they are in. */
export interface Fabric {
  readonly seed: Seed
  readonly engine: Engine
  /** Writes a packet into the trace, and returns its record. */
  readonly describe: (packet: Packet) => Packet["record"]
}

/** One direction of the link between two hosts. */
export class LinkState {
  readonly #fabric: Fabric
  readonly from: IpStack
  readonly to: IpStack
  settings: LinkSettings
  // The faults that are in effect: they add up.
  #cuts = 0
  #holds = 0
  #slowness: ReadonlyArray<number> = []
  #losses: ReadonlyArray<number> = []
  #held: Array<Packet> = []
  #busyUntil = 0
  #lastArrival = 0
  readonly #loss: RandomStream
  readonly #bursts: RandomStream
  readonly #latency: RandomStream
  readonly #jitter: RandomStream
  readonly #duplication: RandomStream
  readonly #reordering: RandomStream
  readonly #corruption: RandomStream
  /** For the ends of TCP connections, which cut and merge what they send. */
  readonly segmentation: RandomStream

  constructor(fabric: Fabric, from: IpStack, to: IpStack, settings: LinkSettings) {
    this.#fabric = fabric
    this.from = from
    this.to = to
    this.settings = settings
    const stream = (concern: string) => new RandomStream(fabric.seed, `${from.name}>${to.name}/${concern}`)
    this.#loss = stream("loss")
    this.#bursts = stream("loss by faults")
    this.#latency = stream("latency")
    this.#jitter = stream("jitter")
    this.#duplication = stream("duplication")
    this.#reordering = stream("reordering")
    this.#corruption = stream("corruption")
    this.segmentation = stream("segmentation")
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Faults: each returns how it ends
  // -------------------------------------------------------------------------------------------------------------------

  /** Drops all packets. */
  cut(): () => void {
    this.#cuts++
    return () => void this.#cuts--
  }

  /** Keeps all packets until it ends, which sends them in their order. */
  hold(): () => void {
    this.#holds++
    return () => {
      if (--this.#holds > 0) return
      const held = this.#held
      this.#held = []
      for (const packet of held) {
        packet.drop("arrives")
        this.#forward(packet)
      }
    }
  }

  /** Multiplies latencies. */
  slow(factor: number): () => void {
    this.#slowness = [...this.#slowness, factor]
    return () => {
      this.#slowness = without(this.#slowness, factor)
    }
  }

  /** Loses packets with this probability, besides those that the settings lose. */
  lose(probability: number): () => void {
    this.#losses = [...this.#losses, probability]
    return () => {
      this.#losses = without(this.#losses, probability)
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Packets
  // -------------------------------------------------------------------------------------------------------------------

  /** Takes a packet, which is in the trace already. */
  send(packet: Packet): void {
    if (this.#cuts > 0) return packet.drop("partitioned")
    if (this.#holds === 0) return this.#forward(packet)
    if (this.#held.length >= holdLimit) return packet.drop("queueFull")
    packet.drop("held")
    this.#held.push(packet)
  }

  #forward(packet: Packet): void {
    const { settings } = this
    const { size } = packet
    if (size > settings.mtu && !packet.fragments) return packet.drop("tooLarge")
    if (this.#isLost(size)) return packet.drop("lost")
    if (this.#corruption.chance(settings.corruption) && !packet.corrupt(this.#corruption)) {
      return packet.drop("corrupted")
    }

    const departure = this.#departure(size)
    if (departure === undefined) return packet.drop("queueFull")
    const latency = settings.latency.sample(this.#latency.next)
    const jitter = settings.jitter === 0 ? 0 : this.#jitter.next() * settings.jitter
    let delay = Math.max(0, Math.round((latency + jitter) * 1000)) || 0
    for (const factor of this.#slowness) delay = Math.round(delay * factor)
    let arrival = departure + delay
    if (this.#reordering.chance(settings.reordering)) {
      arrival += 1 + this.#reordering.below(2 * delay + 1000)
    } else {
      arrival = Math.max(arrival, this.#lastArrival)
      this.#lastArrival = arrival
    }
    if (packet.record !== undefined) packet.record.arrival = arrival
    this.#fabric.engine.schedule(packet, arrival)
    if (this.#duplication.chance(settings.duplication)) {
      this.#duplicate(packet, arrival + this.#duplication.below(delay + 1000))
    }
  }

  // A packet is lost with any of its fragments.
  #isLost(size: number): boolean {
    const { loss, mtu } = this.settings
    for (const probability of this.#losses) {
      if (this.#bursts.chance(probability)) return true
    }
    for (let left = size; left > 0; left -= mtu) {
      if (this.#loss.chance(loss)) return true
    }
    return false
  }

  // When the last bit has left; `undefined` if the queue is full.
  #departure(size: number): number | undefined {
    const { now } = this.#fabric.engine
    const { bandwidth, queue } = this.settings
    if (bandwidth === Infinity) return now
    const start = Math.max(now, this.#busyUntil)
    const waiting = (start - now) * bandwidth / 8e6
    if (waiting > 0 && waiting + size > queue) return undefined
    this.#busyUntil = start + size * 8e6 / bandwidth
    return Math.ceil(this.#busyUntil)
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

const without = (all: ReadonlyArray<number>, one: number): ReadonlyArray<number> => {
  const index = all.indexOf(one)
  return all.filter((_, at) => at !== index)
}
