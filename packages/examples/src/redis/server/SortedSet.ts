/** Members in the order of their scores, then of their bytes. */
export class SortedSet {
  readonly #scores = new Map<string, number>()
  readonly #sorted: Array<string> = []

  get size(): number {
    return this.#sorted.length
  }

  score(member: string): number | undefined {
    return this.#scores.get(member)
  }

  /** Sets the score of a member. Returns whether it is new. */
  set(member: string, score: number): boolean {
    const isNew = !this.delete(member)
    this.#sorted.splice(this.#place(score, member), 0, member)
    this.#scores.set(member, score)
    return isNew
  }

  delete(member: string): boolean {
    const score = this.#scores.get(member)
    if (score === undefined) return false
    this.#sorted.splice(this.#place(score, member), 1)
    return this.#scores.delete(member)
  }

  slice(from: number, to: number): Array<string> {
    return this.#sorted.slice(from, to)
  }

  /** The members whose scores lie between two bounds. */
  between(min: Bound, max: Bound): Array<string> {
    const from = this.#first((score) => min.exclusive ? score > min.score : score >= min.score)
    const to = this.#first((score) => max.exclusive ? score >= max.score : score > max.score)
    return this.#sorted.slice(from, to)
  }

  #place(score: number, member: string): number {
    return this.#first((other, name) => other > score || (other === score && name >= member))
  }

  /** The first place from which on a condition holds. */
  #first(holds: (score: number, member: string) => boolean): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const member = this.#sorted[middle]!
      if (holds(this.#scores.get(member)!, member)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** The end of a range of scores. */
export interface Bound {
  readonly score: number
  readonly exclusive: boolean
}
