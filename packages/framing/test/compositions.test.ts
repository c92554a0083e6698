import { assert, describe, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Result from "effect/Result"
import { composition, input, seeded } from "./compositions.ts"

describe("compositions of framings", () => {
  // `npm run fuzz:framing` continues where these end.
  it.each([1, 2])("F1: any split gives the same, seed %i", (seed) => {
    const random = seeded(seed)
    for (let i = 0; i < 150; i++) {
      const { framing, name } = composition(random)
      for (let round = 0; round < 4; round++) {
        const bytes = input(random)
        const law = FramingLaws.splits(framing, bytes, { exhaustiveLength: 7, randomSplits: 8, seed: random(1000) })
        assert.isUndefined(Result.isFailure(law) ? `${name}\n${law.failure.message}` : undefined)
      }
    }
  })
})
