import type * as Fiber from "effect/Fiber"

/** Something that happens at a moment. An event is in one queue at most, and there once. */
export interface Event {
  /** Where it is in the queue; negative while it is in none. Set by the queue. */
  place: number
  /** Whether it comes before all others of its moment, also those that were scheduled earlier. */
  readonly isFirst?: boolean
  readonly run: () => void
  /** The fiber that it wakes, if it is the end of a sleep. */
  readonly sleeper?: Fiber.Fiber<unknown, unknown> | undefined
}

/**
 * Events in the order of their times, and of one moment in the order in which they were added: a binary heap. What is
 * compared is in arrays of numbers, as events are objects of many kinds.
 */
export class EventQueue {
  readonly #events: Array<Event> = []
  readonly #times: Array<number> = []
  readonly #orders: Array<number> = []
  #added = 0

  /** The time of the first event; infinite if there is none. */
  get nextAt(): number {
    return this.#times.length === 0 ? Infinity : this.#times[0]!
  }

  /** The fibers that sleep, and until when. */
  get sleepers(): ReadonlyMap<Fiber.Fiber<unknown, unknown>, number> {
    const sleepers = new Map<Fiber.Fiber<unknown, unknown>, number>()
    for (const { place, sleeper } of this.#events) {
      if (sleeper !== undefined) sleepers.set(sleeper, this.#times[place]!)
    }
    return sleepers
  }

  add(event: Event, at: number): void {
    const order = ++this.#added - (event.isFirst === true ? Number.MAX_SAFE_INTEGER / 2 : 0)
    this.#events.push(event)
    this.#times.push(at)
    this.#orders.push(order)
    this.#rise(this.#events.length - 1, event, at, order)
  }

  /** Takes an event back, if it is here. */
  cancel(event: Event): void {
    if (event.place >= 0) this.#remove(event.place)
  }

  /** Takes out the first. */
  take(): Event | undefined {
    const first = this.#events[0]
    if (first !== undefined) this.#remove(0)
    return first
  }

  clear(): void {
    while (this.take() !== undefined) { /* and the next one */ }
  }

  // The last event fills the gap.
  #remove(place: number): void {
    this.#events[place]!.place = -1
    const last = this.#events.pop()!
    const at = this.#times.pop()!
    const order = this.#orders.pop()!
    if (place === this.#events.length) return
    if (place > 0 && this.#precedes(at, order, (place - 1) >> 1)) this.#rise(place, last, at, order)
    else this.#sink(place, last, at, order)
  }

  #rise(from: number, event: Event, at: number, order: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#precedes(at, order, parent)) break
      this.#put(place, this.#events[parent]!, this.#times[parent]!, this.#orders[parent]!)
      place = parent
    }
    this.#put(place, event, at, order)
  }

  #sink(from: number, event: Event, at: number, order: number): void {
    const times = this.#times
    const orders = this.#orders
    const { length } = times
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= length) break
      if (child + 1 < length && this.#precedes(times[child + 1]!, orders[child + 1]!, child)) child++
      if (this.#precedes(at, order, child)) break
      this.#put(place, this.#events[child]!, times[child]!, orders[child]!)
      place = child
    }
    this.#put(place, event, at, order)
  }

  #put(place: number, event: Event, at: number, order: number): void {
    event.place = place
    this.#events[place] = event
    this.#times[place] = at
    this.#orders[place] = order
  }

  #precedes(at: number, order: number, place: number): boolean {
    const other = this.#times[place]!
    return at < other || (at === other && order < this.#orders[place]!)
  }
}
