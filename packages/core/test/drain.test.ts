import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { drain } from "../src/internal/server/drain.ts"
import type { Policy } from "../src/internal/server/policy.ts"
import { Session } from "../src/internal/server/session.ts"
import { Sessions } from "../src/internal/server/sessionTable.ts"
import { connect, FakeTransport } from "./connection/FakeTransport.ts"

/** Sessions whose handlers end when they are interrupted, after `lasting` milliseconds. */
const open = Effect.fnUntraced(function*(count: number, lasting = 0) {
  const clock = yield* Clock.Clock
  const numbers = { connections: 0, subscriptions: 0 }
  const sessions = new Sessions()
  const all = yield* Effect.forEach(Array.from({ length: count }), () =>
    Effect.gen(function*() {
      const transport = new FakeTransport()
      const session = new Session(connect(transport, { numbers, closeTimeout: 1000 }), clock, () => {})
      sessions.add(session)
      const aborted = Effect.callback<void>((resume) => {
        session.connection.observe({ onClosed: () => resume(Effect.void) })
      })
      const handler = Effect.never.pipe(
        Effect.onInterrupt(() => Effect.raceFirst(Effect.interruptible(Effect.sleep(lasting)), aborted)),
        Effect.ensuring(Effect.sync(() => sessions.remove(session)))
      )
      const fiber = yield* Effect.forkScoped(handler, { startImmediately: true })
      session.runs(fiber)
      return { transport, session, fiber, isOpen: () => sessions.all.includes(session) }
    }))
  const draining = (policy: Partial<Policy>) =>
    Effect.forkChild(drain(sessions, { drainGrace: 60_000, drainIdle: undefined, ...policy } as Policy, clock), {
      startImmediately: true
    })
  return { all, draining, openOnes: () => all.map(({ isOpen }) => isOpen()) }
})

describe("a drain", () => {
  it.effect("ends at once when nothing is open", () =>
    Effect.gen(function*() {
      const { draining } = yield* open(0)
      assert.deepStrictEqual((yield* draining({ drainIdle: 1000 })).pollUnsafe()?._tag, "Success")
    }))

  it.effect("waits for the grace period, cuts the rest, and counts both", () =>
    Effect.gen(function*() {
      const { all, draining, openOnes } = yield* open(3)
      const drained = yield* draining({ drainGrace: 5000 })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(all[1]!.fiber)
      yield* TestClock.adjust("3999 millis")
      assert.deepStrictEqual(openOnes(), [true, false, true])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(drained), { ended: 1, cut: 2 })
      assert.deepStrictEqual(openOnes(), [false, false, false])
    }))

  it.effect("resets what is still open a closeTimeout after it was cut", () =>
    Effect.gen(function*() {
      const { all: [only], draining } = yield* open(1, Infinity)
      const drained = yield* draining({ drainGrace: 5000 })
      yield* TestClock.adjust("5999 millis")
      assert.deepStrictEqual([only!.transport.calls, only!.isOpen()], [[], true])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([only!.transport.calls, only!.isOpen()], [["reset"], true])
      only!.transport.close()
      assert.deepStrictEqual(yield* Fiber.join(drained), { ended: 0, cut: 1 })
    }))

  it.effect("ends each connection when it has been idle for as long as the policy says, and no earlier", () =>
    Effect.gen(function*() {
      const { all, draining, openOnes } = yield* open(3)
      yield* TestClock.adjust("1 hour")
      const drained = yield* draining({ drainIdle: 2000 })
      const move = (index: number) => all[index]!.transport.deliver(Uint8Array.of(1))
      yield* TestClock.adjust("500 millis")
      move(1)
      yield* TestClock.adjust("1 second")
      move(2)
      yield* TestClock.adjust("499 millis")
      assert.deepStrictEqual(openOnes(), [true, true, true])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(openOnes(), [false, true, true])
      yield* TestClock.adjust("499 millis")
      assert.deepStrictEqual(openOnes(), [false, true, true])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(openOnes(), [false, false, true])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(drained), { ended: 3, cut: 0 })
      assert.deepStrictEqual(all.map(({ session }) => session.reason), ["idle", "idle", "idle"])
    }))
})
