/** R2: closing is idempotent and bounded in time, and wakes whatever waits. */
import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { bounded, broken, type Check, check, expectEqual, expectFailed, expectFailure } from "../Check.ts"
import { expectOver, gatheringReads, operations } from "./operations.ts"
import { bothWays, clog, expectEnd, readBytes, readText, settled, type StreamSubject } from "./pair.ts"

export const closingLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "R2",
    "closing wakes whatever waits to read, with Closed",
    bothWays(subject, (near) =>
      Effect.gen(function*() {
        const { connection } = near
        const waiting = yield* Effect.forEach([
          Connection.read(connection),
          Connection.read(connection),
          Stream.runDrain(Connection.bytes(connection))
        ], (effect) => Effect.forkScoped(Effect.asVoid(effect), { startImmediately: true }))
        yield* Connection.abort(connection)
        for (const fiber of waiting) yield* expectFailed("a reader", yield* Fiber.await(fiber), "Closed")
      }))
  ),

  ...gatheringReads.map(([name, read]) =>
    check(
      "R2",
      `closing wakes ${name} with Closed`,
      bothWays(subject, (near) =>
        Effect.gen(function*() {
          const waiting = yield* Effect.forkScoped(read(near.connection), { startImmediately: true })
          yield* Connection.abort(near.connection)
          yield* expectFailed(name, yield* Fiber.await(waiting), "Closed")
        }))
    )
  ),

  check(
    "R2",
    "closing in order wakes whatever waits to read",
    bothWays(subject, (near) =>
      Effect.gen(function*() {
        const { connection } = near
        const waiting = yield* Effect.forkScoped(Connection.read(connection), { startImmediately: true })
        const echo = yield* Effect.forkScoped(Connection.pipeTo(connection, connection), { startImmediately: true })
        yield* bounded("closing", "10 seconds", near.close)
        yield* expectFailed("a reader", yield* Fiber.await(waiting), "Closed")
        yield* expectFailed("a pipe", yield* Fiber.await(echo), "Closed")
      }), { closeTimeout: "100 millis" })
  ),

  check(
    "R2",
    "closing wakes whatever waits to write, with Closed",
    bothWays(subject, (near) =>
      Effect.gen(function*() {
        const { connection } = near
        const { fiber } = yield* clog(subject, near)
        const queued = yield* Effect.forkScoped(Connection.writeText(connection, "queued"), { startImmediately: true })
        const ending = yield* Effect.forkScoped(Connection.end(connection), { startImmediately: true })
        yield* Connection.abort(connection)
        for (const [what, waiting] of [["a write", fiber], ["a queued write", queued], ["an end", ending]] as const) {
          yield* expectFailed(what, yield* Fiber.await(waiting), "Closed")
        }
      }))
  ),

  check(
    "R2",
    "everything fails with Closed after a close, and closing again is nothing",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const closing = yield* Effect.forkScoped(near.close, { startImmediately: true })
        yield* expectEnd("at the peer", far.connection)
        yield* far.close
        yield* Fiber.join(closing)
        for (const { connection } of [near, far]) {
          yield* expectFailure("a write", Connection.writeText(connection, "late"), "Closed", "BrokenPipe")
        }
        yield* near.close
        yield* near.closeWith(Exit.interrupt())
        yield* Connection.abort(near.connection)
        yield* expectEqual("how it ended", (yield* Connection.closed(near.connection))._tag, "Ended")
      }))
  ),

  check(
    "R2",
    "a forced close yields no data after it, and never hangs",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(far.connection, "unread")
        yield* settled(subject, () => Connection.bytesIn(near.connection))
        yield* Connection.abort(near.connection)
        yield* Connection.abort(near.connection)
        for (const [what, operation] of operations(near)) yield* expectFailure(what, operation, "Closed")
        yield* bounded("closing", "10 seconds", Connection.closed(near.connection))
        for (const [what, operation] of operations(near)) yield* expectFailure(what, operation, "Closed")
        yield* bounded("closing its Scope", "10 seconds", near.close)
        yield* expectEqual("how it ended", (yield* Connection.closed(near.connection))._tag, "Aborted")
        yield* expectOver(far)
      }))
  ),

  check(
    "R2",
    "a forced close does not make an end of what was not read to the end",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(far.connection, "unread")
        yield* Connection.end(far.connection)
        yield* settled(subject, () => Connection.bytesIn(near.connection))
        yield* Connection.abort(near.connection)
        for (const [what, operation] of operations(near)) yield* expectFailure(what, operation, "Closed")
      }))
  ),

  check(
    "R2",
    "an interrupted close still closes",
    bothWays(subject, (near) =>
      Effect.gen(function*() {
        const closing = yield* Effect.forkScoped(near.close, { startImmediately: true })
        yield* bounded("interrupting", "10 seconds", Fiber.interrupt(closing))
        yield* bounded("closing", "10 seconds", Connection.closed(near.connection))
        yield* expectFailure("a read", Connection.read(near.connection), "Closed")
      }), { closeTimeout: "100 millis" })
  ),

  check(
    "R2",
    "a peer that never ends cannot hold a close",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "goodbye")
        yield* bounded("closing", "10 seconds", near.close)
        const closing = yield* Connection.closed(near.connection)
        yield* expectEqual("how it ended", closing._tag, "Ended")
        yield* expectEqual("what arrived", yield* readText(far.connection), "goodbye")
      }), { closeTimeout: "1 second" })
  ),

  check(
    "R2",
    "a peer that never reads cannot hold a close",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        yield* bounded("closing", "10 seconds", near.close)
        yield* expectFailed("the write that waited", yield* Fiber.await(fiber), "Closed")
        yield* expectEqual("how it ended", (yield* Connection.closed(near.connection))._tag, "Aborted")
        // Half of what was written must not look like all of it.
        if (subject.resets) yield* expectFailure("the peer", readBytes(far.connection), "ConnectionReset")
        else yield* expectOver(far)
      }), { closeTimeout: "100 millis" })
  ),

  check(
    "R2",
    "a peer that sends without end cannot hold a close",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const flooding = yield* Effect.forkScoped(
          Effect.forever(Connection.write(far.connection, new Uint8Array(64 * 1024))),
          { startImmediately: true }
        )
        yield* bounded("closing", "10 seconds", near.close)
        yield* expectFailed("the peer's write", yield* Fiber.await(flooding), ...broken)
      }), { closeTimeout: "20 millis" })
  )
]
