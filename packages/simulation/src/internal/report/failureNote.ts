import * as Cause from "effect/Cause"
import { SimulationHostFailed, SimulationPropertyViolated } from "../../SimulationError.ts"
import type * as Trace from "../../Trace.ts"

// Characters of a line.
const limit = 1000

/** The last record of a run that failed; nothing if its failure was recorded where it happened. */
export const failureNote = (cause: Cause.Cause<unknown>, at: number): Trace.Note | undefined => {
  const error = Cause.squash(cause)
  if (error instanceof SimulationHostFailed || error instanceof SimulationPropertyViolated) return undefined
  const message = error instanceof Error ? error.message || error.name : String(error)
  return { _tag: "Note", at, host: "", kind: "failure", text: message.split("\n")[0]!.slice(0, limit) }
}
