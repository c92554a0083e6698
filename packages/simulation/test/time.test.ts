import { assert, describe, expect, it } from "@effect/vitest"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"
import { ClockEngine } from "../src/internal/time/engine.ts"
import { type Event, EventQueue } from "../src/internal/time/eventQueue.ts"
import { RandomStream } from "../src/internal/time/random.ts"
import { TaskQueue } from "../src/internal/time/taskQueue.ts"

const priorities = [0, 0, 0, 0, -1, 1, 10]

/** Adds and takes at random, up to some thousands at a time; returns how often the oldest of its priority was taken. */
const exercise = (queue: TaskQueue, chance: RandomStream) => {
  // What waits, by priority, the oldest first.
  const waiting = new Map(priorities.map((priority) => [priority, [] as Array<number>]))
  const count = { added: 0, taken: 0, oldest: 0 }
  const ran: Array<readonly [priority: number, order: number]> = []
  const add = () => {
    const priority = priorities[chance.below(priorities.length)]!
    const order = count.added++
    waiting.get(priority)!.push(order)
    queue.add(() => ran.push([priority, order]), priority)
  }
  const take = () => {
    const task = queue.take()
    if (count.added === count.taken) return assert(task === undefined)
    assert(task !== undefined)
    task()
    const [priority, order] = ran.pop()!
    for (const [other, orders] of waiting) assert(other >= priority || orders.length === 0)
    const orders = waiting.get(priority)!
    const index = orders.indexOf(order)
    // Nothing is taken twice.
    assert(index >= 0)
    orders.splice(index, 1)
    if (index === 0) count.oldest++
    count.taken++
  }
  for (const most of [1, 10, 6000]) {
    for (let step = 0; step < 2 * most + 10; step++) {
      if (count.added - count.taken < most && chance.chance(0.8)) add()
      else take()
      assert(queue.size === count.added - count.taken)
    }
    while (count.added - count.taken > most / 8) take()
  }
  while (count.added > count.taken) take()
  take()
  expect(queue.size).toBe(0)
  return count
}

describe("tasks that can run", () => {
  it("are taken once each: the lowest priority number first, and of the same the oldest", () => {
    const { oldest, taken } = exercise(new TaskQueue(undefined), new RandomStream(1, "tasks"))
    expect(oldest).toBe(taken)
  })

  it("are taken in an order of chance within a priority", () => {
    const { oldest, taken } = exercise(new TaskQueue(new RandomStream(2, "schedule")), new RandomStream(3, "tasks"))
    expect(oldest).toBeLessThan(taken / 4)
    // Every place in a queue has its share.
    const first = [0, 0, 0]
    for (let seed = 0; seed < 900; seed++) {
      const queue = new TaskQueue(new RandomStream(seed, "schedule"))
      for (const place of first.keys()) queue.add(() => first[place]!++, seed % 2)
      queue.take()!()
    }
    for (const count of first) expect(count).toBeGreaterThan(230)
  })
})

