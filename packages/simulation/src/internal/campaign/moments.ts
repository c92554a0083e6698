import type { HostState } from "../kernel/host.ts"
import type { RandomStream } from "../time/random.ts"
import type { Occasion } from "../world/faultDescription.ts"

/** The hosts of a packet with a payload that has arrived. */
export interface Arrival {
  readonly from: HostState
  readonly to: HostState
}

/** Whether a packet is waited for: by its hosts, its sort, and how many of its sort have arrived of late. */
export type IsDue = (arrival: Arrival, sort: number, count: number) => boolean

interface Wait {
  readonly isDue: IsDue
  readonly strike: (arrival: Arrival) => void
}

interface Seen extends Arrival {
  readonly sort: number
  readonly count: number
  readonly at: number
}

// The packets that a fault may have followed: how many. Those of the last few microseconds are equally near.
const remembered = 64
const near = 5000

// How many sorts of packets are counted separately. All others count as one.
const limit = 256

/** Counts in the current and the previous window of time, and forgets older ones. */
class Recent<Key> {
  #now = new Map<Key, number>()
  #before = new Map<Key, number>()

  get(key: Key): number {
    return (this.#now.get(key) ?? 0) + (this.#before.get(key) ?? 0)
  }

  add(key: Key, amount: number): void {
    this.#now.set(key, (this.#now.get(key) ?? 0) + amount)
  }

  get size(): number {
    return this.#now.size
  }

  turn(): void {
    this.#before = this.#now
    this.#now = new Map()
  }
}

/**
 * Picks the packets at which faults strike: rare ones, such as votes rather than heartbeats. Counts how often each sort of
 * packet arrives, and how much each host sends.
 */
export class Moments {
  readonly #random: RandomStream
  readonly #sorts = new Recent<number>()
  readonly #sent = new Recent<HostState>()
  readonly #seen: Array<Seen> = []
  #waits: Array<Wait> = []
  #window = 0

  constructor(random: RandomStream) {
    this.#random = random
  }

  /** Packets that are rare enough: the lower `rarity`, the rarer. */
  rare(rarity: number): IsDue {
    return (_, __, count) => this.#random.chance(rarity / count ** 2)
  }

  /** Strikes at a packet. Returns a function that ends the wait, and returns whether it had struck. */
  wait(isDue: IsDue, strike: (arrival: Arrival) => void): () => boolean {
    const wait = { isDue, strike }
    this.#waits.push(wait)
    return () => {
      const isOver = !this.#waits.includes(wait)
      this.#waits = this.#waits.filter((each) => each !== wait)
      return isOver
    }
  }

  clear(): void {
    this.#waits = []
  }

  arrived(arrival: Arrival, payload: Uint8Array, now: number): void {
    const window = Math.floor(now / windowTime)
    if (window !== this.#window) {
      this.#window = window
      this.#sorts.turn()
      this.#sent.turn()
    }
    this.#sent.add(arrival.from, payload.length)
    const own = sortOf(payload)
    const sort = this.#sorts.size < limit || this.#sorts.get(own) > 0 ? own : -1
    this.#sorts.add(sort, 1)
    const count = this.#sorts.get(sort)
    this.#seen.push({ ...arrival, sort: own, count, at: now })
    if (this.#seen.length > remembered) this.#seen.shift()
    if (this.#waits.length === 0) return
    const due = this.#waits.filter(({ isDue }) => isDue(arrival, own, count))
    if (due.length === 0) return
    this.#waits = this.#waits.filter((wait) => !due.includes(wait))
    for (const { strike } of due) strike(arrival)
  }

  /** A rare packet shortly before now that one of these hosts has sent or received. */
  before(hosts: ReadonlyArray<string>, now: number): Occasion | undefined {
    let best: Seen | undefined
    let least = Infinity
    for (const seen of this.#seen) {
      if (!hosts.includes(seen.from.name) && !hosts.includes(seen.to.name)) continue
      const score = seen.count * (now - seen.at + near)
      if (score <= least) [best, least] = [seen, score]
    }
    if (best === undefined) return undefined
    const { at, from, sort, to } = best
    return { from: from.name, to: to.name, sort, delay: now - at }
  }

  /** The host that has sent the most of late: a leader, a primary, a hub. */
  busiest(hosts: ReadonlyArray<HostState>): HostState | undefined {
    let most = -1
    let busiest: HostState | undefined
    for (const host of hosts) {
      const sent = this.#sent.get(host)
      if (sent > most) [most, busiest] = [sent, host]
    }
    return busiest
  }
}

// Microseconds.
const windowTime = 500_000

// The first byte usually tells messages apart; a length prefix before it is skipped.
const sortOf = (payload: Uint8Array): number => {
  const skip = payload[0] === 0 ? payload[1] === 0 ? 4 : 2 : 0
  return (payload[skip] ?? 0) << 5 | Math.clz32(payload.length)
}
