import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, optionalInteger } from "@sluice/core/Options"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import * as Campaign from "../../Campaign.ts"
import type { Options, Services } from "../../Simulation.ts"
import { execute, type Run, type Settings } from "./execute.ts"
import { type Phases, underCampaign } from "./recovery.ts"

interface Checked<R> extends Settings {
  readonly campaign: Campaign.Campaign | undefined
  readonly phases: Phases<R>
}

const check = <R>(options: Options<R>): Result.Result<Checked<R>, NetworkError.NetworkError> =>
  checked("configure", "the simulation", () => ({
    limits: {
      time: duration("limit.time", options.limit?.time ?? "1 day") * 1000,
      steps: optionalInteger("limit.steps", options.limit?.steps, 1, Number.MAX_SAFE_INTEGER) ?? 10_000_000
    },
    patience: duration("limit.operation", options.limit?.operation ?? "10 seconds"),
    eventLoop: options.eventLoop,
    schedule: oneOf("schedule", options.schedule ?? (options.seed === undefined ? "fifo" : "random"), [
      "fifo",
      "random"
    ]),
    parameters: options.parameters ?? {},
    waits: options.trace === false || options.trace?.waits === undefined
      ? undefined
      : duration("trace.waits", options.trace.waits) * 1000,
    campaign: options.campaign ?? (options.eventually === undefined ? undefined : Campaign.replay([])),
    phases: {
      lasts: options.campaign === undefined ? 0 : duration("for", options.for ?? "1 minute"),
      calm: duration("calm", options.calm ?? "1 minute"),
      eventually: options.eventually
    }
  }))

/** Runs a program, under a campaign if there is one, and gives the record of it. */
export const recordWith = <A, E, R, R2>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2>
): Effect.Effect<Run<A, E>, NetworkError.NetworkError, Services<R> | Services<R2>> =>
  Effect.flatMap(
    Effect.fromResult(check(options)),
    ({ campaign, phases, ...settings }) =>
      Effect.contextWith((context: Context.Context<Services<R> | Services<R2>>) => {
        // What the campaign adds to the errors and services of the program is what a run has anyway.
        const tested = campaign === undefined
          ? program
          : underCampaign(program, campaign, phases) as Effect.Effect<A, E, R>
        return Effect.suspend(() => execute(tested, options, settings, context))
      })
  )
