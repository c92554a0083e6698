import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { connect, FakeTransport, poison } from "./FakeTransport.ts"

// A small one, and three that are worth a read buffer.
const chunks = [1, 20_000, 20_000, 20_000].map((size, index) => new Uint8Array(size).fill(index + 1))

const isIntact = (chunk: Uint8Array, index: number) => chunk.every((byte) => byte === index + 1)

const pair = () => {
  const transport = new FakeTransport({ lends: true })
  return { transport, connection: connect(transport) }
}

// As a peer does that sends whenever there is room.
const send = Effect.fnUntraced(function*(transport: FakeTransport, what: ReadonlyArray<Uint8Array>) {
  for (const chunk of what) {
    while (!transport.isFlowing) yield* Effect.yieldNow
    transport.deliver(chunk)
  }
  while (!transport.isFlowing) yield* Effect.yieldNow
  transport.receiver!.onEnd()
})

describe("Lending.bytes", () => {
  it.effect("gives chunks that stay as they are until the next pull, and then are memory that is used again", () =>
    Effect.gen(function*() {
      for (const pauses of [0, 3]) {
        const { connection, transport } = pair()
        const seen: Array<Uint8Array> = []
        const reading = yield* Effect.forkChild(
          Stream.runForEach(Lending.bytes(connection), (chunk) =>
            Effect.gen(function*() {
              for (let turn = 0; turn < pauses; turn++) yield* Effect.yieldNow
              assert.isTrue(isIntact(chunk, seen.length), `chunk ${seen.length}`)
              seen.push(chunk)
            })),
          { startImmediately: true }
        )
        yield* send(transport, chunks)
        yield* Fiber.join(reading)
        assert.strictEqual(seen.length, chunks.length)
        assert.strictEqual(seen[2]![0], poison)
      }
    }))

  it.effect("gives a copy back when the next chunk is pulled before the transport delivers it", () =>
    Effect.gen(function*() {
      for (const [pauses, recycled] of [[0, 3], [3, 0]] as const) {
        const { connection, transport } = pair()
        const seen: Array<number> = []
        const reading = yield* Effect.forkChild(
          Stream.runForEach(Lending.bytes(connection), (chunk) =>
            Effect.gen(function*() {
              for (let turn = 0; turn < pauses; turn++) yield* Effect.yieldNow
              seen.push(...chunk)
            })),
          { startImmediately: true }
        )
        yield* send(transport, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)])
        yield* Fiber.join(reading)
        assert.deepStrictEqual(seen, [1, 2, 3])
        assert.strictEqual(transport.recycled.length, recycled)
      }
    }))

  it.effect("delivers on to a fiber that gives a pull up, and pulls again, before the transport has delivered", () =>
    Effect.gen(function*() {
      const { connection, transport } = pair()
      const pull = yield* Stream.toPull(Lending.bytes(connection))
      const reading = yield* Effect.forkChild(
        Effect.gen(function*() {
          const [first] = [...(yield* pull)[0]]
          yield* Effect.raceFirst(pull, Effect.void)
          return [first, ...(yield* pull)[0]]
        }),
        { startImmediately: true }
      )
      for (const byte of [1, 2]) transport.deliver(Uint8Array.of(byte))
      assert.deepStrictEqual(yield* Fiber.join(reading), [1, 2])
    }))

  it.effect("takes a read buffer of its own for bulk transfers alone", () =>
    Effect.gen(function*() {
      const reading = (chunk: Uint8Array) =>
        Effect.gen(function*() {
          const { connection, transport } = pair()
          const reading = yield* Effect.forkChild(Stream.runDrain(Lending.bytes(connection)), {
            startImmediately: true
          })
          yield* send(transport, Array.from({ length: 10 }, () => chunk))
          yield* Fiber.join(reading)
          return transport.isDedicated
        })
      assert.isFalse(yield* reading(new Uint8Array(1000)))
      assert.isTrue(yield* reading(new Uint8Array(20_000)))
    }))

  it.effect("lets nothing get lost when it is interrupted, or ends early", () =>
    Effect.gen(function*() {
      const { connection, transport } = pair()
      const waiting = yield* Effect.forkChild(Stream.runDrain(Lending.bytes(connection)), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      const taking = yield* Effect.forkChild(
        Stream.runForEach(Stream.take(Lending.bytes(connection), 2), () => Effect.yieldNow),
        { startImmediately: true }
      )
      const sending = yield* Effect.forkChild(send(transport, chunks), { startImmediately: true })
      yield* Fiber.join(taking)
      for (const index of [2, 3]) {
        const chunk = yield* Connection.read(connection)
        assert.isTrue(Option.isSome(chunk) && isIntact(chunk.value, index), `chunk ${index}`)
      }
      yield* Fiber.join(sending)
      assert.isTrue(Option.isNone(yield* Connection.read(connection)))
    }))

  it.effect("has the input to itself", () =>
    Effect.gen(function*() {
      const { connection } = pair()
      yield* Effect.forkChild(Stream.runDrain(Lending.bytes(connection)), { startImmediately: true })
      for (
        const other of [Stream.runDrain(Lending.bytes(connection)), Connection.pipeTo(connection, connection)]
      ) assert.strictEqual((yield* Effect.flip(other)).reason._tag, "Busy")
    }))

  it.effect("fails when the connection breaks, and ends again when it is run after the end", () =>
    Effect.gen(function*() {
      const { connection, transport } = pair()
      transport.receiver!.onEnd()
      for (let time = 0; time < 2; time++) yield* Stream.runDrain(Lending.bytes(connection))
      const broken = pair()
      yield* Connection.abort(broken.connection)
      const error = yield* Effect.flip(Stream.runDrain(Lending.bytes(broken.connection)))
      assert.strictEqual(error.reason._tag, "Closed")
    }))

  it.effect("ends, or fails, again when it is pulled again", () =>
    Effect.gen(function*() {
      for (const isBroken of [false, true]) {
        const { connection, transport } = pair()
        const pull = yield* Stream.toPull(Lending.bytes(connection))
        const first = yield* Effect.forkChild(Effect.exit(pull), { startImmediately: true })
        if (isBroken) yield* Connection.abort(connection)
        else transport.receiver!.onEnd()
        const reasons = [yield* Fiber.join(first), yield* Effect.exit(pull), yield* Effect.exit(pull)].map((exit) => {
          const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
          return error instanceof NetworkError.NetworkError ? error.reason._tag : Cause.isDone(error) ? "end" : error
        })
        const expected = isBroken ? "Closed" : "end"
        assert.deepStrictEqual(reasons, [expected, expected, expected])
      }
    }).pipe(Effect.scoped))
})

