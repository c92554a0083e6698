import * as Duration from "effect/Duration"

/** When something is due. It is in one queue at a time. */
export class Deadline<A> {
  readonly of: A
  /** In milliseconds. */
  due = Infinity
  queue: Deadlines<A> | undefined = undefined
  previous: Deadline<A> | undefined = undefined
  next: Deadline<A> | undefined = undefined

  constructor(of: A) {
    this.of = of
  }

  cancel(): void {
    this.queue?.remove(this)
  }
}

/**
 * Deadlines equally long after they are set: the one that was set first is due first. They hold their neighbors themselves,
 * because a `Map` would copy its table again and again while clients talk.
 */
export class Deadlines<A> {
  /** In milliseconds. */
  readonly after: number
  size = 0
  #first: Deadline<A> | undefined = undefined
  #last: Deadline<A> | undefined = undefined

  constructor(after: Duration.Input) {
    this.after = Duration.toMillis(Duration.fromInputUnsafe(after))
  }

  /** When the first is due. */
  get next(): number {
    return this.#first?.due ?? Infinity
  }

  get all(): ReadonlyArray<A> {
    const all: Array<A> = []
    for (let each = this.#first; each !== undefined; each = each.next) all.push(each.of)
    return all
  }

  /** Sets a deadline, and takes it out of the queue that it was in. */
  set(deadline: Deadline<A>, time: number): void {
    deadline.cancel()
    deadline.due = time + this.after
    deadline.queue = this
    deadline.previous = this.#last
    if (this.#last === undefined) this.#first = deadline
    else this.#last.next = deadline
    this.#last = deadline
    this.size++
  }

  remove(deadline: Deadline<A>): void {
    const { next, previous } = deadline
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    deadline.queue = deadline.previous = deadline.next = undefined
    this.size--
  }

  /** Takes out what is due. */
  takeDue(time: number): ReadonlyArray<A> {
    const all: Array<A> = []
    for (let first = this.#first; first !== undefined && first.due <= time; first = this.#first) {
      all.push(first.of)
      this.remove(first)
    }
    return all
  }
}
