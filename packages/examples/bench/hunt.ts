/**
 * `npm run hunt`: looks for each bug that is planted in the Raft and the job queue among the examples, by one campaign for
 * each program. Exits with 1 if one is missed, or if a program without bugs fails. `-- --seeds 1000` looks longer,
 * `-- --bug NAME` for one bug, and `-- --base NAME` with other seeds.
 */
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { parseArgs } from "node:util"
import * as jobs from "../src/jobs/bugs.ts"
import * as raft from "../src/raft/bugs.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1500" },
    base: { type: "string" },
    bug: { type: "string", multiple: true },
    correct: { type: "string", default: "300" },
    workers: { type: "string" },
    shrink: { type: "string", default: "300" },
    verbose: { type: "boolean", default: false }
  }
})

// Both programs have a bug of the name `answersBeforeSync`.
const planted = Object.entries({ raft: raft.bugs, jobs: jobs.bugs })
  .flatMap(([program, bugs]) => Object.keys(bugs).map((bug) => ({ program, bug })))
  .filter(({ bug }) => values.bug?.includes(bug) ?? true)
const unknown = values.bug?.find((bug) => !planted.some((each) => each.bug === bug))
if (unknown !== undefined) {
  throw new Error(`no planted bug is called ${unknown}; take a name from src/raft/bugs.ts or src/jobs/bugs.ts`)
}
const workers = values.workers === undefined ? undefined : Number(values.workers)

const { base } = values
// The seeds are 1, 2, …, or BASE-1, BASE-2, … With several bases, a campaign shows that it is not lucky with one bug.
const seedsFrom = (count: number) =>
  base === undefined ? count : Array.from({ length: count }, (_, index) => `${base}-${index + 1}`)

const explore = (program: string, query: string, seeds: number, shrink: number) =>
  Effect.runPromise(
    Effect.provideService(
      Simulation.explore(new URL(`../test/${program}/hunted.ts${query}`, import.meta.url), {
        seeds: seedsFrom(seeds),
        shrink,
        workers,
        unmet: "report"
      }),
      Logger.CurrentLoggers,
      new Set()
    )
  )

const row = (...cells: ReadonlyArray<string>) =>
  console.log(cells.map((cell, index) => cell.padEnd([30, 6, 8, 8, 12, 6, 0][index] ?? 0)).join(" "))
const seconds = () => [performance.now() / 1000, (process.cpuUsage().user + process.cpuUsage().system) / 1e6] as const

row("bug", "seeds", "seconds", "CPU", "faults", "runs", "failure")
const [began] = seconds()
let missed = 0
for (const { bug, program } of planted) {
  const [start, cpu] = seconds()
  const { failures: [failure], runs } = await explore(
    program,
    `?bug=${bug}`,
    Number(values.seeds),
    Number(values.shrink)
  )
  const [end, used] = seconds()
  if (failure === undefined) missed++
  const why = failure !== undefined && Exit.isFailure(failure.exit) ? Cause.squash(failure.exit.cause) : undefined
  row(
    `${program} ${bug}`,
    String(runs),
    (end - start).toFixed(1),
    (used - cpu).toFixed(1),
    failure === undefined ? "-" : `${failure.injected} -> ${failure.faults.length}`,
    String(failure?.attempts ?? 0),
    failure === undefined ? "MISSED" : (why instanceof Error ? why.message : String(why)).slice(0, 80)
  )
  if (values.verbose && failure !== undefined) {
    for (const each of [{ seed: failure.seed, ...failure.parameters }, ...failure.faults]) {
      console.log(`  ${JSON.stringify(each)}`)
    }
  }
}
let failed = 0
for (const program of ["raft", "jobs"]) {
  const { failures, runs } = await explore(program, "", Number(values.correct), 0)
  const result = failures.length === 0 ? "holds" : `FAILS with seed ${failures[0]!.seed}`
  row(`${program} without bugs`, String(runs), "", "", "", "", result)
  failed += failures.length
}
console.log(`${planted.length - missed} of ${planted.length} found in ${(seconds()[0] - began).toFixed(0)} s`)
process.exitCode = missed > 0 || failed > 0 ? 1 : 0