const consume = (connection: Connection.Connection, onChunk: (chunk: Uint8Array) => boolean) => {
  const ends: Array<string> = []
  const consumption = Result.getOrThrow(Lending.consume(connection, {
    onChunk,
    onEnd: () => ends.push("end"),
    onError: ({ reason }) => ends.push(reason._tag)
  }))
  return { consumption, ends }
}

describe("Lending.consume", () => {
  it("stops the peer until it is resumed, and keeps the chunk meanwhile", () => {
    const { connection, transport } = pair()
    const held: Array<Uint8Array> = []
    const { consumption, ends } = consume(connection, (chunk) => {
      held.push(chunk)
      return false
    })
    for (const [index, chunk] of chunks.entries()) {
      transport.deliver(chunk)
      assert.isFalse(transport.isFlowing)
      assert.isTrue(isIntact(held.at(-1)!, index))
      consumption.resume()
      assert.isTrue(transport.isFlowing)
    }
    transport.receiver!.onEnd()
    assert.deepStrictEqual(ends, ["end"])
  })

  it("gives its chunks to a consumer that owns them", () => {
    const { connection, transport } = pair()
    const owned: Array<Uint8Array> = []
    Result.getOrThrow(Lending.consume(connection, {
      ownsChunks: true,
      onChunk: (chunk) => owned.push(chunk) > 0,
      onEnd: () => {},
      onError: () => {}
    }))
    for (const chunk of chunks) transport.deliver(chunk)
    for (const [index, chunk] of owned.entries()) assert.isTrue(isIntact(chunk, index), `chunk ${index}`)
    assert.strictEqual(owned.length, chunks.length)
  })

  it.effect("takes what was put back in order, though the transport delivers meanwhile", () =>
    Effect.gen(function*() {
      const { connection, transport } = pair()
      for (const index of [2, 1]) yield* Connection.unread(connection, chunks[index]!)
      const held: Array<Uint8Array> = []
      const { consumption } = consume(connection, (chunk) => {
        held.push(chunk)
        return false
      })
      transport.deliver(chunks[3]!)
      assert.strictEqual(held.length, 1)
      assert.isFalse(transport.isFlowing)
      for (const index of [1, 2, 3]) {
        assert.isTrue(isIntact(held.at(-1)!, index), `chunk ${index}`)
        consumption.resume()
      }
      assert.strictEqual(held.length, 3)
    }))

  it("continues at once when it is resumed before it has answered", () => {
    const { connection, transport } = pair()
    const { consumption } = consume(connection, () => {
      consumption.resume()
      return false
    })
    for (const chunk of chunks) {
      transport.deliver(chunk)
      assert.isTrue(transport.isFlowing)
    }
  })

  it.effect("leaves what comes after it is detached to others", () =>
    Effect.gen(function*() {
      const { connection, transport } = pair()
      const { consumption } = consume(connection, () => false)
      transport.deliver(chunks[0]!)
      consumption.detach()
      const reading = yield* Effect.forkChild(Connection.read(connection), { startImmediately: true })
      transport.deliver(chunks[1]!)
      assert.isTrue(Option.isSome(yield* Fiber.join(reading)))
      assert.isTrue(Result.isSuccess(Lending.consume(connection, { onChunk: () => true, onEnd() {}, onError() {} })))
    }))

  it("holds nothing when the connection breaks while it has a chunk", () => {
    const { connection, transport } = pair()
    const { ends } = consume(connection, () => {
      connection.abort()
      return false
    })
    transport.deliver(chunks[0]!)
    assert.deepStrictEqual(ends, ["Closed"])
    // What still comes is discarded.
    assert.isTrue(transport.isFlowing)
  })

  it("hears of the end of the connection", () => {
    const { connection, transport } = pair()
    const { ends } = consume(connection, () => true)
    const closings: Array<string> = []
    Lending.onClosed(connection, ({ _tag }) => closings.push(_tag))
    Lending.onClosed(connection, () => closings.push("taken back"))()
    connection.abort()
    transport.close()
    assert.deepStrictEqual(ends, ["Closed"])
    assert.deepStrictEqual(closings, ["Aborted"])
  })
})

