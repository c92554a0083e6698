/**
 * Gives simulations to vitest.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Vitest from "vitest"
import type * as SimNetwork from "./SimNetwork.ts"
import * as Simulation from "./Simulation.ts"
import * as Trace from "./Trace.ts"

/**
 * How a simulated test is run.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Omit<Simulation.Options, "seed"> {
  /** How many seeds, from 1 up. Default: 1. */
  readonly seeds?: number | undefined
  /** Real time that all seeds together may take, in milliseconds. Default: 60,000. */
  readonly timeout?: number | undefined
}

// What of a trace is shown at once.
const shown = 40

/**
 * A test that runs a program in a simulation, with one seed or with many, in random order of its tasks unless `schedule`
 * says otherwise.
 *
 * The first seed is run twice, to see that it decides everything. The first seed that fails is named, with the last part
 * of its trace, and the rest is written to a file where the platform has files. `SLUICE_SEED` runs one seed alone.
 *
 * **Example**
 *
 * ```ts
 * import * as Fault from "@sluice/simulation/Fault"
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
 * import * as Effect from "effect/Effect"
 *
 * VitestSimulation.it("survives an hour's partition", Effect.gen(function*() {
 *   const [a, b] = yield* SimNetwork.hosts("a", "b")
 *   yield* Effect.scoped(Effect.andThen(Fault.partition(a, b), Effect.sleep("1 hour")))
 * }), { seeds: 100 })
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const it = <A, E>(
  name: string,
  program: Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>,
  options: Options = {}
): void => {
  const { seeds = 1, timeout = 60_000, ...rest } = options
  Vitest.it(name, () => Effect.runPromise(runSeeds(name, program, seeds, { schedule: "random", ...rest })), timeout)
}

const runSeeds = Effect.fnUntraced(function*<A, E>(
  name: string,
  program: Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>,
  seeds: number,
  options: Simulation.Options
) {
  const repeated = yield* Simulation.seedFromEnvironment
  const all = Option.isSome(repeated) ? [repeated.value] : Array.from({ length: seeds }, (_, index) => index + 1)
  for (const [index, seed] of all.entries()) {
    // Log lines are in the trace, which is shown when a seed fails.
    const run = yield* Effect.provideService(
      index === 0
        ? Simulation.checkDeterminism(program, { ...options, seed })
        : Simulation.record(program, { ...options, seed }),
      Logger.CurrentLoggers,
      new Set()
    )
    if (Exit.isFailure(run.exit)) {
      return yield* Effect.die(new Error(report(name, run, run.exit.cause), { cause: Cause.squash(run.exit.cause) }))
    }
  }
})

const report = (name: string, run: Simulation.Run<unknown, unknown>, cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const { seed, trace } = run
  const files = write(`${name}-${seed}`, trace)
  return [
    `seed ${seed} fails; SLUICE_SEED=${seed} repeats it: ${
      error instanceof Error ? error.message : Cause.pretty(cause)
    }`,
    "",
    Trace.toText(Trace.last(trace, shown)),
    ...(files === undefined ? [] : ["", `the whole trace: ${files}`])
  ].join("\n")
}

interface Platform {
  readonly getBuiltinModule?: (name: string) => unknown
}

interface Files {
  readonly mkdtempSync: (prefix: string) => string
  readonly writeFileSync: (path: string, content: string | Uint8Array) => void
}

// Core has no files of its own: those of the platform that runs the test, if it has any.
const write = (name: string, trace: Trace.Trace): string | undefined => {
  const platform = (globalThis as { readonly process?: Platform }).process
  const files = platform?.getBuiltinModule?.("node:fs") as Files | undefined
  const system = platform?.getBuiltinModule?.("node:os") as { readonly tmpdir: () => string } | undefined
  if (files === undefined || system === undefined) return undefined
  const path = `${files.mkdtempSync(`${system.tmpdir()}/sluice-`)}/${name.replace(/[^\w-]+/g, "-")}`
  files.writeFileSync(`${path}.txt`, Trace.toText(trace))
  files.writeFileSync(`${path}.svg`, Trace.toSvg(trace))
  files.writeFileSync(`${path}.pcapng`, Trace.toPcapng(trace))
  return `${path}.txt, .svg and .pcapng`
}
