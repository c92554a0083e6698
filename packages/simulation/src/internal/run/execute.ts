import * as Buggify from "@sluice/core/Buggify"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Property from "@sluice/core/Property"
import * as Transport from "@sluice/core/Transport"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"
import * as SimNetwork from "../../SimNetwork.ts"
import {
  SimulationDeadlock,
  type SimulationError,
  SimulationHostFailed,
  SimulationLimitExceeded,
  SimulationPropertyViolated,
  SimulationRefused,
  SimulationStalled,
  SimulationUncaught
} from "../../SimulationError.ts"
import type * as Trace from "../../Trace.ts"
import type { Stop } from "../eventLoop/driver.ts"
import { type Recording, runSynchronously, runWithEventLoop } from "../eventLoop/runner.ts"
import { hasEventLoop } from "../replacements/install.ts"
import { describeFiber, describeSockets } from "../report/deadlockReport.ts"
import { failureNote } from "../report/failureNote.ts"
import { fingerprint } from "../report/fingerprint.ts"
import { traced } from "../report/traceOutput.ts"
import { WaitLog } from "../report/waitLog.ts"
import { Sandbox } from "../sandbox/sandbox.ts"
import { CurrentEngine } from "../time/engine.ts"
import { randomService, type Seed } from "../time/random.ts"
import { Streams } from "../time/streams.ts"
import { seededTracer } from "../time/tracer.ts"
import { type Limits, VirtualTime } from "../time/virtualTime.ts"
import type { Reached } from "../world/coverage.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import { BuggifyPoints, type Observed, Properties } from "../world/properties.ts"
import { CurrentWorld, type World } from "../world/world.ts"
import { CurrentParameters, Parameters } from "./parameters.ts"

/** How a program is run, checked. */
export interface Settings {
  readonly limits: Limits
  readonly schedule: "fifo" | "random"
  readonly parameters: Readonly<Record<string, number>>
  /** Whether the run turns the event loop: `true` from the beginning, `undefined` once it has to, `false` never. */
  readonly eventLoop: boolean | undefined
  /** Milliseconds of real time that an operation of the platform may take. */
  readonly patience: number
  /** When to begin to record what fibers and sockets wait for, in microseconds. */
  readonly waits: number | undefined
}

/** The result of a run. */
export interface Run<A, E> {
  readonly seed: Seed
  /** With the seed, repeats the run. */
  readonly schedule: "fifo" | "random"
  readonly exit: Exit.Exit<A, E | SimulationError>
  readonly trace: Trace.Trace
  /** The parameters (`Simulation.parameter`) that the program has asked for. */
  readonly parameters: Readonly<Record<string, number>>
  /** The faults that were injected, in their order. */
  readonly faults: ReadonlyArray<RecordedFault>
  /** The properties (`Property` of core) that the program has passed. */
  readonly properties: ReadonlyArray<Observed>
  /** What `sometimes` and `reachable` have reached, in its order. */
  readonly reached: ReadonlyArray<Reached>
  /** Virtual time that has passed. */
  readonly elapsed: Duration.Duration
  /** Tasks and events that there were. */
  readonly steps: number
  readonly segments: number
  readonly datagrams: number
  /** How many operations the platform performed for the run, by name: `{ "fs.readFile": 2 }`. */
  readonly operations: Readonly<Record<string, number>>
}

// The bounds of finalizers, from the end of the run.
const cleanUp: Limits = { time: 3_600_000_000, steps: 100_000 }

