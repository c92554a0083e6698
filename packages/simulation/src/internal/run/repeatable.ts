import type * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Options, Services } from "../../Simulation.ts"
import { SimulationNotDeterministic } from "../../SimulationError.ts"
import * as Trace from "../../Trace.ts"
import type { Run } from "./execute.ts"
import { fingerprint } from "./fingerprint.ts"
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
  // The hash covers all records, even if none is kept.
  const kept = options.trace === false ? { ...options, trace: { records: 0, bytes: 0 } } : options
  const first = yield* recordWith(program, kept)
  const second = yield* recordWith(program, kept)
  const difference = differenceOf(first, second)
  if (difference !== undefined) {
    return yield* Effect.fail(
      new SimulationNotDeterministic({ seed: first.seed, first: difference[0], second: difference[1] })
    )
  }
  return second
})

// The first thing in which two runs differ.
const differenceOf = (
  first: Run<unknown, unknown>,
  second: Run<unknown, unknown>
): readonly [string, string] | undefined => {
  if (first.trace.hash !== second.trace.hash) {
    const lines = [first, second].map(({ trace }) => Trace.toText(trace).split("\n"))
    const at = lines[0]!.findIndex((line, index) => line !== lines[1]![index])
    if (at !== -1) return [lines[0]![at]!, lines[1]![at] ?? "the trace ends"]
    return [`a trace with the hash ${first.trace.hash}`, `one with the hash ${second.trace.hash}`]
  }
  const ends = [first, second].map(({ exit }) =>
    Exit.isSuccess(exit) ? `success: ${fingerprint(exit.value)}` : `failure: ${fingerprint(Cause.squash(exit.cause))}`
  )
  if (ends[0] !== ends[1]) return [ends[0]!, ends[1]!]
  const lengths = [first, second].map(({ elapsed, steps }) => `${steps} steps in ${Duration.toMillis(elapsed)} ms`)
  return lengths[0] === lengths[1] ? undefined : [lengths[0]!, lengths[1]!]
}
