import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import type { Options, Services } from "../../Simulation.ts"
import { SimulationNotDeterministic } from "../../SimulationError.ts"
import { firstDifference } from "../report/firstDifference.ts"
import type { Run } from "./execute.ts"
import { recordWith } from "./settings.ts"

/** Runs a program twice, and fails unless both runs are the same. */
export const repeatable = Effect.fnUntraced(function*<A, E, R, R2 = never>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2> = {}
): Effect.fn.Return<
  Run<A, E>,
  SimulationNotDeterministic | NetworkError.NetworkError,
  Services<R> | Services<R2>
> {
  const [first, second] = yield* twice(program, {
    ...options,
    // The hash covers all records, even if none is kept.
    trace: options.trace === false ? { records: 0, bytes: 0 } : options.trace
  })
  const difference = firstDifference(first, second)
  if (difference === undefined) return second
  // What differs first may be in the part of the trace that was not kept.
  const whole = first.trace.dropped + second.trace.dropped === 0
    ? undefined
    : firstDifference(...yield* twice(program, { ...options, trace: { records: 2 ** 20, bytes: 2 ** 28 } }))
  return yield* Effect.fail(new SimulationNotDeterministic({ seed: first.seed, ...(whole ?? difference) }))
})

const twice = <A, E, R, R2>(program: Effect.Effect<A, E, R>, options: Options<R2>) =>
  Effect.all([recordWith(program, options), recordWith(program, options)])
