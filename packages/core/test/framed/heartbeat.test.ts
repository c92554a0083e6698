import { assert, describe, it } from "@effect/vitest"
import * as Framed from "@sluice/core/Framed"
import * as Heartbeat from "@sluice/core/Heartbeat"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { connect, FakeTransport } from "../connection/FakeTransport.ts"

const lines = Framing.lines({ maxLineLength: 10 })

/** A connection that is watched: pings go after 10 seconds of silence, and 5 more reset it. */
const watch = Effect.fnUntraced(function*(options: Partial<Heartbeat.Options<string, string>> = {}) {
  const transport = new FakeTransport()
  const watched = yield* Heartbeat.make(yield* Framed.make(connect(transport), lines), {
    interval: "10 seconds",
    timeout: "5 seconds",
    ping: () => "ping",
    ...options
  })
  const receive = Effect.forkChild(Framed.receive(watched), { startImmediately: true })
  const deliver = (text: string) => transport.deliver(new TextEncoder().encode(text))
  const written = () => transport.written.map((bytes) => new TextDecoder().decode(bytes)).join("")
  return { transport, watched, receive, deliver, written }
})

const timedOut = new NetworkError.TimedOut({ deadline: "heartbeat", after: 5000 })

const reasonOf = <A, E extends { readonly reason: unknown }>(fiber: Fiber.Fiber<A, E>) =>
  Effect.map(Effect.flip(Fiber.join(fiber)), ({ reason }) => reason)

describe("a heartbeat", () => {
  it.effect("pings a peer that has been silent for the interval, and resets it after the timeout", () =>
    Effect.gen(function*() {
      const { receive, transport, written } = yield* watch()
      const receiving = yield* receive
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(written(), "")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(written(), "ping\n")
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(transport.calls, ["write"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(transport.calls, ["write", "reset"])
      assert.deepStrictEqual(yield* reasonOf(receiving), timedOut)
      transport.close()
    }))

  it.effect("takes anything for a sign of life, and measures silence from it", () =>
    Effect.gen(function*() {
      const { deliver, receive, transport, written } = yield* watch()
      yield* receive
      for (const pings of [1, 2, 3]) {
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(written(), "ping\n".repeat(pings - 1))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(written(), "ping\n".repeat(pings))
        // Also half a message.
        deliver("x")
      }
      yield* TestClock.adjust("9 seconds")
      deliver("x")
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(written(), "ping\n".repeat(3))
      transport.close()
    }))

  it.effect("counts no time in which nobody receives, before a ping and after it", () =>
    Effect.gen(function*() {
      const { receive, transport, written } = yield* watch()
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(written(), "")
      const first = yield* receive
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(written(), "ping\n")
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(transport.calls, ["write"])
      const second = yield* receive
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* reasonOf(second), timedOut)
      transport.close()
    }))

  it.effect("lets pings to a peer that does not read not pile up", () =>
    Effect.gen(function*() {
      const { deliver, receive, transport, written } = yield* watch()
      yield* receive
      transport.takes = false
      for (let time = 0; time < 5; time++) {
        yield* TestClock.adjust("12 seconds")
        deliver("x")
      }
      transport.takes = true
      transport.flush()
      assert.strictEqual(written(), "ping\n")
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(written(), "ping\nping\n")
      transport.close()
    }))

  it.effect("keeps answers to its pings from the program, and nothing else", () =>
    Effect.gen(function*() {
      for (const isPong of [undefined, (line: string) => line === "pong"]) {
        const { deliver, transport, watched } = yield* watch({ isPong })
        deliver("a\npong\nb\n")
        const all = [yield* Framed.receive(watched), yield* Framed.receive(watched)]
        const second = isPong === undefined ? "pong" : "b"
        assert.deepStrictEqual(all, [Option.some("a"), Option.some(second)])
        transport.close()
      }
    }))

  it.effect("logs a ping that its framing refuses, and finds the peer silent all the same", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      const { receive, transport } = yield* watch({ ping: () => "a ping of more than ten bytes" })
      const receiving = yield* receive
      yield* TestClock.adjust("15 seconds").pipe(Effect.provide(logger))
      assert.deepStrictEqual(transport.calls, ["reset"])
      assert.deepStrictEqual(yield* reasonOf(receiving), timedOut)
      transport.close()
    }))

  it.effect("ends with its Scope, and leaves the connection as it is", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { receive, transport } = yield* Scope.provide(watch(), scope)
      const receiving = yield* receive
      yield* TestClock.adjust("10 seconds")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(transport.calls, ["write"])
      assert.isUndefined(receiving.pollUnsafe())
      transport.close()
    }))
})
