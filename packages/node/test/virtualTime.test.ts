import { assert, describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { type Answers, clients, http2Dates, throwing } from "./fixtures/virtualTime.ts"

const fixture = join(import.meta.dirname, "fixtures/virtualTime.ts")

describe("node:http in virtual time", () => {
  it.effect("retries through a partition of a minute, and is the same run twice and in another process", () =>
    Effect.gen(function*() {
      const { exit, trace } = yield* Simulation.checkDeterminism(clients, { seed: 3 })
      assert(Exit.isSuccess(exit))
      const { attempts, dates, elapsed, statuses }: Answers = exit.value
      expect(statuses).toEqual(new Array(statuses.length).fill(200))
      expect(attempts).toBeGreaterThan(statuses.length + 10)
      expect(elapsed).toBeGreaterThan(60_000)
      // The header has virtual time, from the beginning to the end.
      expect(dates[0]).toBe("Thu, 01 Jan 1970 00:00:00 GMT")
      expect(dates.at(-1)).toBe(new Date(elapsed).toUTCString())

      const other = yield* Effect.promise(() => promisify(execFile)(process.execPath, [fixture, "3"]))
      expect(other.stdout).toBe(`${trace.hash}\n`)
    }))

  it.effect("beside other runs is what it is alone", () =>
    Effect.gen(function*() {
      const hash = (seed: number) => Effect.map(Simulation.record(clients, { seed }), ({ trace }) => trace.hash)
      const together = yield* Effect.forEach([1, 2, 1], hash, { concurrency: "unbounded" })
      expect(together[2]).toBe(together[0])
      expect(together[1]).not.toBe(together[0])
      expect(yield* hash(2)).toBe(together[1])
    }))
})

describe("a request handler that throws", () => {
  it.effect("fails the run, as it would end the process", () =>
    Effect.gen(function*() {
      const { exit } = yield* Simulation.record(throwing, { seed: 1 })
      assert(Exit.isFailure(exit))
      expect(Cause.squash(exit.cause)).toMatchObject({ _tag: "SimulationUncaught", host: "server" })
      expect(String(Cause.squash(exit.cause))).toContain("no such room")
    }))
})

describe("node:http2 in virtual time", () => {
  it.effect("has the virtual date in its headers", () =>
    Effect.gen(function*() {
      const { exit } = yield* Simulation.checkDeterminism(http2Dates, { seed: 1 })
      assert(Exit.isSuccess(exit))
      expect(exit.value).toEqual([
        "hello: Thu, 01 Jan 1970 00:00:00 GMT",
        "hello: Thu, 01 Jan 1970 01:00:00 GMT",
        "hello: my own"
      ])
    }))
})
