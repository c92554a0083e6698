import type { RandomStream, Seed } from "../time/random.ts"
import { branchesOf, branchOf } from "../time/streams.ts"
import type { Trial } from "./trial.ts"

/** A moment of a run, at which others can leave it. */
interface Place {
  readonly seed: Seed
  /** Microseconds. */
  readonly at: number
  /** The share of the campaign, or of a run without one, that is still to come. */
  readonly left: number
}

interface Discovery {
  /** How many runs have reached it. */
  runs: number
  /** Where the latest of them reached it. */
  readonly places: Array<Place>
}

// How many names are told apart, and how many places are kept of each.
const limit = 4096
const kept = 8

// A place that leaves less of the run is not worth a branch.
const least = 0.1

// Branches of branches, and so on. Seeds grow with them.
const deepest = 16

/** What the runs of an exploration have reached, and where. */
export class Corpus {
  readonly #discoveries = new Map<string, Discovery>()
  readonly #horizon: number

  /** `horizon`: how long the campaign lasts, in milliseconds; Infinity without one. */
  constructor(horizon: number) {
    this.#horizon = horizon
  }

  take({ elapsed, reached, seed }: Pick<Trial, "elapsed" | "reached" | "seed">): void {
    const branches = branchesOf(seed)
    // What it has reached before, its seed had too.
    const since = branches[0]?.at ?? 0
    for (const { at, name } of reached) {
      const discovery = this.#discoveries.get(name) ?? { runs: 0, places: [] }
      if (this.#discoveries.size < limit) this.#discoveries.set(name, discovery)
      discovery.runs++
      const left = 1 - at / (1000 * Math.min(elapsed, this.#horizon))
      // Of a run that took no time, nothing is left.
      if (at < since || !(left >= least) || branches.length === deepest) continue
      // A microsecond later, so that all that happens at the same moment stays.
      discovery.places.push({ seed, at: at + 1, left })
      if (discovery.places.length > kept) discovery.places.shift()
    }
  }

  /** Branches off where something was reached: the rarer it is, the likelier; and the more of the run is left. */
  draw(random: RandomStream, number: number): Seed | undefined {
    const all = [...this.#discoveries.values()].flatMap(({ places, runs }) =>
      places.map((place) => ({ place, weight: place.left / places.length / runs }))
    )
    let rest = random.next() * all.reduce((sum, { weight }) => sum + weight, 0)
    const place = all.find(({ weight }) => (rest -= weight) <= 0)?.place
    return place === undefined ? undefined : branchOf(place.seed, place.at, number)
  }
}
