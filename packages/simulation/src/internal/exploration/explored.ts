import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, optionalInteger, reject } from "@sluice/core/Options"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import type { Exploration, ExploreOptions, Options, Services } from "../../Simulation.ts"
import { type SimulationNotDeterministic, SimulationUnmet } from "../../SimulationError.ts"
import { repeatable } from "../run/repeatable.ts"
import type { Seed } from "../time/random.ts"
import { parseSeed } from "../time/streams.ts"
import { examine } from "./findings.ts"
import { Guide } from "./guide.ts"
import { ownLane, quiet } from "./lane.ts"
import { cores, threads } from "./platform.ts"
import { startLane } from "./pool.ts"
import { Progress } from "./progress.ts"
import { search } from "./search.ts"
import { trialOf } from "./trial.ts"

/** The seed to repeat, if the environment has one. */
export const fromEnvironment: Effect.Effect<Option.Option<Seed>> = Effect.map(
  Effect.orElseSucceed(Config.option(Config.String("SLUICE_SEED")), () => Option.none<string>()),
  Option.map(parseSeed)
)

/** Explores a program: in this thread, or in threads if it is in a module. */
export const explored = Effect.fnUntraced(function*<A, E, R, R2>(
  program: Effect.Effect<A, E, R>,
  module: { readonly url: string; readonly options: ExploreOptions } | undefined,
  options: ExploreOptions<R2>
): Effect.fn.Return<
  Exploration<A, E>,
  SimulationNotDeterministic | SimulationUnmet | NetworkError.NetworkError,
  Services<R> | Services<R2>
> {
  const { branches, decode, results, seeds, shrink, unmet, until, within, workers, ...rest } = options
  const own: Options<R2> = { schedule: "random", ...rest }
  const plan = yield* Effect.fromResult(checked("configure", "the exploration", () => ({
    share: share("branches", branches ?? (typeof (seeds ?? 0) === "number" ? 0.5 : 0)),
    horizon: own.campaign === undefined ? Infinity : duration("for", own.for ?? "1 minute"),
    until: oneOf("until", until ?? "failure", ["failure", "end"]),
    unmet: oneOf("unmet", unmet ?? "fail", ["fail", "report"]),
    within: duration("within", within ?? Infinity),
    shrinks: optionalInteger("shrink", shrink, 0, Number.MAX_SAFE_INTEGER) ?? 300,
    workers: optionalInteger("workers", workers, 1, 1024) ?? cores()
  })))
  const repeated = yield* fromEnvironment
  // A seed of the environment is the only one.
  const left = seedsOf(Option.isSome(repeated) ? [repeated.value] : seeds ?? 100)[Symbol.iterator]()
  const guide = new Guide(left, plan.share, plan.horizon, Math.max(lag, plan.workers))
  const first = guide.next()
  const progress = new Progress(results)
  if (first === undefined) return { runs: 0, failures: [], unmet: [] }
  const { failed, failures } = yield* Effect.scoped(Effect.gen(function*() {
    const inThreads = module !== undefined && plan.workers > 1 && threads() !== undefined
    // They start while this thread runs the first seed.
    const lanes = inThreads
      ? yield* Effect.forEach(
        Array.from({ length: plan.workers }),
        () => startLane({ url: module.url, options: threadOptions(module.options) })
      )
      : [ownLane(program, own)]
    const trial = trialOf(yield* quiet(repeatable(program, { ...own, seed: first.seed })))
    guide.take(first.place, trial)
    progress.take(trial, 0)
    const isOver = trial.failure !== undefined && plan.until === "failure"
    const found = isOver ? [] : yield* search(lanes, guide, plan, progress)
    const failed = trial.failure === undefined ? found : [trial, ...found]
    return {
      failed,
      failures: yield* examine(program, own, failed, lanes, { decode, shrinks: plan.shrinks }, progress)
    }
  }))
  const { runs, unmet: missing } = progress
  if (missing.length > 0 && failed.length === 0 && Option.isNone(repeated) && plan.unmet === "fail") {
    return yield* Effect.fail(new SimulationUnmet({ properties: missing, runs }))
  }
  return { runs, failures, unmet: missing }
})

// For the whole exploration alone; some cannot be sent to a thread.
const kept = ["branches", "decode", "results", "seeds", "shrink", "unmet", "until", "within", "workers"] as const

const threadOptions = (options: ExploreOptions): Options => Struct.omit(options, kept)

// Runs that may be in progress together. The result is the same for fewer.
const lag = 16

const share = (option: string, value: number): number =>
  value >= 0 && value <= 1 ? value : reject(option, value, "a number from 0 to 1")

const seedsOf = (seeds: number | Iterable<Seed>): Iterable<Seed> =>
  typeof seeds === "number" ? Array.from({ length: seeds }, (_, index) => index + 1) : seeds