describe("Lending.write and end", () => {
  it("answer whether they are done, and call back when they were not", () => {
    const { connection, transport } = pair()
    const done: Array<string> = []
    const note = (what: string) => (error: NetworkError.NetworkError | undefined) =>
      done.push(error === undefined ? what : `${what}: ${error.reason._tag}`)
    assert.isTrue(Lending.write(connection, [chunks[0]!, new Uint8Array(0)], note("at once")))
    assert.isTrue(Lending.write(connection, [], note("nothing")))
    transport.takes = false
    assert.isFalse(Lending.write(connection, [chunks[1]!], note("later")))
    assert.isFalse(Lending.end(connection, note("end")))
    assert.isFalse(Lending.write(connection, [chunks[1]!], note("too late")))
    assert.deepStrictEqual(done, ["too late: BrokenPipe"])
    transport.flush()
    assert.deepStrictEqual(done, ["too late: BrokenPipe", "later", "end"])
    assert.isTrue(Lending.end(connection, note("again")))
    connection.abort()
    assert.isFalse(Lending.write(connection, [chunks[1]!], note("gone")))
    assert.deepStrictEqual(done.at(-1), "gone: Closed")
  })
})

describe("Lending.bypass", () => {
  it("counts what a library moves, for as long as it does", () => {
    const { connection, transport } = pair()
    const counts = () => {
      connection.activity.sync()
      return [connection.activity.bytesIn, connection.activity.bytesOut]
    }
    const streams: Array<unknown> = []
    const none = Lending.bypass(connection, (stream) => {
      streams.push(stream)
      return undefined
    })
    assert.isUndefined(none)
    assert.deepStrictEqual(counts(), [0, 0])
    let moved = 0
    const end = Lending.bypass(connection, (stream) => {
      streams.push(stream)
      return {
        isReading: true,
        isWriting: false,
        watch: () => {},
        report: (to) => {
          to.received(moved)
          to.sent(2 * moved)
          moved = 0
        }
      }
    })
    assert.deepStrictEqual(streams, [transport, transport])
    moved = 5
    assert.deepStrictEqual(counts(), [5, 10])
    moved = 1
    assert.deepStrictEqual(counts(), [6, 12])
    // What was moved last counts, too.
    moved = 2
    end!()
    moved = 100
    assert.deepStrictEqual(counts(), [8, 16])
  })
})

describe("writes while the transport is lent", () => {
  it("wait, and go to the next transport in their order", () => {
    const { connection, transport } = pair()
    const next = new FakeTransport()
    const written: Array<string> = []
    const write = (name: string) =>
      connection.output.write([new TextEncoder().encode(name)], { onWritten: () => void written.push(name) })
    connection.output.suspend()
    assert.deepStrictEqual([write("a"), write("b")], [false, false])
    connection.output.swapTransport(next)
    assert.deepStrictEqual(written, ["a", "b"])
    assert.isTrue(write("c"))
    assert.deepStrictEqual(next.written.map((bytes) => new TextDecoder().decode(bytes)).join(""), "abc")
    assert.deepStrictEqual(transport.written, [])
  })
})
