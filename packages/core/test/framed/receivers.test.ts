import { assert, describe, it } from "@effect/vitest"
import * as Framed from "@sluice/core/Framed"
import * as Heartbeat from "@sluice/core/Heartbeat"
import * as Framing from "@sluice/framing/Framing"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
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

describe("a connection of messages that ends", () => {
  it.effect("ends behind the last message, and within one with an error, for all who wait", () =>
    Effect.gen(function*() {
      for (const isTruncated of [true, false]) {
        const transport = new FakeTransport()
        const framed = yield* Framed.make(connect(transport), Framing.lengthPrefixed({ prefix: "uint8" }))
        const fibers = yield* Effect.forEach(
          [1, 2, 3],
          () => Effect.forkChild(Effect.result(Framed.receive(framed)), { startImmediately: true })
        )
        transport.deliver(Uint8Array.of(1, 7, ...(isTruncated ? [3, 8] : [])))
        transport.receiver!.onEnd()
        const [first, ...others] = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(first, Result.succeed(Option.some(Uint8Array.of(7))))
        for (const outcome of [...others, yield* Effect.result(Framed.receive(framed))]) {
          if (isTruncated) assert(Result.isFailure(outcome) && outcome.failure.reason._tag === "TruncatedFrame")
          else assert.deepStrictEqual(outcome, Result.succeed(Option.none()))
        }
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

describe("handlers that run at the same time", () => {
  it.effect("stop the peer while as many run as may, and let it continue when one is done", () =>
    Effect.gen(function*() {
      const transport = new FakeTransport()
      const gates = yield* Effect.forEach([0, 1, 2, 3], () => Deferred.make<void>())
      const begun: Array<string> = []
      const serving = Framed.serve(Framing.lines(), (line) =>
        Effect.suspend(() => {
          begun.push(line)
          return Effect.as(Deferred.await(gates[Number(line)]!), line)
        }), { concurrency: 2 })
      const fiber = yield* Effect.forkChild(serving(connect(transport, { role: "server" })), {
        startImmediately: true
      })
      transport.deliver(utf8("0\n"))
      assert.isTrue(transport.isFlowing)
      transport.deliver(utf8("1\n"))
      assert.isFalse(transport.isFlowing)
      // A reply behind one that is not there makes no room.
      yield* Deferred.succeed(gates[1]!, undefined)
      yield* Effect.yieldNow
      assert.isFalse(transport.isFlowing)
      yield* Deferred.succeed(gates[0]!, undefined)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.isTrue(transport.isFlowing)
      transport.deliver(utf8("2\n3\n"))
      assert.isFalse(transport.isFlowing)
      for (const gate of [gates[2]!, gates[3]!]) yield* Deferred.succeed(gate, undefined)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      transport.receiver!.onEnd()
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(begun, ["0", "1", "2", "3"])
      assert.strictEqual(transport.written.map((bytes) => new TextDecoder().decode(bytes)).join(""), "0\n1\n2\n3\n")
    }))
})

describe("a reply of handlers that run at the same time", () => {
  const serve = Effect.fnUntraced(function*(concurrency: number) {
    const transport = new FakeTransport()
    const connection = connect(transport, { role: "server" })
    connection.activity.watch(yield* Clock.Clock)
    const gates = yield* Effect.forEach([0, 1, 2], () => Deferred.make<void>())
    const serving = Framed.serve(Framing.lines(), (line) => Effect.as(Deferred.await(gates[Number(line)]!), line), {
      concurrency
    })
    yield* Effect.forkChild(serving(connection), { startImmediately: true })
    const open = (gate: number) =>
      Effect.andThen(Deferred.succeed(gates[gate]!, undefined), Effect.repeat(Effect.yieldNow, { times: 3 }))
    return { transport, connection, open }
  })

  it.effect("that the peer does not take lets no more messages in before it is taken", () =>
    Effect.gen(function*() {
      const { open, transport } = yield* serve(2)
      transport.takes = false
      transport.deliver(utf8("0\n1\n"))
      yield* open(0)
      assert.deepStrictEqual(transport.written, [utf8("0\n")])
      assert.isFalse(transport.isFlowing)
      transport.takes = true
      transport.flush()
      assert.isTrue(transport.isFlowing)
    }))

  it.effect("does not begin a read that has begun before it", () =>
    Effect.gen(function*() {
      const { connection, open, transport } = yield* serve(2)
      transport.deliver(utf8("0\n"))
      const { readingSince } = connection.activity
      yield* TestClock.adjust("5 seconds")
      yield* open(0)
      assert.deepStrictEqual(transport.written, [utf8("0\n")])
      assert.strictEqual(connection.activity.readingSince, readingSince)
      // But one that continues after a pause does.
      transport.deliver(utf8("1\n2\n"))
      yield* TestClock.adjust("5 seconds")
      yield* open(1)
      assert.strictEqual(connection.activity.readingSince, readingSince + 10_000)
    }))
})

describe("answers to the peer's pings", () => {
  it.effect("are sent one at a time: while one is on its way, the last ping waits", () =>
    Effect.gen(function*() {
      const transport = new FakeTransport()
      const framed = yield* Framed.make(connect(transport), Framing.lines())
      const watched = yield* Heartbeat.make(framed, {
        ping: () => "ping",
        pong: (line) => line.startsWith("ping") ? line.replace("ping", "pong") : undefined
      })
      const receiving = yield* Effect.forkChild(Framed.receive(watched), { startImmediately: true })
      const written = () => transport.written.map((bytes) => new TextDecoder().decode(bytes)).join("")
      transport.takes = false
      const turns = Effect.repeat(Effect.yieldNow, { times: 5 })
      transport.deliver(utf8("ping 0\n"))
      yield* turns
      for (let count = 1; count < 100; count++) {
        transport.deliver(utf8(`ping ${count}\n`))
        if (count % 20 === 0) yield* turns
      }
      yield* turns
      assert.strictEqual(written(), "pong 0\n")
      transport.takes = true
      transport.flush()
      yield* turns
      assert.strictEqual(written(), "pong 0\npong 99\n")
      // When all are sent, the next one is answered at once.
      transport.deliver(utf8("ping a\n"))
      yield* turns
      assert.strictEqual(written(), "pong 0\npong 99\npong a\n")
      transport.deliver(utf8("message\n"))
      assert.deepStrictEqual(yield* Fiber.join(receiving), Option.some("message"))
      transport.close()
    }).pipe(Effect.scoped))
})