describe("events", () => {
  it("happen in the order of their times, those that come first before others, first come first served, and not when canceled", () => {
    const chance = new RandomStream(4, "events")
    const queue = new EventQueue()
    const expected: Array<{ readonly event: Event; readonly at: number }> = []
    const take = () => {
      const first = expected.shift()
      assert(queue.nextAt === (first?.at ?? Infinity))
      assert(queue.take() === first?.event)
    }
    for (const most of [3, 50, 5000]) {
      for (let step = 0; step < 2 * most; step++) {
        const action = chance.below(10)
        if (action < 7) {
          const isFirst = chance.chance(0.2)
          const event: Event = { place: -1, isFirst, run: () => {} }
          const at = chance.below(most)
          queue.add(event, at)
          const behind = expected.findIndex((other) =>
            other.at > at || (other.at === at && isFirst && other.event.isFirst !== true)
          )
          expected.splice(behind < 0 ? expected.length : behind, 0, { event, at })
        } else if (action < 8) {
          take()
        } else if (expected.length > 0) {
          const [canceled] = expected.splice(chance.below(expected.length), 1)
          queue.cancel(canceled!.event)
          queue.cancel(canceled!.event)
        }
      }
      // Canceled in masses, as timeouts are.
      while (expected.length > most / 10) queue.cancel(expected.splice(chance.below(expected.length), 1)[0]!.event)
    }
    while (expected.length > 0) take()
    expect(queue.nextAt).toBe(Infinity)
    expect(queue.take()).toBeUndefined()
  })

  it("that are canceled are not kept, and cost as little as others", () => {
    const queue = new EventQueue()
    let moves = 0
    const event = (): Event => {
      let place = -1
      return {
        get place() {
          return place
        },
        set place(next) {
          moves++
          place = next
        },
        sleeper: fiber,
        run: () => {}
      }
    }
    const fiber = Fiber.getCurrent() ?? Effect.runFork(Effect.never)
    const live = Array.from({ length: 3000 }, event)
    for (const [index, each] of live.entries()) queue.add(each, 1e9 + index)
    moves = 0
    for (let at = 0; at < 8000; at++) {
      const timeout = event()
      queue.add(timeout, at)
      queue.cancel(timeout)
      expect(timeout.place).toBe(-1)
      expect(queue.nextAt).toBe(1e9)
    }
    expect(moves / 8000).toBeLessThan(100)
    for (const each of live) queue.cancel(each)
    expect(queue.take()).toBeUndefined()
    Effect.runFork(Fiber.interrupt(fiber))
  })

  it("tell until when their fibers sleep", () => {
    const queue = new EventQueue()
    const fibers = Array.from({ length: 5 }, () => Effect.runFork(Effect.never))
    const sleeps = fibers.map((sleeper): Event => ({ place: -1, sleeper, run: () => {} }))
    queue.add({ place: -1, run: () => {} }, 1)
    for (const [index, sleep] of sleeps.entries()) queue.add(sleep, 100 - index)
    queue.cancel(sleeps[1]!)
    const until = new Map([0, 2, 3, 4].map((index) => [fibers[index]!, 100 - index]))
    expect(queue.sleepers).toEqual(until)
    for (const fiber of fibers) Effect.runFork(Fiber.interrupt(fiber))
  })
})

