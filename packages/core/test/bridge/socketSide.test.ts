import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { closeCode, closeError } from "../../src/internal/bridge/socketError.ts"
import { SocketSide } from "../../src/internal/bridge/socketSide.ts"
import { connect, FakeTransport } from "../connection/FakeTransport.ts"

it.effect("the side of a Socket gives up the pulls that wait, and has kept none of those that ended", () =>
  Effect.gen(function*() {
    const transport = new FakeTransport()
    const side = new SocketSide(connect(transport))
    const { input } = side.connection
    let given = 0
    const forget = input.forget.bind(input)
    input.forget = (reader) => {
      given++
      forget(reader)
    }
    const pull = Effect.forkChild(Effect.exit(side.reader.pull), { startImmediately: true })
    // A pull that receives, a pull that is interrupted, and a pull that waits.
    const first = yield* pull
    transport.deliver(Uint8Array.of(1))
    assert.strictEqual((yield* Fiber.join(first))._tag, "Success")
    const second = yield* pull
    yield* Fiber.interrupt(second)
    assert.strictEqual(given, 1)
    const third = yield* pull
    side.finish(closeError(closeCode.goingAway))
    assert.strictEqual(given, 2)
    for (const exit of [yield* Fiber.join(third), yield* Effect.exit(side.reader.pull)]) {
      assert.strictEqual(exit._tag, "Failure")
    }
    assert.strictEqual(given, 2)
  }))
