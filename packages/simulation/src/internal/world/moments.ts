import type { HostState } from "../kernel/host.ts"
import type { RandomStream } from "../time/random.ts"

/** The hosts of a packet with a payload that has arrived. */
export interface Arrival {
  readonly from: HostState
  readonly to: HostState
}

interface Wait {
  /** The lower, the rarer the packet must be. */
  readonly rarity: number
  readonly strike: (arrival: Arrival) => void
}

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
  #waits: Array<Wait> = []
  #window = 0

  constructor(random: RandomStream) {
    this.#random = random
  }

  /** Strikes at a packet that is rare enough. Returns a function that ends the wait, and returns whether it had struck. */
  wait(rarity: number, strike: (arrival: Arrival) => void): () => boolean {
    const wait = { rarity, strike }
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
    if (this.#waits.length === 0) return
    const count = this.#sorts.get(sort)
    const due = this.#waits.filter(({ rarity }) => this.#random.chance(rarity / count ** 2))
    if (due.length === 0) return
    this.#waits = this.#waits.filter((wait) => !due.includes(wait))
    for (const { strike } of due) strike(arrival)
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