describe("the engine on a Clock that is there", () => {
  const setUp = Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const clock = yield* Clock.Clock
    const tasks: Array<() => void> = []
    const slept: Array<number> = []
    const engine = new ClockEngine(context.pipe(
      Context.add(Scheduler.Scheduler, {
        executionMode: "async",
        shouldYield: () => false,
        makeDispatcher: () => ({ scheduleTask: (task) => void tasks.push(task), flush: () => {} })
      }),
      Context.add(
        Clock.Clock,
        Object.assign(Object.create(clock) as Clock.Clock, {
          sleep: (duration: Duration.Duration) => {
            slept.push(Duration.toMillis(duration))
            return clock.sleep(duration)
          }
        })
      )
    ))
    const log: Array<string> = []
    const at = (micros: number, name: string, then?: () => void): Event => {
      const event: Event = {
        place: -1,
        run: () => {
          log.push(name)
          then?.()
        }
      }
      engine.schedule(event, micros)
      return event
    }
    const settle = () => {
      let count = 0
      for (; tasks.length > 0; count++) tasks.shift()!()
      return count
    }
    const pass = (millis: number) => Effect.map(TestClock.adjust(millis), settle)
    return { at, engine, log, pass, settle, slept }
  })

  it.effect("happen in whole milliseconds, those of one in one task, and none before `schedule` returns", () =>
    Effect.gen(function*() {
      const { at, engine, log, pass, settle, slept } = yield* setUp
      for (const name of ["a", "b", "c"]) at(0, name)
      expect(log).toEqual([])
      expect(settle()).toBe(1)
      at(999, "d", () => at(5, "e"))
      settle()
      at(1000, "later")
      settle()
      expect(log).toEqual(["a", "b", "c", "d", "e"])
      // It sleeps until the first moment that is left, once.
      expect(slept).toEqual([1])
      at(1001, "late")
      at(5000, "latest")
      expect(slept).toEqual([1])
      engine.cancel(at(1500, "canceled"))
      yield* pass(1)
      expect(log.slice(5)).toEqual(["later", "late"])
      expect([engine.now, slept]).toEqual([1000, [1, 4]])
      at(2500, "earlier")
      expect(slept).toEqual([1, 4, 1])
      yield* pass(1)
      expect(log.slice(7)).toEqual(["earlier"])
      yield* pass(10)
      expect(log.slice(8)).toEqual(["latest"])
      // What has passed happens at once.
      at(3, "past")
      expect(settle()).toBe(1)
      expect(log.slice(9)).toEqual(["past"])
    }))

  it.effect("make nothing happen once it is closed", () =>
    Effect.gen(function*() {
      const { at, engine, log, pass, settle, slept } = yield* setUp
      at(0, "now", () => engine.close())
      at(0, "after")
      at(3000, "later")
      settle()
      expect(log).toEqual(["now"])
      at(0, "closed")
      at(9000, "closed")
      expect(settle()).toBe(0)
      expect(slept.length).toBeLessThanOrEqual(1)
      yield* pass(10)
      expect(log).toEqual(["now"])
    }))
})

describe("the clock of a host", () => {
  it.effect("has the abilities of the Clock that is there, of an object and of a class", () =>
    Effect.gen(function*() {
      const there = yield* Clock.Clock
      class Zoned {
        readonly zone = "UTC"
        name() {
          return `in ${this.zone}`
        }
      }
      const zoned = Object.assign(new Zoned(), there)
      const ofHost = Effect.gen(function*() {
        const clock = yield* Host.run(yield* SimNetwork.host("node"), Clock.Clock)
        return clock as TestClock.TestClock & Zoned
      }).pipe(Effect.provide(SimNetwork.layer()), Effect.provideService(Clock.Clock, zoned))
      const clock = yield* ofHost
      expect(clock.name()).toBe("in UTC")
      yield* clock.adjust("1 second")
      expect(there.currentTimeMillisUnsafe()).toBe(1000)
    }))
})

describe("random numbers on a host", () => {
  it.effect("are those of the test under a Clock of its own, and of the host and the seed in a run", () =>
    Effect.gen(function*() {
      const drawn = Effect.gen(function*() {
        const [a, b] = yield* SimNetwork.hosts("a", "b")
        const outer = yield* Random.Random
        const inner = yield* Effect.forEach([a, b], (host) => Host.run(host, Random.Random))
        return { isOuter: inner.map((each) => each === outer), draws: inner.map((each) => each.nextIntUnsafe()) }
      })
      const test = yield* Effect.provide(drawn, SimNetwork.layer())
      expect(test.isOuter).toEqual([true, true])
      const [one, again, two] = yield* Effect.forEach([1, 1, 2], (seed) => Simulation.run(drawn, { seed }))
      expect([one!.isOuter, again]).toEqual([[false, false], one])
      expect(new Set([...one!.draws, ...two!.draws]).size).toBe(4)
    }))
})

/** Says which limit ended a run, or its value. */
const end = <A>(program: Effect.Effect<A>, options: Simulation.Options) =>
  Effect.map(
    Simulation.record(program, options),
    ({ exit }) =>
      Exit.isSuccess(exit) ?
        exit.value :
        exit.cause.reasons.map((reason) =>
          reason._tag === "Fail" && reason.error._tag === "SimulationLimitExceeded" ? reason.error.limit : reason
        )[0]
  )

