import type * as Fiber from "effect/Fiber"

/** Something that happens at a moment. An event is in one queue at most, and there once. */
export interface Event {
  /** When, in microseconds. Set by the queue. */
  at: number
  /** Tells apart what happens at the same moment: first come, first served. Set by the queue. */
  order: number
  /** Whether it comes before all others of its moment, also those that were scheduled earlier. */
  readonly isFirst?: boolean
  /** It does not happen after all. Set by the queue. */
  cancelled: boolean
  readonly run: () => void
  /** The fiber that it wakes, if it is the end of a sleep. */
  readonly sleeper?: Fiber.Fiber<unknown, unknown> | undefined
}

/** Events in the order of their times: a binary heap. */
export class EventQueue {
  #heap: Array<Event> = []
  #order = 0
  #cancelled = 0

  get first(): Event | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.cancelled) this.take()
    return this.#heap[0]
  }

  /** The fibers that sleep, and until when. */
  get sleepers(): ReadonlyMap<Fiber.Fiber<unknown, unknown>, number> {
    const sleepers = new Map<Fiber.Fiber<unknown, unknown>, number>()
    for (const { at, cancelled, sleeper } of this.#heap) {
      if (sleeper !== undefined && !cancelled) sleepers.set(sleeper, at)
    }
    return sleepers
  }

  /** Takes an event back. */
  cancel(event: Event): void {
    if (event.cancelled) return
    event.cancelled = true
    this.#cancelled++
    if (this.#cancelled < Math.max(1024, this.#heap.length / 2)) return
    // What is in order is a heap too.
    this.#heap = this.#heap.filter((each) => !each.cancelled).sort((a, b) => precedes(a, b) ? -1 : 1)
    this.#cancelled = 0
  }

  add(event: Event, at: number): void {
    event.at = at
    event.order = ++this.#order - (event.isFirst === true ? Number.MAX_SAFE_INTEGER / 2 : 0)
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]!
      if (precedes(above, event)) break
      heap[index] = above
      index = parent
    }
    heap[index] = event
  }

  /** Takes out the first, even if it is canceled. */
  take(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined) return undefined
    if (first.cancelled) this.#cancelled--
    const last = heap.pop()!
    const length = heap.length
    if (length === 0) return first
    let index = 0
    while (true) {
      let child = 2 * index + 1
      if (child >= length) break
      if (child + 1 < length && precedes(heap[child + 1]!, heap[child]!)) child++
      if (!precedes(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

const precedes = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
