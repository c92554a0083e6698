import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { expired } from "../../src/internal/server/deadlines.ts"
import type { Policy } from "../../src/internal/server/policy.ts"
import { monotonicMillis } from "../../src/internal/time/monotonic.ts"
import { connect, FakeTransport } from "./FakeTransport.ts"

// A connection whose write waits, and the deadline that is watched.
const waiting = Effect.fnUntraced(function*(policy: Partial<Policy>) {
  const transport = new FakeTransport()
  const connection = connect(transport)
  const clock = yield* Clock.Clock
  const watching = yield* Effect.forkChild(
    expired(connection, monotonicMillis(clock), policy as Policy, clock),
    { startImmediately: true }
  )
  transport.takes = false
  connection.output.write([new Uint8Array(1)], { onWritten: () => {} })
  return { connection, transport, watching }
})

describe("writeTimeout and idleTimeout", () => {
  for (const deadline of ["write", "idle"] as const) {
    it.effect(`count what the peer takes as progress: ${deadline}`, () =>
      Effect.gen(function*() {
        const { transport, watching } = yield* waiting({ [`${deadline}Timeout`]: 2000 })
        // The system reports no room for a minute, and the peer takes something every 1.9 seconds.
        transport.outstanding = 1_000_000
        for (let step = 0; step < 30; step++) {
          yield* TestClock.adjust("1900 millis")
          transport.outstanding -= 1000
        }
        assert.isUndefined(watching.pollUnsafe())
        yield* TestClock.adjust("2500 millis")
        const { reason } = yield* Fiber.join(watching)
        assert.deepInclude(reason, { _tag: "TimedOut", deadline, after: 2000 })
        assert.isAbove(transport.asked, 30)
      }))

    it.effect(`pass when the peer takes nothing: ${deadline}`, () =>
      Effect.gen(function*() {
        for (const outstanding of [1000, undefined]) {
          const { transport, watching } = yield* waiting({ [`${deadline}Timeout`]: 2000 })
          transport.outstanding = outstanding
          yield* TestClock.adjust("1999 millis")
          assert.isUndefined(watching.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* Fiber.join(watching)).reason._tag, "TimedOut")
        }
      }))
  }

  it.effect("do not delay readTimeout, which counts what is read alone", () =>
    Effect.gen(function*() {
      const { connection, transport, watching } = yield* waiting({ readTimeout: 2000, writeTimeout: 1000 })
      yield* Effect.forkChild(Effect.ignore(Connection.read(connection)), { startImmediately: true })
      transport.outstanding = 1_000_000
      for (let step = 0; step < 19; step++) {
        yield* TestClock.adjust("100 millis")
        transport.outstanding -= 1000
      }
      assert.isUndefined(watching.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      assert.deepInclude((yield* Fiber.join(watching)).reason, { _tag: "TimedOut", deadline: "read", after: 2000 })
    }))

  it.effect("keep a slow but steady reader on the simulated network, and end a reader that stops", () =>
    Effect.gen(function*() {
      const outcome = (steps: number) =>
        Effect.gen(function*() {
          const host = yield* SimNetwork.host("host")
          const outcome = yield* Deferred.make<string>()
          const program = Effect.gen(function*() {
            yield* Server.make({ listen: "tcp://127.0.0.1:9", writeTimeout: "2 seconds" }, (connection) =>
              Connection.write(connection, new Uint8Array(4 << 20)).pipe(
                Effect.matchEffect({
                  onSuccess: () =>
                    Deferred.succeed(outcome, "written"),
                  onFailure: ({ reason }) => Deferred.succeed(outcome, reason._tag)
                })
              ))
            const client = yield* Network.connect("tcp://127.0.0.1:9")
            for (let step = 0; step < steps; step++) {
              yield* Effect.sleep("100 millis")
              yield* Connection.readExactly(client, 5000)
            }
            const stillWaits = steps === 0 ? Effect.never : Effect.succeed("waiting")
            return yield* Effect.raceFirst(Deferred.await(outcome), stillWaits)
          })
          return yield* Host.run(host, Effect.scoped(program))
        })
      assert.strictEqual(yield* Simulation.run(outcome(0)), "TimedOut")
      // 50 KB/s for half a minute: the system has room for more only when half of its buffer is free.
      assert.strictEqual(yield* Simulation.run(outcome(300)), "waiting")
    }))

  it.effect("ask the transport nothing while no write waits", () =>
    Effect.gen(function*() {
      const { transport, watching } = yield* waiting({ writeTimeout: 2000 })
      transport.flush()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(transport.asked, 0)
      yield* Fiber.interrupt(watching)
    }))
})
