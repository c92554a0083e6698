import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Bug } from "../../src/raft/bugs.ts"
import * as fileStorage from "../../src/raft/fileStorage.ts"
import type { Entry, Record } from "../../src/raft/protocol.ts"
import { memory, Storage } from "../../src/raft/Storage.ts"
import { folder } from "../folder.ts"
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
      const { failures: [found] } = yield* explore("electsStaleLogs", { seeds: 20, shrink: 20 })
      expect(found?.exit._tag).toBe("Failure")
      expect(found?.faults.length).toBeLessThanOrEqual(4)
    }), 300_000)
})

const entry = (term: number): Entry => ({ term, client: "c", sequence: term, operation: { _tag: "Nothing" } })
const entries = (index: number, ...terms: ReadonlyArray<number>): Record => ({
  _tag: "Entries",
  index,
  entries: terms.map(entry)
})
const ballot: Record = { _tag: "Ballot", term: 3, vote: 2 }
const snapshot: Record = { _tag: "Snapshot", snapshot: { index: 2, term: 1, values: [], sessions: [] } }

describe("Storage", () => {
  it.effect("of a simulation loses what was not synced, or the end of it", () =>
    Effect.gen(function*() {
      const left = new Set<number>()
      for (let seed = 1; seed <= 20; seed++) {
        const disk = memory(5)
        const run = Effect.gen(function*() {
          yield* disk.write([ballot])
          yield* disk.sync
          yield* disk.write([entries(1, 1)])
          yield* disk.write([entries(2, 1)])
          return yield* disk.load
        })
        const all = yield* Simulation.run(run, { seed })
        expect(all).toEqual([ballot, entries(1, 1), entries(2, 1)].slice(0, all.length))
        left.add(all.length)
      }
      expect([...left].sort()).toEqual([1, 2, 3])
    }))

  it.live("of files keeps records, drops a torn one, and refuses damage", () =>
    Effect.gen(function*() {
      const data = folder()
      const path = join(data, "raft.log")
      const using = <A>(use: (disk: Storage["Service"]) => Effect.Effect<A, Error>) =>
        Effect.flatMap(Storage, use).pipe(Effect.provide(fileStorage.layer(data)), Effect.scoped)
      const load = using(({ load }) => load)
      const write = (...records: ReadonlyArray<Record>) =>
        using(({ sync, write }) => Effect.andThen(write(records), sync))
      yield* write(ballot, entries(1, 1, 1))
      yield* write(entries(2, 3))
      expect(yield* load).toEqual([ballot, entries(1, 1, 1), entries(2, 3)])
      appendFileSync(path, Uint8Array.of(0, 0, 0, 9, 1, 2))
      expect(yield* load).toEqual([ballot, entries(1, 1, 1), entries(2, 3)])
      yield* write(entries(3, 3))
      expect(yield* load).toHaveLength(4)
      const size = readFileSync(path).length
      yield* write(entries(4, 3), snapshot, ballot)
      expect(yield* load).toEqual([snapshot, ballot])
      expect(readFileSync(path).length).toBeLessThan(size)
      const bytes = readFileSync(path)
      bytes[5]! ^= 1
      writeFileSync(path, bytes)
      expect((yield* Effect.flip(load)).message).toMatch(
        /^cannot read .*raft\.log: damaged at byte 0: .*; restore the folder/
      )
    }))
})
