/**
 * `npm run hunt`: looks for each bug that is planted in the Raft and the job queue among the examples, by one campaign for
 * each program. Exits with 1 if one is missed, or if a program without bugs fails. `-- --seeds 1000` looks longer,
 * `-- --bug NAME` for one bug, and `-- --base NAME` with other seeds.
 *
 * Each thread looks for one bug at a time: so no core waits for another, and threads are warm from the second bug on.
 */
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { once } from "node:events"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import * as jobs from "../src/jobs/bugs.ts"
import * as raft from "../src/raft/bugs.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1500" },
    base: { type: "string" },
    bug: { type: "string", multiple: true },
    correct: { type: "string", default: "300" },
    workers: { type: "string", default: String(availableParallelism()) },
    shrink: { type: "string", default: "1000" },
    verbose: { type: "boolean", default: false }
  }
})

/** Seeds to run of a program with a bug, or with none. */
interface Chore {
  readonly program: string
  readonly bug: string | undefined
  readonly first: number
  readonly last: number
}

interface Result {
  readonly runs: number
  readonly seconds: number
  readonly cpu: number
  readonly failure: { readonly injected: number; readonly attempts: number; readonly why: string } | undefined
  /** The seed, the parameters and the faults of the failure. */
  readonly repeat: ReadonlyArray<unknown>
}

// ---------------------------------------------------------------------------------------------------------------------
// A thread
// ---------------------------------------------------------------------------------------------------------------------

const { base } = values
// The seeds are 1, 2, …, or BASE-1, BASE-2, … With several bases, a campaign shows that it is not lucky with one bug.
const seedsOf = ({ first, last }: Chore) =>
  Array.from(
    { length: last - first + 1 },
    (_, index) => base === undefined ? first + index : `${base}-${first + index}`
  )

const time = () => {
  const { system, user } = process.threadCpuUsage()
  return { seconds: performance.now() / 1000, cpu: (user + system) / 1e6 }
}

const perform = async (chore: Chore): Promise<Result> => {
  const { bug, program } = chore
  const url = new URL(`../test/${program}/hunted.ts${bug === undefined ? "" : `?bug=${bug}`}`, import.meta.url)
  const start = time()
  const { failures: [failure], runs } = await Effect.runPromise(
    Effect.provideService(
      Simulation.explore(url, {
        seeds: seedsOf(chore),
        shrink: bug === undefined ? 0 : Number(values.shrink),
        workers: 1,
        unmet: "report"
      }),
      Logger.CurrentLoggers,
      new Set()
    )
  )
  const end = time()
  const why = failure !== undefined && Exit.isFailure(failure.exit) ? Cause.squash(failure.exit.cause) : undefined
  return {
    runs,
    seconds: end.seconds - start.seconds,
    cpu: end.cpu - start.cpu,
    failure: failure && {
      injected: failure.injected,
      attempts: failure.attempts,
      why: why instanceof Error ? why.message : String(why)
    },
    repeat: failure === undefined ? [] : [{ seed: failure.seed, ...failure.parameters }, ...failure.faults]
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// All of them
// ---------------------------------------------------------------------------------------------------------------------

const hunt = async (): Promise<void> => {
  // Both programs have a bug of the name `answersBeforeSync`.
  const planted = Object.entries({ raft: raft.bugs, jobs: jobs.bugs })
    .flatMap(([program, bugs]) => Object.keys(bugs).map((bug) => ({ program, bug })))
    .filter(({ bug }) => values.bug?.includes(bug) ?? true)
  const unknown = values.bug?.find((bug) => !planted.some((each) => each.bug === bug))
  if (unknown !== undefined) {
    throw new Error(`no planted bug is called ${unknown}; take a name from src/raft/bugs.ts or src/jobs/bugs.ts`)
  }
  const correct = Number(values.correct)
  const chores: Array<Chore> = [
    ...planted.map((each) => ({ ...each, first: 1, last: Number(values.seeds) })),
    // In parts, so that all threads end at about the same time.
    ...["raft", "jobs"].flatMap((program) =>
      Array.from({ length: Math.ceil(correct / part) }, (_, index) => ({
        program,
        bug: undefined,
        first: 1 + part * index,
        last: Math.min(correct, part * (index + 1))
      }))
    )
  ]
  const row = (...cells: ReadonlyArray<string>) =>
    console.log(cells.map((cell, index) => cell.padEnd([30, 6, 8, 8, 12, 6, 0][index] ?? 0)).join(" ").trimEnd())
  let found = 0
  const held = new Map<string, number>()
  const failed: Array<string> = []

  const tell = ({ bug, program }: Chore, { cpu, failure, repeat, runs, seconds }: Result): void => {
    if (bug === undefined) {
      held.set(program, (held.get(program) ?? 0) + runs)
      if (failure !== undefined) {
        failed.push(`${program} without bugs fails: ${failure.why}: ${JSON.stringify(repeat[0])}`)
      }
      return
    }
    if (failure !== undefined) found++
    row(
      `${program} ${bug}`,
      String(runs),
      seconds.toFixed(1),
      cpu.toFixed(1),
      failure === undefined ? "-" : `${failure.injected} -> ${repeat.length - 1}`,
      String(failure?.attempts ?? 0),
      failure?.why.slice(0, 80) ?? "MISSED"
    )
    if (values.verbose) { for (const each of repeat) console.log(`  ${JSON.stringify(each)}`) }
  }

  row("bug", "seeds", "seconds", "CPU", "faults", "runs", "failure")
  const work = async (): Promise<void> => {
    const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
    for (let chore = chores.shift(); chore !== undefined; chore = chores.shift()) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      thread.postMessage(chore)
      const [result] = await once(thread, "message") as [Result]
      tell(chore, result)
    }
    await thread.terminate()
  }
  await Promise.all(Array.from({ length: Number(values.workers) }, work))
  for (const [program, runs] of held) row(`${program} without bugs`, String(runs))
  for (const each of failed) console.log(each)
  const { system, user } = process.cpuUsage()
  const used = `${(performance.now() / 1000).toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} s of CPU`
  console.log(`${found} of ${planted.length} found in ${used}`)
  process.exitCode = found < planted.length || failed.length > 0 ? 1 : 0
}

// Seeds of a program without bugs that one thread runs at a time.
const part = 50

if (isMainThread) await hunt()
else {
  parentPort!.on("message", (chore: Chore) => {
    // A rejection is an error of the thread, and fails the hunt.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    void perform(chore).then((result) => parentPort!.postMessage(result))
  })
}
