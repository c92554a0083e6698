import { describe, expect, it } from "@effect/vitest"
import * as Campaign from "@sluice/simulation/Campaign"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import { Corpus } from "../../src/internal/exploration/corpus.ts"
import { Guide } from "../../src/internal/exploration/guide.ts"
import type { Trial } from "../../src/internal/exploration/trial.ts"
import { RandomStream, type Seed } from "../../src/internal/time/random.ts"
import { branchesOf, branchOf } from "../../src/internal/time/streams.ts"
import { Coverage, type Reached } from "../../src/internal/world/coverage.ts"
import migration, { options } from "../fixtures/migration.ts"

const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Logger.CurrentLoggers, new Set())

const module = new URL("../fixtures/migration.ts", import.meta.url)

const trial = (seed: Seed, reached: ReadonlyArray<Reached>, failure?: string): Trial => ({
  seed,
  steps: 1,
  elapsed: 1000,
  faults: 0,
  recorded: [],
  parameters: {},
  failure,
  signature: failure,
  properties: [],
  reached
})

describe("a branch of a seed", () => {
  const draws = Effect.fnUntraced(function*(seed: Seed) {
    const draw = Effect.andThen(Effect.sleep("100 millis"), Random.next)
    return yield* Simulation.run(Effect.all(Array.from({ length: 40 }, () => draw)), { seed })
  })

  it.effect("is the same run until its time, and another one from then on", () =>
    Effect.gen(function*() {
      const seeds = [7, "7@2000001~1", "7@2000001~2", "7@2000001~2@3000001~1"]
      const [trunk, one, two, again] = yield* Effect.forEach(seeds, draws)
      const same = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
        a.findIndex((draw, index) => draw !== b[index])
      expect([same(trunk!, one!), same(trunk!, two!), same(one!, two!), same(two!, again!)]).toEqual([20, 20, 20, 30])
      expect(yield* draws(seeds[3]!)).toEqual(again)
      expect(branchesOf(seeds[3]!)).toEqual([{ seed: seeds[3], at: 3_000_001 }, { seed: seeds[2], at: 2_000_001 }])
    }))

  it.effect("keeps the faults until its time, has others from then on, and none after the campaign", () =>
    Effect.gen(function*() {
      const faults = Effect.fnUntraced(function*(seed: Seed) {
        const run = yield* Simulation.record(migration, { ...options, for: "3 seconds", seed, trace: false })
        return run.faults.map(({ at, hosts, kind }) => `${at} ${kind} ${hosts.join()}`)
      })
      const trunk = yield* faults(1)
      const until = (at: number, all: ReadonlyArray<string>) => all.filter((fault) => Number.parseInt(fault, 10) < at)
      const branches = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (number) => faults(branchOf(1, 1_500_000, number)))
      for (const each of branches) expect(until(1_500_000, each)).toEqual(until(1_500_000, trunk))
      expect(until(1_500_000, trunk)).not.toHaveLength(0)
      expect(new Set([trunk, ...branches].map((each) => each.join())).size).toBe(7)
      expect(yield* faults(branchOf(1, 3_500_000, 1))).toEqual(trunk)
    }))
})

describe("coverage", () => {
  it("is what was reached, how often by powers of two, and in which order; and is bounded", () => {
    const coverage = new Coverage()
    for (const [at, name] of ["a", "b", "a", "a", "a"].entries()) coverage.reach(name, at)
    expect(coverage.reached.map(({ at, name }) => `${at} ${name}`)).toEqual([
      "0 a",
      "1 a, then b",
      "1 b",
      "2 a, 2 times",
      "4 a, 4 times"
    ])
    for (let index = 0; index < 3000; index++) coverage.reach(`name${index}`, index)
    expect(coverage.reached).toHaveLength(1000)
  })
})

