/**
 * Runs programs in a simulated network, in virtual time.
 *
 * An hour of heartbeats takes milliseconds: when no fiber can run, the clock jumps to the next event. One seed decides
 * every random choice, so a failed run repeats exactly. A program that waits forever fails with an error that lists what
 * each fiber and socket waits for, instead of hanging the test.
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
 * - A run is synchronous for as long as the program awaits no promise, and uses no timer and no callback of Node: so
 *   `Effect.runSync` runs most programs. Others run with `Effect.runPromise`, in virtual time too (`Options.eventLoop`).
 * - `effect/Clock`, `effect/Random` and the identifiers of spans are the simulation's own inside. Time begins at 0.
 * - When the program ends, the run ends: what it has forked is interrupted.
 *
 * @since 0.1.0
 */
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Campaign from "./Campaign.ts"
import { explored, fromEnvironment } from "./internal/exploration/explored.ts"
import { load } from "./internal/exploration/pool.ts"
import type { Run } from "./internal/run/execute.ts"
import { CurrentParameters } from "./internal/run/parameters.ts"
import { repeatable } from "./internal/run/repeatable.ts"
import { recordWith } from "./internal/run/settings.ts"
import type { Seed } from "./internal/time/random.ts"
import type * as SimNetwork from "./SimNetwork.ts"
import type { SimulationError, SimulationNotDeterministic, SimulationUnmet } from "./SimulationError.ts"
import type * as Trace from "./Trace.ts"

export {
  SimulationDeadlock,
  type SimulationError,
  SimulationHostFailed,
  SimulationLimitExceeded,
  SimulationNotDeterministic,
  SimulationNotLive,
  SimulationPropertyViolated,
  SimulationRefused,
  SimulationStalled,
  SimulationUncaught,
  SimulationUnmet
} from "./SimulationError.ts"

/**
 * Limits that end a program that would run forever.
 *
 * @since 0.1.0
 * @category options
 */
export interface LimitOptions {
  /** Virtual time. Default: 1 day. */
  readonly time?: Duration.Input | undefined
  /** Tasks of fibers and events of the network. Default: 10,000,000, which is some seconds of real time. */
  readonly steps?: number | undefined
  /** Real time that an operation of the platform, such as reading a file, may take. Default: 10 seconds. */
  readonly operation?: Duration.Input | undefined
}

/**
 * How a program is run: what `SimNetwork.make` takes, and more.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<R = never> extends SimNetwork.Options {
  readonly limit?: LimitOptions | undefined
  /**
   * Which of the tasks that can run now comes first: the oldest, or one that the seed chooses, which shakes out races.
   * Default: `"random"` with a `seed`, `"fifo"` without one.
   */
  readonly schedule?: "fifo" | "random" | undefined
  /**
   * Whether the run turns the event loop of Node, which programs that await promises and libraries of Node need: `true`
   * from the beginning, `false` never. Default: once the program leaves something to the event loop, such as a promise, a timer or
   * a callback, but not under `Effect.runSync`, which cannot wait. Without the event loop, awaiting a promise fails the run.
   */
  readonly eventLoop?: boolean | undefined
  /** Random faults that the run is under. Default: none. */
  readonly campaign?: Campaign.Campaign | undefined
  /** Virtual time for which the campaign injects faults. The program may end before or after it. Default: 1 minute. */
  readonly for?: Duration.Input | undefined
  /** Must succeed once the campaign is over and all faults are healed; tried every 100 ms. Default: nothing. */
  readonly eventually?: Effect.Effect<unknown, unknown, R> | undefined
  /** Virtual time that `eventually` has. Default: 1 minute. */
  readonly calm?: Duration.Input | undefined
  /** Values of what the program asks for by `parameter`. Default: the seed draws them. */
  readonly parameters?: Readonly<Record<string, number>> | undefined
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
   * The result of a run.
   *
   * @since 0.1.0
   * @category models
   */
  type Run
} from "./internal/run/execute.ts"

/**
 * Runs a program in a network of its own, and ends as it does.
 *
 * Also fails with `SimulationDeadlock`, `SimulationLimitExceeded`, and `InvalidOption` if an option is invalid.
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E, R, R2 = never>(
  program: Effect.Effect<A, E, R>,
  options?: Options<R2>
): Effect.Effect<A, E | SimulationError | NetworkError.NetworkError, Services<R> | Services<R2>> =>
  Effect.flatMap(record(program, options), ({ exit }) => exit)

/**
 * Runs a program, and returns the record of the run, whether it succeeded or failed.
 *
 * @since 0.1.0
 * @category running
 */
export const record = <A, E, R, R2 = never>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2> = {}
): Effect.Effect<Run<A, E>, NetworkError.NetworkError, Services<R> | Services<R2>> => recordWith(program, options)

/**
 * A whole number that the seed chooses, both ends included: how many hosts, clients or operations there are. Where a run
 * fails, `explore` lowers it as far as the failure allows. Outside of a simulation it is `most`.
 *
 * **Example**
 *
 * ```ts
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Simulation from "@sluice/simulation/Simulation"
 * import * as Effect from "effect/Effect"
 *
 * const clients = Effect.gen(function*() {
 *   const count = yield* Simulation.parameter("clients", { least: 1, most: 5 })
 *   return yield* Effect.forEach(Array.from({ length: count }), (_, index) => SimNetwork.host(`client${index}`))
 * })
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const parameter = (
  name: string,
  range: { readonly least: number; readonly most: number }
): Effect.Effect<number> =>
  Effect.withFiber((fiber) =>
    Effect.succeed(fiber.getRef(CurrentParameters)?.take(name, range.least, range.most) ?? range.most)
  )

// ---------------------------------------------------------------------------------------------------------------------
// Many seeds
// ---------------------------------------------------------------------------------------------------------------------

/**
 * How seeds are explored.
 *
 * @since 0.1.0
 * @category options
 */
