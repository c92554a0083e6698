import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { connect, FakeTransport } from "./FakeTransport.ts"

const bytes = (...values: ReadonlyArray<number>) => Option.some(Uint8Array.of(...values))

describe("the effect that reads a chunk", () => {
  it.effect("is run by several fibers at a time, and loses nothing when they are interrupted", () =>
    Effect.gen(function*() {
      const transport = new FakeTransport({ lends: true })
      const read = Connection.read(connect(transport))
      const start = Effect.forkChild(read, { startImmediately: true })
      const [first, second, third] = [yield* start, yield* start, yield* start]
      yield* Fiber.interrupt(first)
      transport.deliver(Uint8Array.of(1))
      const fourth = yield* start
      yield* Fiber.interrupt(third)
      transport.deliver(Uint8Array.of(2))
      assert.deepStrictEqual(yield* Fiber.join(second), bytes(1))
      assert.deepStrictEqual(yield* Fiber.join(fourth), bytes(2))
      transport.deliver(Uint8Array.of(3))
      assert.deepStrictEqual(yield* read, bytes(3))
      transport.receiver!.onEnd()
      assert.deepStrictEqual([yield* read, yield* read], [Option.none(), Option.none()])
    }))
})
