import type * as NetworkError from "@sluice/core/NetworkError"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as Campaign from "../../Campaign.ts"
import type { ExploreOptions, Failure, Options, Services } from "../../Simulation.ts"
import { CurrentPatience } from "../campaign/replay.ts"
import { writeReport } from "../report/files.ts"
import { silentConsole } from "../report/traceOutput.ts"
import type { Run } from "../run/execute.ts"
import { describeFailure, traceInDetail } from "../run/failure.ts"
import { recordWith } from "../run/settings.ts"
import type { Guide } from "./guide.ts"
import { minimize } from "./minimize.ts"
import type { Lane } from "./pool.ts"
import type { Progress } from "./progress.ts"
import { type Trial, trialOf } from "./trial.ts"

/** How an exploration goes. */
export interface Plan {
  readonly until: "failure" | "end"
  /** Milliseconds. */
  readonly within: number
  readonly shrinks: number
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

/** Runs seeds in lanes until there are enough failures, and returns those that failed, the first of them alone or all. */
export const search = Effect.fnUntraced(function*<E, R>(
  lanes: ReadonlyArray<Lane<E, R>>,
  guide: Guide,
  { until, within }: Plan,
  progress: Progress
): Effect.fn.Return<ReadonlyArray<Trial>, E, R> {
  const began = yield* Clock.monotonicTimeNanos
  const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - began) / 1e6)
  const failed: Array<Trial & { readonly place: number }> = []
  const results = Latch.makeUnsafe()
  let isOver = false
  // All seeds before one that fails have begun: so the first that fails does not depend on which lane is faster.
  const work = Effect.fnUntraced(function*(lane: Lane<E, R>) {
    while (!isOver) {
      if (guide.isWaiting) {
        yield* Latch.await(results)
        continue
      }
      const next = guide.next()
      if (next === undefined) return
      const { place, seed } = next
      const trial = yield* lane.run({ seed })
      guide.take(place, trial)
      progress.take(trial, yield* elapsed)
      if (trial.failure !== undefined) failed.push({ ...trial, place })
      isOver ||= (trial.failure !== undefined && until === "failure") || (yield* elapsed) >= within
      yield* Latch.release(results)
    }
  })
  yield* Effect.forEach(lanes, work, { concurrency: lanes.length, discard: true })
  progress.end()
  const sorted = failed.sort((a, b) => a.place - b.place)
  return until === "failure" ? sorted.slice(0, 1) : sorted
})

/** Repeats seeds that failed with a trace, shrinks the first of each kind, and logs them. */
export const examine = Effect.fnUntraced(function*<A, E, R, R2, R3>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2>,
  trials: ReadonlyArray<Trial>,
  lanes: ReadonlyArray<Lane<NetworkError.NetworkError, R3>>,
  { decode, shrinks }: Pick<Plan, "shrinks"> & Pick<ExploreOptions, "decode">,
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
