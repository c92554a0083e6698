import type { Engine } from "./engine.ts"
import { RandomStream, type Seed } from "./random.ts"

/** The seed of a run that is as that of another seed until a time, in microseconds, and draws other random numbers from then on. */
interface Branch {
  readonly seed: Seed
  readonly at: number
}

const pattern = /^(.+)@(\d+)~(\d+)$/s

/** The seed of a branch. Several that leave a seed at the same time have different numbers. */
export const branchOf = (seed: Seed, at: number, number: number): Seed => `${seed}@${at}~${number}`

/** The branches that a seed consists of, the last first. */
export const branchesOf = (seed: Seed): ReadonlyArray<Branch> => {
  const match = pattern.exec(String(seed))
  return match === null ? [] : [{ seed, at: Number(match[2]) }, ...branchesOf(match[1]!)]
}

/** What the first branch has left. */
const rootOf = (seed: Seed): Seed => {
  const match = pattern.exec(String(seed))
  return match === null ? seed : rootOf(parseSeed(match[1]!))
}

/** A seed from text, as it is printed. */
export const parseSeed = (text: string): Seed => /^-?\d+$/.test(text) ? Number(text) : text

/** The random numbers of a run. */
export class Streams {
  #seed: Seed
  // Those to come, the last first.
  readonly #branches: Array<Branch>
  // If there are any: what changes with them.
  readonly #streams: Array<{ readonly stream: RandomStream; readonly concern: string }> = []
  readonly #listeners: Array<() => void> = []

  constructor(seed: Seed) {
    this.#seed = rootOf(seed)
    this.#branches = [...branchesOf(seed)]
  }

  /** The seed that decides now. */
  get seed(): Seed {
    return this.#seed
  }

  /** A stream that changes with each branch. */
  of(concern: string): RandomStream {
    const stream = new RandomStream(this.#seed, concern)
    if (this.#branches.length > 0) this.#streams.push({ stream, concern })
    return stream
  }

  /** Tells of each branch. */
  onBranch(listener: () => void): void {
    if (this.#branches.length > 0) this.#listeners.push(listener)
  }

  /** Takes each branch when its time has come. */
  follow(engine: Pick<Engine, "schedule">): void {
    const next = this.#branches.at(-1)
    if (next === undefined) return
    const run = () => {
      this.#branches.pop()
      this.#seed = next.seed
      for (const { concern, stream } of this.#streams) stream.restart(next.seed, concern)
      for (const listener of this.#listeners) listener()
      this.follow(engine)
    }
    engine.schedule({ place: -1, isFirst: true, run }, next.at)
  }
}
