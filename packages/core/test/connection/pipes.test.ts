import { assert, describe, it } from "@effect/vitest"
import * as Broadcast from "@sluice/core/Broadcast"
import * as Connection from "@sluice/core/Connection"
import * as Subscription from "@sluice/core/Subscription"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ended } from "../../src/internal/connection/ended.ts"
import type { ConnectionState } from "../../src/internal/connection/state.ts"
import { connect, FakeTransport } from "./FakeTransport.ts"

const pair = () => {
  const transport = new FakeTransport()
  return { transport, connection: connect(transport) }
}

/** Counts the observers of a connection. */
const observers = (connection: ConnectionState) => {
  const all = new Set<unknown>()
  const { ignore, observe } = connection
  connection.observe = (observer) => {
    all.add(observer)
    observe.call(connection, observer)
  }
  connection.ignore = (observer) => {
    all.delete(observer)
    ignore.call(connection, observer)
  }
  return () => all.size
}

describe("a pipe", () => {
  it.effect("gives back the copies that are written at once, and no others", () =>
    Effect.gen(function*() {
      const from = new FakeTransport({ lends: true })
      const to = new FakeTransport()
      const piping = yield* Effect.forkChild(Connection.pipeTo(connect(from), connect(to)), { startImmediately: true })
      from.deliver(Uint8Array.of(1))
      assert.strictEqual(from.recycled.length, 1)
      to.takes = false
      from.deliver(Uint8Array.of(2))
      to.flush()
      assert.strictEqual(from.recycled.length, 1)
      to.takes = true
      from.deliver(Uint8Array.of(3))
      assert.strictEqual(from.recycled.length, 2)
      from.receiver!.onEnd()
      yield* Fiber.join(piping)
      assert.deepStrictEqual(to.written, [1, 2, 3].map((byte) => Uint8Array.of(byte)))
    }))

  it.effect("ends behind the last write, however long that takes", () =>
    Effect.gen(function*() {
      for (const flushesFirst of [true, false]) {
        const [from, to] = [pair(), pair()]
        to.transport.takes = false
        const piping = yield* Effect.forkChild(Connection.pipeTo(from.connection, to.connection), {
          startImmediately: true
        })
        for (let count = 0; count < 3; count++) {
          from.transport.deliver(Uint8Array.of(count))
          assert.isFalse(from.transport.isFlowing)
          if (count < 2) to.transport.flush()
        }
        if (flushesFirst) to.transport.flush()
        from.transport.receiver!.onEnd()
        assert.strictEqual(piping.pollUnsafe() === undefined, !flushesFirst)
        if (!flushesFirst) to.transport.flush()
        yield* Fiber.join(piping)
        assert.deepStrictEqual(to.transport.written, [0, 1, 2].map((byte) => Uint8Array.of(byte)))
      }
    }))

  it.effect("that is left during a write gives the input to the next reader when the write is through", () =>
    Effect.gen(function*() {
      const [from, to] = [pair(), pair()]
      to.transport.takes = false
      const piping = yield* Effect.forkChild(Connection.pipeTo(from.connection, to.connection), {
        startImmediately: true
      })
      from.transport.deliver(Uint8Array.of(1))
      yield* Fiber.interrupt(piping)
      const reading = yield* Effect.forkChild(Connection.readExactly(from.connection, 1), { startImmediately: true })
      to.transport.flush()
      from.transport.deliver(Uint8Array.of(2))
      assert.deepStrictEqual(yield* Fiber.join(reading), Uint8Array.of(2))
    }))
})

