/** B4: an interruption loses nothing and sends nothing twice. */
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Bytes from "effect/Bytes"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { broken, type Check, check, expectBytes, expectEqual, expectFailure } from "../Check.ts"
import {
  bothWays,
  bufferLimit,
  clog,
  elsewhere,
  expectEnd,
  kibibyte,
  mebibyte,
  randomBytes,
  randomPause,
  readBytes,
  readText,
  roundTrip,
  side,
  type StreamSubject,
  writeInPieces
} from "./pair.ts"

export const interruptionLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "B4",
    "an interrupted read loses nothing, whichever it was",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const reads = [
          Connection.read(far.connection),
          Connection.readExactly(far.connection, 100),
          Connection.readUntil(far.connection, "\n"),
          Connection.readAll(far.connection),
          Stream.runCollect(Stream.take(Connection.bytes(far.connection), 1))
        ]
        for (const read of reads) {
          const fiber = yield* Effect.forkScoped(read, { startImmediately: true })
          yield* Fiber.interrupt(fiber)
          yield* Connection.writeText(near.connection, "what came next")
          yield* expectEqual("the next read", yield* readText(far.connection), "what came next")
        }
      }))
  ),

  check(
    "B4",
    "a read interrupted with bytes gathered leaves them to the next",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const moment = yield* elsewhere(subject)
        const reads = [
          Connection.readExactly(far.connection, 100),
          Connection.readUntil(far.connection, "\n"),
          Connection.readAll(far.connection)
        ]
        for (const read of reads) {
          const fiber = yield* Effect.forkScoped(read, { startImmediately: true })
          const before = Connection.bytesIn(far.connection)
          yield* Connection.writeText(near.connection, "gathered ")
          while (Connection.bytesIn(far.connection) < before + 9) yield* moment
          yield* Fiber.interrupt(fiber)
          yield* Connection.writeText(near.connection, "and more")
          const got = yield* Connection.readExactly(far.connection, 17)
          yield* expectBytes("the next read", got, new TextEncoder().encode("gathered and more"))
        }
      }))
  ),

  check(
    "B4",
    "reads interrupted at random lose nothing",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const pause = randomPause(yield* elsewhere(subject))
        const bytes = yield* randomBytes(512 * kibibyte)
        yield* Effect.forkScoped(Random.withSeed(writeInPieces(near.connection, bytes, 2 * kibibyte), "pieces"))
        const got: Array<Uint8Array> = []
        let received = 0
        while (received < bytes.length) {
          const reading = (yield* Random.nextBoolean)
            ? Effect.map(Connection.read(far.connection), Option.getOrThrow)
            : Connection.readExactly(
              far.connection,
              1 + (yield* Random.nextIntBetween(0, bytes.length - received - 1)) % 5000
            )
          const fiber = yield* Effect.forkScoped(reading, { startImmediately: true })
          yield* pause
          yield* Fiber.interrupt(fiber)
          const exit = yield* Fiber.await(fiber)
          if (Exit.isFailure(exit)) continue
          got.push(exit.value)
          received += exit.value.length
        }
        yield* expectBytes("what the reads got", Bytes.concat(got), bytes)
      }))
  ),

  check(
    "B4",
    "a read that loses a race loses nothing",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const bytes = yield* randomBytes(64 * kibibyte)
        const pausing = Effect.forEach(
          Array.from({ length: 64 }, (_, index) => bytes.subarray(index * kibibyte, (index + 1) * kibibyte)),
          (piece) => Effect.andThen(Connection.write(near.connection, piece), Effect.sleep(Duration.millis(1))),
          { discard: true }
        )
        yield* Effect.forkScoped(pausing)
        const got: Array<Uint8Array> = []
        let received = 0
        while (received < bytes.length) {
          const chunk = yield* Effect.timeoutOption(Connection.read(far.connection), Duration.millis(1))
          if (Option.isNone(chunk)) continue
          const piece = Option.getOrThrow(chunk.value)
          got.push(piece)
          received += piece.length
        }
        yield* expectBytes("what the reads got", Bytes.concat(got), bytes)
      }))
  ),

  check(
    "B4",
    "an interrupted write is sent whole if it has begun",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const { fiber } = yield* clog(subject, near)
        yield* Fiber.interrupt(fiber)
        const marker = yield* Effect.forkScoped(
          Effect.andThen(Connection.writeText(near.connection, "marker"), Connection.end(near.connection)),
          { startImmediately: true }
        )
        const size = bufferLimit(subject)
        const zeros = new Uint8Array(mebibyte)
        for (let left = size; left > 0; left -= Math.min(left, mebibyte)) {
          const chunk = yield* Connection.readExactly(far.connection, Math.min(left, mebibyte))
          yield* expectBytes("a part of the write", chunk, zeros.subarray(0, chunk.length))
        }
        yield* expectBytes("what follows", yield* readBytes(far.connection), new TextEncoder().encode("marker"))
        yield* Fiber.join(marker)
      }))
  ),

  check(
    "B4",
    "an interrupted write is not sent at all if it has not begun",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* clog(subject, near)
        const queue = (text: string) =>
          Effect.forkScoped(Connection.writeText(near.connection, text), { startImmediately: true })
        yield* queue("first ")
        const withdrawn = yield* queue("withdrawn ")
        yield* queue("second")
        yield* Fiber.interrupt(withdrawn)
        let left = bufferLimit(subject)
        while (left > 0) left -= (yield* Connection.readExactly(far.connection, Math.min(left, mebibyte))).length
        const got = yield* Connection.readExactly(far.connection, 12)
        yield* expectBytes("the writes behind it", got, new TextEncoder().encode("first second"))
      }))
  ),

  check(
    "B4",
    "an interrupted accept loses no connection",
    Effect.gen(function*() {
      const listener = yield* Network.listen(subject.endpoint())
      const connecting = side(Network.connect(Endpoint.fromAddress(listener.address)))
      for (let round = 0; round < 10; round++) {
        const fiber = yield* Effect.forkScoped(Listener.accept(listener), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        const client = yield* connecting
        const server = yield* side(Listener.accept(listener))
        yield* roundTrip(client.connection, server.connection)
      }
    })
  ),

  check(
    "R1",
    "an interrupted connect leaves nothing behind",
    Effect.gen(function*() {
      const listener = yield* Network.listen(subject.endpoint())
      const endpoint = Endpoint.fromAddress(listener.address)
      for (let turns = 0; turns < 10; turns++) {
        const connecting = Effect.scoped(Network.connect(endpoint, { closeTimeout: 0 }))
        const fiber = yield* Effect.forkScoped(connecting, { startImmediately: true })
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
      }
      // Whatever of them was accepted is over; the one that says something is the last.
      const client = yield* side(Network.connect(endpoint))
      yield* Connection.writeText(client.connection, "me")
      while (true) {
        const server = yield* side(Listener.accept(listener))
        const got = yield* Effect.exit(Connection.read(server.connection))
        if (Exit.isSuccess(got) && Option.isSome(got.value)) return
        if (Exit.isFailure(got)) yield* expectFailure("an abandoned connection", got, ...broken)
        else yield* expectEnd("an abandoned connection", server.connection)
      }
    })
  )
]
