/**
 * Runs programs in a simulated network, in virtual time.
 *
 * An hour of heartbeats takes milliseconds, because time is at once as late as when the next thing happens. One seed
 * decides everything, so a run that failed is repeated exactly. And what waits forever is an error that says who waits
 * for what, and not a test that hangs.
 *
 * **Example** (a first test)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Network from "@sluice/core/Network"
 * import * as Server from "@sluice/core/Server"
 * import * as Host from "@sluice/simulation/Host"
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Simulation from "@sluice/simulation/Simulation"
 * import * as Effect from "effect/Effect"
 *
 * const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))
 *
 * const echoed = Effect.gen(function*() {
 *   const [server, client] = yield* SimNetwork.hosts("server", "client")
 *   yield* SimNetwork.link(server, client, { latency: "20 millis", loss: 0.3 })
 *   yield* Host.serve(server, Echo)
 *   return yield* Host.run(client, Effect.scoped(Effect.gen(function*() {
 *     const connection = yield* Network.connect("server:7")
 *     yield* Connection.writeText(connection, "hello")
 *     return yield* Connection.readExactly(connection, 5)
 *   })))
 * })
 *
 * Effect.runSync(Simulation.run(echoed, { seed: 42 }))
 * ```
 *
 * **Details**
 *
 * - A run is synchronous from end to end: no timer and no promise of the system has a part in it. So a program that
 *   awaits a promise cannot continue; it ends with `SimulationDeadlock`, which says so.
 * - `effect/Clock`, `effect/Random` and the identifiers of spans are the simulation's own inside. Time begins at 0.
 * - When the program ends, the run ends: what it has forked is interrupted.
 *
 * @since 0.1.0
 */
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, optionalInteger } from "@sluice/core/Options"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Campaign from "./Campaign.ts"
import { writeReport } from "./internal/report/files.ts"
import { execute, type Run, type Settings } from "./internal/run/execute.ts"
import { describeFailure, signature, traceInDetail } from "./internal/run/failure.ts"
import { fingerprint } from "./internal/run/fingerprint.ts"
import { underCampaign } from "./internal/run/recovery.ts"
import { shrink } from "./internal/run/shrink.ts"
import type { Seed } from "./internal/time/random.ts"
import type { RecordedFault } from "./internal/world/faultDescription.ts"
import type * as SimNetwork from "./SimNetwork.ts"
import { type SimulationError, SimulationNotDeterministic } from "./SimulationError.ts"
import * as Trace from "./Trace.ts"

export {
  SimulationDeadlock,
  type SimulationError,
  SimulationHostFailed,
  SimulationLimitExceeded,
  SimulationNotDeterministic,
  SimulationNotLive,
  SimulationPropertyViolated
} from "./SimulationError.ts"

/**
 * What ends a program that would run forever.
 *
 * @since 0.1.0
 * @category options
 */
export interface LimitOptions {
  /** Virtual time. Default: 1 day. */
  readonly time?: Duration.Input | undefined
  /** Tasks of fibers and events of the network. Default: 10,000,000, which is some seconds of real time. */
  readonly steps?: number | undefined
}

/**
 * How a program is run: what `SimNetwork.make` takes, and more.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends SimNetwork.Options {
  readonly limit?: LimitOptions | undefined
  /**
   * Which of the tasks that can run now comes first: the oldest, or one that the seed chooses, which shakes out races.
   * Default: `"fifo"`.
   */
  readonly schedule?: "fifo" | "random" | undefined
}

/**
 * What a program may ask for: the network, a Scope that ends with it, and whatever else is there where it is run.
 *
 * @since 0.1.0
 * @category models
 */
export type Services<R> = Exclude<R, SimNetwork.SimNetwork | Scope.Scope>

export {
  /**
   * What came of a run.
   *
   * @since 0.1.0
   * @category models
   */
  type Run
} from "./internal/run/execute.ts"

/**
 * Runs a program in a network of its own, and ends as it does.
 *
 * Fails besides with `SimulationDeadlock`, with `SimulationLimitExceeded`, and with `InvalidOption` if an option is
 * invalid.
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options?: Options
): Effect.Effect<A, E | SimulationError | NetworkError.NetworkError, Services<R>> =>
  Effect.flatMap(record(program, options), ({ exit }) => exit)

/**
 * Runs a program, and gives the record of it however it ended.
 *
 * @since 0.1.0
 * @category running
 */
export const record = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Options = {}
): Effect.Effect<Run<A, E>, NetworkError.NetworkError, Services<R>> =>
  Effect.flatMap(
    Effect.fromResult(check(options)),
    (checked) =>
      Effect.contextWith((context: Context.Context<Services<R>>) =>
        Effect.suspend(() => execute(program, options, checked, context))
      )
  )