describe("a relay", () => {
  const relaying = Effect.fnUntraced(function*() {
    const [a, b] = [pair(), pair()]
    const fiber = yield* Effect.forkChild(Connection.relay(a.connection, b.connection), { startImmediately: true })
    return { a, b, fiber }
  })

  it.effect("carries bytes and ends both ways, and is over when both ways have ended", () =>
    Effect.gen(function*() {
      const { a, b, fiber } = yield* relaying()
      a.transport.deliver(Uint8Array.of(1))
      a.transport.receiver!.onEnd()
      assert.deepStrictEqual(b.transport.calls, ["write", "end"])
      b.transport.deliver(Uint8Array.of(2))
      assert.isUndefined(fiber.pollUnsafe())
      b.transport.receiver!.onEnd()
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(a.transport.calls, ["write", "end"])
      assert.deepStrictEqual([a.transport.written, b.transport.written], [[Uint8Array.of(2)], [Uint8Array.of(1)]])
    }))

  it.effect("is over when the last end has waited for a write", () =>
    Effect.gen(function*() {
      const { a, b, fiber } = yield* relaying()
      b.transport.receiver!.onEnd()
      b.transport.takes = false
      a.transport.deliver(Uint8Array.of(1))
      a.transport.receiver!.onEnd()
      assert.isUndefined(fiber.pollUnsafe())
      b.transport.flush()
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(b.transport.calls, ["write", "end"])
    }))

  it.effect("fails with either connection, and leaves the other one to be read", () =>
    Effect.gen(function*() {
      for (const isFirst of [true, false]) {
        for (const hasEnded of [false, true]) {
          const { a, b, fiber } = yield* relaying()
          const [broken, whole] = isFirst ? [a, b] : [b, a]
          if (hasEnded) whole.transport.receiver!.onEnd()
          yield* Connection.abort(broken.connection)
          assert.strictEqual((yield* Effect.flip(Fiber.join(fiber))).reason._tag, "Closed")
          assert.isFalse(whole.connection.input.isTaken)
          whole.transport.deliver(Uint8Array.of(1))
          assert.strictEqual(whole.connection.input.available, 1)
        }
      }
    }))

  it.effect("refuses a connection that is read by another, and leaves both as they are", () =>
    Effect.gen(function*() {
      for (const isFirst of [true, false]) {
        const [a, b] = [pair(), pair()]
        const taken = isFirst ? a : b
        yield* Effect.forkChild(Connection.pipeTo(taken.connection, pair().connection), { startImmediately: true })
        const error = yield* Effect.flip(Connection.relay(a.connection, b.connection))
        assert.strictEqual(error.reason._tag, "Busy")
        assert.deepStrictEqual([a, b].map(({ connection }) => connection.input.isTaken), [isFirst, !isFirst])
      }
    }))
})

describe("a write", () => {
  it.effect("passes on no empty chunk, and is nothing if all are empty", () =>
    Effect.gen(function*() {
      const { connection, transport } = pair()
      const [empty, full] = [new Uint8Array(0), Uint8Array.of(1)]
      yield* Connection.writeAll(connection, [empty, full, empty, full])
      yield* Connection.writeAll(connection, [empty, empty])
      yield* Connection.write(connection, empty)
      assert.deepStrictEqual([transport.calls, transport.written], [["write"], [full, full]])
    }))
})

describe("what moves bytes to a connection", () => {
  it.effect("leaves nothing on it when it is interrupted, or done", () =>
    Effect.gen(function*() {
      const [near, far] = [pair(), pair()]
      const count = { near: observers(near.connection), far: observers(far.connection) }
      const news = yield* Broadcast.framed(Framing.lines())
      const subscription = yield* Broadcast.subscribe(news)
      const movers = [
        Connection.pipeTo(near.connection, far.connection),
        Connection.relay(near.connection, far.connection),
        Subscription.writeTo(subscription, far.connection),
        ended(far.connection)
      ]
      for (const mover of movers) {
        const moving = yield* Effect.forkChild(mover, { startImmediately: true })
        assert.isAbove(count.far(), 0)
        yield* Fiber.interrupt(moving)
        assert.deepStrictEqual([count.near(), count.far()], [0, 0])
      }
      const piping = yield* Effect.forkChild(movers[0]!, { startImmediately: true })
      near.transport.receiver!.onEnd()
      yield* Fiber.join(piping)
      assert.deepStrictEqual([count.near(), count.far()], [0, 0])
    }).pipe(Effect.scoped))

  it.effect("fails for the reason for which the connection closes", () =>
    Effect.gen(function*() {
      const news = yield* Broadcast.framed(Framing.lines())
      for (const publishes of [true, false]) {
        const { connection, transport } = pair()
        const subscription = yield* Broadcast.subscribe(news)
        const writing = yield* Effect.forkChild(Effect.flip(Subscription.writeTo(subscription, connection)), {
          startImmediately: true
        })
        yield* Connection.abort(connection)
        if (publishes) yield* Broadcast.publish(news, "late")
        transport.close()
        const error = yield* Fiber.join(writing)
        assert.strictEqual(error._tag === "NetworkError" ? error.reason._tag : error._tag, "Closed")
      }
    }).pipe(Effect.scoped))
})
