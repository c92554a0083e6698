import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { type Line, RepeatedLines } from "../src/internal/log/repeatedLines.ts"
import * as testClockLogger from "./testClockLogger.ts"

const line = (kind: string, message = kind): Line => ({ level: "Warn", kind, message, annotations: { kind } })

/** Runs with a log whose lines are kept. */
const logged = <A, E>(use: (lines: RepeatedLines, log: Array<string>) => Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const log: Array<string> = []
    const logger = testClockLogger.make((message) => void log.push(message))
    return use(new RepeatedLines(), log).pipe(Effect.provideService(Logger.CurrentLoggers, new Set([logger])))
  })

describe("S5: repeated lines of the log", () => {
  it.effect("are summed up each second, and told at once again after a second without one", () =>
    logged(Effect.fnUntraced(function*(lines, log) {
      yield* lines.write(line("a", "first"))
      yield* lines.write(line("a", "second"))
      yield* lines.write(line("a", "third"))
      yield* lines.write(line("b", "other"))
      expect(log).toEqual(["first", "other"])
      yield* TestClock.adjust(999)
      expect(log).toHaveLength(2)
      yield* TestClock.adjust(1)
      expect(log.slice(2)).toEqual(["third … and 2 more in the last second"])
      yield* lines.write(line("a", "fourth"))
      yield* TestClock.adjust(1000)
      expect(log.slice(3)).toEqual(["fourth … and 1 more in the last second"])
      yield* TestClock.adjust(1000)
      yield* lines.write(line("a", "fifth"))
      expect(log.slice(4)).toEqual(["fifth"])
    })))

  it.effect("are of at most 32 kinds, and all others of one", () =>
    logged(Effect.fnUntraced(function*(lines, log) {
      for (let kind = 0; kind < 40; kind++) yield* lines.write(line(`kind ${kind}`))
      expect(log).toEqual(Array.from({ length: 33 }, (_, kind) => `kind ${kind}`))
      yield* lines.write(line("kind 3", "again"))
      yield* TestClock.adjust(1000)
      expect(log.slice(33)).toEqual([
        "again … and 1 more in the last second",
        "kind 39 … and 7 more in the last second"
      ])
    })))

  it.effect("have a cause where they have one, and sums have none", () =>
    Effect.gen(function*() {
      const causes: Array<string> = []
      const logger = testClockLogger.make((message, { cause }) => causes.push(`${message}: ${cause.reasons.length}`))
      yield* Effect.gen(function*() {
        const lines = new RepeatedLines()
        for (const kind of ["a", "a"]) yield* lines.write({ ...line(kind), cause: Cause.die("defect") })
        yield* lines.write(line("b"))
        yield* TestClock.adjust(1000)
      }).pipe(Effect.provideService(Logger.CurrentLoggers, new Set([logger])))
      expect(causes).toEqual(["a: 1", "b: 0", "a … and 1 more in the last second: 0"])
    }))

  it.effect("are told in full when the log is flushed, and not summed up after it", () =>
    logged(Effect.fnUntraced(function*(lines, log) {
      for (const message of ["first", "second"]) yield* lines.write(line("a", message))
      yield* lines.write(line("b"))
      yield* lines.flush
      expect(log).toEqual(["first", "b", "second … and 1 more in the last second"])
      for (const message of ["third", "fourth"]) yield* lines.write(line("a", message))
      expect(log.slice(3)).toEqual(["third", "fourth"])
      yield* TestClock.adjust(5000)
      expect(log).toHaveLength(5)
    })))
})
