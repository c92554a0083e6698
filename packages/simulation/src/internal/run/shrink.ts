import type * as NetworkError from "@sluice/core/NetworkError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Campaign from "../../Campaign.ts"
import type { Options, Services } from "../../Simulation.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import type { Run } from "./execute.ts"
import { signature } from "./failure.ts"
import { recordWith } from "./settings.ts"

/** A smaller list that still fails, and how many runs that took. */
export interface Shrunk<A, R> {
  readonly list: ReadonlyArray<A>
  readonly run: R | undefined
  readonly runs: number
}

/**
 * Delta debugging (Zeller and Hildebrandt, 2002): leaves out parts of a list, ever smaller ones, for as long as `attempt`
 * with the rest still fails, which it says by a run.
 */
export const shrink = Effect.fnUntraced(function*<A, R, E, S>(
  list: ReadonlyArray<A>,
  attempt: (list: ReadonlyArray<A>) => Effect.Effect<R | undefined, E, S>,
  limit: number
): Effect.fn.Return<Shrunk<A, R>, E, S> {
  const found: { list: ReadonlyArray<A>; run: R | undefined; runs: number } = { list, run: undefined, runs: 0 }
  const mayTry = () => found.runs < limit
  const tryWith = Effect.fnUntraced(function*(part: ReadonlyArray<A>) {
    found.runs++
    const run = yield* attempt(part)
    if (run === undefined) return false
    found.list = part
    found.run = run
    return true
  })
  // Often the faults have no part in it.
  if (!(yield* tryWith(list)) || (yield* tryWith([]))) return found
  let parts = 2
  while (found.list.length > 1 && mayTry()) {
    const size = Math.ceil(found.list.length / parts)
    let smaller = false
    let at = 0
    while (at < found.list.length && mayTry()) {
      const rest = [...found.list.slice(0, at), ...found.list.slice(at + size)]
      if (rest.length > 0 && (yield* tryWith(rest))) smaller = true
      else at += size
    }
    if (!smaller && size === 1) break
    parts = smaller ? Math.max(2, parts - 1) : Math.min(found.list.length, parts * 2)
  }
  return found
})

/** A failing run with as few faults and as small parameters as were found. */
export interface Minimized<A, E> {
  readonly run: Run<A, E>
  readonly attempts: number
}

// What still fails, fails about as early.
const slack = 1.25

/**
 * Leaves out faults, then lowers parameters, for as long as the run fails in the same way. Attempts keep no trace; the last
 * run that failed is repeated with one.
 */
export const minimize = Effect.fnUntraced(function*<A, E, R, R2>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2>,
  failed: Run<A, E>,
  limit: number,
  onProgress: (faults: number, attempts: number) => Effect.Effect<void>
): Effect.fn.Return<Minimized<A, E>, NetworkError.NetworkError, Services<R> | Services<R2>> {
  if (Exit.isSuccess(failed.exit)) return { run: failed, attempts: 0 }
  const same = signature(failed.exit.cause)
  const time = Duration.millis(Duration.toMillis(failed.elapsed) * slack + 1000)
  const spent = { attempts: 0 }
  const mayTry = () => spent.attempts < limit
  const again = (faults: ReadonlyArray<RecordedFault>, parameters: Run<A, E>["parameters"], isLast: boolean) =>
    recordWith(program, {
      ...options,
      seed: failed.seed,
      schedule: failed.schedule,
      campaign: Campaign.replay(faults),
      parameters,
      ...(isLast ? {} : { trace: false, limit: { ...options.limit, time } })
    })
  const isSame = ({ exit }: Run<A, E>) => Exit.isFailure(exit) && signature(exit.cause) === same
  const attempt = (faults: ReadonlyArray<RecordedFault>, parameters: Run<A, E>["parameters"]) =>
    Effect.map(again(faults, parameters, false), (run) => {
      spent.attempts++
      return run
    })
  const withoutFaults = (faults: ReadonlyArray<RecordedFault>, parameters: Run<A, E>["parameters"]) =>
    Effect.map(
      shrink(
        faults,
        (part) =>
          Effect.tap(
            Effect.map(attempt(part, parameters), (run) => isSame(run) ? run : undefined),
            (run) => run === undefined ? Effect.void : onProgress(part.length, spent.attempts)
          ),
        limit - spent.attempts
      ),
      ({ list }) => list
    )

  let parameters = failed.parameters
  let faults = yield* withoutFaults(failed.faults, parameters)
  for (const name of Object.keys(parameters)) {
    // The program limits what it gets: so this is the least.
    let value = Number.MIN_SAFE_INTEGER
    let least = value
    while (parameters[name]! > least && mayTry()) {
      const run = yield* attempt(faults, { ...parameters, [name]: value })
      const got = run.parameters[name]
      if (got === undefined) break
      if (isSame(run)) parameters = { ...parameters, [name]: got }
      // Half of the way down.
      if (!isSame(run)) least = got + 1
      else if (value === Number.MIN_SAFE_INTEGER) break
      value = Math.floor((least + parameters[name]!) / 2)
    }
  }
  if (parameters !== failed.parameters && mayTry()) faults = yield* withoutFaults(faults, parameters)
  const last = yield* again(faults, parameters, true)
  return { run: isSame(last) ? last : failed, attempts: spent.attempts }
})
