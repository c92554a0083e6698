/** What the documentation says of `peek` and `unread`: who gets the bytes, and what is refused. */
import * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { type Check, check, expectBytes, expectEqual, expectFailure } from "../Check.ts"
import {
  bothWays,
  expectEnd,
  kibibyte,
  lines,
  randomBytes,
  readText,
  receiveLine,
  type StreamSubject,
  text,
  utf8,
  writeInPieces
} from "./pair.ts"

export const lookAheadLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "O",
    "peek waits for its bytes and leaves them to the next read, whichever it is",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const peek = (count: number) => Effect.map(Connection.peek(far.connection, count), text)
        const peeking = yield* Effect.forkScoped(peek(6), { startImmediately: true })
        for (const piece of ["b", "ack", "up\n"]) yield* Connection.writeText(near.connection, piece)
        yield* expectEqual("six bytes in pieces", yield* Fiber.join(peeking), "backup")
        yield* expectEqual("none", yield* peek(0), "")
        yield* expectEqual("readExactly", text(yield* Connection.readExactly(far.connection, 3)), "bac")
        yield* expectEqual("a peek in between", yield* peek(1), "k")
        yield* expectEqual("readExactly", text(yield* Connection.readExactly(far.connection, 1)), "k")
        yield* expectEqual("readUntil", text(yield* Connection.readUntil(far.connection, "\n")), "up\n")
        yield* Connection.writeText(near.connection, "read")
        yield* expectEqual("four bytes", yield* peek(4), "read")
        yield* expectEqual("read", yield* readText(far.connection), "read")
        const header = yield* lines(far.connection)
        yield* Connection.writeText(near.connection, "one\ntwo\nth")
        yield* expectEqual("a message", yield* receiveLine(header), "one")
        yield* expectEqual("behind the last message", yield* peek(4), "two\n")
        yield* expectEqual("the next message", yield* receiveLine(header), "two")
        yield* Connection.writeText(near.connection, "ree\n")
        yield* expectEqual("within a message", yield* peek(2), "th")
        yield* expectEqual("the message", yield* receiveLine(header), "three")
      }))
  ),

  check(
    "B1",
    "what was peeked and put back arrives in order, through chunks that are lent",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const bytes = yield* randomBytes(300 * kibibyte)
        const put = Effect.fnUntraced(function*(chunk: Uint8Array) {
          const copy = new Uint8Array(chunk)
          yield* Connection.unread(far.connection, copy)
          copy.fill(0)
        })
        yield* Effect.forkScoped(
          Effect.andThen(writeInPieces(near.connection, bytes), Connection.end(near.connection))
        )
        const most = 64 * kibibyte
        yield* expectBytes("the most", yield* Connection.peek(far.connection, most), bytes.subarray(0, most))
        const first = yield* Connection.readExactly(far.connection, 100 * kibibyte)
        yield* put(first.subarray(70 * kibibyte))
        yield* put(first.subarray(1, 70 * kibibyte))
        yield* put(first.subarray(0, 1))
        yield* expectBytes("all in front", yield* Connection.peek(far.connection, 9), bytes.subarray(0, 9))
        yield* expectBytes("bytes", yield* Connection.readExactly(far.connection, 5), bytes.subarray(0, 5))
        const rest = yield* Lending.bytes(far.connection).pipe(
          Stream.map((chunk) => new Uint8Array(chunk)),
          Stream.runCollect
        )
        yield* expectBytes("the rest", Bytes.concat(rest), bytes.subarray(5))
        yield* put(utf8("again"))
        yield* expectEqual("before the end", yield* readText(far.connection), "again")
        yield* expectEnd("after it", far.connection)
      }))
  ),

  check(
    "O",
    "peek and unread refuse invalid uses, and lose nothing",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const refused = (
          what: string,
          effect: Effect.Effect<unknown, NetworkError.NetworkError>,
          tag: "Busy" | "InvalidOption"
        ) => expectFailure(what, effect, tag)
        for (const count of [-1, 0.5, NaN, 65_537]) {
          yield* refused(`${count} bytes`, Connection.peek(far.connection, count), "InvalidOption")
        }
        yield* refused("too many", Connection.unread(far.connection, new Uint8Array(1025 * kibibyte)), "InvalidOption")
        yield* Connection.unread(far.connection, new Uint8Array(0))
        const reading = yield* Effect.forkScoped(Connection.readExactly(far.connection, 3), { startImmediately: true })
        yield* refused("while another fiber reads", Connection.unread(far.connection, utf8("x")), "Busy")
        yield* Connection.writeText(near.connection, "abc")
        yield* expectEqual("what it reads", text(yield* Fiber.join(reading)), "abc")
        const piping = yield* Effect.forkScoped(Connection.pipeTo(far.connection, far.connection), {
          startImmediately: true
        })
        yield* refused("while it is piped", Connection.peek(far.connection, 1), "Busy")
        yield* refused("while it is piped", Connection.unread(far.connection, utf8("x")), "Busy")
        yield* Fiber.interrupt(piping)
        const leaving = yield* Effect.forkScoped(Connection.peek(far.connection, 9), { startImmediately: true })
        yield* Connection.writeText(near.connection, "short")
        yield* Connection.peek(far.connection, 5)
        yield* Fiber.interrupt(leaving)
        yield* Connection.end(near.connection)
        const error = yield* expectFailure("too many", Connection.peek(far.connection, 6), "UnexpectedEnd")
        yield* expectEqual("bytes received", (error.reason as NetworkError.UnexpectedEnd).received, 5)
        yield* expectEqual("what came", yield* readText(far.connection), "short")
        yield* expectEnd("after it", far.connection)
        yield* Connection.abort(near.connection)
        yield* expectFailure("peek when closed", Connection.peek(near.connection, 1), "Closed")
        yield* expectFailure("unread when closed", Connection.unread(near.connection, utf8("x")), "Closed")
      }))
  )
]
