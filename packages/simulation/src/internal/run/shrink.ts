import type * as NetworkError from "@sluice/core/NetworkError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Campaign from "../../Campaign.ts"
import type { Options, Services } from "../../Simulation.ts"
import { RandomStream } from "../time/random.ts"
import type { RecordedFault } from "../world/faultDescription.ts"
import type { Run } from "./execute.ts"
import { signature } from "./failure.ts"
import type { Lane } from "./pool.ts"
import { recordWith } from "./settings.ts"
import type { Trial } from "./trial.ts"

/** Tries candidates in their order, and returns the index of the first that still fails; -1 if there is none. */
export type FirstFailing<A, E, R> = (candidates: ReadonlyArray<A>) => Effect.Effect<number, E, R>

/**
 * Leaves out parts of a list for as long as the rest still fails: first all but its end, then the items of one group after
 * the other, then ever smaller parts, by delta debugging (Zeller and Hildebrandt, 2002).
 */
export const shrink = Effect.fnUntraced(function*<A, E, R>(
  list: ReadonlyArray<A>,
  firstFailing: FirstFailing<ReadonlyArray<A>, E, R>,
  groupOf: (item: A) => string = () => ""
): Effect.fn.Return<ReadonlyArray<A>, E, R> {
  // Often the faults have no part in it, or the last ones alone.
  const ends = [list.slice(0, 0)]
  for (let count = 1; count < list.length; count *= 2) ends.push(list.slice(-count))
  let rest = ends[yield* firstFailing(ends)] ?? list

  // Leaves out each part without which the rest still fails.
  const sweep = Effect.fnUntraced(function*(parts: ReadonlyArray<ReadonlyArray<A>>) {
    let isSmaller = false
    let left = parts
    while (rest.length > 1) {
      // The empty list was tried before.
      left = left.filter((part) => part.length < rest.length)
      const candidates = left.map((part) => rest.filter((item) => !part.includes(item)))
      const index = yield* firstFailing(candidates)
      if (index === -1) break
      rest = candidates[index]!
      left = left.slice(index + 1)
      isSmaller = true
    }
    return isSmaller
  })
  const groups = [...Map.groupBy(rest, groupOf).values()]
  if (groups.length > 1) yield* sweep(groups)
  for (let count = 2; rest.length > 1;) {
    const size = Math.ceil(rest.length / count)
    const parts = Array.from(
      { length: Math.ceil(rest.length / size) },
      (_, at) => rest.slice(at * size, (at + 1) * size)
    )
    const isSmaller = yield* sweep(parts)
    if (!isSmaller && size === 1) break
    count = isSmaller ? Math.max(2, count - 1) : Math.min(rest.length, count * 2)
  }
  return rest
})

// How many of the last faults are tried alone and in pairs, and at how many other times.
const last = 5
const shifts = 4

/** One or two of the last faults at other times: at the right moment, they may replace a long history. */
export const atOtherTimes = (
  faults: ReadonlyArray<RecordedFault>,
  elapsed: number,
  random: RandomStream
): ReadonlyArray<ReadonlyArray<RecordedFault>> => {
  const ends = faults.slice(-last)
  const single = ends.map((fault) => [fault])
  const pairs = ends.flatMap((fault, index) => ends.slice(index + 1).map((other) => [fault, other]))
  return [...single, ...pairs].filter((list) => list.length < faults.length).flatMap((list) =>
    Array.from({ length: shifts }, () => {
      const shift = Math.round(random.next() * elapsed) - list[0]!.at
      return list.map(({ at, until, ...fault }) => ({
        ...fault,
        at: at + shift,
        until: until === undefined ? undefined : until + shift
      }))
    })
  )
}

/** A failing run with as few faults and as small parameters as were found. */
export interface Minimized<A, E> {
  readonly run: Run<A, E>
  readonly attempts: number
}

interface Candidate {
  readonly faults: ReadonlyArray<RecordedFault>
  readonly parameters: Readonly<Record<string, number>>
}

// A smaller failure occurs about as early.
const slack = 1.25

/**
 * Leaves out faults, then lowers parameters, for as long as the run fails in the same way. Attempts keep no trace; the last
 * run that failed is repeated with one. Lanes try consecutive candidates in parallel, and the first that fails counts: the
 * result does not depend on the number of lanes.
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
  const same = signature(failed.exit.cause)
  const time = Duration.toMillis(failed.elapsed) * slack + 1000
  const spent = { attempts: 0 }
  const mayTry = () => spent.attempts < limit
  const attempt = (lane: typeof lanes[number], { faults, parameters }: Candidate) => {
    spent.attempts++
    return lane.run({ seed, instead: { faults, parameters, schedule, time } })
  }
  const isSame = ({ signature }: Trial) => signature === same
  const firstFailing = Effect.fnUntraced(function*(candidates: ReadonlyArray<Candidate>) {
    for (let at = 0; at < candidates.length && mayTry();) {
      const batch = candidates.slice(at, at + Math.min(lanes.length, limit - spent.attempts))
      const trials = yield* Effect.forEach(batch, (each, index) => attempt(lanes[index]!, each), {
        concurrency: "unbounded"
      })
      const index = trials.findIndex(isSame)
      yield* onProgress(batch[Math.max(0, index)]!.faults.length, spent.attempts)
      if (index !== -1) return at + index
      at += batch.length
    }
    return -1
  })
  const firstOf = (parameters: Candidate["parameters"]) => (lists: ReadonlyArray<ReadonlyArray<RecordedFault>>) =>
    firstFailing(lists.map((faults) => ({ faults, parameters })))

  let { parameters } = failed
  let faults = yield* shrink(failed.faults, firstOf(parameters), ({ kind }) => kind)
  const others = atOtherTimes(faults, Duration.toMicros(failed.elapsed), new RandomStream(seed, "shrink"))
  faults = others[yield* firstOf(parameters)(others)] ?? faults
  for (const name of Object.keys(parameters)) {
    // `Simulation.parameter` raises it to the least value.
    let value = Number.MIN_SAFE_INTEGER
    let least = value
    while (parameters[name]! > least && mayTry()) {
      const trial = yield* attempt(lanes[0]!, { faults, parameters: { ...parameters, [name]: value } })
      const got = trial.parameters[name]
      if (got === undefined) break
      if (isSame(trial)) parameters = { ...parameters, [name]: got }
      // Half of the way down.
      if (!isSame(trial)) least = got + 1
      else if (value === Number.MIN_SAFE_INTEGER) break
      value = Math.floor((least + parameters[name]!) / 2)
    }
  }
  if (parameters !== failed.parameters) faults = yield* shrink(faults, firstOf(parameters), ({ kind }) => kind)
  const smallest = yield* recordWith(program, {
    ...options,
    seed,
    schedule,
    campaign: Campaign.replay(faults),
    parameters
  })
  const isShrunk = Exit.isFailure(smallest.exit) && signature(smallest.exit.cause) === same
  return { run: isShrunk ? smallest : failed, attempts: spent.attempts }
})