/** Runs a program from its beginning to its end, and records what happened. */
export const execute = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: SimNetwork.Options,
  { eventLoop, limits, parameters: given, patience, schedule, waits }: Settings,
  context: Context.Context<never>
): Effect.Effect<Run<A, E>, NetworkError.NetworkError> => {
  const seed = options.seed ?? 0
  const streams = new Streams(seed)
  const time = new VirtualTime(schedule === "random" ? streams.of("schedule") : undefined)
  streams.follow(time)
  // `Effect.runSync` cannot wait for the event loop.
  const isSynchronous = Context.get(context, Scheduler.Scheduler).executionMode === "sync"
  const awaits = hasEventLoop && (eventLoop ?? !isSynchronous)
  const sandbox = new Sandbox(time, time, streams.of("ambient"), awaits)
  time.promised = sandbox.promised
  if (awaits) time.contextOf = sandbox.contextOf
  const watch = waits === undefined ? undefined : new WaitLog(time, waits)
  time.watch = watch
  const tracer = tracerOf(context, streams)
  const services = context.pipe(
    Context.add(Clock.Clock, time.clock),
    Context.add(Scheduler.Scheduler, time.scheduler),
    Context.add(Random.Random, randomService(streams.of("program"))),
    Context.add(Tracer.Tracer, watch?.tracer(tracer) ?? tracer),
    Context.add(CurrentEngine, time),
    Context.add(Metric.MetricRegistry, Context.getOrUndefined(context, Metric.MetricRegistry) ?? new Map())
  )
  let world: World | undefined
  const parameters = new Parameters(streams, given)
  const properties = new Properties(() => time.now, ({ details, host, isViolated, kind, name }) => {
    const text = details === undefined ? "" : fingerprint(details)
    const note = (kind: Trace.Note["kind"], text: string) =>
      world?.note({ _tag: "Note", at: time.now, host, kind, text: text.slice(0, 1000) })
    if (!isViolated) return note("property", `${kind}: ${name}`)
    note("failure", `violated: ${kind}: ${name}${text && `: ${text}`}`)
    end(Exit.fail(new SimulationPropertyViolated({ property: name, at: time.now / 1000, details: text })))
  })
  let run: Run<A, E> | undefined
  const unfulfilled = (exit: Exit.Exit<A, E | SimulationError>): Exit.Exit<A, E | SimulationError> => {
    const property = properties.pending
    if (property === undefined) return exit
    const details = "it did not hold when the program came by for the last time"
    return Exit.fail(new SimulationPropertyViolated({ property, at: time.now / 1000, details }))
  }
  // The run is over: its record is taken before anything is cleaned up, and nothing happens on any host after it.
  const end = (ended: Exit.Exit<A, E | SimulationError>): void => {
    if (world === undefined || run !== undefined) return
    const exit = Exit.isSuccess(ended) ? unfulfilled(ended) : ended
    const note = Exit.isFailure(exit) ? failureNote(exit.cause, time.now) : undefined
    if (note !== undefined) world.note(note)
    run = {
      seed,
      schedule,
      exit,
      parameters: parameters.taken,
      trace: { ...world.trace, ...watch?.snapshot },
      faults: world.faults.recorded,
      properties: properties.observed,
      reached: properties.reached,
      elapsed: Duration.millis(time.now / 1000),
      steps: time.steps,
      segments: world.segments,
      datagrams: world.datagrams,
      operations: sandbox.operations.counts
    }
    world.end()
  }
  // V8 allocates a function that is assigned to a property where it is written in its old space, from where it would keep
  // the whole run through collections of the young generation: so these have names.
  const onFailure: World["onFailure"] = (host, cause) =>
    end(Exit.fail(new SimulationHostFailed({ host: host.name, at: time.now / 1000, cause: Cause.squash(cause) })))
  const onAbandoned = () => end(Exit.interrupt())
  const onUncaught: Sandbox["onUncaught"] = (host, cause) =>
    end(Exit.fail(new SimulationUncaught({ host, at: time.now / 1000, cause })))
  const onRefused: Sandbox["onRefused"] = (name, caller) => {
    const error = new SimulationRefused({ name, caller, at: time.now / 1000 })
    end(Exit.fail(error))
    throw error
  }
  sandbox.onUncaught = onUncaught
  sandbox.onRefused = onRefused
  const running = Effect.scoped(Effect.flatMap(SimNetwork.make(options), (network) => {
    world = network.world
    watch?.begin(world)
    const lines = world.hasTrace ? traced(world, output) : output
    world.onFailure = onFailure
    world.onAbandoned = onAbandoned
    return Effect.scoped(Effect.onExit(program, (exit) => Effect.sync(() => end(exit)))).pipe(
      Effect.provideService(SimNetwork.SimNetwork, network),
      Effect.provideService(CurrentWorld, network.world),
      Effect.provideService(Transport.CurrentNumbers, network.world.numbers),
      Effect.provideService(Property.CurrentObserver, properties),
      Effect.provideService(Buggify.CurrentSource, new BuggifyPoints(streams)),
      Effect.provideService(CurrentParameters, parameters),
      Effect.provideService(Logger.CurrentLoggers, lines.loggers),
      Effect.provideService(Console.Console, lines.console),
      Effect.exit
    )
  })) as Effect.Effect<Exit.Exit<A, E>, NetworkError.NetworkError, never>

  const output = {
    loggers: Context.get(context, Logger.CurrentLoggers),
    console: Context.get(context, Console.Console)
  }
  let fiber: Fiber.Fiber<Exit.Exit<A, E>, NetworkError.NetworkError> | undefined
  const recording: Recording<Run<A, E>, NetworkError.NetworkError> = {
    begin: () => {
      fiber = Effect.runForkWith(services)(running)
    },
    isRecorded: () => run !== undefined || recording.isDone(),
    isDone: () => fiber?.pollUnsafe() !== undefined,
    stop: (stop) => end(Exit.fail(stopError(stop, limits, time, world, sandbox))),
    abandon: () => end(Exit.interrupt()),
    cleanUp: () => {
      if (run?.exit._tag === "Failure") fiber!.interruptUnsafe()
      return { time: time.now + cleanUp.time, steps: time.steps + cleanUp.steps }
    },
    // Without a run, it did not begin: the options are invalid.
    result: () => {
      const ended = fiber!.pollUnsafe()!
      const result = run === undefined ? Effect.map(ended, () => run!) : Effect.succeed(run)
      // A host or a connection that the program keeps must not keep the run in memory.
      run = undefined
      fiber = undefined
      time.release()
      world?.release()
      return result
    }
  }
  const conditions = { time, sandbox, limits, patience, needsEventLoop: eventLoop === true }
  return awaits ? runWithEventLoop(conditions, recording) : runSynchronously(conditions, recording)
}