const check = (options: Options): Result.Result<Settings, NetworkError.NetworkError> =>
  checked("configure", "the simulation", () => ({
    limits: {
      time: duration("limit.time", options.limit?.time ?? "1 day") * 1000,
      steps: optionalInteger("limit.steps", options.limit?.steps, 1, Number.MAX_SAFE_INTEGER) ?? 10_000_000
    },
    schedule: oneOf("schedule", options.schedule ?? "fifo", ["fifo", "random"]),
    waits: options.trace === false || options.trace?.waits === undefined
      ? undefined
      : duration("trace.waits", options.trace.waits) * 1000
  }))

// ---------------------------------------------------------------------------------------------------------------------
// Many seeds
// ---------------------------------------------------------------------------------------------------------------------

/**
 * How seeds are explored.
 *
 * @since 0.1.0
 * @category options
 */
export interface ExploreOptions<R = never> extends Omit<Options, "seed"> {
  /** How many seeds, from 1 up; or just these. Default: 100. */
  readonly seeds?: number | Iterable<Seed> | undefined
  /** When to stop: at the first run that fails, or at the `end`, with all that failed. Default: `"failure"`. */
  readonly until?: "failure" | "end" | undefined
  /** Stops after this time, by the Clock of the caller. Default: no limit. */
  readonly within?: Duration.Input | undefined
  /** Random faults that each run is under. Default: none. */
  readonly campaign?: Campaign.Campaign | undefined
  /** Virtual time for which the campaign injects faults. The program may end before or after it. Default: 1 minute. */
  readonly for?: Duration.Input | undefined
  /** Must succeed once the campaign is over and all faults are healed; tried every 100 ms. Default: nothing. */
  readonly eventually?: Effect.Effect<unknown, unknown, R> | undefined
  /** Virtual time that `eventually` has. Default: 1 minute. */
  readonly calm?: Duration.Input | undefined
  /** How the page that shows a failure decodes messages, by port. Default: not at all. */
  readonly decode?: Trace.HtmlOptions["decode"]
  /** How many runs may be spent to leave out faults that a failure does not need; 0: none. Default: 300. */
  readonly shrink?: number | undefined
}

/**
 * A run that failed. If it was under a campaign, `faults` are those that it needs to fail: `Campaign.replay` injects them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure<A, E> extends Run<A, E> {
  /** How many faults there were before shrinking. */
  readonly injected: number
}

/**
 * What came of an exploration.
 *
 * @since 0.1.0
 * @category models
 */
export interface Exploration<A, E> {
  /** How many seeds were run. */
  readonly runs: number
  readonly failures: ReadonlyArray<Failure<A, E>>
  /** The names of `Property.sometimes` and `reachable` that held in no run: what the exploration did not get to. */
  readonly unmet: ReadonlyArray<string>
}

/**
 * The seed in the environment variable `SLUICE_SEED`, if there is one: the run to repeat.
 *
 * @since 0.1.0
 * @category exploring
 */
export const seedFromEnvironment: Effect.Effect<Option.Option<Seed>> = Effect.map(
  Effect.orElseSucceed(Config.option(Config.String("SLUICE_SEED")), () => Option.none<string>()),
  Option.map((text): Seed => /^-?\d+$/.test(text) ? Number(text) : text)
)

/**
 * Runs a program with one seed after the other, in random order of its tasks unless `schedule` says otherwise, and under a
 * campaign if one is given. Logs each seed that fails, the faults that it needs to fail, how to repeat it, and the path of
 * an HTML page that shows it (`Trace.toHtml`), in the folder `SLUICE_REPORTS` or `node_modules/.sluice`. Log lines of
 * the program go into the trace alone. With `SLUICE_SEED` set it runs that seed alone.
 *
 * The first seed is run twice, and fails with `SimulationNotDeterministic` if the runs differ.
 *
 * **Example** (find, shrink, replay)
 *
 * ```ts
 * import * as Campaign from "@sluice/simulation/Campaign"
 * import type * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Simulation from "@sluice/simulation/Simulation"
 * import * as Effect from "effect/Effect"
 *
 * declare const cluster: Effect.Effect<void, Error, SimNetwork.SimNetwork>
 *
 * const hunt = Effect.gen(function*() {
 *   const campaign = Campaign.make({ faults: ["partition", "crash", "pause"] })
 *   const { failures } = yield* Simulation.explore(cluster, { campaign, for: "30 seconds", seeds: 1000 })
 *   return failures.map(({ faults, injected, seed }) => `seed ${seed}: ${injected} faults, ${faults.length} needed`)
 * })
 * ```
 *
 * @since 0.1.0
 * @category exploring
 */
