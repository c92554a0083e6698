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
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { describeFiber, describeSockets } from "./internal/report/deadlockReport.ts"
import { CurrentEngine } from "./internal/time/engine.ts"
import { watchPromises } from "./internal/time/promiseWatch.ts"
import { randomService, RandomStream, type Seed } from "./internal/time/random.ts"
import { seededTracer } from "./internal/time/tracer.ts"
import { type Halt, type Limits, VirtualTime } from "./internal/time/virtualTime.ts"
import type { RecordedFault } from "./internal/world/faultDescription.ts"
import type { World } from "./internal/world/world.ts"
import * as SimNetwork from "./SimNetwork.ts"
import {
  SimulationDeadlock,
  type SimulationError,
  SimulationHostFailed,
  SimulationLimitExceeded,
  SimulationNotDeterministic
} from "./SimulationError.ts"
import type * as Trace from "./Trace.ts"

export {
  SimulationDeadlock,
  type SimulationError,
  SimulationLimitExceeded,
  SimulationNotDeterministic
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

/**
 * What came of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Run<A, E> {
  readonly seed: Seed
  /** With the seed, repeats the run. */
  readonly schedule: "fifo" | "random"
  readonly exit: Exit.Exit<A, E | SimulationError>
  readonly trace: Trace.Trace
  /** The faults that were injected, in their order. */
  readonly faults: ReadonlyArray<RecordedFault>
  /** Virtual time that has passed. */
  readonly elapsed: Duration.Duration
  /** Tasks and events that there were. */
  readonly steps: number
  readonly segments: number
  readonly datagrams: number
}

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

interface Checked {
  readonly limits: Limits
  readonly schedule: "fifo" | "random"
}

const check = (options: Options): Result.Result<Checked, NetworkError.NetworkError> =>
  checked("configure", "the simulation", () => ({
    limits: {
      time: duration("limit.time", options.limit?.time ?? "1 day") * 1000,
      steps: optionalInteger("limit.steps", options.limit?.steps, 1, Number.MAX_SAFE_INTEGER) ?? 10_000_000
    },
    schedule: oneOf("schedule", options.schedule ?? "fifo", ["fifo", "random"])
  }))

// What there is to let finalizers run after a halt.
const cleanUp: Limits = { time: 3_600_000_000, steps: 100_000 }

const execute = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Options,
  { limits, schedule }: Checked,
  context: Context.Context<Services<R>>
): Effect.Effect<Run<A, E>, NetworkError.NetworkError> => {
  const seed = options.seed ?? 0
  const time = new VirtualTime(schedule === "random" ? new RandomStream(seed, "schedule") : undefined)
  const services = context.pipe(
    Context.add(Clock.Clock, time.clock),
    Context.add(Scheduler.Scheduler, time.scheduler),
    Context.add(Random.Random, randomService(new RandomStream(seed, "program"))),
    Context.add(Tracer.Tracer, tracerOf(context, seed)),
    Context.add(CurrentEngine, time)
  )
  let world: World | undefined
  let run: Run<A, E> | undefined
  // The run is over: its record is taken before anything is cleaned up, and nothing happens on any host after it.
  const end = (exit: Exit.Exit<A, E | SimulationError>): void => {
    if (world === undefined || run !== undefined) return
    run = {
      seed,
      schedule,
      exit,
      trace: world.trace,
      faults: world.faults.recorded,
      elapsed: Duration.millis(time.now / 1000),
      steps: time.steps,
      segments: world.segments,
      datagrams: world.datagrams
    }
    world.end()
  }
  const running = Effect.scoped(Effect.flatMap(SimNetwork.make(options), (network) => {
    world = network.world
    world.onFailure = (host, cause) =>
      end(Exit.fail(new SimulationHostFailed({ host: host.name, at: time.now / 1000, cause: Cause.squash(cause) })))
    return Effect.scoped(Effect.onExit(program, (exit) => Effect.sync(() => end(exit)))).pipe(
      Effect.provideService(SimNetwork.SimNetwork, network),
      Effect.exit
    )
  })) as Effect.Effect<Exit.Exit<A, E>, NetworkError.NetworkError, never>

  return watchPromises((waiting) => {
    const root = Effect.runForkWith(services)(running)
    const isDone = () => root.pollUnsafe() !== undefined
    const halt = time.run(() => run !== undefined || isDone(), limits)
    if (halt !== undefined) end(Exit.fail(haltError(halt, time, world, waiting)))
    if (run !== undefined && !isDone()) {
      // The program's own finalizers run, in bounded time.
      if (run.exit._tag === "Failure") root.interruptUnsafe()
      time.run(isDone, { time: time.now + cleanUp.time, steps: time.steps + cleanUp.steps })
    }
    const { exit } = { exit: root.pollUnsafe() }
    return run === undefined ? Effect.map(exit!, () => run!) : Effect.succeed(run)
  })
}

