import * as Context from "effect/Context"
import { RandomStream } from "../time/random.ts"
import type { Streams } from "../time/streams.ts"

/** Gives a run its parameters: those that are set, and others by the seed. */
export class Parameters {
  readonly #streams: Streams
  readonly #given: Readonly<Record<string, number>>
  readonly #taken = new Map<string, number>()

  constructor(streams: Streams, given: Readonly<Record<string, number>>) {
    this.#streams = streams
    this.#given = given
  }

  get taken(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#taken)
  }

  take(name: string, least: number, most: number): number {
    const known = this.#taken.get(name)
    if (known !== undefined) return known
    const drawn = least + new RandomStream(this.#streams.seed, `parameter/${name}`).below(most - least + 1)
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