// A tracer that the program provides stays; the default one draws its identifiers at random.
const tracerOf = (context: Context.Context<never>, streams: Streams): Tracer.Tracer => {
  const tracer = Context.get(context, Tracer.Tracer)
  return tracer === Tracer.nativeTracer ? seededTracer(streams.of("tracer")) : tracer
}

const stopError = (
  stop: Stop,
  limits: Limits,
  time: VirtualTime,
  world: World | undefined,
  { awaits, calls }: Sandbox
): SimulationError => {
  const { sleepers } = time
  const situation = {
    at: time.now / 1000,
    fibers: time.fibers.map((fiber) => describeFiber(fiber, time.promised.has(fiber), sleepers.get(fiber))),
    sockets: world === undefined ? [] : describeSockets(world),
    calls,
    isSynchronous: !awaits
  }
  if (stop._tag === "Stalled") {
    const operations = stop.operations.map(({ caller, name }) => ({ name, caller: caller() }))
    return new SimulationStalled({ ...situation, operations })
  }
  const { halt } = stop
  return halt === "nothingLeft" || halt === "promise"
    ? new SimulationDeadlock(situation)
    : halt === "timeLimit"
    ? new SimulationLimitExceeded({ ...situation, limit: "time", allowed: limits.time / 1000, steps: time.steps })
    : new SimulationLimitExceeded({ ...situation, limit: "steps", allowed: limits.steps, steps: time.steps })
}