describe("a corpus", () => {
  const drawn = (corpus: Corpus, count: number) =>
    Array.from({ length: count }, (_, index) => corpus.draw(new RandomStream(index, "test"), index))

  it("branches off where something was reached, more often where it is rare and early", () => {
    const corpus = new Corpus(Infinity)
    expect(drawn(corpus, 1)).toEqual([undefined])
    for (let seed = 1; seed <= 20; seed++) corpus.take(trial(seed, [{ name: "common", at: 0 }]))
    corpus.take(trial("rare", [{ name: "rare", at: 0 }]))
    corpus.take(trial("late", [{ name: "late", at: 800_000 }]))
    corpus.take(trial("over", [{ name: "over", at: 950_000 }]))
    const counts = Map.groupBy(drawn(corpus, 1000), (seed) => String(seed).replace(/~.*|^\d+/g, ""))
    const count = (of: string) => counts.get(of)?.length ?? 0
    expect(count("rare@1")).toBeGreaterThan(10 * count("@1"))
    expect(count("@1")).toBeGreaterThan(0)
    expect(count("rare@1")).toBeGreaterThan(2 * count("late@800001"))
    expect([...counts.keys()].filter((name) => name.startsWith("over"))).toEqual([])
  })

  it("branches off only where enough of the campaign is left", () => {
    const corpus = new Corpus(500)
    for (let seed = 1; seed <= 9; seed++) corpus.take(trial(seed, [{ name: `at ${seed}`, at: 100_000 * seed }]))
    const trunks = new Set(drawn(corpus, 300).map((seed) => String(seed).split("@")[0]))
    expect([...trunks].sort()).toEqual(["1", "2", "3", "4"])
    const late = new Corpus(500)
    late.take(trial(1, [{ name: "end", at: 500_000 }]))
    expect(drawn(late, 1)).toEqual([undefined])
  })

  it("does not branch off runs that took no time", () => {
    const corpus = new Corpus(Infinity)
    corpus.take({ ...trial(1, [{ name: "at once", at: 0 }]), elapsed: 0 })
    expect(drawn(corpus, 1)).toEqual([undefined])
    corpus.take(trial(2, [{ name: "later", at: 500 }]))
    expect(drawn(corpus, 1)).toEqual(["2@501~0"])
  })

  it("counts what a branch inherits, and branches off only after it", () => {
    const corpus = new Corpus(Infinity)
    corpus.take(trial("a@500~1", [{ name: "before", at: 499 }, { name: "after", at: 500 }]))
    expect(new Set(drawn(corpus, 50).map((seed) => String(seed).replace(/\d+$/, "")))).toEqual(
      new Set(["a@500~1@501~"])
    )
    for (let count = 0; count < 2000; count++) corpus.take(trial("b", [{ name: "before", at: 10 }]))
    const seeds = drawn(corpus, 200).filter((seed) => seed !== undefined)
    expect(seeds.filter((seed) => String(seed).startsWith("b@")).length).toBeLessThan(5)
  })

  it("is bounded: in its places, and in the length of seeds", () => {
    const corpus = new Corpus(Infinity)
    for (let seed = 1; seed <= 100; seed++) corpus.take(trial(seed, [{ name: "all", at: 0 }]))
    expect(new Set(drawn(corpus, 500).map((seed) => String(seed).split("@")[0])).size).toBe(8)
    let seed: Seed = "deep"
    for (let depth = 0; depth < 100; depth++) {
      const deeper = new Corpus(Infinity)
      deeper.take(trial(seed, [{ name: "deep", at: depth }]))
      seed = deeper.draw(new RandomStream(1, "test"), 1) ?? seed
    }
    expect(branchesOf(seed)).toHaveLength(16)
  })
})