// A tracer that the program provides stays; the default one draws its identifiers at random.
const tracerOf = (context: Context.Context<never>, seed: Seed): Tracer.Tracer => {
  const tracer = Context.get(context, Tracer.Tracer)
  return tracer === Tracer.nativeTracer ? seededTracer(new RandomStream(seed, "tracer")) : tracer
}

const haltError = (
  halt: Halt,
  time: VirtualTime,
  world: World | undefined,
  promised: ReadonlySet<Fiber.Fiber<unknown, unknown>>
): SimulationError => {
  const situation = {
    at: time.now / 1000,
    fibers: time.fibers.map((fiber) => describeFiber(fiber, promised.has(fiber))),
    sockets: world === undefined ? [] : describeSockets(world)
  }
  return halt === "nothingLeft"
    ? new SimulationDeadlock(situation)
    : new SimulationLimitExceeded({ ...situation, limit: halt === "timeLimit" ? "time" : "steps", steps: time.steps })
}

// ---------------------------------------------------------------------------------------------------------------------
// Many seeds
// ---------------------------------------------------------------------------------------------------------------------

/**
 * How seeds are explored.
 *
 * @since 0.1.0
 * @category options
 */
export interface ExploreOptions extends Omit<Options, "seed"> {
  /** How many seeds, from 1 up; or these alone. Default: 100. */
  readonly seeds?: number | Iterable<Seed> | undefined
  /** When to stop: at the first run that fails, or at the `end`, with all that failed. Default: `"failure"`. */
  readonly until?: "failure" | "end" | undefined
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
  readonly failures: ReadonlyArray<Run<A, E>>
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
 * Runs a program with one seed after the other, in random order of its tasks unless `schedule` says otherwise. Logs the
 * seed of each run that fails, and how to repeat it. With `SLUICE_SEED` set it runs that seed alone.
 *
 * @since 0.1.0
 * @category exploring
 */
export const explore = Effect.fnUntraced(function*<A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: ExploreOptions = {}
): Effect.fn.Return<Exploration<A, E>, NetworkError.NetworkError, Services<R>> {
  const { seeds, until, ...rest } = options
  const repeated = yield* seedFromEnvironment
  const failures: Array<Run<A, E>> = []
  let runs = 0
  for (const seed of Option.isSome(repeated) ? [repeated.value] : seedsOf(seeds ?? 100)) {
    const run = yield* record(program, { schedule: "random", ...rest, seed })
    runs++
    if (Exit.isSuccess(run.exit)) continue
    failures.push(run)
    yield* Effect.logError(`seed ${seed} fails; SLUICE_SEED=${seed} repeats it: ${describe(run.exit.cause)}`)
    if (until !== "end") break
  }
  return { runs, failures }
})

const seedsOf = function*(seeds: number | Iterable<Seed>): Iterable<Seed> {
  if (typeof seeds !== "number") return yield* seeds
  for (let seed = 1; seed <= seeds; seed++) yield seed
}

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : Cause.pretty(cause)
}

const describeRun = ({ elapsed, exit, steps, trace }: Run<unknown, unknown>): string =>
  `${trace.hash}, ${steps} steps, ${exit._tag} at ${Duration.toMillis(elapsed)} ms`

/**
 * Runs a program twice with one seed, and fails with `SimulationNotDeterministic` unless both runs are the same.
 *
 * @since 0.1.0
 * @category exploring
 */
export const checkDeterminism = Effect.fnUntraced(function*<A, E, R>(
  program: Effect.Effect<A, E, R>,
  options?: Options
): Effect.fn.Return<Run<A, E>, SimulationNotDeterministic | NetworkError.NetworkError, Services<R>> {
  const first = yield* record(program, options)
  const second = yield* record(program, options)
  const same = first.trace.hash === second.trace.hash && first.steps === second.steps &&
    Duration.equals(first.elapsed, second.elapsed) && first.exit._tag === second.exit._tag
  if (!same) {
    return yield* Effect.fail(
      new SimulationNotDeterministic({
        seed: first.seed,
        first: describeRun(first),
        second: describeRun(second)
      })
    )
  }
  return second
})
