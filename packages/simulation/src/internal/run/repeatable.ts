import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import type { Options, Services } from "../../Simulation.ts"
import { SimulationNotDeterministic } from "../../SimulationError.ts"
import { writeComparison } from "../report/files.ts"
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
  const kept = yield* twice(program, {
    ...options,
    // The hash covers all records, even if none is kept.
    trace: options.trace === false ? { records: 0, bytes: 0 } : options.trace
  })
  const [first, second] = kept
  const inKept = firstDifference(first, second)
  if (inKept === undefined) return second
  // What differs first may be in the part of the trace that was not kept.
  const whole = first.trace.dropped + second.trace.dropped === 0
    ? undefined
    : yield* twice(program, { ...options, trace: { records: 2 ** 20, bytes: 2 ** 28 } })
  const inWhole = whole && firstDifference(...whole)
  const { seed } = first
  const difference = inWhole ?? inKept
  const [{ trace: ours }, { trace: theirs }] = inWhole === undefined ? kept : whole!
  const report = yield* writeComparison(
    `seed-${seed}-differs-${ours.hash.slice(0, 8)}`,
    [ours, theirs],
    difference,
    `Seed ${seed} gave two different runs`
  )
  return yield* Effect.fail(new SimulationNotDeterministic({ seed, ...difference, report }))
})

const twice = <A, E, R, R2>(program: Effect.Effect<A, E, R>, options: Options<R2>) =>
  Effect.all([recordWith(program, options), recordWith(program, options)])
