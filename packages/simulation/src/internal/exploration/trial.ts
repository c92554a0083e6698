import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type { LimitOptions } from "../../Simulation.ts"
import type { Run } from "../run/execute.ts"
import { messageOf, signature } from "../run/failure.ts"
import type { Seed } from "../time/random.ts"
import type { Reached } from "../world/coverage.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import type { Observed } from "../world/properties.ts"

/** A run to make: of a seed alone, or with these faults and parameters. It can be sent to a worker thread. */
export interface Task {
  readonly seed: Seed
  readonly instead?: {
    readonly faults: ReadonlyArray<RecordedFault>
    /** Whether the seed is another one, for which the faults are only models. */
    readonly isVaried: boolean
    readonly parameters: Readonly<Record<string, number>>
    readonly schedule: "fifo" | "random"
    /** When to give up. `patience` is the time after the last fault, in milliseconds. */
    readonly limit: LimitOptions
    readonly patience: number
  }
}

/** What an exploration keeps of a run that it does not show: it can be sent from a worker thread. */
export interface Trial {
  readonly seed: Seed
  /** Why it failed; `undefined` if it did not. */
  readonly failure: string | undefined
  /** What the failure is known by, when the run is repeated with other faults. */
  readonly signature: string | undefined
  readonly properties: ReadonlyArray<Observed>
  readonly reached: ReadonlyArray<Reached>
  /** Milliseconds of virtual time. */
  readonly elapsed: number
  readonly steps: number
  readonly faults: number
  /** Its faults, if it failed. */
  readonly recorded: ReadonlyArray<RecordedFault>
  readonly parameters: Readonly<Record<string, number>>
}

export const trialOf = (
  { elapsed, exit, faults, parameters, properties, reached, seed, steps }: Run<unknown, unknown>
): Trial => ({
  seed,
  parameters,
  failure: Exit.isSuccess(exit) ? undefined : messageOf(exit.cause),
  signature: Exit.isSuccess(exit) ? undefined : signature(exit.cause),
  properties,
  reached,
  elapsed: Duration.toMillis(elapsed),
  steps,
  faults: faults.length,
  recorded: Exit.isSuccess(exit) ? [] : faults
})
