import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Counters from "./Counters.ts"

const explore = (cluster: Counters.Options, more: Simulation.ExploreOptions) => {
  const { options, program } = Counters.explored(cluster)
  return Effect.map(
    Effect.provideService(Simulation.explore(program, { ...options, ...more }), Logger.CurrentLoggers, new Set()),
    ({ failures, runs }) => ({
      runs,
      failures: failures.map(({ exit, found }) => ({ found, error: Exit.isFailure(exit) && Cause.squash(exit.cause) }))
    })
  )
}

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 1)

describe("a cluster of three runners under a campaign", () => {
  it.effect(
    "loses nothing that it acknowledged, has one owner of each entity at a time, and recovers",
    () =>
      Effect.gen(function*() {
        expect(yield* explore({}, { seeds, until: "end", shrink: 0 })).toEqual({ runs: seeds, failures: [] })
      }),
    3_600_000
  )

  it.effect(
    "loses nothing and recovers when runners are paused for longer than their locks last",
    () =>
      Effect.gen(function*() {
        expect(yield* explore({ hasPauses: true }, { seeds, until: "end", shrink: 0 })).toEqual({
          runs: seeds,
          failures: []
        })
      }),
    3_600_000
  )

  it.effect("fails when two runners get the same lock", () =>
    Effect.gen(function*() {
      const { failures } = yield* explore({ sharesLocks: true }, { seeds: 1, shrink: 0, unmet: "report" })
      expect(failures).toMatchObject([{ error: { property: "an entity has one owner at a time" } }])
    }), 300_000)
})
