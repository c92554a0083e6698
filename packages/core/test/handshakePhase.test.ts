import { assert, describe, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as ServerPolicy from "@sluice/core/ServerPolicy"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { HandshakePhase, type Step } from "../src/internal/accept/handshakePhase.ts"
import { FakeTransport } from "./connection/FakeTransport.ts"

const phaseOf = (timeout: number, ...steps: ReadonlyArray<Step>) =>
  Effect.map(Effect.context<never>(), (context) => new HandshakePhase(steps, timeout, context))

/** Begins a handshake, and notes what the listener hears of it. */
const begin = (
  phase: HandshakePhase,
  onStep: (next: Transport.StreamTransport) => ServerPolicy.Refusal | undefined = () => undefined
) => {
  const accepted = new FakeTransport()
  const heard: Array<unknown> = []
  phase.begin({
    accepted,
    onStep,
    onReady: (transport) => heard.push(transport),
    onFailed: (why) => heard.push(NetworkError.isNetworkError(why) ? why.reason : why)
  })
  return { accepted, heard }
}

const broken = NetworkError.make("secure", "/far", new NetworkError.ConnectionReset())

describe("the handshakes of a listener", () => {
  it.effect("give the stream of the last step, and close none", () =>
    Effect.gen(function*() {
      const [first, last] = [new FakeTransport(), new FakeTransport()]
      const seen: Array<unknown> = []
      const phase = yield* phaseOf(1000, () => Effect.succeed(first), (stream) => {
        seen.push(stream)
        return Effect.succeed(last)
      })
      const { accepted, heard } = begin(phase, (next) => void seen.push(next))
      assert.deepStrictEqual(seen, [first, first, last])
      assert.deepStrictEqual(heard, [last])
      assert.deepStrictEqual([accepted.calls, first.calls, last.calls, phase.size], [[], [], [], 0])
    }))

  it.effect("that fail close what they have made of the stream, and tell the listener once", () =>
    Effect.gen(function*() {
      for (
        const [failure, reason] of [
          [Effect.fail(broken), broken.reason],
          [Effect.die(new Error("defect")), new NetworkError.Other({ message: "Error: defect" })]
        ] as const
      ) {
        const secured = new FakeTransport()
        const { accepted, heard } = begin(yield* phaseOf(1000, () => Effect.succeed(secured), () => failure))
        assert.deepStrictEqual(heard, [reason])
        assert.deepStrictEqual([accepted.calls, secured.calls], [[], ["destroy"]])
      }
    }))

  it.effect("that the listener refuses end with a reset", () =>
    Effect.gen(function*() {
      const secured = new FakeTransport()
      const { accepted, heard } = begin(
        yield* phaseOf(1000, () => Effect.succeed(secured), () => assert.fail("there is no further step")),
        () => "deny"
      )
      assert.deepStrictEqual(heard, ["deny"])
      assert.deepStrictEqual([accepted.calls, secured.calls], [[], ["reset"]])
    }))

  it.effect("that are given up tell the listener once, also where the step continues and succeeds", () =>
    Effect.gen(function*() {
      for (const step of [Effect.never, Effect.uninterruptible(Effect.sleep("2 seconds"))]) {
        for (const how of ["dropOldest", "close", "timeout"] as const) {
          const phase = yield* phaseOf(1000, (stream) => Effect.as(step, stream))
          const { accepted, heard } = begin(phase)
          if (how === "dropOldest") phase.dropOldest("backlog")
          else if (how === "close") phase.close()
          yield* TestClock.adjust("999 millis")
          assert.strictEqual(phase.size, how === "timeout" ? 1 : 0)
          yield* TestClock.adjust("5 seconds")
          assert.deepStrictEqual(heard, [
            {
              dropOldest: "backlog",
              close: "closing",
              timeout: new NetworkError.TimedOut({ deadline: "handshake", after: 1000 })
            }[how]
          ])
          assert.deepStrictEqual(accepted.calls, ["destroy"])
        }
      }
    }))

  it.effect("have a deadline each, from the oldest on", () =>
    Effect.gen(function*() {
      const phase = yield* phaseOf(1000, () => Effect.never)
      const all: Array<ReturnType<typeof begin>> = []
      for (let count = 0; count < 3; count++) {
        all.push(begin(phase))
        yield* TestClock.adjust("400 millis")
      }
      const given = () => all.map(({ heard }) => heard.length)
      assert.deepStrictEqual(given(), [1, 0, 0])
      phase.dropOldest("backlog")
      assert.deepStrictEqual(given(), [1, 1, 0])
      yield* TestClock.adjust("599 millis")
      assert.deepStrictEqual(given(), [1, 1, 0])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(given(), [1, 1, 1])
      // And again, once the watcher has ended.
      all.push(begin(phase))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(given(), [1, 1, 1, 1])
      assert.strictEqual(phase.size, 0)
    }))

  it.effect("are waited for until the last has settled", () =>
    Effect.gen(function*() {
      const phase = yield* phaseOf(10_000, (stream) => Effect.as(Effect.sleep("1 second"), stream))
      yield* phase.finished
      begin(phase)
      yield* TestClock.adjust("500 millis")
      begin(phase)
      const finished = yield* Effect.forkChild(phase.finished, { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      assert.isUndefined(finished.pollUnsafe())
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(finished)
    }))
})
