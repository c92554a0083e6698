import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ended } from "../../src/internal/connection/ended.ts"
import { connect, FakeTransport } from "./FakeTransport.ts"

// How far it reads ahead of the program.
const mostAhead = 256 * 1024

describe("waiting for the peer's end", () => {
  it.effect("reads up to 256 KiB ahead, whatever the size of the chunks, and leaves them to the program", () =>
    Effect.gen(function*() {
      for (const size of [1000, 64 * 1024, mostAhead - 1, mostAhead, 1024 * 1024]) {
        const transport = new FakeTransport()
        const connection = connect(transport)
        const waiting = yield* Effect.forkChild(ended(connection), { startImmediately: true })
        let sent = 0
        while (transport.isFlowing) {
          transport.deliver(new Uint8Array(size).fill(7))
          sent += size
        }
        assert.strictEqual(sent, Math.ceil(mostAhead / size) * size)
        // An end behind what is not read is not known yet.
        assert.isUndefined(waiting.pollUnsafe())
        const read = yield* Connection.readExactly(connection, sent)
        assert.isTrue(read.every((byte) => byte === 7))
        yield* Fiber.interrupt(waiting)
      }
    }))

  it.effect("hears of an end, or of a broken connection, at once", () =>
    Effect.gen(function*() {
      for (const isBroken of [false, true]) {
        const transport = new FakeTransport()
        const connection = connect(transport)
        const waiting = yield* Effect.forkChild(ended(connection), { startImmediately: true })
        transport.deliver(Uint8Array.of(1))
        assert.isUndefined(waiting.pollUnsafe())
        if (isBroken) yield* Connection.abort(connection)
        else transport.receiver!.onEnd()
        yield* Fiber.join(waiting)
      }
    }))
})
