import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { type Bug, explored } from "./streams.ts"

const explore = (bug: Bug | undefined, more: Simulation.ExploreOptions) => {
  const { options, program } = explored(bug)
  return Effect.map(
    Effect.provideService(
      Simulation.explore(program, { ...options, ...more }),
      Logger.CurrentLoggers,
      new Set()
    ),
    ({ failures, runs }) => ({
      runs,
      failures: failures.map(({ exit }) => Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)
    })
  )
}

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 1)

describe("Effect RPC with streams, under a campaign", () => {
  it.effect(
    "answers each request once, streams in order and whole, ends each call, and stops what is interrupted",
    () =>
      Effect.gen(function*() {
        expect(yield* explore(undefined, { seeds })).toEqual({ runs: seeds, failures: [] })
      }),
    300_000
  )

  it.effect("fails when calls share a variable", () =>
    Effect.gen(function*() {
      const { failures } = yield* explore("sharesState", { seeds: 20, shrink: 0, unmet: "report" })
      expect(failures).toMatchObject([{ property: "an answer is of its request" }])
    }), 300_000)

  it.effect("fails when the server does not stop interrupted streams", () =>
    Effect.gen(function*() {
      const { failures } = yield* explore("ignoresInterrupts", { seeds: 3, shrink: 0, unmet: "report" })
      expect(failures).toMatchObject([{ _tag: "SimulationNotLive" }])
    }), 300_000)
})
