/** B5: a reader that stops stops the writer at the other end, and nothing grows without bound between them. */
import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Body, type Check, check, expect, expectEqual } from "../Check.ts"
import { bothWays, bufferLimit, clog, mebibyte, open, settled, type Side, type StreamSubject } from "./pair.ts"

// What a connection may take off the network for a reader that does not come: a few read buffers.
const readAhead = mebibyte

export const backpressureLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "B5",
    "a reader that stops stops the writer, which continues when the reader does",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        yield* expectReadAhead(far)
        yield* readSize(far.connection, bufferLimit(subject))
        yield* Fiber.join(fiber)
      }))
  ),

  check(
    "B5",
    "so does a reader that takes one chunk",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        let rest = bufferLimit(subject)
        for (let round = 0; round < 3; round++) {
          const chunk = Option.getOrThrow(yield* Connection.read(far.connection))
          rest -= chunk.length
          yield* settled(subject, () => Connection.bytesIn(far.connection))
          yield* expect(
            Connection.bytesIn(far.connection) - (bufferLimit(subject) - rest) <= readAhead,
            `${Connection.bytesIn(far.connection)} bytes were read ahead of a reader that took ${
              bufferLimit(subject) - rest
            }`
          )
        }
        yield* expectEqual("the write is done", fiber.pollUnsafe() !== undefined, false)
        yield* readSize(far.connection, rest)
        yield* Fiber.join(fiber)
      }))
  ),

  check(
    "B5",
    "so does a slow consumer of a Stream",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        let consumed = 0
        let open = false
        const gate = yield* Effect.forkScoped(Effect.never)
        yield* Effect.forkScoped(
          Stream.runForEach(Connection.bytes(far.connection), (chunk) => {
            consumed += chunk.length
            return open ? Effect.void : Effect.exit(Fiber.await(gate))
          }),
          { startImmediately: true }
        )
        const { fiber } = yield* clog(subject, near)
        yield* expect(
          Connection.bytesIn(far.connection) - consumed <= readAhead,
          `${Connection.bytesIn(far.connection) - consumed} bytes were read ahead of a slow consumer`
        )
        open = true
        yield* Fiber.interrupt(gate)
        yield* Fiber.join(fiber)
      }))
  ),

  check(
    "B5",
    "so does one behind a pipe",
    Effect.gen(function*() {
      const first = yield* open(subject)
      const second = yield* open(subject)
      yield* Effect.forkScoped(Connection.pipeTo(first.server.connection, second.client.connection), {
        startImmediately: true
      })
      const chunk = new Uint8Array(256 * 1024)
      const count = 2 * bufferLimit(subject) / chunk.length
      const writing = Effect.forEach(
        Array.from({ length: count }),
        () => Connection.write(first.client.connection, chunk),
        {
          discard: true
        }
      )
      const fiber = yield* Effect.forkScoped(writing, { startImmediately: true })
      yield* settled(subject, () => Connection.bytesOut(first.client.connection))
      yield* expect(
        fiber.pollUnsafe() === undefined,
        `a pipe took ${count * chunk.length} bytes that nobody read behind it`
      )
      const between = Connection.bytesIn(first.server.connection) - Connection.bytesOut(second.client.connection)
      yield* expect(between <= readAhead, `${between} bytes were gathered in the pipe`)
      yield* expectReadAhead(second.server)
      yield* readSize(second.server.connection, count * chunk.length)
      yield* Fiber.join(fiber)
    })
  )
]

const expectReadAhead = ({ connection }: Side): Body =>
  expect(
    Connection.bytesIn(connection) <= readAhead,
    `${Connection.bytesIn(connection)} bytes were read ahead although nobody read`
  )

const readSize = Effect.fnUntraced(function*(connection: Connection.Connection, size: number) {
  let left = size
  while (left > 0) left -= Option.getOrThrow(yield* Connection.read(connection)).length
  yield* expectEqual("bytes that came beyond those written", -left, 0)
})
