/**
 * Gives simulations to vitest.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Vitest from "vitest"
import { quiet } from "./internal/exploration/lane.ts"
import { writeReport } from "./internal/report/files.ts"
import { located } from "./internal/report/located.ts"
import { messageOf, traceInDetail } from "./internal/run/failure.ts"
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
  /** How the page that shows a failure decodes messages, by port. Default: not at all. */
  readonly decode?: Trace.HtmlOptions["decode"]
  /** How many seeds, from 1 up. Default: 1. */
  readonly seeds?: number | undefined
  /** Real time that all seeds together may take, in milliseconds. Default: 180,000. */
  readonly timeout?: number | undefined
}

// What of a trace is shown at once.
const shown = 40

/**
 * A test that runs a program in a simulation, with one seed or with many, in random order of its tasks unless `schedule`
 * says otherwise.
 *
 * The program may await promises, and use libraries of Node (`eventLoop`). What it logs, or prints with the `Console` of Effect,
 * goes to the trace alone: nothing is printed unless a seed fails. `console.log` prints.
 *
 * The first seed is run twice, to see that it decides everything. The first seed that fails is named, with the last part
 * of its trace, and the path of an HTML page that shows all of it (`Trace.toHtml`): in the folder that the environment
 * variable `SLUICE_REPORTS` names, or in `node_modules/.sluice`, which keeps the last 40. `SLUICE_SEED` runs one seed alone.
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
  const { decode, seeds = 1, timeout = 180_000, ...rest } = options
  const settings: Simulation.Options = { schedule: "random", ...rest }
  Vitest.it(name, () => Effect.runPromise(runSeeds(name, program, seeds, settings, decode)), timeout)
}

const runSeeds = Effect.fnUntraced(function*<A, E>(
  name: string,
  program: Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>,
  seeds: number,
  options: Simulation.Options,
  decode: Trace.HtmlOptions["decode"]
) {
  const repeated = yield* Simulation.seedFromEnvironment
  const all = Option.isSome(repeated) ? [repeated.value] : Array.from({ length: seeds }, (_, index) => index + 1)
  for (const [index, seed] of all.entries()) {
    const settings = { ...options, seed }
    const run = yield* quiet(
      index === 0 ? Simulation.checkDeterminism(program, settings) : Simulation.record(program, settings)
    )
    if (Exit.isFailure(run.exit)) {
      const { cause } = run.exit
      const trace = yield* traceInDetail(
        run,
        options.trace,
        (trace) => quiet(Simulation.record(program, { ...settings, trace }))
      )
      const facts = { seed: String(seed) }
      const path = yield* writeReport(`${name}-${seed}`, trace, { title: name, facts, decode })
      return yield* Effect.die(located(report(run, cause, path), Cause.squash(cause)))
    }
  }
})

const report = (run: Simulation.Run<unknown, unknown>, cause: Cause.Cause<unknown>, path: string | undefined): string =>
  [
    `seed ${run.seed} fails; SLUICE_SEED=${run.seed} repeats it: ${messageOf(cause)}`,
    ...(path === undefined ? [] : [`the page to step through it: ${path} (and beside it .txt, .svg and .pcapng)`]),
    "",
    Trace.toText(Trace.last(run.trace, shown))
  ].join("\n")
