import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import type { Bug } from "../../src/raft/bugs.ts"
import { cluster, options } from "./cluster.ts"

const explore = (bug: Bug | undefined, more: Simulation.ExploreOptions) =>
  Effect.provideService(
    Simulation.explore(cluster(bug), { ...options, unmet: "report", ...more }),
    Logger.CurrentLoggers,
    new Set()
  )

// `npm run hunt` looks for all bugs.
describe("Raft under a campaign", () => {
  it.effect("keeps its promises, and recovers", () =>
    Effect.gen(function*() {
      const { failures, runs } = yield* explore(undefined, { seeds: 3 })
      const why = failures.map(({ exit, seed }) => [seed, Exit.isFailure(exit) ? Cause.squash(exit.cause) : ""])
      expect([why, runs]).toEqual([[], 3])
    }), 300_000)

  it.effect("fails when a stale log wins an election, and needs few faults for it", () =>
    Effect.gen(function*() {
      const { failures: [found] } = yield* explore("electsStaleLogs", { seeds: 20, shrink: 60 })
      expect(found?.exit._tag).toBe("Failure")
      expect(found?.faults.length).toBeLessThanOrEqual(4)
    }), 300_000)
})
