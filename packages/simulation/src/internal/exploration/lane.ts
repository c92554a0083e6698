import type * as NetworkError from "@sluice/core/NetworkError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Campaign from "../../Campaign.ts"
import type { Options, Services } from "../../Simulation.ts"
import { CurrentPatience } from "../campaign/replay.ts"
import { silentConsole } from "../report/traceOutput.ts"
import { recordWith } from "../run/settings.ts"
import { type Task, type Trial, trialOf } from "./trial.ts"

/** Runs one task at a time. */
export interface Lane<E = never, R = never> {
  readonly run: (task: Task) => Effect.Effect<Trial, E, R>
}

/** Keeps the lines that programs log and print to their traces. */
export const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.provideService(Logger.CurrentLoggers, new Set()),
    Effect.provideService(Console.Console, silentConsole)
  )

/** A lane in this thread. */
export const ownLane = <A, E, R, R2>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2>
): Lane<NetworkError.NetworkError, Services<R> | Services<R2>> => ({
  run: ({ instead, seed }) => {
    const replayed = instead === undefined ? {} : {
      campaign: (instead.isVaried ? Campaign.vary : Campaign.replay)(instead.faults),
      parameters: instead.parameters,
      schedule: instead.schedule,
      limit: { ...options.limit, ...instead.limit }
    }
    return recordWith(program, { ...options, seed, trace: false, ...replayed }).pipe(
      Effect.provideService(CurrentPatience, instead?.patience ?? Infinity),
      quiet,
      Effect.map(trialOf)
    )
  }
})
