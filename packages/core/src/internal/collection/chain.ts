/** What can be in one chain at a time: it holds its neighbors itself. */
export interface Link<Self> {
  previous: Self | undefined
  next: Self | undefined
}

/**
 * A set in the order of arrival, for what every connection or datagram enters and leaves.
 *
 * A `Set` or a `Map` copies its table every few dozen entries, and the old table keeps the entries of that time. Once an old
 * table has survived two collections of the young generation, it keeps all tables after it, and with them most connections
 * of a busy server, until the whole heap is collected.
 */
export class Chain<A extends Link<A>> {
  size = 0
  /** The link that has been in it the longest. */
  first: A | undefined = undefined
  #last: A | undefined = undefined

  /** What is in it now, the oldest first. */
  get all(): ReadonlyArray<A> {
    const all: Array<A> = []
    for (let link = this.first; link !== undefined; link = link.next) all.push(link)
    return all
  }

  /** Returns the link. */
  add(link: A): A {
    link.previous = this.#last
    if (this.#last === undefined) this.first = link
    else this.#last.next = link
    this.#last = link
    this.size++
    return link
  }

  /** Answers whether it was in it. */
  remove(link: A): boolean {
    const { next, previous } = link
    if (previous === undefined && this.first !== link) return false
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    // What a program keeps of a closed connection must not keep its former neighbors.
    link.previous = link.next = undefined
    this.size--
    return true
  }
}
