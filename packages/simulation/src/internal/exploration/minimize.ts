import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Campaign from "../../Campaign.ts"
import type { Options, Services } from "../../Simulation.ts"
import type { Run } from "../run/execute.ts"
import { signature } from "../run/failure.ts"
import { recordWith } from "../run/settings.ts"
import { RandomStream } from "../time/random.ts"
import { Attempts, type Known, lowest } from "./attempts.ts"
import type { Lane } from "./lane.ts"
import { endsOf, shrink } from "./shrink.ts"
import { Variations } from "./variations.ts"

/** A failing run with as few faults and as small parameters as were found. */
export interface Minimized<A, E> {
  readonly run: Run<A, E>
  readonly attempts: number
}

// Up to this many faults are left out one by one before some are varied: fewer of the rest have no part in the failure.
const short = 24

// Further seeds of the campaign that are tried if there are more.
const renewals = 16

// Variations that do not fail, for each fault to leave out, before no more are tried: many faults are worth more of them.
const misses = (faults: number): number => (faults > few ? 24 : 12) * (faults - 1)
const few = 3

// Candidates that are made together.
const batch = 16

/**
 * Makes a failure smaller, for as long as it stays the same one. Most faults of a run have no part in its failure, but leaving
 * out an early one changes all that comes after it. So a few of the faults are tried in other runs too: under other seeds, where
 * each strikes after a packet like the one that it had followed. A list that did not fail is not tried again, as runs repeat.
 *
 * Attempts keep no trace; the smallest failing run is repeated with one. Lanes try candidates in parallel, and the first
 * that fails counts: the result does not depend on the number of lanes.
 */
export const minimize = Effect.fnUntraced(function*<A, E, R, R2, R3>(
  program: Effect.Effect<A, E, R>,
  options: Options<R2>,
  failed: Run<A, E>,
  lanes: ReadonlyArray<Lane<NetworkError.NetworkError, R3>>,
  limit: number,
  onProgress: (faults: number, attempts: number) => Effect.Effect<void>
): Effect.fn.Return<Minimized<A, E>, NetworkError.NetworkError, Services<R> | Services<R2> | R3> {
  if (Exit.isSuccess(failed.exit)) return { run: failed, attempts: 0 }
  const { exit: { cause }, schedule, seed } = failed
  const attempts = new Attempts(failed, cause, lanes, limit, onProgress)
  yield* attempts.firstFailing(endsOf(attempts.best.faults))
  yield* renew(attempts)
  if (attempts.best.faults.length <= short) yield* leaveOut(attempts)
  const variations = new Variations(attempts, new RandomStream(seed, "shrink"))
  const fruitless = yield* vary(attempts, variations)
  yield* leaveOut(attempts)
  // What variations did not make smaller is not varied again: others seldom do.
  if (attempts.best !== fruitless) yield* vary(attempts, variations)
  const { parameters } = attempts.best
  for (const name of Object.keys(parameters)) yield* lower(attempts, name)
  if (attempts.best.parameters !== parameters) yield* leaveOut(attempts)
  const { best, made } = attempts
  const smallest = yield* recordWith(program, {
    ...options,
    seed: best.seed,
    schedule,
    campaign: Campaign.replay(best.faults),
    parameters: best.parameters
  })
  const isShrunk = Exit.isFailure(smallest.exit) && signature(smallest.exit.cause) === signature(cause)
  return { run: isShrunk ? smallest : failed, attempts: made }
})

const leaveOut = <R>(attempts: Attempts<R>) => shrink(attempts.best.faults, attempts.firstFailing, ({ kind }) => kind)

/** Under another seed, the campaign may find the failure with fewer faults. */
const renew = Effect.fnUntraced(function*<R>(attempts: Attempts<R>) {
  const { original: { seed } } = attempts
  for (let count = 0; count < renewals && attempts.best.faults.length > short && attempts.made < attempts.limit;) {
    const { best, made } = attempts
    const { index } = yield* attempts.run(
      Array.from({ length: renewals - count }, (_, at) => ({ seed: `${seed}+${count + at + 1}` }))
    )
    count += attempts.made - made
    if (index === -1) return
    yield* attempts.firstFailing(endsOf(attempts.best.faults))
    if (attempts.best.faults.length >= best.faults.length) attempts.best = best
  }
})

/** Tries variations, for up to half of the attempts that are left. Returns the failure that they did not make smaller. */
const vary = Effect.fnUntraced(function*<R>(
  attempts: Attempts<R>,
  { draw }: Variations<R>
): Effect.fn.Return<Known, NetworkError.NetworkError, R> {
  const until = attempts.made + (attempts.limit - attempts.made) / 2
  const most = () => misses(attempts.best.faults.length)
  let missed = 0
  while (attempts.made < until && attempts.best.faults.length > 1 && missed < most()) {
    const { made } = attempts
    const { index } = yield* attempts.run(Array.from({ length: Math.min(batch, most() - missed) }, draw))
    missed = index === -1 ? missed + attempts.made - made : 0
  }
  return attempts.best
})

/** Lowers a parameter by halving what is left. */
const lower = Effect.fnUntraced(function*<R>(attempts: Attempts<R>, name: string) {
  let value = lowest
  let least = value
  while (attempts.best.parameters[name]! > least && attempts.made < attempts.limit) {
    const { faults, parameters } = attempts.best
    const tried = yield* attempts.run([attempts.exact(faults, { ...parameters, [name]: value })])
    const got = tried.parameters[name]
    if (got === undefined || (tried.index === 0 && value === lowest)) return
    if (tried.index === -1) least = got + 1
    value = Math.floor((least + attempts.best.parameters[name]!) / 2)
  }
})
