import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as SimNetwork from "../../SimNetwork.ts"
import type { Failure } from "../../Simulation.ts"
import { SimulationHostFailed, SimulationPropertyViolated, SimulationUncaught } from "../../SimulationError.ts"
import type * as Trace from "../../Trace.ts"
import { plural } from "../text/plural.ts"
import type { Run } from "./execute.ts"

// Records for which a report has what fibers and sockets wait for.
const detailed = 3000

// Numbers, some with groups of digits, and what they count: `1 byte` and `65,536 bytes` are the same.
const counts = /\d+(?:,\d{3})*(?:( [a-z]+?)s?\b)?/gi

/** What a failure is known by, when its run is repeated with other faults. */
export const signature = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (error instanceof SimulationPropertyViolated) return error.property
  if (error instanceof Error && "_tag" in error) return String(error._tag)
  return messageOf(cause).replace(counts, (_, noun = "") => `0${noun}`).slice(0, 200)
}

/** Whether the program ended with it: so it cannot come before the program's end. */
export const endsProgram = (cause: Cause.Cause<unknown>): boolean => {
  const error = Cause.squash(cause)
  return !(error instanceof SimulationPropertyViolated || error instanceof SimulationHostFailed ||
    error instanceof SimulationUncaught)
}

export const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : Cause.pretty(cause)
}

/** A failed run, the faults and parameters that it needs, and how to repeat it. */
export const describeFailure = (
  { attempts, elapsed, faults, found, injected, parameters, schedule, seed }: Failure<unknown, unknown>,
  before: Readonly<Record<string, number>>,
  cause: Cause.Cause<unknown>,
  report: string | undefined
): string => {
  const values = Object.entries(parameters).map(([name, value]) =>
    before[name] === value ? `${name}: ${value}` : `${name}: ${before[name]} -> ${value}`
  )
  return [
    `seed ${found} fails${schedule === "random" ? " in random order" : ""} after ${
      Duration.toMillis(elapsed)
    } ms; SLUICE_SEED=${found} repeats it: ${messageOf(cause)}`,
    ...(injected === 0 ? [] : [
      `${plural(injected, "fault")} -> ${faults.length}${seed === found ? "" : ` with the seed ${seed}`}, ` +
      `in ${plural(attempts, "run")}:`
    ]),
    ...faults.slice(0, 20).map((fault) => `  ${JSON.stringify(fault)}`),
    ...(values.length === 0 ? [] : [`parameters: ${values.join(", ")}`]),
    ...(report === undefined ? [] : [`the page to step through it: ${report}`])
  ].join("\n")
}

/** The trace of a failed run with what its last records waited for: it is run again, and recorded in more detail. */
export const traceInDetail = <E, R>(
  { trace }: Run<unknown, unknown>,
  options: SimNetwork.Options["trace"],
  again: (options: SimNetwork.TraceOptions) => Effect.Effect<Run<unknown, unknown>, E, R>
): Effect.Effect<Trace.Trace, E, R> => {
  if (trace.waits !== undefined) return Effect.succeed(trace)
  const first = trace.records.at(-detailed) ?? trace.records[0]
  const settings = options === false ? {} : options
  return Effect.map(
    again({ ...settings, waits: (first?.at ?? 0) / 1000 }),
    // What is not deterministic fails otherwise the second time.
    (run) => options === false || run.trace.hash === trace.hash ? run.trace : trace
  )
}
