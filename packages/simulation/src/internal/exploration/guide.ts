import { RandomStream, type Seed } from "../time/random.ts"
import { Corpus } from "./corpus.ts"
import type { Trial } from "./trial.ts"

/** A run to make. */
interface Next {
  /** How many there were before it. */
  readonly place: number
  readonly seed: Seed
}

/**
 * Chooses the seeds of an exploration: those that are given, and instead of a share of them, branches of earlier runs.
 *
 * A choice depends on the results of all runs but the `lag` before it. So it does not matter which of them ends first.
 */
export class Guide {
  readonly #seeds: Iterator<Seed>
  readonly #share: number
  readonly #lag: number
  readonly #corpus: Corpus
  // For runs that have not begun.
  readonly #branches = new Map<number, Seed>()
  // Of runs that have ended before an earlier one.
  readonly #results = new Map<number, Trial>()
  #begun = 0
  #taken = 0

  constructor(seeds: Iterator<Seed>, share: number, horizon: number, lag: number) {
    this.#seeds = seeds
    this.#share = share
    this.#lag = lag
    this.#corpus = new Corpus(horizon)
  }

  /** Whether the next run waits for results. */
  get isWaiting(): boolean {
    return this.#begun > this.#taken + this.#lag
  }

  /** The next run, unless there is none. */
  next(): Next | undefined {
    const given = this.#seeds.next()
    if (given.done === true) return undefined
    const place = this.#begun++
    const seed = this.#branches.get(place) ?? given.value
    this.#branches.delete(place)
    return { place, seed }
  }

  take(place: number, trial: Trial): void {
    this.#results.set(place, trial)
    for (let next; (next = this.#results.get(this.#taken)) !== undefined;) {
      this.#results.delete(this.#taken++)
      // A branch of a run that fails would fail in the same way.
      if (next.failure === undefined) this.#corpus.take(next)
      this.#draw(this.#taken + this.#lag)
    }
  }

  #draw(place: number): void {
    const random = new RandomStream(place, "branch")
    const seed = random.chance(this.#share) ? this.#corpus.draw(random, place) : undefined
    if (seed !== undefined) this.#branches.set(place, seed)
  }
}
