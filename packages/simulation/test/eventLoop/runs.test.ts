import { assert, describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Property from "@sluice/core/Property"
import * as Server from "@sluice/core/Server"
import * as Campaign from "@sluice/simulation/Campaign"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"

const failure = <A, E>(exit: Exit.Exit<A, E>): unknown => {
  assert(Exit.isFailure(exit))
  return Cause.squash(exit.cause)
}

/** A server and clients that wait by promises, and draw by `Math.random`. */
const program = Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* SimNetwork.link(server, client, { latency: "5 millis", jitter: "20 millis", loss: 0.1 })
  yield* Host.serve(
    server,
    Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
      Effect.gen(function*() {
        yield* Connection.readExactly(connection, 1)
        yield* Effect.promise(async () => {
          await delay(Math.random() * 100)
          await readFile(import.meta.filename)
        })
        yield* Connection.writeText(connection, `${Math.random()}\n`)
      }))
  )
  const ask = Effect.scoped(Effect.gen(function*() {
    const connection = yield* Network.connect("server:7")
    yield* Connection.writeText(connection, "?")
    return new TextDecoder().decode(yield* Connection.readUntil(connection, "\n"))
  }))
  return yield* Effect.all(Array.from({ length: 5 }, () => Host.run(client, ask)), { concurrency: "unbounded" })
})

describe("a run with the event loop", () => {
  it.effect("is the same with the same seed, and beside other runs", () =>
    Effect.gen(function*() {
      const alone = yield* Simulation.checkDeterminism(program, { seed: 1 })
      assert(Exit.isSuccess(alone.exit))
      const together = yield* Effect.forEach([1, 2, 1, 3], (seed) => Simulation.record(program, { seed }), {
        concurrency: "unbounded"
      })
      expect(together.map(({ trace }) => trace.hash === alone.trace.hash)).toEqual([true, false, true, false])
      expect(together[2]!.exit).toEqual(alone.exit)
      expect(together[2]!.steps).toBe(alone.steps)
    }))

  it.effect("begins with it where it is told to, and is the same run", () =>
    Effect.gen(function*() {
      const early = yield* Simulation.record(program, { seed: 1, eventLoop: true })
      const late = yield* Simulation.record(program, { seed: 1 })
      expect(early.trace.hash).toBe(late.trace.hash)
      expect(early.exit).toEqual(late.exit)
      // Nothing shows that an async function continues, but for the event loop.
      const unseen = Effect.gen(function*() {
        let isDone = false
        const resolved = Promise.resolve()
        const later = async () => {
          await resolved
          isDone = true
        }
        void later()
        yield* Effect.sleep("1 second")
        return isDone
      })
      expect(yield* Simulation.run(unseen, { eventLoop: true })).toBe(true)
    }))

  it.effect("lets other code have a turn after 5,000 tasks, and otherwise runs what it can", () =>
    Effect.gen(function*() {
      let tasks = 0
      const turns: Array<number> = []
      let isOver = false
      const other = () => {
        turns.push(tasks)
        if (!isOver) setImmediate(other)
      }
      setImmediate(other)
      const yields = Effect.gen(function*() {
        yield* Effect.promise(() => Promise.resolve())
        for (let count = 0; count < 23_000; count++) {
          tasks++
          yield* Effect.yieldNow
        }
      })
      yield* Simulation.run(yields, { limit: { time: "1 day" } })
      isOver = true
      const ran = turns.slice(1).map((count, index) => count - turns[index]!)
      expect(Math.max(...ran)).toBe(5000)
      expect(ran.filter((count) => count === 5000).length).toBeGreaterThanOrEqual(3)
    }))

  it.effect("tells a deadlock, with the fibers that wait for promises", () =>
    Effect.gen(function*() {
      const never = Effect.withSpan(Effect.promise(() => new Promise(() => {})), "the answer")
      const error = failure((yield* Simulation.record(Effect.andThen(Effect.sleep("1 hour"), never))).exit)
      expect(error).toMatchObject({ _tag: "SimulationDeadlock", at: 3_600_000, isSynchronous: false })
      expect((error as Error).message).toMatch(
        /^the simulation is stuck.*\n(?:.*\n)* {2}the answer: waits for a promise/
      )
    }))

  it.effect("waits for what it cannot know of, where nothing else is left", () =>
    Effect.gen(function*() {
      const url = `data:text/javascript,export default ${1}`
      const imported = Effect.promise(() => import(url) as Promise<{ readonly default: number }>)
      expect((yield* Simulation.run(imported)).default).toBe(1)
    }))

  it.effect("ends within its limits", () =>
    Effect.gen(function*() {
      const polling = Effect.promise(async () => {
        for (;;) await delay(1000)
      })
      expect(failure((yield* Simulation.record(polling, { limit: { time: "1 hour" } })).exit)).toMatchObject({
        _tag: "SimulationLimitExceeded",
        limit: "time"
      })
      expect(failure((yield* Simulation.record(polling, { limit: { steps: 1000 } })).exit)).toMatchObject({
        _tag: "SimulationLimitExceeded",
        limit: "steps"
      })
    }))

  it.effect("runs finalizers that wait, when it ends and when it is interrupted", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const resource = Effect.acquireRelease(
        Effect.void,
        () => Effect.promise(() => delay(1000)).pipe(Effect.map(() => void log.push(`closed at ${Date.now()}`)))
      )
      yield* Simulation.run(Effect.scoped(resource))
      yield* Effect.exit(Simulation.run(Effect.scoped(Effect.andThen(resource, Effect.fail("no")))))
      const endless = Effect.promise(async () => {
        for (;;) await delay(1000)
      })
      const fiber = yield* Effect.forkChild(Simulation.run(Effect.scoped(Effect.andThen(resource, endless))))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* Fiber.interrupt(fiber)
      expect(log.slice(0, 2)).toEqual(["closed at 1000", "closed at 1000"])
      expect(log).toHaveLength(3)
    }))
})