export interface ExploreOptions<R = never> extends Omit<Options<R>, "seed"> {
  /** How many seeds, from 1 up; or just these. Default: 100. */
  readonly seeds?: number | Iterable<Seed> | undefined
  /**
   * The share of the runs, from 0 to 1, that branch off an earlier one instead of the next seed, where it reached a rare
   * `Property.sometimes` or `reachable`. Fewer do while little was reached. Default: 0.5, or 0 if `seeds` are listed.
   */
  readonly branches?: number | undefined
  /** When to stop: at the first run that fails, or at the `end`, with all that failed. Default: `"failure"`. */
  readonly until?: "failure" | "end" | undefined
  /** Stops after this time, by the Clock of the caller. Default: no limit. */
  readonly within?: Duration.Input | undefined
  /** How the page that shows a failure decodes messages, by port. Default: not at all. */
  readonly decode?: Trace.HtmlOptions["decode"]
  /**
   * How many runs may be spent to leave out faults that a failure does not need, and to lower parameters; 0: none. Of
   * failures of one kind, the first alone is shrunk. Default: 300.
   */
  readonly shrink?: number | undefined
  /**
   * What becomes of a `Property.sometimes` or `reachable` that held in no run, if no run failed: the exploration fails with
   * `SimulationUnmet`, or just reports it. Default: `"fail"`.
   */
  readonly unmet?: "fail" | "report" | undefined
  /** Threads that run seeds, for a program in a module. Default: one for each core. */
  readonly workers?: number | undefined
  /** A file to which a line of JSON is appended for each seed, when it has run, and for each failure. Default: none. */
  readonly results?: string | undefined
}

/**
 * A run that failed. If it was under a campaign, `faults` are those that it needs to fail: `Campaign.replay` injects them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure<A, E> extends Run<A, E> {
  /** The seed under whose campaign it was found. That of the smallest run (`seed`) may be another one. */
  readonly found: Seed
  /** How many faults there were before shrinking. */
  readonly injected: number
  /** How many runs shrinking has taken. */
  readonly attempts: number
}

/**
 * The result of an exploration.
 *
 * @since 0.1.0
 * @category models
 */
export interface Exploration<A, E> {
  /** How many seeds were run. */
  readonly runs: number
  readonly failures: ReadonlyArray<Failure<A, E>>
  /** The names of `Property.sometimes` and `reachable` that held in no run. */
  readonly unmet: ReadonlyArray<string>
}

/**
 * The seed in the environment variable `SLUICE_SEED`, if there is one: the run to repeat.
 *
 * @since 0.1.0
 * @category exploring
 */
export const seedFromEnvironment: Effect.Effect<Option.Option<Seed>> = fromEnvironment

/**
 * Runs a program with many seeds, under a campaign if one is given. Logs each seed that fails, the faults that it needs to
 * fail, how to repeat it, and the path of an HTML page that shows it (`Trace.toHtml`), in the folder `SLUICE_REPORTS` or
 * `node_modules/.sluice`. `run` and `record` with the options and the seed of a failure are the same run. What
 * the program logs, or prints with the `Console` of Effect, goes into the trace alone. With `SLUICE_SEED` set it runs that seed alone. On a terminal it shows its progress.
 *
 * A program can be the URL of a module whose default export it is. Then its seeds run in threads, on all cores. `campaign`,
 * `eventually` and `decode`, which cannot be sent to a thread, are then fields of the module's export `options`; its other fields are
 * defaults. The threads are kept for later explorations of the process, and do not keep it alive; each imports a module once.
 *
 * If `seeds` is a number, up to half of the runs are branches, such as `7@2000001~40`: the run of seed 7 for 2,000,001 microseconds,
 * in which it reached a rare `Property.sometimes` or `reachable`, and other random numbers and faults from then on. Such text is a
 * seed for `run` and `SLUICE_SEED` too.
 *
 * The first seed is run twice; the exploration fails with `SimulationNotDeterministic` if the runs differ. It fails with
 * `SimulationUnmet` if a `Property.sometimes` or `reachable` held in no run.
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
export const explore: {
  (
    program: URL,
    options?: Omit<ExploreOptions, "campaign" | "eventually" | "decode">
  ): Effect.Effect<
    Exploration<unknown, unknown>,
    SimulationNotDeterministic | SimulationUnmet | NetworkError.NetworkError
  >
  <A, E, R, R2 = never>(
    program: Effect.Effect<A, E, R>,
    options?: ExploreOptions<R2>
  ): Effect.Effect<
    Exploration<A, E>,
    SimulationNotDeterministic | SimulationUnmet | NetworkError.NetworkError,
    Services<R> | Services<R2>
  >
} = ((program: Effect.Effect<unknown, unknown> | URL, options: ExploreOptions = {}) =>
  Effect.isEffect(program)
    ? explored(program, undefined, options)
    : Effect.flatMap(load(String(program)), (module) =>
      explored(module.program, { url: String(program), options }, { ...module.options, ...options }))) as never

/**
 * Runs a program twice with one seed, and fails with `SimulationNotDeterministic` unless both runs are the same: the trace,
 * the time, and the value or error that the program ends with. The error shows the first record of the trace that differs.
 *
 * @since 0.1.0
 * @category exploring
 */
export const checkDeterminism: <A, E, R, R2 = never>(
  program: Effect.Effect<A, E, R>,
  options?: Options<R2>
) => Effect.Effect<
  Run<A, E>,
  SimulationNotDeterministic | NetworkError.NetworkError,
  Services<R> | Services<R2>
> = repeatable
