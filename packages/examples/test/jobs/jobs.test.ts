import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import type { Bug } from "../../src/jobs/bugs.ts"
import { options, queue } from "./queue.ts"

const explore = (bug: Bug | undefined, more: Simulation.ExploreOptions) =>
  Effect.provideService(
    Simulation.explore(queue(bug), { ...options, unmet: "report", ...more }),
    Logger.CurrentLoggers,
    new Set()
  )

// `npm run hunt` looks for all bugs.
describe("a job queue under a campaign with faults of its disk", () => {
  it.effect("loses no job, and gives none to two workers", () =>
    Effect.gen(function*() {
      const { failures, runs } = yield* explore(undefined, { seeds: 5 })
      const why = failures.map(({ exit, seed }) => [seed, Exit.isFailure(exit) ? Cause.squash(exit.cause) : ""])
      expect([why, runs]).toEqual([[], 5])
    }), 300_000)

  it.effect("loses jobs that it accepts before they are on the disk", () =>
    Effect.gen(function*() {
      const { failures: [found] } = yield* explore("answersBeforeSync", { seeds: 40, shrink: 20 })
      expect(found?.exit._tag).toBe("Failure")
      expect(found?.faults.length).toBeLessThanOrEqual(4)
    }), 300_000)
})
