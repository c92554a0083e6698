import type * as NetworkError from "@sluice/core/NetworkError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Campaign from "../../Campaign.ts"
import type { Options, Services } from "../../Simulation.ts"
import type { Run } from "../run/execute.ts"
import { endsProgram, signature } from "../run/failure.ts"
import { recordWith } from "../run/settings.ts"
import { RandomStream } from "../time/random.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import type { Lane } from "./pool.ts"
import { endsOf, shrink } from "./shrink.ts"
import type { Task, Trial } from "./trial.ts"

/** A failing run with as few faults and as small parameters as were found. */
export interface Minimized<A, E> {
  readonly run: Run<A, E>
  readonly attempts: number
}

/** A run that fails in the same way. */
type Known = Pick<Trial, "seed" | "elapsed" | "steps" | "parameters"> & {
  readonly faults: ReadonlyArray<RecordedFault>
}

// `Simulation.parameter` raises it to the least value.
const lowest = Number.MIN_SAFE_INTEGER

// A smaller failure occurs about as early.
const slack = 1.25

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
  const { schedule, seed } = failed
  const { cause } = failed.exit
  const same = signature(cause)
  const random = new RandomStream(seed, "shrink")
  const original: Known = {
    seed,
    faults: failed.faults,
    parameters: failed.parameters,
    elapsed: Duration.toMillis(failed.elapsed),
    steps: failed.steps
  }
  const passed = new Set<string>()
  let best = original
  let attempts = 0
  let variations = 0
  const mayTry = (until = limit) => attempts < until

  // Tries candidates, and keeps the first that fails. Returns its index, or -1, and the parameters of the last one tried.
  const attempt = Effect.fnUntraced(function*(candidates: ReadonlyArray<Task>) {
    const count = Math.min(candidates.length, limit - attempts)
    let next = 0
    let last: Trial | undefined
    const failing = new Map<number, Trial>()
    const work = Effect.fnUntraced(function*(lane: typeof lanes[number]) {
      while (next < count && failing.size === 0) {
        const index = next++
        const trial = yield* lane.run(candidates[index]!)
        last = trial
        if (trial.signature === same) failing.set(index, trial)
      }
    })
    yield* Effect.forEach(lanes, work, { concurrency: lanes.length, discard: true })
    // Lanes that were ahead of the first that failed do not count.
    const first = Math.min(count - 1, ...failing.keys())
    const found = failing.get(first)
    attempts += first + 1
    if (found !== undefined) {
      const { elapsed, parameters, recorded, seed, steps } = found
      best = { seed, elapsed, steps, parameters, faults: recorded }
    }
    yield* onProgress(best.faults.length, attempts)
    return { index: found === undefined ? -1 : first, parameters: last?.parameters ?? {} }
  })
  const firstFailing = Effect.fnUntraced(function*(lists: ReadonlyArray<ReadonlyArray<RecordedFault>>) {
    const run = `${best.seed} ${JSON.stringify(best.parameters)}`
    const keyOf = (faults: ReadonlyArray<RecordedFault>) =>
      `${run} ${faults.map(({ at, hosts, kind }) => `${at} ${kind} ${hosts.join()}`).join("; ")}`
    const untried = lists.filter((faults) => !passed.has(keyOf(faults)))
    const { index } = yield* attempt(untried.map((faults) => exact(faults)))
    for (const faults of untried.slice(0, index === -1 ? untried.length : index)) passed.add(keyOf(faults))
    return index === -1 ? -1 : lists.indexOf(untried[index]!)
  })

  // A run that lasts longer than a known failure, or does much more in that time, is given up.
  const limits = (faults: ReadonlyArray<RecordedFault>, { elapsed }: typeof best) => ({
    limit: same === "SimulationLimitExceeded"
      ? {}
      : { time: best.elapsed * slack + 1000, steps: 2 * best.steps + 1000 },
    patience: endsProgram(cause) ? Infinity : 200 + 2 * (elapsed - (faults.at(-1)?.at ?? 0) / 1000)
  })
  const exact = (faults: ReadonlyArray<RecordedFault>, parameters = best.parameters): Task => ({
    seed: best.seed,
    instead: { faults, parameters, isVaried: false, schedule, ...limits(faults, best) }
  })
  const varied = (): Task => {
    const pool = random.chance(0.75) ? best : original
    const faults = some(pool.faults, sizeOf(random, best.faults.length - 1), random)
    const parameters = redrawn(best.parameters, random)
    return {
      seed: `${seed}~${++variations}`,
      instead: { faults, parameters, isVaried: true, schedule, ...limits(faults, pool) }
    }
  }
  // What variations did not make smaller is not varied again: others seldom do.
  let stuck: Known | undefined
  const vary = Effect.gen(function*() {
    if (best === stuck) return
    const until = attempts + (limit - attempts) / 2
    let missed = 0
    while (mayTry(until) && best.faults.length > 1 && missed < misses(best.faults.length)) {
      const before = attempts
      const count = Math.min(batch, misses(best.faults.length) - missed)
      const { index } = yield* attempt(Array.from({ length: count }, varied))
      missed = index === -1 ? missed + attempts - before : 0
    }
    stuck = best
  })
  // Under another seed, the campaign may find the failure with fewer faults.
  const renew = Effect.gen(function*() {
    for (let count = 0; count < renewals && best.faults.length > short && mayTry();) {
      const before = attempts
      const known = best
      const { index } = yield* attempt(
        Array.from({ length: renewals - count }, (_, at) => ({ seed: `${seed}+${count + at + 1}` }))
      )
      count += attempts - before
      if (index === -1) return
      yield* firstFailing(endsOf(best.faults))
      if (best.faults.length >= known.faults.length) best = known
    }
  })
  const leaveOut = Effect.suspend(() => shrink(best.faults, firstFailing, ({ kind }) => kind))
  const lower = Effect.fnUntraced(function*(name: string) {
    let value = lowest
    let least = value
    while (best.parameters[name]! > least && mayTry()) {
      const { index, parameters } = yield* attempt([exact(best.faults, { ...best.parameters, [name]: value })])
      const got = parameters[name]
      if (got === undefined || (index === 0 && value === lowest)) return
      if (index === -1) least = got + 1
      value = Math.floor((least + best.parameters[name]!) / 2)
    }
  })

  yield* firstFailing(endsOf(best.faults))
  yield* renew
  if (best.faults.length <= short) yield* leaveOut
  yield* vary
  yield* leaveOut
  yield* vary
  const { parameters } = best
  for (const name of Object.keys(parameters)) yield* lower(name)
  if (best.parameters !== parameters) yield* leaveOut
  const smallest = yield* recordWith(program, {
    ...options,
    seed: best.seed,
    schedule,
    campaign: Campaign.replay(best.faults),
    parameters: best.parameters
  })
  const isShrunk = Exit.isFailure(smallest.exit) && signature(smallest.exit.cause) === same
  return { run: isShrunk ? smallest : failed, attempts }
})

// Parameters as low as can be, as they are, or drawn anew by the seed.
const redrawn = (parameters: Known["parameters"], random: RandomStream): Known["parameters"] =>
  Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) => {
      const choice = random.next()
      return choice < 0.4 ? [[name, lowest]] : choice < 0.6 ? [[name, value]] : []
    })
  )

// Few faults are likelier, as most failures need few.
const sizeOf = (random: RandomStream, most: number): number => {
  if (random.chance(0.05)) return 0
  let size = 1
  while (size < most && random.chance(0.6)) size++
  return size
}

// The last faults, or any; the later, the likelier: the failure followed them.
const some = (
  faults: ReadonlyArray<RecordedFault>,
  size: number,
  random: RandomStream
): ReadonlyArray<RecordedFault> => {
  if (size === 0 || random.chance(0.7)) return faults.slice(faults.length - size)
  const chosen = new Set<RecordedFault>()
  const count = Math.min(size, faults.length)
  while (chosen.size < count) chosen.add(faults[Math.floor(faults.length * (1 - random.next() ** 2))]!)
  return faults.filter((fault) => chosen.has(fault))
}
