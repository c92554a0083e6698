import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { hasNamespaces, kernel, simulation } from "./differential/compareScenarios.ts"
import * as Difference from "./differential/Difference.ts"
import { resets } from "./fixtures/resets.ts"

// Beyond these, nothing but what the sequences leave out differs: how much the system's buffers hold, and how soon a
// side that does not read or write hears of anything.
const batches = process.env["SLUICE_SCALE"] === "full" ? 10 : 4
const size = 50

describe.skipIf(!resets)("the simulated network and the kernel's", () => {
  for (let batch = 0; batch < batches; batch++) {
    const from = 1 + batch * size
    it(`are the same to sequences ${from} to ${from + size - 1}`, async () => {
      const found = []
      for (let seed = from; seed < from + size; seed++) {
        const difference = await Effect.runPromise(Difference.find(seed))
        if (difference !== undefined) found.push(difference)
      }
      expect(found).toEqual([])
    })
  }

  // It needs network namespaces, which containers often forbid.
  it.skipIf(!hasNamespaces())(
    "are the same when a server is killed or paused, when its backlog is full and when ports run out",
    async () => {
      expect(await Effect.runPromise(simulation(1))).toEqual(kernel())
    },
    300_000
  )
})
