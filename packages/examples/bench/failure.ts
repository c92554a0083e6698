/**
 * Finds a bug that is planted in the Raft example and shrinks the failure. Writes the page that shows it into the folder
 * `SLUICE_REPORTS`, and what it found to standard output, as JSON. The website shows both.
 */
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { bugs } from "../src/raft/bugs.ts"
import { cluster, options } from "../test/raft/cluster.ts"

const bug = "electsStaleLogs"

const { failures: [failure], runs } = await Effect.runPromise(
  Effect.provideService(
    Simulation.explore(cluster(bug), { ...options, unmet: "report", seeds: 20, shrink: 40 }),
    Logger.CurrentLoggers,
    new Set()
  )
)
if (failure === undefined || !Exit.isFailure(failure.exit)) throw new Error(`no seed finds that ${bugs[bug]}`)
const why = Cause.squash(failure.exit.cause)

console.log(JSON.stringify({
  bug: bugs[bug],
  runs,
  seed: String(failure.found),
  injected: failure.injected,
  needed: failure.faults.length,
  attempts: failure.attempts,
  why: why instanceof Error ? why.message : String(why)
}))
