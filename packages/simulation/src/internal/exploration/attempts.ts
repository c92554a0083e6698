import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Run } from "../run/execute.ts"
import { endsProgram, signature } from "../run/failure.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import type { Lane } from "./lane.ts"
import type { Task, Trial } from "./trial.ts"

/** A run that fails in the same way. */
export type Known = Pick<Trial, "seed" | "elapsed" | "steps" | "parameters"> & {
  readonly faults: ReadonlyArray<RecordedFault>
}

type Faults = ReadonlyArray<RecordedFault>

/** `Simulation.parameter` raises it to the least value. */
export const lowest = Number.MIN_SAFE_INTEGER

// A smaller failure occurs about as early.
const slack = 1.25

/** The runs that look for a smaller failure, and the smallest that they have found. */
export class Attempts<R> {
  readonly original: Known
  best: Known
  /** How many runs were made, of at most `limit`. */
  made = 0
  readonly limit: number
  readonly #schedule: Run<unknown, unknown>["schedule"]
  readonly #cause: Cause.Cause<unknown>
  readonly #signature: string
  readonly #lanes: ReadonlyArray<Lane<NetworkError.NetworkError, R>>
  readonly #onProgress: (faults: number, attempts: number) => Effect.Effect<void>
  // Lists of faults that did not fail, with their seed and parameters.
  readonly #passed = new Set<string>()

  constructor(
    { elapsed, faults, parameters, schedule, seed, steps }: Run<unknown, unknown>,
    cause: Cause.Cause<unknown>,
    lanes: ReadonlyArray<Lane<NetworkError.NetworkError, R>>,
    limit: number,
    onProgress: (faults: number, attempts: number) => Effect.Effect<void>
  ) {
    this.original = this.best = { seed, faults, parameters, elapsed: Duration.toMillis(elapsed), steps }
    this.#schedule = schedule
    this.#cause = cause
    this.#signature = signature(cause)
    this.#lanes = lanes
    this.limit = limit
    this.#onProgress = onProgress
  }

  /** The smallest failure with these faults instead of its own. */
  exact(faults: Faults, parameters = this.best.parameters): Task {
    return { seed: this.best.seed, instead: { ...this.#instead(faults, this.best), parameters, isVaried: false } }
  }

  /** A run of another seed, with faults like these of a known failure. */
  varied(seed: string, faults: Faults, known: Known, parameters: Known["parameters"]): Task {
    return { seed, instead: { ...this.#instead(faults, known), parameters, isVaried: true } }
  }

  // A run that lasts longer than a known failure, or does much more in that time, is given up.
  #instead(faults: Faults, { elapsed }: Known) {
    const { best } = this
    const limit = this.#signature === "SimulationLimitExceeded"
      ? {}
      : { time: best.elapsed * slack + 1000, steps: 2 * best.steps + 1000 }
    const patience = endsProgram(this.#cause) ? Infinity : 200 + 2 * (elapsed - (faults.at(-1)?.at ?? 0) / 1000)
    return { faults, schedule: this.#schedule, limit, patience }
  }

  /**
   * Runs tasks, and keeps the first that fails in the same way. Returns its index, or -1, and the parameters of the last one
   * that was run.
   */
  run(tasks: ReadonlyArray<Task>) {
    return Effect.gen({ self: this }, function*() {
      const count = Math.min(tasks.length, this.limit - this.made)
      let next = 0
      let last: Trial | undefined
      const failing = new Map<number, Trial>()
      const work = Effect.fnUntraced(function*(lane: Lane<NetworkError.NetworkError, R>, same: string) {
        while (next < count && failing.size === 0) {
          const index = next++
          const trial = yield* lane.run(tasks[index]!)
          last = trial
          if (trial.signature === same) failing.set(index, trial)
        }
      })
      yield* Effect.forEach(this.#lanes, (lane) => work(lane, this.#signature), {
        concurrency: this.#lanes.length,
        discard: true
      })
      // Lanes that were ahead of the first that failed do not count.
      const first = Math.min(count - 1, ...failing.keys())
      const found = failing.get(first)
      this.made += first + 1
      if (found !== undefined) {
        const { elapsed, parameters, recorded, seed, steps } = found
        this.best = { seed, elapsed, steps, parameters, faults: recorded }
      }
      yield* this.#onProgress(this.best.faults.length, this.made)
      return { index: found === undefined ? -1 : first, parameters: last?.parameters ?? {} }
    })
  }

  /** Tries lists of faults that were not tried before. Returns the index of the first that fails, or -1. */
  readonly firstFailing = (lists: ReadonlyArray<Faults>) => {
    const run = `${this.best.seed} ${JSON.stringify(this.best.parameters)}`
    const keyOf = (faults: Faults) =>
      `${run} ${faults.map(({ at, hosts, kind }) => `${at} ${kind} ${hosts.join()}`).join("; ")}`
    const untried = lists.filter((faults) => !this.#passed.has(keyOf(faults)))
    return Effect.map(this.run(untried.map((faults) => this.exact(faults))), ({ index }) => {
      for (const faults of untried.slice(0, index === -1 ? untried.length : index)) this.#passed.add(keyOf(faults))
      return index === -1 ? -1 : lists.indexOf(untried[index]!)
    })
  }
}
