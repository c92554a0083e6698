import * as Duration from "effect/Duration"

/** Deadlines equally long after they are set: the one that was set first is due first. Times are in milliseconds. */
export class Deadlines<A> {
  readonly #after: number
  readonly #due = new Map<A, number>()

  constructor(after: Duration.Input) {
    this.#after = Duration.toMillis(Duration.fromInputUnsafe(after))
  }

  get after(): number {
    return this.#after
  }

  get size(): number {
    return this.#due.size
  }

  get waiting(): Iterable<A> {
    return this.#due.keys()
  }

  /** When the first is due. */
  get next(): number {
    for (const due of this.#due.values()) return due
    return Infinity
  }

  set(each: A, time: number): void {
    this.#due.delete(each)
    this.#due.set(each, time + this.#after)
  }

  remove(each: A): void {
    this.#due.delete(each)
  }

  /** Takes out those whose deadline has passed. */
  takeDue(time: number): ReadonlyArray<A> {
    const all: Array<A> = []
    for (const [each, due] of this.#due) {
      if (due > time) break
      all.push(each)
      this.#due.delete(each)
    }
    return all
  }
}
