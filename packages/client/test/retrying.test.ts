import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { retrying } from "../src/internal/retrying.ts"

/** A client whose connections hold for these times in milliseconds; what it told while it tried. */
const trying = Effect.fnUntraced(function*(
  holds: ReadonlyArray<number>,
  options: { readonly schedule?: Schedule.Schedule<unknown, string>; readonly resetAfter?: number } = {}
) {
  const clock = yield* Clock.Clock
  const closing = yield* Deferred.make<void>()
  const told: Array<string> = []
  let round = 0
  const once = Effect.fnUntraced(function*(onConnected: () => void) {
    const hold = holds[round++]
    if (hold === undefined) return undefined
    if (hold >= 0) onConnected()
    yield* Effect.sleep(Math.max(0, hold))
    return yield* Effect.fail(`loss ${round}`)
  })
  const running = yield* Effect.forkChild(
    retrying({
      clock,
      closing: Deferred.await(closing),
      once,
      schedule: options.schedule ?? Schedule.exponential(100),
      resetAfter: options.resetAfter ?? 5000,
      onWaiting: ({ attempt, delay, error }) => Effect.sync(() => told.push(`${error}: ${attempt} in ${delay}`)),
      onConnecting: (attempt) => Effect.sync(() => told.push(`connecting ${attempt}`))
    }),
    { startImmediately: true }
  )
  return { running, told, close: Deferred.succeed(closing, undefined) }
})

describe("a client that loses its connections", () => {
  it.effect("waits as the schedule says, which begins anew after a connection that held for `resetAfter`", () =>
    Effect.gen(function*() {
      const { running, told } = yield* trying([-1, -1, 4999, -1, 5000, -1, 5001])
      yield* TestClock.adjust("1 minute")
      expect(told).toEqual([
        "loss 1: 2 in 100",
        "connecting 2",
        "loss 2: 3 in 200",
        "connecting 3",
        // It was lost a moment too early.
        "loss 3: 4 in 400",
        "connecting 4",
        "loss 4: 5 in 800",
        "connecting 5",
        "loss 5: 1 in 100",
        "connecting 1",
        "loss 6: 2 in 200",
        "connecting 2",
        "loss 7: 1 in 100",
        "connecting 1"
      ])
      expect(yield* Fiber.join(running)).toEqual(Option.none())
    }))

  it.effect("returns its last error when the schedule has ended", () =>
    Effect.gen(function*() {
      const { running, told } = yield* trying([0, 0, 0, 0], { schedule: Schedule.recurs(2) })
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(running)).toEqual(Option.some("loss 3"))
      expect(told).toHaveLength(4)
    }))

  it.effect("ends at once when it is closed while it waits, or while its schedule decides", () =>
    Effect.gen(function*() {
      const waiting = yield* trying([0, 0])
      yield* TestClock.adjust(50)
      expect(waiting.told).toEqual(["loss 1: 2 in 100"])
      yield* waiting.close
      expect(yield* Fiber.join(waiting.running)).toEqual(Option.none())
      expect(waiting.told).toHaveLength(1)

      const deciding = yield* trying([0, 0], {
        schedule: Schedule.addDelay(Schedule.exponential(100), () => Effect.never)
      })
      yield* TestClock.adjust(50)
      expect(deciding.told).toEqual([])
      yield* deciding.close
      expect(yield* Fiber.join(deciding.running)).toEqual(Option.none())
    }))
})
