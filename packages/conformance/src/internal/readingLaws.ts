/** What the documentation says of `readExactly`, `readUntil` and `readAll`: limits, and what is left over. */
import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { type Check, check, expect, expectBytes, expectEqual, expectFailure } from "../Check.ts"
import {
  bothWays,
  expectEnd,
  kibibyte,
  lines,
  open,
  randomBytes,
  readText,
  receiveLine,
  split,
  type StreamSubject,
  text,
  utf8,
  writeInPieces
} from "./pair.ts"

export const readingLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "O",
    "readExactly gathers and divides what came",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const bytes = yield* randomBytes(300 * kibibyte)
        yield* Effect.forkScoped(Random.withSeed(writeInPieces(near.connection, bytes), "pieces"))
        let offset = 0
        for (const count of [1, 0, 1, 100, 70 * kibibyte, 3, 200 * kibibyte, bytes.length - 270 * kibibyte - 105]) {
          const got = yield* Connection.readExactly(far.connection, count)
          yield* expectBytes(`${count} bytes`, got, bytes.subarray(offset, offset + count))
          offset += count
        }
      }))
  ),

  check(
    "O",
    "readExactly fails with UnexpectedEnd, and what came stays readable",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "short")
        yield* Connection.end(near.connection)
        for (let time = 0; time < 2; time++) {
          const error = yield* expectFailure("too many", Connection.readExactly(far.connection, 6), "UnexpectedEnd")
          const reason = error.reason as NetworkError.UnexpectedEnd
          yield* expectEqual("bytes received", reason.received, 5)
          yield* expectEqual("bytes expected", reason.expected, 6)
        }
        yield* expectEqual("what came", text(yield* Connection.readExactly(far.connection, 5)), "short")
        yield* expectEnd("after it", far.connection)
      }))
  ),

  check(
    "O",
    "bytes are read behind the last message, and messages behind the last byte",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "length: 5\nabc\ndlength: 2\nhi!|rest\n")
        const header = yield* lines(far.connection)
        const body = (count: number) => Effect.map(Connection.readExactly(far.connection, count), text)
        yield* expectEqual("the first header", yield* receiveLine(header), "length: 5")
        yield* expectEqual("the first body", yield* body(5), "abc\nd")
        yield* expectEqual("the second header", yield* receiveLine(header), "length: 2")
        yield* expectEqual("the second body", yield* body(2), "hi")
        yield* expectEqual("up to the bar", text(yield* Connection.readUntil(far.connection, "|")), "!|")
        yield* expectEqual("what is left", yield* readText(far.connection), "rest\n")
      }))
  ),

  check(
    "O",
    "readExactly refuses what is no number of bytes",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        for (const count of [-1, 1.5, NaN, Infinity]) {
          yield* expectFailure(`${count} bytes`, Connection.readExactly(far.connection, count), "InvalidOption")
        }
        yield* Connection.writeText(near.connection, "unaffected")
        yield* expectEqual("the next read", yield* readText(far.connection), "unaffected")
      }))
  ),

  check(
    "O",
    "readUntil finds its delimiter however the input is split",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const input = "a\r\n\r\nb\rc\r\n\n\r\r\nlong line of many words\r\n"
        const lines = ["a\r\n", "\r\n", "b\rc\r\n", "\n\r\r\n", "long line of many words\r\n"]
        for (const largest of [1, 2, 3, 5, input.length]) {
          yield* Effect.forkScoped(writeInPieces(near.connection, utf8(input), largest))
          for (const line of lines) {
            yield* expectEqual("a line", text(yield* Connection.readUntil(far.connection, "\r\n")), line)
          }
        }
        yield* Connection.write(near.connection, utf8("aab"))
        yield* expectEqual("with bytes", text(yield* Connection.readUntil(far.connection, utf8("ab"))), "aab")
      }))
  ),

  check(
    "O",
    "readUntil leaves what is behind the delimiter to the next read, whichever it is",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "head\nexact5rest\ntail")
        yield* Connection.end(near.connection)
        yield* expectEqual("readUntil", text(yield* Connection.readUntil(far.connection, "\n")), "head\n")
        yield* expectEqual("readExactly", text(yield* Connection.readExactly(far.connection, 6)), "exact5")
        yield* expectEqual("readUntil", text(yield* Connection.readUntil(far.connection, "\n")), "rest\n")
        yield* expectEqual("readAll", text(yield* Connection.readAll(far.connection)), "tail")
        yield* expectEnd("after all", far.connection)
      }))
  ),

  check(
    "O",
    "readUntil fails with UnexpectedEnd, and what came stays readable",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "no end of line")
        yield* Connection.end(near.connection)
        const error = yield* expectFailure("readUntil", Connection.readUntil(far.connection, "\n"), "UnexpectedEnd")
        yield* expectEqual("bytes received", (error.reason as NetworkError.UnexpectedEnd).received, 14)
        yield* expectEqual("what came", text(yield* Connection.readAll(far.connection)), "no end of line")
      }))
  ),

  check(
    "O",
    "readUntil's limit does not depend on how the input is split",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const limit = 10
        const cases = [["123456789\n", true], ["1234567890\n", false], ["12345678901234567890\n", false]] as const
        for (const [line, fits] of cases) {
          for (const largest of [1, 3, line.length]) {
            yield* Effect.forkScoped(writeInPieces(near.connection, utf8(line), largest))
            const read = Connection.readUntil(far.connection, "\n", { limit })
            if (fits) {
              yield* expectEqual("a line within the limit", text(yield* read), line)
            } else {
              const error = yield* expectFailure("a line beyond the limit", read, "LimitExceeded")
              yield* expectEqual("the limit", (error.reason as NetworkError.LimitExceeded).limit, limit)
              const left = yield* Connection.readExactly(far.connection, line.length)
              yield* expectEqual("what came", text(left), line)
            }
          }
        }
      }))
  ),

  check(
    "O",
    "readUntil gathers no more than its limit and a read",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Effect.forkScoped(Effect.exit(Connection.write(near.connection, new Uint8Array(8 * 1024 * kibibyte))))
        yield* expectFailure("readUntil", Connection.readUntil(far.connection, "\n"), "LimitExceeded")
        const gathered = Connection.bytesIn(far.connection)
        yield* expect(gathered <= 1024 * kibibyte, `${gathered} bytes were gathered with a limit of 64 KiB`)
      }))
  ),

  check(
    "O",
    "readUntil refuses an empty delimiter",
    bothWays(
      subject,
      (_, far) =>
        Effect.asVoid(expectFailure("no delimiter", Connection.readUntil(far.connection, ""), "InvalidOption"))
    )
  ),

  check(
    "O",
    "readAll gives all, or fails with LimitExceeded and leaves what came",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "0123456789")
        yield* Connection.end(near.connection)
        const read = (limit: number) => Connection.readAll(far.connection, { limit })
        yield* expectFailure("a limit of 9", read(9), "LimitExceeded")
        yield* expectFailure("a limit of 9 again", read(9), "LimitExceeded")
        yield* expectEqual("a limit of 10", text(yield* read(10)), "0123456789")
        yield* expectEqual("once more", text(yield* read(0)), "")
      }))
  ),

  check(
    "O",
    "concurrent reads get different bytes, and none waits for what is there",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const reading = <A>(read: Effect.Effect<A, NetworkError.NetworkError>) =>
          Effect.forkScoped(read, { startImmediately: true })
        const four = yield* reading(Connection.readExactly(far.connection, 4))
        const three = yield* reading(Connection.readExactly(far.connection, 3))
        const line = yield* reading(Connection.readUntil(far.connection, "\n"))
        yield* Connection.writeText(near.connection, "4444333line\n")
        yield* expectEqual("the first", text(yield* Fiber.join(four)), "4444")
        yield* expectEqual("the second", text(yield* Fiber.join(three)), "333")
        yield* expectEqual("the third", text(yield* Fiber.join(line)), "line\n")
        const gathering = yield* reading(Connection.readExactly(far.connection, 4))
        const chunk = yield* reading(readText(far.connection))
        yield* Connection.writeText(near.connection, "4444rest")
        yield* expectEqual("one that gathers", text(yield* Fiber.join(gathering)), "4444")
        yield* expectEqual("one that takes what is there", yield* Fiber.join(chunk), "rest")
      }))
  ),

  check(
    "O",
    "gathered reads do not lose bytes to each other, whatever their order",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      const bytes = yield* randomBytes(256 * kibibyte)
      yield* Effect.forkScoped(
        Effect.andThen(
          Effect.forEach(yield* split(bytes, 3 * kibibyte), (piece) => Connection.write(client.connection, piece)),
          Connection.end(client.connection)
        )
      )
      let offset = 0
      const next = (got: Uint8Array) => {
        const expected = bytes.subarray(offset, offset + got.length)
        offset += got.length
        return expectBytes(`at byte ${offset}`, got, expected)
      }
      while (offset < bytes.length) {
        if (yield* Random.nextBoolean) {
          const delimiter = new Uint8Array([yield* Random.nextIntBetween(0, 255)])
          const got = yield* Effect.exit(Connection.readUntil(server.connection, delimiter, { limit: 4 * kibibyte }))
          if (Exit.isFailure(got)) continue
          yield* expectEqual("the delimiter is the last byte", got.value.indexOf(delimiter[0]!), got.value.length - 1)
          yield* next(got.value)
        } else {
          const count = Math.min(bytes.length - offset, yield* Random.nextIntBetween(0, 9 * kibibyte))
          yield* next(yield* Connection.readExactly(server.connection, count))
        }
      }
      yield* expectEnd("after all", server.connection)
    })
  )
]
