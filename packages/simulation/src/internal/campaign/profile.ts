import type { RandomStream } from "../time/random.ts"
import type { Kind } from "../world/faultDescription.ts"
import { type Tactic, weighted } from "./tactic.ts"

/** What the faults of a run have in common: some runs have only crashes, some are calm, some repeat one fault many times. */
export interface Profile {
  /** The kinds of faults that it draws from, each as often as its weight. */
  readonly kinds: ReadonlyArray<Kind>
  /** Some runs are calmer than others. */
  readonly pace: number
  /** How many faults may be in effect at once. */
  readonly most: number
  /** How likely a fault follows the last one in a burst, and how likely it repeats a habit of the run. */
  readonly inBurst: number
  readonly inHabit: number
  readonly habits: Array<Tactic>
  readonly habitCount: number
}

/** Draws a profile. */
export const drawProfile = (random: RandomStream, kinds: ReadonlyArray<Kind>): Profile => {
  const share = 0.2 + 0.8 * random.next()
  const swarm = kinds.filter(() => random.chance(share))
  return {
    kinds: weighted(swarm.length > 0 ? swarm : [kinds[random.below(kinds.length)]!]),
    pace: 2 ** (5 * random.next() - 4),
    most: 1 + random.below(5),
    inBurst: 0.8 * random.next(),
    inHabit: random.next(),
    habits: [],
    habitCount: 1 + random.below(3)
  }
}
