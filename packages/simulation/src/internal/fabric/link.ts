import type * as Link from "../../Link.ts"
import type { HostState } from "../kernel/host.ts"
import { RandomStream } from "../time/random.ts"
import type { Packet } from "./packet.ts"
import type { World } from "./world.ts"

// Packets that a link keeps while it is held.
const holdLimit = 65_536

/** One direction of the way between two hosts. */
export class LinkState {
  readonly #world: World
  readonly from: HostState
  readonly to: HostState
  settings: Link.Settings
  /** How many partitions cut it now. */
  cuts = 0
  /** What latencies are multiplied by. */
  slowness = 1
  #held: Array<Packet> | undefined = undefined
  #busyUntil = 0
  #lastArrival = 0
  readonly #loss: RandomStream
  readonly #latency: RandomStream
  readonly #jitter: RandomStream
  readonly #duplication: RandomStream
  readonly #reordering: RandomStream
  readonly #corruption: RandomStream
  /** For the ends of TCP connections, which cut and merge what they send. */
  readonly segmentation: RandomStream

  constructor(world: World, from: HostState, to: HostState, settings: Link.Settings) {
    this.#world = world
    this.from = from
    this.to = to
    this.settings = settings
    const stream = (concern: string) => new RandomStream(world.seed, `${from.name}>${to.name}/${concern}`)
    this.#loss = stream("loss")
    this.#latency = stream("latency")
    this.#jitter = stream("jitter")
    this.#duplication = stream("duplication")
    this.#reordering = stream("reordering")
    this.#corruption = stream("corruption")
    this.segmentation = stream("segmentation")
  }

  hold(): void {
    this.#held ??= []
  }

  /** Lets what was held go on, in its order. */
  release(): void {
    const held = this.#held
    this.#held = undefined
    for (const packet of held ?? []) {
      packet.drop("arrives")
      this.#forward(packet)
    }
  }

  /** How long a packet takes that nobody watches, in microseconds. It draws nothing. */
  get typicalDelay(): number {
    return Math.max(0, Math.round(this.settings.latency.sample(() => 0.5) * this.slowness * 1000)) || 0
  }

  /** Takes a packet, which the trace knows already. */
  send(packet: Packet): void {
    if (this.cuts > 0) return packet.drop("partitioned")
    if (this.#held === undefined) return this.#forward(packet)
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
    const delay = Math.max(0, Math.round((latency + jitter) * this.slowness * 1000)) || 0
    let arrival = departure + delay
    if (this.#reordering.chance(settings.reordering)) {
      arrival += 1 + this.#reordering.below(2 * delay + 1000)
    } else {
      arrival = Math.max(arrival, this.#lastArrival)
      this.#lastArrival = arrival
    }
    if (packet.record !== undefined) packet.record.arrival = arrival
    this.#world.engine.schedule(packet, arrival)
    if (this.#duplication.chance(settings.duplication)) {
      this.#duplicate(packet, arrival + this.#duplication.below(delay + 1000))
    }
  }

  // Every fragment can be lost, and takes the rest with it.
  #isLost(size: number): boolean {
    const { loss, mtu } = this.settings
    for (let left = size; left > 0; left -= mtu) {
      if (this.#loss.chance(loss)) return true
    }
    return false
  }

  // When the last bit has left, or nothing if there is no room to wait for that.
  #departure(size: number): number | undefined {
    const { now } = this.#world.engine
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
    const record = this.#world.describe(copy)
    if (record !== undefined) {
      record.duplicate = true
      record.arrival = arrival
    }
    this.#world.engine.schedule(copy, arrival)
  }
}
