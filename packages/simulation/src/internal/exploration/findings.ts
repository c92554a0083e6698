import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Campaign from "../../Campaign.ts"
import type { ExploreOptions, Failure, Options, Services } from "../../Simulation.ts"
import { writeReport } from "../report/files.ts"
import type { Run } from "../run/execute.ts"
import { describeFailure, traceInDetail } from "../run/failure.ts"
import { recordWith } from "../run/settings.ts"
import { type Lane, quiet } from "./lane.ts"
import { minimize } from "./minimize.ts"
import type { Progress } from "./progress.ts"
import type { Trial } from "./trial.ts"

/** Repeats seeds that failed with a trace, shrinks the first of each kind, and logs them. */
export const examine = Effect.fnUntraced(function*<A, E, R, R2, R3>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2>,
  trials: ReadonlyArray<Trial>,
  lanes: ReadonlyArray<Lane<NetworkError.NetworkError, R3>>,
  { decode, shrinks }: { readonly decode: ExploreOptions["decode"]; readonly shrinks: number },
  progress: Progress
): Effect.fn.Return<ReadonlyArray<Failure<A, E>>, NetworkError.NetworkError, Services<R> | Services<R2> | R3> {
  const failures: Array<Failure<A, E>> = []
  const kinds = new Set<string>()
  for (const { seed, signature } of trials) {
    const run: Run<A, E> = yield* quiet(recordWith(program, { ...options, seed }))
    if (Exit.isSuccess(run.exit)) continue
    const isShrunk = shrinks > 0 && !kinds.has(signature!) &&
      (run.faults.length > 0 || Object.keys(run.parameters).length > 0)
    kinds.add(signature!)
    const tell = (faults: number, attempts: number) =>
      Effect.sync(() => progress.shrinking(seed, run.faults.length, faults, attempts))
    const smaller = isShrunk
      ? yield* quiet(minimize(program, options, run, lanes, shrinks, tell))
      : { run, attempts: 0 }
    const failure = { ...smaller.run, found: seed, injected: run.faults.length, attempts: smaller.attempts }
    failures.push(failure)
    progress.end()
    progress.shrunk(seed, failure.faults, failure.parameters)
    const { faults, parameters, trace } = failure
    const repeat = (trace: Options["trace"]) =>
      quiet(recordWith(program, { ...options, ...again(failure, run), parameters, seed: failure.seed, trace }))
    const detailed = yield* traceInDetail(failure, options.trace, repeat)
    const report = yield* writeReport(`seed-${seed}-${trace.hash.slice(0, 8)}`, detailed, {
      title: `Seed ${seed}`,
      facts: { seed: String(failure.seed), faults: `${faults.length} of ${run.faults.length}` },
      decode
    })
    yield* Effect.logError(describeFailure(failure, run.parameters, run.exit.cause, report))
  }
  return failures
})

// What was shrunk is repeated with the faults that are left, the rest by its campaign.
const again = (failure: Run<unknown, unknown>, run: Run<unknown, unknown>): Pick<Options, "campaign"> =>
  failure.faults === run.faults ? {} : { campaign: Campaign.replay(failure.faults) }
