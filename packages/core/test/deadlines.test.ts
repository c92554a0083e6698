import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { expired, hasDeadlines } from "../src/internal/server/deadlines.ts"
import { checkPolicy } from "../src/internal/server/policy.ts"
import { monotonicMillis } from "../src/internal/time/monotonic.ts"
import type * as ServerPolicy from "../src/ServerPolicy.ts"
import { connect, FakeTransport } from "./connection/FakeTransport.ts"

const names = ["idleTimeout", "readTimeout", "writeTimeout", "maxLifetime"] as const

const policyOf = (options: ServerPolicy.ServerPolicy) => Result.getOrThrow(checkPolicy(options, "nowhere"))

/** A connection whose deadlines are watched. */
const watch = Effect.fnUntraced(function*(options: ServerPolicy.ServerPolicy) {
  const transport = new FakeTransport()
  const connection = connect(transport, { role: "server" })
  const clock = yield* Clock.Clock
  const watching = yield* Effect.forkChild(
    expired(connection, monotonicMillis(clock), policyOf(options), clock),
    { startImmediately: true }
  )
  const read = () => connection.input.take(() => {})
  const write = () => connection.output.write([Uint8Array.of(1)], { onWritten: () => {} })
  const passed = Effect.map(Fiber.join(watching), ({ operation, reason }) => {
    assert(reason._tag === "TimedOut")
    return { operation, deadline: reason.deadline as string, after: reason.after }
  })
  return { transport, connection, watching, read, write, passed }
})

describe("the deadlines of a connection", () => {
  it("are watched if the policy has one, whichever it is, and not otherwise", () => {
    assert.isFalse(hasDeadlines(policyOf({ maxConnections: 5, drain: { idle: 1000 } })))
    for (const name of names) assert.isTrue(hasDeadlines(policyOf({ [name]: 1000 })), name)
    assert.isTrue(hasDeadlines(policyOf(Object.fromEntries(names.map((name) => [name, 1000])))))
  })

  it.effect("pass when their time is over, each by its own rule", () =>
    Effect.gen(function*() {
      for (const name of names) {
        const { passed, read, transport, watching, write } = yield* watch({ [name]: 2000 })
        transport.takes = false
        if (name === "readTimeout") read()
        if (name === "writeTimeout") write()
        yield* TestClock.adjust("1999 millis")
        assert.isUndefined(watching.pollUnsafe(), name)
        yield* TestClock.adjust("1 millis")
        const deadline = name.replace("Timeout", "").replace("maxLifetime", "lifetime")
        assert.deepStrictEqual(yield* passed, {
          operation: deadline === "write" ? "write" : "read",
          deadline,
          after: 2000
        })
      }
    }))

  it.effect("begin anew with what moves, but for the lifetime", () =>
    Effect.gen(function*() {
      for (const name of names) {
        const { read, transport, watching, write } = yield* watch({ [name]: 2000 })
        for (let step = 0; step < 3; step++) {
          if (name === "readTimeout") read()
          else if (name === "writeTimeout") write()
          yield* TestClock.adjust("1500 millis")
          transport.deliver(Uint8Array.of(1))
        }
        assert.strictEqual(watching.pollUnsafe() !== undefined, name === "maxLifetime", name)
        yield* Fiber.interrupt(watching)
      }
    }))

  it.effect("of reading and writing do not run while nothing waits", () =>
    Effect.gen(function*() {
      for (const name of ["readTimeout", "writeTimeout"] as const) {
        const { passed, read, transport, watching, write } = yield* watch({ [name]: 2000 })
        // Between two looks of the watcher.
        yield* TestClock.adjust("3601 seconds")
        assert.isUndefined(watching.pollUnsafe(), name)
        transport.takes = false
        if (name === "readTimeout") read()
        else write()
        yield* TestClock.adjust("1999 millis")
        assert.isUndefined(watching.pollUnsafe(), name)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* passed).after, 2000)
      }
    }))

  it.effect("of reading runs from when a read begins, whatever reads", () =>
    Effect.gen(function*() {
      const consumer: Lending.Consumer = { onChunk: () => true, onEnd: () => {}, onError: () => {} }
      const reads: ReadonlyArray<(connection: Connection.Connection) => Effect.Effect<unknown, unknown>> = [
        Connection.read,
        (connection) => Connection.readUntil(connection, "\n"),
        (connection) => Connection.readExactly(connection, 5),
        (connection) => Connection.readAll(connection),
        (connection) => Stream.runDrain(Connection.bytes(connection)),
        (connection) => Connection.pipeTo(connection, connection),
        (connection) => Effect.sync(() => Lending.consume(connection, consumer))
      ]
      for (const read of reads) {
        const { connection, watching } = yield* watch({ readTimeout: 2000 })
        // Between two looks of the watcher.
        yield* TestClock.adjust("3601 seconds")
        yield* Effect.forkChild(read(connection), { startImmediately: true })
        yield* TestClock.adjust("1999 millis")
        assert.isUndefined(watching.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.isDefined(watching.pollUnsafe())
      }
    }))

  it.effect("ask what the peer has taken only where that counts", () =>
    Effect.gen(function*() {
      for (
        const [options, asked] of [
          [{ maxLifetime: 2000, writeTimeout: 60_000 }, false],
          [{ readTimeout: 2000, writeTimeout: 60_000 }, false],
          [{ idleTimeout: 2000 }, true],
          [{ writeTimeout: 2000 }, true]
        ] as const
      ) {
        const { read, transport, watching, write } = yield* watch(options)
        transport.takes = false
        read()
        write()
        yield* TestClock.adjust("2 seconds")
        assert.isDefined(watching.pollUnsafe())
        assert.strictEqual(transport.asked > 0, asked)
      }
    }))

  it.effect("are told by the first that passes", () =>
    Effect.gen(function*() {
      const { passed, read } = yield* watch({ idleTimeout: 3000, readTimeout: 2000, maxLifetime: 4000 })
      read()
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* passed, { operation: "read", deadline: "read", after: 2000 })
    }))
})