describe("virtual time", () => {
  it.effect("runs what happens at its limit, and nothing after it", () =>
    Effect.gen(function*() {
      const within = (time: Duration.Input) => end(Effect.as(Effect.sleep("1 second"), "slept"), { limit: { time } })
      expect(yield* within("1 second")).toBe("slept")
      expect(yield* within("999999 micros")).toBe("time")
      // A program that never waits is ended too.
      expect(yield* end(Effect.forever(Effect.yieldNow), { limit: { time: "1 milli", steps: 1e6 } })).toBe("time")
    }))

  it.effect("takes as many steps as its limit allows, and no more", () =>
    Effect.gen(function*() {
      const program = Effect.as(Effect.repeat(Effect.sleep("1 milli"), { times: 9 }), "slept")
      const { steps } = yield* Simulation.record(program)
      expect(yield* end(program, { limit: { steps } })).toBe("slept")
      expect(yield* end(program, { limit: { steps: steps - 1 } })).toBe("steps")
    }))

  it.effect("stands still for a program that yields now and then, and advances for one that polls", () =>
    Effect.gen(function*() {
      const yields = Effect.fnUntraced(function*(times: number) {
        for (let turn = 0; turn < times; turn++) yield* Effect.yieldNow
        return yield* Clock.currentTimeNanos
      })
      expect(yield* Simulation.run(yields(900))).toBe(0n)
      // Each sleep is a pause, after which the count begins anew.
      const paused = Effect.gen(function*() {
        for (let round = 0; round < 5; round++) {
          yield* yields(500)
          yield* Effect.sleep("1 milli")
        }
        return yield* Clock.currentTimeMillis
      })
      expect(yield* Simulation.run(paused)).toBe(5)
      const nanos = Number(yield* Simulation.run(yields(3000)))
      expect(nanos).toBeGreaterThan(0)
      expect(nanos).toBeLessThan(100_000_000)
    }))

  it.effect("begins at the epoch on every clock, and wakes nobody early", () =>
    Effect.gen(function*() {
      const read = Effect.all([Clock.currentTimeMillis, Clock.currentTimeNanos, Clock.monotonicTimeNanos])
      expect(yield* Simulation.run(read)).toEqual([0, 0n, 0n])
      const wait = (duration: Duration.Input) => Simulation.run(Effect.andThen(Effect.sleep(duration), read))
      expect(yield* wait("1500 micros")).toEqual([1, 1_500_000n, 1_500_000n])
      // Less than a microsecond is one, and nothing is no time at all.
      expect((yield* wait("1 nano"))[1]).toBe(1000n)
      expect((yield* wait(0))[1]).toBe(0n)
      expect(yield* Simulation.run(Effect.timeoutOption(Effect.sleep(Infinity), "1 day"))).toMatchObject({
        _tag: "None"
      })
    }))
})

describe("a stream of random numbers", () => {
  it("is that of its seed and its concern, on every machine and in later versions", () => {
    const draw = (seed: number | string, concern: string, count: number) => {
      const stream = new RandomStream(seed, concern)
      return Array.from({ length: count }, () => stream.bits())
    }
    // Computed by another implementation of sfc32.
    expect(draw(1, "loss", 4)).toEqual([400124479, 4162067608, 401293531, 1481340965])
    expect(draw("1", "loss", 4)).toEqual([1198054961, 3620279282, 3535469819, 1869124185])
    expect(draw(1, "", 2)).toEqual([3701637322, 3217217737])
  })

  it("draws a chance once, and has luck with the numbers below it; one of 0 is not drawn", () => {
    const stream = new RandomStream(1, "chance")
    const twin = new RandomStream(1, "chance")
    for (let count = 0; count < 100; count++) {
      const next = twin.next()
      expect(stream.chance(0)).toBe(false)
      expect(stream.chance(count % 2 === 0 ? next : next + 2 ** -32)).toBe(count % 2 === 1)
    }
  })
})
