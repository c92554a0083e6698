/** B1, B6 and B7: what arrives is what was sent, and a chunk belongs to one owner at a time. */
import * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Chunks from "@sluice/framing/Chunks"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { type Check, check, expect, expectBytes, expectEqual, expectFailure } from "../Check.ts"
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
  split,
  type StreamSubject,
  utf8,
  writeInPieces
} from "./pair.ts"

export const byteLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  check(
    "B1",
    "a byte arrives",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        for (const byte of [1, 0, 255]) {
          yield* Connection.write(near.connection, new Uint8Array([byte]))
          const got = yield* Connection.readExactly(far.connection, 1)
          yield* expectBytes("the byte", got, new Uint8Array([byte]))
        }
      }))
  ),

  check(
    "B1",
    "a megabyte each way at once, in chunks of random sizes",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      const there = yield* randomBytes(mebibyte)
      const back = yield* randomBytes(mebibyte)
      const [, , atServer, atClient] = yield* Effect.all([
        Random.withSeed(writeInPieces(client.connection, there), "there"),
        Random.withSeed(writeInPieces(server.connection, back), "back"),
        readBytes(server.connection, there.length),
        readBytes(client.connection, back.length)
      ], { concurrency: "unbounded" })
      yield* expectBytes("from the client", atServer, there)
      yield* expectBytes("from the server", atClient, back)
      yield* expectEqual("bytesOut of the client", Connection.bytesOut(client.connection), mebibyte)
      yield* expectEqual("bytesIn of the client", Connection.bytesIn(client.connection), mebibyte)
      yield* expectEqual("bytesOut of the server", Connection.bytesOut(server.connection), mebibyte)
      yield* expectEqual("bytesIn of the server", Connection.bytesIn(server.connection), mebibyte)
    })
  ),

  check(
    "B1",
    "a megabyte each way at once, through Streams and Sinks",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      const there = yield* randomBytes(mebibyte)
      const back = yield* randomBytes(mebibyte)
      const [atServer, atClient] = yield* Effect.all([
        Effect.map(Stream.runCollect(Connection.bytes(server.connection)), Bytes.concat),
        Effect.map(Stream.runCollect(Connection.bytes(client.connection)), Bytes.concat),
        streamInPieces(client.connection, there),
        streamInPieces(server.connection, back)
      ], { concurrency: "unbounded" })
      yield* expectBytes("from the client", atServer, there)
      yield* expectBytes("from the server", atClient, back)
    })
  ),

  check(
    "B1",
    "a megabyte each way at once, in chunks that are lent until the next pull",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      const there = yield* randomBytes(mebibyte)
      const back = yield* randomBytes(mebibyte)
      const moment = yield* elsewhere(subject)
      // Each chunk is read late: after the network has had time to use its memory again.
      const readLate = (connection: Connection.Connection) =>
        Lending.bytes(connection).pipe(
          Stream.mapEffect((chunk) => Effect.map(randomPause(moment), () => new Uint8Array(chunk))),
          Stream.runCollect,
          Effect.map(Bytes.concat)
        )
      const [atServer, atClient] = yield* Effect.all([
        readLate(server.connection),
        readLate(client.connection),
        streamInPieces(client.connection, there),
        streamInPieces(server.connection, back)
      ], { concurrency: "unbounded" })
      yield* expectBytes("from the client", atServer, there)
      yield* expectBytes("from the server", atClient, back)
    })
  ),

  check(
    "B1",
    "one write of many megabytes arrives whole",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const bytes = yield* randomBytes(6 * mebibyte + 1)
        const [, got] = yield* Effect.all(
          [Connection.write(near.connection, bytes), readBytes(far.connection, bytes.length)],
          { concurrency: 2 }
        )
        yield* expectBytes("the write", got, bytes)
      }))
  ),

  check(
    "B1",
    "one flush of many chunks arrives in order",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const bytes = yield* randomBytes(mebibyte)
        const pieces = yield* split(bytes, 2 * kibibyte)
        const withEmpty = pieces.flatMap((piece, index) => index % 7 === 0 ? [new Uint8Array(0), piece] : [piece])
        const [, got] = yield* Effect.all(
          [Connection.writeAll(near.connection, withEmpty), readBytes(far.connection, bytes.length)],
          { concurrency: 2 }
        )
        yield* expectBytes("the flush", got, bytes)
      }))
  ),

  check(
    "B1",
    "a view of a larger array is sent as what it shows",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const around = utf8("before the view after")
        yield* Connection.write(near.connection, around.subarray(7, 15))
        yield* Connection.end(near.connection)
        yield* expectBytes("the view", yield* readBytes(far.connection), utf8("the view"))
      }))
  ),

  check(
    "B1",
    "what is sent and ended before anybody reads is there later",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(near.connection, "early ")
        yield* Connection.writeText(near.connection, "bird")
        yield* Connection.end(near.connection)
        yield* expectBytes("all of it", yield* readBytes(far.connection), utf8("early bird"))
        yield* expectEnd("after it", far.connection)
      }))
  ),

  check(
    "B6",
    "an empty write is a no-op",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.write(near.connection, new Uint8Array(0))
        yield* Connection.writeAll(near.connection, [])
        yield* Connection.writeAll(near.connection, [new Uint8Array(0), new Uint8Array(0)])
        yield* Connection.writeText(near.connection, "")
        yield* expectEqual("bytesOut", Connection.bytesOut(near.connection), 0)
        yield* Connection.writeText(near.connection, "y")
        yield* Connection.write(near.connection, new Uint8Array(0))
        yield* Connection.end(near.connection)
        yield* expectBytes("the byte after it", yield* readBytes(far.connection), utf8("y"))
      }))
  ),

  check(
    "B6",
    "an empty write fails where a write would",
    bothWays(subject, (near) =>
      Effect.gen(function*() {
        yield* Connection.end(near.connection)
        yield* expectFailure("after end", Connection.write(near.connection, new Uint8Array(0)), "BrokenPipe")
        yield* Connection.abort(near.connection)
        yield* expectFailure("after abort", Connection.write(near.connection, new Uint8Array(0)), "Closed")
      }))
  ),

  check(
    "B6",
    "concurrent writes do not interleave, and keep their order",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const writers = 100
        const records: Array<Uint8Array> = []
        for (let writer = 0; writer < writers; writer++) {
          records.push(new Uint8Array(yield* Random.nextIntBetween(1, 64 * kibibyte)).fill(writer))
        }
        const [, got] = yield* Effect.all([
          Effect.forEach(
            records,
            (record) =>
              Effect.flatMap(split(record, 8 * kibibyte), (pieces) => Connection.writeAll(near.connection, pieces)),
            { concurrency: "unbounded", discard: true }
          ),
          readBytes(far.connection, Chunks.byteLength(records))
        ], { concurrency: 2 })
        yield* expectBytes("the records", got, Bytes.concat(records))
      }))
  ),

  check(
    "B7",
    "a chunk that was pulled is never written to again",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const kept: Array<{ readonly chunk: Uint8Array; readonly copy: Uint8Array }> = []
        const keep = (chunk: Uint8Array) => void kept.push({ chunk, copy: chunk.slice() })
        const bytes = yield* randomBytes(3 * mebibyte)
        const reading = Effect.gen(function*() {
          let left = bytes.length
          for (let round = 0; round < 20; round++) {
            const chunk = Option.getOrThrow(yield* Connection.read(far.connection))
            keep(chunk)
            // The first read may have returned all of the bytes.
            left -= chunk.length + 3 * kibibyte
            if (left < 0) break
            keep(yield* Connection.readExactly(far.connection, 1 + (yield* Random.nextIntBetween(0, 3 * kibibyte))))
          }
          yield* Stream.runForEach(Connection.bytes(far.connection), (chunk) => Effect.sync(() => keep(chunk)))
        })
        const writing = Effect.andThen(
          Random.withSeed(writeInPieces(near.connection, bytes), "pieces"),
          Connection.end(near.connection)
        )
        yield* Effect.all([writing, reading], { concurrency: 2 })
        for (const { chunk, copy } of kept) yield* expectBytes("a chunk at the end", chunk, copy)
        yield* expectBytes("all of them", Bytes.concat(kept.map(({ copy }) => copy)), bytes)
      }))
  ),

  check(
    "B7",
    "a chunk that was written is free again when the write returns",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        const chunk = new Uint8Array(100 * kibibyte)
        const rounds = 40
        const writing = Effect.gen(function*() {
          for (let round = 1; round <= rounds; round++) {
            chunk.fill(round)
            yield* Connection.write(near.connection, chunk)
            chunk.fill(0)
          }
        })
        const reading = Effect.gen(function*() {
          for (let round = 1; round <= rounds; round++) {
            const got = yield* Connection.readExactly(far.connection, chunk.length)
            yield* expect(got.every((byte) => byte === round), `write ${round} was changed after it had returned`)
          }
        })
        yield* Effect.all([writing, reading], { concurrency: 2 })
      }))
  )
]

const streamInPieces = (
  connection: Connection.Connection,
  bytes: Uint8Array
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.flatMap(
    split(bytes),
    (pieces) =>
      Effect.andThen(Stream.run(Stream.fromIterable(pieces), Connection.sink(connection)), Connection.end(connection))
  )
