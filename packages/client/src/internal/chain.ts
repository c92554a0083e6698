/** What can be in one chain at a time: it holds its neighbors itself. */
export interface Link<Self> {
  previous: Self | undefined
  next: Self | undefined
}

/**
 * A set in the order of arrival, for what every request enters and leaves. The old tables of a `Set` or a `Map` keep what was
 * in them, and one another, until the whole heap is collected.
 */
export class Chain<A extends Link<A>> {
  size = 0
  /** The link that has been in it the longest. */
  first: A | undefined = undefined
  #last: A | undefined = undefined

  add(link: A): void {
    link.previous = this.#last
    if (this.#last === undefined) this.first = link
    else this.#last.next = link
    this.#last = link
    this.size++
  }

  /** Removes a link, if it is in it. */
  remove(link: A): void {
    const { next, previous } = link
    if (previous === undefined && this.first !== link) return
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    // An old link must not keep its former neighbors.
    link.previous = link.next = undefined
    this.size--
  }

  /** Removes all, and returns them, the oldest first. */
  clear(): ReadonlyArray<A> {
    const all: Array<A> = []
    for (let { first } = this; first !== undefined; { first } = this) {
      all.push(first)
      this.remove(first)
    }
    return all
  }
}
