import type { RandomStream } from "../time/random.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import { type Attempts, type Known, lowest } from "./attempts.ts"
import type { Task } from "./trial.ts"

/** Draws runs of other seeds, with some of the faults of a failure. */
export class Variations<R> {
  readonly #attempts: Attempts<R>
  readonly #random: RandomStream
  #drawn = 0

  constructor(attempts: Attempts<R>, random: RandomStream) {
    this.#attempts = attempts
    this.#random = random
  }

  readonly draw = (): Task => {
    const { best, original } = this.#attempts
    const random = this.#random
    const known = random.chance(0.75) ? best : original
    const faults = some(known.faults, sizeOf(random, best.faults.length - 1), random)
    return this.#attempts.varied(
      `${original.seed}~${++this.#drawn}`,
      faults,
      known,
      redrawn(best.parameters, random)
    )
  }
}

// Parameters as low as can be, as they are, or drawn anew by the seed.
const redrawn = (parameters: Known["parameters"], random: RandomStream): Known["parameters"] =>
  Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) => {
      const choice = random.next()
      return choice < 0.4 ? [[name, lowest]] : choice < 0.6 ? [[name, value]] : []
    })
  )

// Few faults are likelier, as most failures need few.
const sizeOf = (random: RandomStream, most: number): number => {
  if (random.chance(0.05)) return 0
  let size = 1
  while (size < most && random.chance(0.6)) size++
  return size
}

// The last faults, or any; the later, the likelier: the failure followed them.
const some = (
  faults: ReadonlyArray<RecordedFault>,
  size: number,
  random: RandomStream
): ReadonlyArray<RecordedFault> => {
  if (size === 0 || random.chance(0.7)) return faults.slice(faults.length - size)
  const chosen = new Set<RecordedFault>()
  const count = Math.min(size, faults.length)
  while (chosen.size < count) chosen.add(faults[Math.floor(faults.length * (1 - random.next() ** 2))]!)
  return faults.filter((fault) => chosen.has(fault))
}
