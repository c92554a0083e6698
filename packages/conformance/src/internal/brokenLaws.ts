/** R5: nothing waits on a connection that the peer has broken. */
import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { bounded, broken, type Check, check, expectEqual, expectFailed, expectFailure, found } from "../Check.ts"
import { operations } from "./operations.ts"
import { bothWays, clog, elsewhere, readBytes, roundTrip, type StreamSubject } from "./pair.ts"

export const brokenLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "R5",
    subject.resets ? "a reset by the peer is ConnectionReset" : "a peer that is gone ends the reading",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const reading = yield* Effect.forkScoped(readBytes(near.connection), { startImmediately: true })
        yield* Connection.abort(far.connection)
        const exit = yield* Fiber.await(reading)
        if (!subject.resets) return
        yield* expectFailed("a read that waited", exit, "ConnectionReset")
        for (const [what, operation] of operations(near)) yield* expectFailure(what, operation, ...broken)
        const closing = yield* bounded("closing", "10 seconds", Connection.closed(near.connection))
        if (closing._tag !== "Failed") return yield* found(`a connection that was reset ended as ${closing._tag}`)
        yield* expectEqual("why it ended", closing.error.reason._tag, "ConnectionReset")
        yield* bounded("closing its Scope", "10 seconds", near.close)
      }))
  ),

  check(
    "R5",
    "a write to a peer that is gone fails, and so does every write after it",
    Effect.gen(function*() {
      for (const exit of [Exit.void, Exit.interrupt()]) {
        yield* bothWays(subject, (near, far) =>
          Effect.gen(function*() {
            const moment = yield* elsewhere(subject)
            yield* roundTrip(near.connection, far.connection)
            yield* Effect.forkScoped(far.closeWith(exit), { startImmediately: true })
            const writing = Effect.forever(
              Effect.andThen(Connection.writeText(near.connection, "late"), moment)
            )
            yield* bounded("a write", "10 seconds", expectFailure("a write", writing, ...broken))
            yield* expectFailure("the next", Connection.writeText(near.connection, "later"), ...broken)
            yield* expectFailure("an empty one", Connection.writeText(near.connection, ""), ...broken)
            const closing = yield* bounded("closing", "10 seconds", Connection.closed(near.connection))
            yield* expectEqual("how it ended", closing._tag, "Failed")
          }), { closeTimeout: "100 millis" })
      }
    })
  ),

  check(
    "R5",
    "the peer's reset wakes a write that waits",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        const queued = yield* Effect.forkScoped(Connection.writeText(near.connection, "queued"), {
          startImmediately: true
        })
        const ending = yield* Effect.forkScoped(Connection.end(near.connection), { startImmediately: true })
        yield* Connection.abort(far.connection)
        for (const [what, waiting] of [["a write", fiber], ["a queued write", queued], ["an end", ending]] as const) {
          yield* expectFailed(what, yield* bounded(what, "10 seconds", Fiber.await(waiting)), ...broken)
        }
      }))
  ),

  check(
    "R5",
    "a failed connection closes at once",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        yield* Connection.abort(far.connection)
        yield* Fiber.await(fiber)
        yield* bounded("closing", "5 seconds", near.close)
      }), { closeTimeout: "1 hour" })
  )
]
