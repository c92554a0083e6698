import { assert, describe, it } from "@effect/vitest"
import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { connect, FakeTransport } from "../connection/FakeTransport.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)

describe("fibers that receive from one connection", () => {
  it.effect("take turns, also at the messages of one chunk", () =>
    Effect.gen(function*() {
      const transport = new FakeTransport()
      const framed = yield* Framed.make(connect(transport), Framing.lines())
      const receiver = Effect.gen(function*() {
        const own: Array<number> = []
        while (true) {
          const message = yield* Framed.receive(framed)
          if (Option.isNone(message)) return own
          own.push(Number(message.value))
        }
      })
      const fibers = yield* Effect.all([
        Effect.forkChild(receiver, { startImmediately: true }),
        Effect.forkChild(receiver, { startImmediately: true }),
        Effect.forkChild(receiver, { startImmediately: true })
      ])
      transport.deliver(utf8(Array.from({ length: 30 }, (_, index) => `${index}\n`).join("")))
      transport.receiver!.onEnd()
      const received = yield* Effect.forEach(fibers, Fiber.join)
      for (const [index, own] of received.entries()) {
        assert.deepStrictEqual(own, Array.from({ length: 10 }, (_, round) => 3 * round + index))
      }
    }))
})

describe("replies that are larger than the output", () => {
  it.effect("all leave, also when the peer has ended, however many are handled at once", () =>
    Effect.gen(function*() {
      for (const concurrency of [1, 4, 16, "unbounded"] as const) {
        const transport = new FakeTransport()
        const reply = "x".repeat(20_000)
        const serving = Framed.serve(Framing.lines(), () => Effect.succeed(reply), { concurrency })
        const fiber = yield* Effect.forkChild(serving(connect(transport, { role: "server" })), {
          startImmediately: true
        })
        transport.deliver(utf8("a\n".repeat(100)))
        transport.receiver!.onEnd()
        yield* Fiber.join(fiber)
        const bytes = transport.written.reduce((sum, { length }) => sum + length, 0)
        assert.strictEqual(bytes, 100 * (reply.length + 1), `concurrency ${concurrency}`)
      }
    }))

  it.effect("leave within the delivery of their messages, though the peer sends no more", () =>
    Effect.gen(function*() {
      for (const concurrency of [1, 4, 16, "unbounded"] as const) {
        const transport = new FakeTransport()
        const reply = "x".repeat(20_000)
        const serving = Framed.serve(Framing.lines(), () => Effect.succeed(reply), { concurrency })
        yield* Effect.forkChild(serving(connect(transport, { role: "server" })), { startImmediately: true })
        transport.deliver(utf8("a\n".repeat(100)))
        const bytes = transport.written.reduce((sum, { length }) => sum + length, 0)
        assert.strictEqual(bytes, 100 * (reply.length + 1), `concurrency ${concurrency}`)
      }
    }))
})
