import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Timeouts } from "../src/internal/time/timeouts.ts"

const make = Effect.gen(function*() {
  return new Timeouts(yield* Clock.Clock, yield* Effect.context<never>())
})

const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

it.effect("limits each effect by its own time, whichever began first", () =>
  Effect.gen(function*() {
    const timeouts = yield* make
    const interrupted: Array<string> = []
    const never = (name: string) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push(name)))
    const slow = yield* fork(timeouts.limit(never("slow"), 300, () => "slow is late"))
    const quick = yield* fork(timeouts.limit(never("quick"), 100, () => "quick is late"))
    const done = yield* fork(timeouts.limit(Effect.sleep(50), 200, () => "done is late"))
    yield* TestClock.adjust(99)
    expect(interrupted).toEqual([])
    expect(yield* Fiber.await(done)).toEqual(Exit.void)
    yield* TestClock.adjust(1)
    expect(interrupted).toEqual(["quick"])
    expect(yield* Fiber.await(quick)).toEqual(Exit.fail("quick is late"))
    yield* TestClock.adjust(200)
    expect(interrupted).toEqual(["quick", "slow"])
    expect(yield* Fiber.await(slow)).toEqual(Exit.fail("slow is late"))
    // The timer starts anew after all have ended.
    const again = yield* fork(timeouts.limit(Effect.never, 10, () => "late"))
    yield* TestClock.adjust(10)
    expect(yield* Fiber.await(again)).toEqual(Exit.fail("late"))
  }))

it.effect("interrupts the effect with its caller, and leaves no timer", () =>
  Effect.gen(function*() {
    let closed = 0
    const clock = yield* Clock.Clock
    let sleeping = 0
    const counting: Clock.Clock = {
      ...clock,
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      sleep: (duration) =>
        Effect.suspend(() => {
          sleeping++
          return Effect.ensuring(clock.sleep(duration), Effect.sync(() => sleeping--))
        })
    }
    const timeouts = yield* Effect.provideService(make, Clock.Clock, counting)
    const first = yield* fork(
      timeouts.limit(Effect.onInterrupt(Effect.never, () => Effect.sync(() => closed++)), 1000, () => "late")
    )
    expect(sleeping).toBe(1)
    const second = yield* fork(timeouts.limit(Effect.never, 2000, () => "late"))
    expect(sleeping).toBe(1)
    yield* Fiber.interrupt(first)
    expect(closed).toBe(1)
    expect(sleeping).toBe(1)
    yield* Fiber.interrupt(second)
    expect(sleeping).toBe(0)
    expect(yield* timeouts.limit(Effect.succeed(1), 1, () => "late")).toBe(1)
  }))

it.effect("still limits what comes after an effect whose time was over, and that ended the others", () =>
  Effect.gen(function*() {
    const timeouts = yield* make
    const others: Array<Fiber.Fiber<unknown, unknown>> = []
    const endOthers = () => Effect.sync(() => others.forEach((each) => each.interruptUnsafe()))
    const quick = yield* fork(Effect.onError(timeouts.limit(Effect.never, 100, () => "quick is late"), endOthers))
    others.push(yield* fork(timeouts.limit(Effect.never, 300, () => "slow is late")))
    yield* TestClock.adjust(100)
    expect(yield* Fiber.await(quick)).toEqual(Exit.fail("quick is late"))
    expect(others[0]!.pollUnsafe()).toBeDefined()
    const next = yield* fork(timeouts.limit(Effect.never, 1000, () => "late"))
    yield* TestClock.adjust(1000)
    expect(next.pollUnsafe()).toEqual(Exit.fail("late"))
  }))
