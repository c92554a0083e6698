import { describe, expect, it } from "@effect/vitest"
import * as Buggify from "@sluice/core/Buggify"
import * as Property from "@sluice/core/Property"
import * as Effect from "effect/Effect"

describe("claims", () => {
  const claims = Effect.all([
    Property.always("a", false, 1),
    Property.sometimes("s", true),
    Property.eventually("e", false, "why"),
    Property.reachable("r"),
    Property.unreachable("u", 2)
  ], { discard: true })

  it.effect("do nothing without an observer", () => claims)

  it.effect("are told to the observer of the fiber", () =>
    Effect.gen(function*() {
      const told: Array<ReadonlyArray<unknown>> = []
      yield* Effect.provideService(claims, Property.CurrentObserver, {
        observe: (...claim) => Effect.sync(() => void told.push(claim))
      })
      expect(told).toEqual([
        ["always", "a", false, 1],
        ["sometimes", "s", true, undefined],
        ["eventually", "e", false, "why"],
        ["reachable", "r", true, undefined],
        ["unreachable", "u", false, 2]
      ])
    }))
})

describe("points of Buggify", () => {
  it.effect("do not fire without a source, and as it says with one", () =>
    Effect.gen(function*() {
      expect(yield* Buggify.chance("point", 1)).toBe(false)
      const asked: Array<readonly [string, number]> = []
      const source: Buggify.Source = { fires: (name, probability) => asked.push([name, probability]) === 2 }
      const both = Effect.all([Buggify.chance("a"), Buggify.chance("b", 0.7)])
      expect(yield* Effect.provideService(both, Buggify.CurrentSource, source)).toEqual([false, true])
      expect(asked).toEqual([["a", 0.05], ["b", 0.7]])
    }))
})
