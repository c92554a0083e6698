/** B2, B3 and R3: an end is an end, it ends one direction only, and it comes behind everything that was written. */
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { type Body, bounded, type Check, check, expect, expectBytes, expectEqual, expectFailure } from "../Check.ts"
import {
  bothWays,
  bufferLimit,
  clog,
  elsewhere,
  expectEnd,
  lines,
  mebibyte,
  open,
  randomBytes,
  readBytes,
  readText,
  receiveLine,
  settled,
  type StreamSubject,
  utf8
} from "./pair.ts"

export const endLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "B2",
    "half-closing leaves the other direction open",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "x")
        yield* Connection.end(near.connection)
        yield* expectEqual("read", yield* readText(far.connection), "x")
        yield* expectEnd("after it", far.connection)
        // Not at once: the peer may take its time for the answer.
        yield* settled(subject, () => 0)
        yield* Connection.writeText(far.connection, "y")
        yield* Connection.end(far.connection)
        yield* expectEqual("the answer", yield* readText(near.connection), "y")
        yield* expectEnd("after the answer", near.connection)
      }))
  ),

  check(
    "B2",
    "a megabyte written after the peer's end arrives",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.end(near.connection)
        yield* expectEnd("the request", far.connection)
        yield* settled(subject, () => 0)
        const answer = yield* randomBytes(mebibyte)
        const [, got] = yield* Effect.all(
          [Effect.andThen(Connection.write(far.connection, answer), far.close), readBytes(near.connection)],
          { concurrency: 2 }
        )
        yield* expectBytes("the answer", got, answer)
      }))
  ),

  check(
    "B2",
    "an end comes behind a write that waits",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        const marked = yield* Effect.forkScoped(Connection.writeText(near.connection, "last"), {
          startImmediately: true
        })
        const ended = yield* Effect.forkScoped(Connection.end(near.connection), { startImmediately: true })
        const size = yield* drain(far.connection, utf8("last"))
        yield* Fiber.join(fiber)
        yield* Fiber.join(marked)
        yield* Fiber.join(ended)
        yield* expectEqual("bytes that came", size, Connection.bytesOut(near.connection))
      }))
  ),

  check(
    "B2",
    "ending twice is once, and writing after it is BrokenPipe",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.end(near.connection)
        yield* Connection.end(near.connection)
        yield* expectFailure("a write after end", Connection.writeText(near.connection, "late"), "BrokenPipe")
        yield* expectEnd("at the peer", far.connection)
        yield* Connection.end(near.connection)
        yield* Connection.writeText(far.connection, "still here")
        yield* expectEqual("what the peer says", yield* readText(near.connection), "still here")
      }))
  ),

  check(
    "B3",
    "the end is no error, and stays an end for every way of reading",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* near.close.pipe(Effect.forkScoped({ startImmediately: true }))
        yield* expectEnd("read", far.connection)
        yield* expectEqual("readAll", (yield* Connection.readAll(far.connection)).length, 0)
        yield* expectEqual("bytes", (yield* Stream.runCollect(Connection.bytes(far.connection))).length, 0)
        yield* expectEqual("bytes again", (yield* Stream.runCollect(Connection.bytes(far.connection))).length, 0)
        yield* expectEqual("readExactly of nothing", (yield* Connection.readExactly(far.connection, 0)).length, 0)
        yield* expectFailure("readExactly", Connection.readExactly(far.connection, 1), "UnexpectedEnd")
        yield* expectFailure("readUntil", Connection.readUntil(far.connection, "\n"), "UnexpectedEnd")
        yield* expectEnd("read after all", far.connection)
      }), { closeTimeout: "1 second" })
  ),

  check(
    "B3",
    "the end wakes every reader that waits",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const readers = yield* Effect.forEach([1, 2, 3], () =>
          Effect.forkScoped(readBytes(far.connection), { startImmediately: true }))
        yield* Connection.end(near.connection)
        for (const reader of readers) {
          yield* expectEqual("bytes read", (yield* Fiber.join(reader)).length, 0)
        }
      }))
  ),

  check(
    "B3",
    "a last line without its end is not lost",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "one\ntwo")
        yield* Connection.end(near.connection)
        const lines = yield* Connection.bytes(far.connection).pipe(
          Stream.decodeText(),
          Stream.splitLines,
          Stream.runCollect
        )
        yield* expectEqual("the lines", lines.join("|"), "one|two")
      }))
  ),

  ...(subject.resets ?
    [check(
      "B3",
      "an end that was read stays one when the peer resets later",
      bothWays(subject, (near, far) =>
        Effect.gen(function*() {
          yield* Connection.end(near.connection)
          yield* expectEnd("at first", far.connection)
          yield* Connection.abort(near.connection)
          yield* untilBroken(far.connection, yield* elsewhere(subject))
          yield* expectEnd("after the reset", far.connection)
        }))
    )] :
    []),

  check(
    "R3",
    "a Scope that closes after a success sends everything, then an end",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const answer = yield* randomBytes(mebibyte)
        const [, got] = yield* Effect.all([
          Effect.andThen(Connection.write(near.connection, answer), near.close),
          Effect.tap(readBytes(far.connection), () => far.close)
        ], { concurrency: 2 })
        yield* expectBytes("what was written", got, answer)
        const closing = yield* Connection.closed(near.connection)
        yield* expectEqual("how it ended", closing._tag, "Ended")
        yield* expectEqual("how it ended at the peer", (yield* Connection.closed(far.connection))._tag, "Ended")
      }))
  ),

  check(
    "R3",
    "so it is with writes that still wait",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        const closing = yield* Effect.forkScoped(near.close, { startImmediately: true })
        yield* expectEqual("bytes that came", yield* drain(far.connection), bufferLimit(subject))
        yield* far.close
        yield* bounded("closing", "10 seconds", Fiber.join(closing))
        yield* Fiber.join(fiber)
        yield* expectEqual("how it ended", (yield* Connection.closed(near.connection))._tag, "Ended")
      }), { closeTimeout: "20 seconds" })
  ),

  check(
    "R3",
    "input that nobody read does not destroy the answer",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const answer = yield* randomBytes(mebibyte)
        yield* Connection.write(far.connection, yield* randomBytes(100_000))
        yield* settled(subject, () => Connection.bytesIn(near.connection))
        const [, got] = yield* Effect.all([
          Effect.andThen(Connection.write(near.connection, answer), near.close),
          Effect.gen(function*() {
            // More comes while the answer is on its way.
            yield* Connection.write(far.connection, yield* randomBytes(100_000))
            const got = yield* readBytes(far.connection)
            yield* far.close
            return got
          })
        ], { concurrency: 2 })
        yield* expectBytes("the answer", got, answer)
      }))
  ),

  ...(subject.resets ?
    [check(
      "R3",
      "a Scope that closes after a failure, a defect or an interruption resets",
      Effect.gen(function*() {
        for (const exit of [Exit.fail("failed"), Exit.die("died"), Exit.interrupt()]) {
          const { client, server } = yield* open(subject)
          yield* Connection.writeText(client.connection, "half an ans")
          yield* Connection.readExactly(server.connection, 11)
          yield* client.closeWith(exit)
          yield* expectFailure("the peer's read", readBytes(server.connection), "ConnectionReset")
          yield* expectEqual("how it ended", (yield* Connection.closed(client.connection))._tag, "Aborted")
          yield* expectEqual("how it ended at the peer", (yield* Connection.closed(server.connection))._tag, "Failed")
        }
      })
    )] :
    [check(
      "R3",
      "where there is no reset, a failure is an end behind what was sent, and a framing reports a message that was cut",
      Effect.gen(function*() {
        for (const exit of [Exit.fail("failed"), Exit.die("died"), Exit.interrupt()]) {
          const { client, server } = yield* open(subject)
          yield* Connection.writeText(client.connection, "an answer\nhalf an ans")
          yield* client.closeWith(exit)
          const answers = yield* lines(server.connection)
          yield* expectEqual("the whole answer", yield* receiveLine(answers), "an answer")
          yield* expectEqual("the answer that was cut", yield* receiveLine(answers), "TruncatedFrame")
          yield* expectEqual("how it ended", (yield* Connection.closed(client.connection))._tag, "Aborted")
        }
      })
    )]),

  check(
    "R3",
    "a Scope that closes after a FramingError sends the replies before it, and ends in order",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(far.connection, "a message\nmuch too long a message\nand one that nobody reads\n")
        const messages = yield* lines(near.connection, { maxLineLength: 10 })
        yield* expectEqual("the good message", yield* receiveLine(messages), "a message")
        yield* Connection.writeText(near.connection, "a reply\n")
        const exit = yield* Effect.exit(Framed.receive(messages))
        yield* expect(Exit.isFailure(exit), "a line above the limit is received")
        const [reply] = yield* Effect.all([
          Effect.andThen(Connection.readAll(far.connection), (bytes) => Effect.as(far.close, bytes)),
          near.closeWith(exit)
        ], { concurrency: 2 })
        yield* expectBytes("the reply", reply, utf8("a reply\n"))
        yield* expectEqual("how it ended", (yield* Connection.closed(near.connection))._tag, "Ended")
      }))
  ),

  check(
    "R3",
    "a connection both of whose directions have ended is closed",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.end(near.connection)
        yield* expectEnd("at the peer", far.connection)
        yield* Connection.end(far.connection)
        yield* expectEnd("here", near.connection)
        for (const { connection } of [near, far]) {
          const closing = yield* bounded("closing", "10 seconds", Connection.closed(connection))
          yield* expectEqual("how it ended", closing._tag, "Ended")
        }
        yield* expectEnd("here once it is closed", near.connection)
      }))
  )
]

/** Reads to the end without keeping what comes, checks how it finishes, and gives the number of bytes. */
const drain = Effect.fnUntraced(function*(connection: Connection.Connection, last = new Uint8Array(0)) {
  let size = 0
  let tail = new Uint8Array(0)
  yield* Stream.runForEach(Connection.bytes(connection), (chunk) =>
    Effect.sync(() => {
      size += chunk.length
      const joined = new Uint8Array(tail.length + chunk.length)
      joined.set(tail)
      joined.set(chunk, tail.length)
      tail = joined.slice(Math.max(0, joined.length - last.length))
    }))
  yield* expect(
    last.length === 0 || tail.every((byte, index) => byte === last[index]),
    "the last bytes are not the last written"
  )
  return size
})

/** Writes until that fails. */
const untilBroken = (connection: Connection.Connection, moment: Body) =>
  expectFailure(
    "writing to a peer that has reset",
    Effect.forever(Effect.andThen(Connection.writeText(connection, "anybody?"), moment)),
    "ConnectionReset",
    "BrokenPipe"
  )
