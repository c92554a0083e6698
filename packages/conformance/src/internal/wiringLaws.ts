/** What the documentation says of `pipeTo` and `relay`. */
import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { bounded, broken, type Check, check, expectBytes, expectEqual, expectFailed, expectFailure } from "../Check.ts"
import {
  bothWays,
  elsewhere,
  expectEnd,
  kibibyte,
  mebibyte,
  open,
  randomBytes,
  randomPause,
  readBytes,
  readText,
  type StreamSubject,
  utf8,
  writeInPieces
} from "./pair.ts"

export const wiringLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "R5",
    "a second pipe from one connection is refused, and the first continues",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const echo = Connection.pipeTo(far.connection, far.connection)
        const first = yield* Effect.forkScoped(echo, { startImmediately: true })
        yield* expectFailure("the second pipe", echo, "Busy")
        yield* Connection.writeText(near.connection, "still piped")
        yield* Connection.end(near.connection)
        yield* Fiber.join(first)
        yield* Connection.end(far.connection)
        yield* expectEqual("what came back", yield* readText(near.connection), "still piped")
      }))
  ),

  check(
    "B1",
    "a pipe gives back what was sent, and finishes with the peer",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const echo = yield* Effect.forkScoped(Connection.pipeTo(far.connection, far.connection), {
          startImmediately: true
        })
        const bytes = yield* randomBytes(4 * mebibyte)
        const [small, medium] = [mebibyte / 4, 4 * mebibyte - mebibyte / 4]
        // Small pieces first and last, large ones in between.
        const [, got] = yield* Effect.all([
          Effect.gen(function*() {
            yield* Random.withSeed(writeInPieces(near.connection, bytes.subarray(0, small), kibibyte), "small")
            yield* Connection.write(near.connection, bytes.subarray(small, medium))
            yield* Random.withSeed(writeInPieces(near.connection, bytes.subarray(medium)), "medium")
          }),
          readBytes(near.connection, bytes.length)
        ], { concurrency: 2 })
        yield* expectBytes("the echo", got, bytes)
        yield* Connection.end(near.connection)
        yield* bounded("the pipe's end", "10 seconds", Fiber.join(echo))
        // It ends nothing.
        yield* Connection.writeText(far.connection, "and this")
        yield* expectEqual("what is written after it", yield* readText(near.connection), "and this")
      }))
  ),

  check(
    "O",
    "a pipe gives what was read ahead first",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "line\nrest")
        yield* expectEqual("a line", (yield* Connection.readUntil(far.connection, "\n")).length, 5)
        yield* Effect.forkScoped(Connection.pipeTo(far.connection, far.connection), { startImmediately: true })
        yield* Connection.writeText(near.connection, " and more")
        yield* expectBytes("the echo", yield* Connection.readExactly(near.connection, 13), utf8("rest and more"))
      }))
  ),

  check(
    "B4",
    "an interrupted pipe loses nothing",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const bytes = yield* randomBytes(mebibyte)
        yield* Effect.forkScoped(
          Effect.andThen(
            Random.withSeed(writeInPieces(near.connection, bytes), "pieces"),
            Connection.end(near.connection)
          )
        )
        const pause = randomPause(yield* elsewhere(subject))
        const echoing = Effect.gen(function*() {
          while (true) {
            const fiber = yield* Effect.forkScoped(Connection.pipeTo(far.connection, far.connection), {
              startImmediately: true
            })
            yield* pause
            yield* Fiber.interrupt(fiber)
            if (Exit.isSuccess(yield* Fiber.await(fiber))) return yield* Connection.end(far.connection)
            // By hand for a moment.
            const chunk = yield* Effect.timeoutOption(Connection.read(far.connection), 0)
            if (chunk._tag === "Some" && chunk.value._tag === "Some") {
              yield* Connection.write(far.connection, chunk.value.value)
            }
          }
        })
        const [, got] = yield* Effect.all([echoing, readBytes(near.connection)], { concurrency: 2 })
        yield* expectBytes("the echo", got, bytes)
      }))
  ),

  check(
    "R5",
    "a pipe to a connection that is gone fails",
    Effect.gen(function*() {
      const first = yield* open(subject)
      const second = yield* open(subject)
      const piping = Connection.pipeTo(first.server.connection, second.client.connection)
      const waiting = yield* Effect.forkScoped(piping, { startImmediately: true })
      yield* Connection.abort(second.client.connection)
      yield* expectFailed("a pipe that waits for bytes", yield* Fiber.await(waiting), "Closed")
      yield* expectFailure("a pipe made after it", piping, "Closed")
      // The other connection is unaffected, and loses nothing.
      yield* Connection.writeText(first.client.connection, "unaffected")
      yield* expectEqual("the next read", yield* readText(first.server.connection), "unaffected")
      const echo = Connection.pipeTo(first.server.connection, first.server.connection)
      const echoing = yield* Effect.forkScoped(echo, { startImmediately: true })
      yield* Connection.end(first.server.connection)
      yield* Connection.writeText(first.client.connection, "no way back")
      yield* expectFailed("a pipe to what ends meanwhile", yield* Fiber.await(echoing), "BrokenPipe")
      // What the pipe had in hand is not lost.
      yield* Connection.writeText(first.client.connection, " but still here")
      const left = yield* Connection.readExactly(first.server.connection, "no way back but still here".length)
      yield* expectBytes("what is read after it", left, utf8("no way back but still here"))
      yield* expectFailure(
        "a pipe to what has ended",
        Connection.pipeTo(first.server.connection, first.server.connection),
        "BrokenPipe"
      )
    })
  ),

  ...(subject.resets ?
    [check(
      "R5",
      "a pipe from or to a peer that resets fails",
      Effect.gen(function*() {
        for (const breaking of ["first", "second"] as const) {
          const pairs = { first: yield* open(subject), second: yield* open(subject) }
          const piping = yield* Effect.forkScoped(
            Connection.pipeTo(pairs.first.server.connection, pairs.second.client.connection),
            { startImmediately: true }
          )
          const flooding = Effect.forever(Connection.write(pairs.first.client.connection, new Uint8Array(mebibyte)))
          yield* Effect.forkScoped(flooding, { startImmediately: true })
          yield* Connection.readExactly(pairs.second.server.connection, mebibyte)
          if (breaking === "first") {
            yield* Effect.forkScoped(Stream.runDrain(Connection.bytes(pairs.second.server.connection)))
            yield* Connection.abort(pairs.first.client.connection)
          } else {
            yield* Connection.abort(pairs.second.server.connection)
          }
          const exit = yield* bounded("the pipe's end", "10 seconds", Fiber.await(piping))
          yield* expectFailed(`the ${breaking} peer resets`, exit, ...broken)
        }
      })
    )] :
    []),

  check(
    "B2",
    "a relay carries half-closes over, and finishes when both have ended",
    Effect.gen(function*() {
      const first = yield* open(subject)
      const second = yield* open(subject)
      const relaying = yield* Effect.forkScoped(
        Connection.relay(first.server.connection, second.client.connection),
        { startImmediately: true }
      )
      yield* Connection.writeText(first.client.connection, "question")
      yield* Connection.end(first.client.connection)
      yield* expectBytes("the question", yield* readBytes(second.server.connection), utf8("question"))
      yield* expectEqual("the relay continues", relaying.pollUnsafe() === undefined, true)
      yield* Connection.writeText(second.server.connection, "answer")
      yield* Connection.end(second.server.connection)
      yield* expectBytes("the answer", yield* readBytes(first.client.connection), utf8("answer"))
      yield* expectEnd("after the answer", first.client.connection)
      yield* bounded("the relay's end", "10 seconds", Fiber.join(relaying))
    })
  ),

  check(
    "B1",
    "megabytes through a relay, both ways at once",
    Effect.gen(function*() {
      const first = yield* open(subject)
      const second = yield* open(subject)
      const there = yield* randomBytes(2 * mebibyte)
      const back = yield* randomBytes(2 * mebibyte)
      const send = (connection: Connection.Connection, bytes: Uint8Array, seed: string) =>
        Effect.andThen(
          Random.withSeed(writeInPieces(connection, bytes, 200 * kibibyte), seed),
          Connection.end(connection)
        )
      const [atSecond, atFirst] = yield* Effect.all([
        readBytes(second.server.connection),
        readBytes(first.client.connection),
        Connection.relay(first.server.connection, second.client.connection),
        send(first.client.connection, there, "there"),
        send(second.server.connection, back, "back")
      ], { concurrency: "unbounded" })
      yield* expectBytes("there", atSecond, there)
      yield* expectBytes("back", atFirst, back)
    })
  )
]
