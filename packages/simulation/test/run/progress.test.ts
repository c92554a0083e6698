import { availableParallelism } from "node:os"
import { expect, it } from "vitest"
import { cores } from "../../src/internal/exploration/platform.ts"
import { Progress } from "../../src/internal/exploration/progress.ts"
import type { Trial } from "../../src/internal/exploration/trial.ts"

type Kind = Trial["properties"][number]["kind"]

const trial = (properties: Record<string, readonly [Kind, number]>, signature?: string): Trial => ({
  seed: 1,
  steps: 1,
  elapsed: 1,
  faults: 0,
  recorded: [],
  parameters: {},
  failure: signature,
  signature,
  reached: [],
  properties: Object.entries(properties).map(([name, [kind, held]]) => ({ name, kind, held, passed: held }))
})

it("a property that must hold in some run is met from the first run on in which it holds", () => {
  const progress = new Progress(undefined)
  const runs: ReadonlyArray<readonly [number, number]> = [[0, 0], [2, 0], [0, 0], [0, 1]]
  const unmet = runs.map(([some, reached]) => {
    progress.take(trial({ some: ["sometimes", some], there: ["reachable", reached], every: ["always", 0] }), 0)
    return progress.unmet
  })
  expect(unmet).toEqual([["some", "there"], ["there"], ["there"], []])
})

it("failures are counted, and those of one kind once", () => {
  const progress = new Progress(undefined)
  for (const signature of ["a", undefined, "b", "a"]) progress.take(trial({}, signature), 0)
  expect(progress.describe(2000)).toBe("4 seeds, 2.0/s, 3 failures of 2 kinds")
})

it("there are as many cores as the platform says", () => {
  expect(cores()).toBe(availableParallelism())
})