export const explore = Effect.fnUntraced(function*<A, E, R, R2 = never>(
  program: Effect.Effect<A, E, R>,
  options: ExploreOptions<R2> = {}
): Effect.fn.Return<
  Exploration<A, E>,
  SimulationNotDeterministic | NetworkError.NetworkError,
  Services<R> | Services<R2>
> {
  const { calm, campaign, decode, eventually, for: lasts, seeds, shrink: shrinks, until, within, ...rest } = options
  const phases = yield* Effect.fromResult(checked("configure", "the exploration", () => ({
    lasts: campaign === undefined ? 0 : duration("for", lasts ?? "1 minute"),
    calm: duration("calm", calm ?? "1 minute"),
    eventually,
    within: duration("within", within ?? Infinity),
    shrinks: optionalInteger("shrink", shrinks, 0, Number.MAX_SAFE_INTEGER) ?? 300
  })))
  const under = (faults: Campaign.Campaign): Effect.Effect<A, E, R | R2> =>
    underCampaign(program, faults, phases) as never
  const tested = campaign !== undefined || eventually !== undefined ? under(campaign ?? Campaign.replay([])) : program
  const quiet = <A1, E1, R1>(effect: Effect.Effect<A1, E1, R1>) =>
    Effect.provideService(effect, Logger.CurrentLoggers, new Set())
  const repeated = yield* seedFromEnvironment
  const began = yield* Clock.monotonicTimeNanos
  const failures: Array<Failure<A, E>> = []
  const met = new Map<string, boolean>()
  let runs = 0
  for (const seed of Option.isSome(repeated) ? [repeated.value] : seedsOf(seeds ?? 100)) {
    const settings: Options = { schedule: "random", ...rest, seed }
    const run = yield* quiet(runs === 0 ? checkDeterminism(tested, settings) : record(tested, settings))
    runs++
    for (const { held, kind, name } of run.properties) {
      if (kind === "sometimes" || kind === "reachable") met.set(name, met.get(name) === true || held > 0)
    }
    if (Exit.isFailure(run.exit)) {
      const same = signature(run.exit.cause)
      const attempt = (faults: ReadonlyArray<RecordedFault>) =>
        Effect.map(
          quiet(record(under(Campaign.replay(faults)), settings)),
          (again) => Exit.isFailure(again.exit) && signature(again.exit.cause) === same ? again : undefined
        )
      const smaller = campaign === undefined || phases.shrinks === 0
        ? undefined
        : yield* shrink(run.faults, attempt, phases.shrinks)
      const failure = { ...(smaller?.run ?? run), injected: run.faults.length }
      failures.push(failure)
      const again = smaller?.run === undefined ? tested : under(Campaign.replay(failure.faults))
      const trace = yield* traceInDetail(failure, rest.trace, (trace) => quiet(record(again, { ...settings, trace })))
      const facts = { seed: String(seed), faults: `${failure.faults.length} of ${run.faults.length}` }
      const report = yield* writeReport(`seed-${seed}-${trace.hash.slice(0, 8)}`, trace, {
        title: `Seed ${seed}`,
        facts,
        decode
      })
      yield* Effect.logError(describeFailure(failure, run.exit.cause, report))
      if (until !== "end") break
    }
    if (Number((yield* Clock.monotonicTimeNanos) - began) / 1e6 >= phases.within) break
  }
  const unmet = [...met].flatMap(([name, was]) => was ? [] : [name])
  if (unmet.length > 0 && failures.length === 0) {
    yield* Effect.logWarning(
      `no seed got to ${unmet.map((name) => `"${name}"`).join(", ")}; run more seeds or harder faults`
    )
  }
  return { runs, failures, unmet }
})

const seedsOf = function*(seeds: number | Iterable<Seed>): Iterable<Seed> {
  if (typeof seeds !== "number") return yield* seeds
  for (let seed = 1; seed <= seeds; seed++) yield seed
}

/**
 * Runs a program twice with one seed, and fails with `SimulationNotDeterministic` unless both runs are the same: the trace,
 * the time, and the value or error that the program ends with.
 *
 * @since 0.1.0
 * @category exploring
 */
export const checkDeterminism = Effect.fnUntraced(function*<A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Options = {}
): Effect.fn.Return<Run<A, E>, SimulationNotDeterministic | NetworkError.NetworkError, Services<R>> {
  // The hash covers all records, even if none is kept.
  const kept = options.trace === false ? { ...options, trace: { records: 0, bytes: 0 } } : options
  const first = yield* record(program, kept)
  const second = yield* record(program, kept)
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
