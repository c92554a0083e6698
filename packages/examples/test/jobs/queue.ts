/** The queue in a simulation: a server with a disk, producers and workers, and what must hold of them. */
import * as Property from "@sluice/core/Property"
import * as Campaign from "@sluice/simulation/Campaign"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { Bug } from "../../src/jobs/bugs.ts"
import * as client from "../../src/jobs/client.ts"
import type { Event } from "../../src/jobs/Queue.ts"
import { serve } from "../../src/jobs/server.ts"

export class JobsLost extends Data.TaggedError("JobsLost")<{ readonly jobs: ReadonlyArray<string> }> {
  override get message(): string {
    return `jobs that were accepted are not done: ${this.jobs.join(", ")}`
  }
}

const seconds = 8
const lease = 1000
const address = { server: "queue:7100", timeout: "500 millis", pause: "50 millis" } as const

/** What producers and workers were told, and whether it was true. */
const makeJudge = () => {
  const accepted = new Set<string>()
  const reported = new Set<string>()
  const done = new Set<string>()
  const leases = new Map<string, { readonly fence: number; readonly until: number }>()
  let lastFence = 0
  const watch = Effect.fnUntraced(function*({ fence, id, kind }: Event) {
    const held = leases.get(id)
    if (kind === "done") {
      done.add(id)
      return yield* Property.always("only the holder of a lease reports its job done", held?.fence === fence, { id })
    }
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    yield* Property.always("a job that was reported done is not given again", !reported.has(id), { id })
    yield* Property.always("a job has one holder at a time", held === undefined || held.until <= now, { id, held, now })
    yield* Property.always("fences increase", fence > lastFence, { fence, lastFence })
    yield* Property.sometimes("a lease ends before its job is done", held !== undefined)
    lastFence = fence
    leases.set(id, { fence, until: now + lease })
  })
  return { accepted, done, reported, watch }
}

// One for each run.
const judges = new WeakMap<SimNetwork.SimNetwork["Service"], ReturnType<typeof makeJudge>>()

/** Once all faults are healed, all jobs that were accepted get done. */
export const isDrained = Effect.flatMap(SimNetwork.SimNetwork, (network) => {
  const { accepted, done } = judges.get(network)!
  const jobs = [...accepted].filter((id) => !done.has(id))
  return jobs.length === 0 ? Effect.void : Effect.fail(new JobsLost({ jobs: jobs.slice(0, 3) }))
})

/** Runs a queue with a bug, or with none. */
export const queue = (bug?: Bug) =>
  Effect.gen(function*() {
    const judge = makeJudge()
    const { accepted, done, reported, watch } = judge
    judges.set(yield* SimNetwork.SimNetwork, judge)
    const syncLatency = yield* Simulation.parameter("milliseconds of a sync", { least: 0, most: 50 })
    const server = yield* SimNetwork.host("queue", { disk: { syncLatency } })
    // As a supervisor does it.
    yield* Host.start(
      server,
      Effect.retry(
        serve({ path: "/jobs/log", lease, listen: "tcp://0.0.0.0:7100", server: { drain: "50 millis" }, bug, watch }),
        Schedule.spaced("100 millis")
      )
    )
    let isOver = false
    for (const name of ["producer1", "producer2"]) {
      let count = 0
      const produce = Effect.gen(function*() {
        const id = `${name}/${++count}`
        yield* client.put(address, id, "x".repeat((yield* Random.next) * 2000))
        accepted.add(id)
        yield* Effect.sleep((yield* Random.next) * 1500)
      })
      yield* Host.start(yield* SimNetwork.host(name), Effect.repeat(produce, { until: () => isOver }))
    }
    for (const name of ["worker1", "worker2"]) {
      const toil = Effect.flatMap(Random.next, (part) => Effect.sleep(part * lease))
      const work = client.work(address, () => toil, (id) => Effect.sync(() => void reported.add(id)))
      yield* Host.start(yield* SimNetwork.host(name), work)
    }
    yield* Effect.sleep(seconds * 1000)
    isOver = true
    yield* Property.sometimes("jobs are done", done.size > 5)
  })

/** How the queue is explored: with all faults of the default campaign, and those of disks that leave the file readable. */
export const options = {
  campaign: Campaign.make({
    faults: [...Campaign.defaultFaults, ...Campaign.diskFaults.filter((kind) => kind !== "rot")]
  }),
  for: seconds * 1000,
  eventually: isDrained,
  calm: "1 minute"
} as const
