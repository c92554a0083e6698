import { assert, describe, expect, it } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fs from "node:fs"
import * as Timers from "node:timers"
import { scheduler, setImmediate as immediate, setInterval as ticks, setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"

const promise = <A>(body: () => Promise<A>) => Simulation.run(Effect.promise(body), { seed: 1 })

const failure = <A, E>(exit: Exit.Exit<A, E>): unknown => {
  assert(Exit.isFailure(exit))
  return Cause.squash(exit.cause)
}

describe("timers of Node in a run", () => {
  it.effect("fire in virtual time, from wherever they are imported", () =>
    Effect.gen(function*() {
      const log = yield* promise(async () => {
        const log: Array<string> = []
        const note = (name: string) => log.push(`${name} ${Date.now()} ${performance.now()} ${process.hrtime.bigint()}`)
        await new Promise<void>((resolve) => setTimeout(resolve, 60_000))
        note("setTimeout")
        await new Promise<void>((resolve) => Timers.setTimeout(resolve, 1000))
        note("node:timers")
        await delay(1000)
        note("node:timers/promises")
        await promisify(setTimeout)(1000)
        note("promisify")
        await scheduler.wait(1000)
        note("scheduler")
        await immediate()
        note("setImmediate")
        for await (const value of ticks(500, "tick")) {
          note(value)
          if (log.length > 7) break
        }
        const signal = AbortSignal.timeout(5000)
        await new Promise((resolve) => signal.addEventListener("abort", resolve))
        note(String(signal.reason))
        return log
      })
      const at = [60_000, 61_000, 62_000, 63_000, 64_000, 64_000, 64_500, 65_000, 70_000]
      expect(log.map((line) => line.split(" ").slice(-3))).toEqual(
        at.map((millis) => [`${millis}`, `${millis}`, `${millis}000000`])
      )
      expect(log.at(-1)).toContain("TimeoutError")
    }))

  it.effect("are cleared, refreshed and repeated as those of Node", () =>
    Effect.gen(function*() {
      const log = yield* promise(async () => {
        const log: Array<string> = []
        const note = (name: string) => () => void log.push(`${name} ${Date.now()}`)
        clearTimeout(setTimeout(note("cleared"), 10))
        clearTimeout(Number(setTimeout(note("cleared by its number"), 10)))
        clearImmediate(setImmediate(note("cleared")))
        const late = setTimeout(note("refreshed"), 100)
        setTimeout(() => late.refresh(), 60)
        const again = setTimeout(note("twice"), 20)
        setTimeout(() => again.refresh(), 50)
        const interval = setInterval(note("interval"), 40)
        setTimeout(() => clearInterval(interval), 100)
        const aborted = new AbortController()
        const waiting = delay(1000, undefined, { signal: aborted.signal }).catch((error: Error) => log.push(error.name))
        setTimeout(() => aborted.abort(), 200)
        expect([late.hasRef(), late.unref().hasRef(), late.ref().hasRef()]).toEqual([true, false, true])
        await waiting
        await delay(1000)
        return log
      })
      expect(log).toEqual(["twice 20", "interval 40", "twice 70", "interval 80", "refreshed 160", "AbortError"])
    }))

  it.effect("fire in their order, each followed by its ticks and microtasks", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 5; seed++) {
        const log = yield* Simulation.run(
          Effect.promise(async () => {
            const log: Array<string> = []
            for (const name of ["a", "b", "c"]) {
              setTimeout(() => {
                log.push(name)
                queueMicrotask(() => log.push(`${name} microtask`))
                process.nextTick(() => log.push(`${name} tick`))
              }, 5)
            }
            await delay(10)
            return log
          }),
          { seed }
        )
        expect(log).toEqual(["a", "b", "c"].flatMap((name) => [name, `${name} tick`, `${name} microtask`]))
      }
    }))

  it.effect("go by the clock of their host, and die with it", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const beat = (name: string) =>
        Effect.callback<never>(() => {
          setInterval(() => log.push(`${name} ${Date.now()}`), 1000)
        })
      yield* Simulation.run(
        Effect.gen(function*() {
          const [fast, mortal] = yield* SimNetwork.hosts("fast", "mortal")
          yield* Effect.forkScoped(Effect.andThen(Fault.drift(fast, 2), Effect.never))
          yield* Effect.sleep(0)
          yield* Host.start(fast, beat("fast"))
          yield* Host.start(mortal, beat("mortal"))
          yield* Effect.sleep("1500 millis")
          yield* Effect.scoped(Effect.andThen(Fault.pause(fast), Effect.sleep("1 second")))
          yield* Effect.forkScoped(Effect.andThen(Fault.kill(mortal), Effect.never))
          yield* Effect.sleep("1100 millis")
        }).pipe(Effect.scoped)
      )
      expect(log.filter((line) => line.startsWith("mortal"))).toEqual(["mortal 1000", "mortal 2000"])
      // Paused from 1.5 to 2.5 s, which is 3 to 5 s of its own.
      expect(log.filter((line) => line.startsWith("fast")).map((line) => Number(line.split(" ")[1]))).toEqual([
        1000,
        2000,
        5000,
        6000,
        7000
      ])
    }))

  it.effect("fail the run by what they throw, and so do rejections that nobody handles", () =>
    Effect.gen(function*() {
      const run = (body: () => void) =>
        Effect.gen(function*() {
          const record = yield* Simulation.record(Effect.gen(function*() {
            const host = yield* SimNetwork.host("server")
            yield* Host.start(host, Effect.andThen(Effect.sleep("20 millis"), Effect.sync(body)))
            yield* Effect.sleep("1 minute")
          }))
          return failure(record.exit) as Error
        })
      for (
        const body of [
          () => void setTimeout(() => assert.fail("boom"), 10),
          () => process.nextTick(() => assert.fail("boom")),
          () => queueMicrotask(() => assert.fail("boom")),
          () => void delay(10).then(() => assert.fail("boom")),
          () => Fs.stat("/", () => assert.fail("boom"))
        ]
      ) {
        const error = yield* run(body)
        expect(error).toMatchObject({ _tag: "SimulationUncaught", host: "server" })
        expect(error.message).toMatch(
          /^uncaught exception on host "server" at [23]0 ms: AssertionError(?: \[.*\])?: boom;/
        )
      }
    }))

  it.effect("are those of the platform for all other code", () =>
    Effect.gen(function*() {
      const began = Date.now()
      let real = 0
      const outside = new Promise<number>((resolve) => setTimeout(() => resolve(Date.now()), 5))
      const timer = setInterval(() => real++, 1)
      const years = yield* promise(async () => {
        for (let day = 0; day < 300; day++) await delay(86_400)
        return Date.now()
      })
      clearInterval(timer)
      expect(years).toBe(300 * 86_400)
      expect(yield* Effect.promise(() => outside)).toBeGreaterThanOrEqual(began)
    }))
})
