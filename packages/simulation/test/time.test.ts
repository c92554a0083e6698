import { assert, describe, expect, it } from "@effect/vitest"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
  it("happen in the order of their times, first come first served, and not when canceled", () => {
    const chance = new RandomStream(4, "events")
    const queue = new EventQueue()
    const expected: Array<Event> = []
    const take = () => {
      const first = queue.first
      assert(first === expected[0])
      if (first === undefined) return
      assert(queue.take() === first)
      expected.shift()
    }
    for (const most of [3, 50, 5000]) {
      for (let step = 0; step < 2 * most; step++) {
        const action = chance.below(10)
        if (action < 7) {
          const event: Event = { at: 0, order: 0, cancelled: false, run: () => {} }
          const at = chance.below(most)
          queue.add(event, at)
          assert(event.at === at)
          const behind = expected.findIndex((other) => other.at > at)
          expected.splice(behind < 0 ? expected.length : behind, 0, event)
        } else if (action < 8) {
          take()
        } else if (expected.length > 0) {
          const [canceled] = expected.splice(chance.below(expected.length), 1)
          queue.cancel(canceled!)
          queue.cancel(canceled!)
        }
      }
      // Canceled in masses, as timeouts are.
      while (expected.length > most / 10) queue.cancel(expected.splice(chance.below(expected.length), 1)[0]!)
    }
    while (expected.length > 0) take()
    expect(queue.first).toBeUndefined()
    expect(queue.take()).toBeUndefined()
  })
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