describe("a guide", () => {
  const resultOf = (seed: Seed) => {
    const random = new RandomStream(seed, "result")
    const name = `rarity ${Math.ceil(-Math.log2(random.next()))}`
    return trial(seed, [{ name, at: random.below(1_000_000) }], random.chance(0.05) ? "failed" : undefined)
  }
  const seedsOf = (workers: number, share: number) => {
    const seeds = Array.from({ length: 400 }, (_, index) => index + 1)
    const guide = new Guide(seeds[Symbol.iterator](), share, Infinity, 16)
    const random = new RandomStream(workers, "order")
    const running: Array<{ readonly place: number; readonly seed: Seed }> = []
    const begun: Array<Seed> = []
    while (true) {
      while (running.length < workers && !guide.isWaiting) {
        const next = guide.next()
        if (next === undefined) break
        begun.push(next.seed)
        running.push(next)
      }
      if (running.length === 0) return begun
      const [{ place, seed }] = running.splice(random.below(running.length), 1) as [typeof running[number]]
      guide.take(place, resultOf(seed))
    }
  }

  it("chooses the same seeds, whichever run ends first", () => {
    const alone = seedsOf(1, 0.5)
    expect(alone).toHaveLength(400)
    const branches = alone.filter((seed) => typeof seed === "string")
    expect(branches.length).toBeGreaterThan(60)
    expect(branches.length).toBeLessThan(200)
    for (const workers of [2, 5, 16]) expect(seedsOf(workers, 0.5)).toEqual(alone)
    expect(seedsOf(1, 0).every((seed) => typeof seed === "number")).toBe(true)
  })

  it("leaves no branch from runs that failed", () => {
    const failed = new Set(seedsOf(1, 1).filter((seed) => resultOf(seed).failure !== undefined))
    const trunks = seedsOf(1, 1).flatMap((seed) => branchesOf(seed).slice(1).map((branch) => branch.seed))
    expect(failed.size).toBeGreaterThan(5)
    expect(trunks.filter((seed) => failed.has(seed))).toEqual([])
  })
})

describe("an exploration with branches", () => {
  const found = Effect.fnUntraced(function*(branches: number, name: number) {
    const seeds = Array.from({ length: 200 }, (_, index) => `${name}-${index}`)
    const { failures, runs } = yield* quietly(
      Simulation.explore(migration, { ...options, branches, seeds, shrink: 0, unmet: "report" })
    )
    return failures.length > 0 ? runs : Infinity
  })

  it.effect("finds in fewer seeds what needs two rare events, one soon after the other", () =>
    Effect.gen(function*() {
      const median = Effect.fnUntraced(function*(branches: number) {
        const runs = yield* Effect.forEach([1, 2, 3], (name) => found(branches, name))
        return runs.sort((a, b) => a - b)[1]!
      })
      expect(yield* median(0.5)).toBeLessThan(200)
      expect(yield* median(0)).toBe(Infinity)
    }))

  it.live("finds the same in threads, and its failures are repeated by their seeds", () =>
    Effect.gen(function*() {
      const all = { seeds: 500, unmet: "report" } as const
      const alone = yield* quietly(Simulation.explore(migration, { ...options, ...all }))
      const together = yield* quietly(Simulation.explore(module, { ...all, workers: 2 }))
      const [failure] = alone.failures
      expect(failure!.found).toMatch(/@\d+~\d+$/)
      expect([together.failures[0]!.found, together.failures[0]!.faults]).toEqual([failure!.found, failure!.faults])
      const again = yield* Simulation.record(migration, { ...options, seed: failure!.found })
      expect(again.exit).toEqual(failure!.exit)
      const { faults, parameters, seed, trace } = failure!
      expect(faults.length).toBeLessThan(failure!.injected)
      const replayed = yield* Simulation.record(migration, {
        ...options,
        campaign: Campaign.replay(faults),
        parameters,
        seed
      })
      expect(replayed.trace.hash).toBe(trace.hash)
    }))

  it.effect("rejects a share that is none", () =>
    Effect.gen(function*() {
      for (const branches of [-0.1, 1.1, Number.NaN]) {
        const error = yield* Effect.flip(Simulation.explore(migration, { branches }))
        expect(error).toMatchObject({ reason: { _tag: "InvalidOption", option: "branches" } })
      }
    }))
})
