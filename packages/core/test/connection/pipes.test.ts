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
