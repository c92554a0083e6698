import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type * as Trace from "../../Trace.ts"
import { fingerprint } from "./fingerprint.ts"
import { toText } from "./trace/text.ts"

/** What a run has to be compared by. */
export interface Outcome {
  readonly exit: Exit.Exit<unknown, unknown>
  readonly trace: Trace.Trace
  readonly elapsed: Duration.Duration
  readonly steps: number
}

/** The first thing in which two runs differ. */
export interface Difference {
  /** Which record of the trace it is, from 1; `undefined` if the traces, as far as they are kept, do not differ. */
  readonly record: number | undefined
  readonly first: string
  readonly second: string
  /** The records before it, which both runs have. */
  readonly before: ReadonlyArray<string>
}

// Records before the first that differs.
const shown = 5

/** Compares the traces, the results, and the lengths of two runs. */
export const firstDifference = (
  first: Outcome,
  second: Outcome
): Difference | undefined => {
  if (first.trace.hash !== second.trace.hash) return differenceOfTraces(first.trace, second.trace)
  return differenceOf(endOf, first, second) ?? differenceOf(lengthOf, first, second)
}

const differenceOfTraces = (first: Trace.Trace, second: Trace.Trace): Difference => {
  // The traces begin with the first record that both keep.
  const dropped = Math.max(first.dropped, second.dropped)
  const [ours, theirs] = [recordsFrom(first, dropped), recordsFrom(second, dropped)]
  const length = Math.max(ours.length, theirs.length)
  for (let index = 0; index < length; index++) {
    const difference = differenceOfRecords(ours[index], theirs[index])
    if (difference === undefined) continue
    const before = ours.slice(Math.max(0, index - shown), index).map(lineOf)
    return { record: dropped + index + 1, first: difference[0], second: difference[1], before }
  }
  const [ourHash, theirHash] = [`a trace with the hash ${first.hash}`, `one with the hash ${second.hash}`]
  return { record: undefined, first: ourHash, second: theirHash, before: [] }
}

const recordsFrom = (trace: Trace.Trace, dropped: number): ReadonlyArray<Trace.Record> =>
  trace.records.slice(dropped - trace.dropped)

const differenceOfRecords = (
  first: Trace.Record | undefined,
  second: Trace.Record | undefined
): readonly [string, string] | undefined => {
  const lines = [lineOf(first), lineOf(second)] as const
  if (lines[0] !== lines[1]) return lines
  const [ours, theirs] = [payloadOf(first), payloadOf(second)]
  const at = ours.findIndex((byte, index) => byte !== theirs[index])
  if (at < 0) return undefined
  const describe = (line: string, payload: Uint8Array) => `${line}, byte ${at} of the payload: ${payload[at]}`
  return [describe(lines[0], ours), describe(lines[1], theirs)]
}

const lineOf = (record: Trace.Record | undefined): string =>
  record === undefined ? "the run ends" : toText({ records: [record], dropped: 0, hosts: [], hash: "" })

const payloadOf = (record: Trace.Record | undefined): Uint8Array =>
  record !== undefined && "payload" in record ? record.payload : new Uint8Array()

const differenceOf = (
  describe: (run: Outcome) => string,
  ...runs: readonly [Outcome, Outcome]
): Difference | undefined => {
  const [first, second] = [describe(runs[0]), describe(runs[1])]
  return first === second ? undefined : { record: undefined, first, second, before: [] }
}

const endOf = ({ exit }: Outcome): string =>
  Exit.isSuccess(exit) ? `success: ${fingerprint(exit.value)}` : `failure: ${fingerprint(Cause.squash(exit.cause))}`

const lengthOf = ({ elapsed, steps }: Outcome): string => `${steps} steps in ${Duration.toMillis(elapsed)} ms`
