import * as Context from "effect/Context"
import { RandomStream, type Seed } from "../time/random.ts"

/** Gives a run its parameters: those that are set, and others by the seed. */
export class Parameters {
  readonly #seed: Seed
  readonly #given: Readonly<Record<string, number>>
  readonly #taken = new Map<string, number>()

  constructor(seed: Seed, given: Readonly<Record<string, number>>) {
    this.#seed = seed
    this.#given = given
  }

  get taken(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#taken)
  }

  take(name: string, least: number, most: number): number {
    const known = this.#taken.get(name)
    if (known !== undefined) return known
    const drawn = least + new RandomStream(this.#seed, `parameter/${name}`).below(most - least + 1)
    const value = Math.min(most, Math.max(least, this.#given[name] ?? drawn))
    this.#taken.set(name, value)
    return value
  }
}

/** The parameters of the run that a fiber is in, if it is in one. */
export const CurrentParameters: Context.Reference<Parameters | undefined> = Context.Reference<Parameters | undefined>(
  "@sluice/simulation/CurrentParameters",
  { defaultValue: () => undefined }
)
