/** Something that a run has reached: a property that held, how often it held, by powers of two, or two of them in their order. */
export interface Reached {
  readonly name: string
  /** When it was reached first, in microseconds of virtual time. */
  readonly at: number
}

// How many names are noted, and of how many of them the order too.
const limit = 1000
const ordered = 30

/** Notes what a run reaches for the first time. */
export class Coverage {
  readonly #counts = new Map<string, number>()
  readonly #reached: Array<Reached> = []

  get reached(): ReadonlyArray<Reached> {
    return [...this.#reached]
  }

  reach(name: string, at: number): void {
    const count = (this.#counts.get(name) ?? 0) + 1
    if (count === 1) {
      if (this.#counts.size === limit) return
      if (this.#counts.size < ordered) {
        for (const before of this.#counts.keys()) this.#add(`${before}, then ${name}`, at)
      }
    }
    this.#counts.set(name, count)
    if (Number.isInteger(Math.log2(count))) this.#add(count === 1 ? name : `${name}, ${count} times`, at)
  }

  #add(name: string, at: number): void {
    if (this.#reached.length < limit) this.#reached.push({ name, at })
  }
}
