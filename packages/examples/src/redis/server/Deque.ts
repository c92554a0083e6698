/** A sequence that grows and shrinks at both ends, in a ring. */
export class Deque<A> {
  #slots: Array<A | undefined> = new Array(8).fill(undefined)
  #head = 0
  length = 0

  at(index: number): A | undefined {
    return index < 0 || index >= this.length ? undefined : this.#slots[this.#slot(index)]
  }

  push(item: A): void {
    this.#grow()
    this.#slots[this.#slot(this.length++)] = item
  }

  unshift(item: A): void {
    this.#grow()
    this.#head = this.#slot(-1)
    this.#slots[this.#head] = item
    this.length++
  }

  shift(): A | undefined {
    const item = this.at(0)
    if (this.length === 0) return item
    this.#slots[this.#head] = undefined
    this.#head = this.#slot(1)
    this.length--
    return item
  }

  pop(): A | undefined {
    const item = this.at(this.length - 1)
    if (this.length === 0) return item
    this.#slots[this.#slot(--this.length)] = undefined
    return item
  }

  slice(from: number, to: number): Array<A> {
    return Array.from({ length: Math.max(0, to - from) }, (_, i) => this.at(from + i) as A)
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#slots.length - 1)
  }

  #grow(): void {
    const size = this.#slots.length
    if (this.length < size) return
    this.#slots = [...this.slice(0, size), ...new Array<undefined>(size).fill(undefined)]
    this.#head = 0
  }
}