describe("@sluice/simulation/register", () => {
  it("gives virtual time, chance and files to libraries that keep functions when they load", async () => {
    const [register, fixture] = ["../../src/register.ts", "../fixtures/keeping.ts"].map((path) =>
      join(import.meta.dirname, path)
    )
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", register!, fixture!])
    const [first, again, other, outside] = stdout.split("\n")
    expect(first).toMatch(/^true 1970-01-01T01:00:00\.000Z 3600000 [\da-f]{16} \{"fs.readFile":1\}$/)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
    expect(outside).toBe("true")
  })
})

describe("an exploration with the event loop", () => {
  /** Two clients that take the same ticket, where they are quick enough. */
  const racing = Effect.gen(function*() {
    const clients = yield* Simulation.parameter("clients", { least: 1, most: 4 })
    let ticket = 0
    const taken: Array<number> = []
    yield* Effect.promise(() =>
      Promise.all(Array.from({ length: clients }, async () => {
        await delay(Math.random() * 50)
        const mine = ticket
        await delay(1)
        ticket = mine + 1
        taken.push(mine)
      }))
    )
    yield* Property.sometimes("a ticket is taken", taken.length > 0)
    yield* Property.always("tickets differ", new Set(taken).size === taken.length)
  })

  it.effect("finds a race, makes it small, and repeats it, under a campaign", () =>
    Effect.gen(function*() {
      const options = { campaign: Campaign.make({ faults: ["pause"] }), for: "1 second" } as const
      const { failures } = yield* Simulation.explore(racing, { ...options, seeds: 200, shrink: 30 }).pipe(
        Effect.provideService(References.MinimumLogLevel, "None")
      )
      expect(failures).toHaveLength(1)
      const [{ faults, parameters, seed }] = failures as [Simulation.Failure<void, unknown>]
      expect(parameters["clients"]).toBeLessThanOrEqual(4)
      const again = { ...options, seed, parameters, campaign: Campaign.replay(faults) }
      expect(failure((yield* Simulation.record(racing, again)).exit)).toMatchObject({ property: "tickets differ" })
    }))

  VitestSimulation.it("is a test", Effect.map(program, (answers) => expect(answers).toHaveLength(5)), { seeds: 3 })
})

it("a run that needs nothing of the event loop is synchronous, its finalizers included", () => {
  const ends: Array<string> = []
  const program = Effect.gen(function*() {
    yield* Effect.addFinalizer(() => Effect.andThen(Effect.sleep("1 hour"), Effect.sync(() => ends.push("end"))))
    yield* Effect.sleep("1 hour")
    return "result"
  })
  expect(Effect.runSync(Simulation.run(program))).toBe("result")
  expect(Effect.runSync(Simulation.run(Effect.succeed(1)))).toBe(1)
  expect(ends).toEqual(["end"])
})
