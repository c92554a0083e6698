/** Two ends of one connection, for checks: opened, closed and filled with bytes. */
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Framing from "@sluice/framing/Framing"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { type Body, expect, Finding } from "../Check.ts"

/**
 * What the stream checks need to know of a network.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamSubject {
  /** Where to listen: for each call an endpoint that nobody uses. */
  readonly endpoint: () => Endpoint.Input
  /** Whether a peer can tell a reset from an end. Unix-domain sockets have no reset. */
  readonly resets: boolean
  /**
   * The bytes that the network may hold between a writer and a reader that has stopped, in both ends' buffers. Default:
   * 64 MiB, which is more than the largest socket buffers that systems allow by default.
   */
  readonly bufferLimit?: number | undefined
}

/** One end of a connection, in a Scope of its own. */
export interface Side {
  readonly connection: Connection.Connection
  /** Closes its Scope after a success. */
  readonly close: Effect.Effect<void>
  readonly closeWith: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

/** Both ends. */
export interface Pair {
  readonly client: Side
  readonly server: Side
}

/** Opens a connection to itself. What is left of it when the Scope closes is reset, so that no check waits for another. */
export const open = Effect.fnUntraced(function*(subject: StreamSubject, options: SocketOptions.StreamOptions = {}) {
  const listener = yield* Network.listen(subject.endpoint(), options)
  const client = yield* side(Network.connect(Endpoint.fromAddress(listener.address), options))
  const server = yield* side(Listener.accept(listener))
  return { client, server } satisfies Pair
})

/** Opens one end in a Scope of its own. */
export const side = Effect.fnUntraced(function*<E, R>(
  opening: Effect.Effect<Connection.Connection, E, R | Scope.Scope>
) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.interrupt()))
  const connection = yield* Scope.provide(opening, scope)
  const closeWith = (exit: Exit.Exit<unknown, unknown>) => Scope.close(scope, exit)
  return { connection, close: closeWith(Exit.void), closeWith } satisfies Side
})

/** Runs a body twice, on a fresh connection each time: with the client as the near end, and with the server. */
export const bothWays = (
  subject: StreamSubject,
  body: (near: Side, far: Side) => Body,
  options?: SocketOptions.StreamOptions
): Body =>
  Effect.forEach(
    ["client", "server"] as const,
    (near) =>
      Effect.scoped(
        Effect.flatMap(
          open(subject, options),
          (pair) => body(pair[near], pair[near === "client" ? "server" : "client"])
        )
      )
        .pipe(Effect.mapError((error) => new Finding({ message: `from the ${near}'s end: ${error.message}` }))),
    {
      discard: true
    }
  )

export const kibibyte = 1024
export const mebibyte = 1024 * kibibyte

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Text as UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** Text of UTF-8. */
export const text = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Random bytes. */
export const randomBytes = (length: number): Effect.Effect<Uint8Array> =>
  Effect.map(Random.Random, (random) => {
    // The random generator of the test only seeds an xorshift32, which makes megabytes 20 times as fast.
    let state = random.nextIntUnsafe() | 1
    const words = new Int32Array(Math.ceil(length / 4))
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[index] = state
    }
    return new Uint8Array(words.buffer, 0, length)
  })

/** Splits bytes into pieces of random sizes, from 1 to `largest`. */
export const split = (bytes: Uint8Array, largest = 16 * kibibyte): Effect.Effect<ReadonlyArray<Uint8Array>> =>
  Effect.map(Random.Random, (random) => {
    const pieces: Array<Uint8Array> = []
    for (let offset = 0; offset < bytes.length;) {
      const size = 1 + Math.floor(random.nextDoubleUnsafe() * largest)
      pieces.push(bytes.subarray(offset, offset + size))
      offset += size
    }
    return pieces
  })

/** Writes bytes in pieces of random sizes, one after the other. */
export const writeInPieces = (
  connection: Connection.Connection,
  bytes: Uint8Array,
  largest?: number
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.flatMap(
    split(bytes, largest),
    Effect.forEach((piece) => Connection.write(connection, piece), { discard: true })
  )

/** Reads chunk by chunk until `count` bytes have come, or the peer has ended. */
export const readBytes = Effect.fnUntraced(function*(connection: Connection.Connection, count = Infinity) {
  const chunks: Array<Uint8Array> = []
  let received = 0
  while (received < count) {
    const chunk = yield* Connection.read(connection)
    if (Option.isNone(chunk)) break
    chunks.push(chunk.value)
    received += chunk.value.length
  }
  return Bytes.concat(chunks)
})

/** Reads what there is as text. */
export const readText = (connection: Connection.Connection): Effect.Effect<string, NetworkError.NetworkError> =>
  Effect.map(Connection.read(connection), (chunk) => Option.isNone(chunk) ? "" : text(chunk.value))

/** Lines on a connection. */
export const lines = (connection: Connection.Connection, options?: Parameters<typeof Framing.lines>[0]) =>
  Effect.orDie(Framed.make(connection, Framing.lines(options)))

/** Receives a line, or what is instead of it: `"the end"`, or the tag of what is wrong. */
export const receiveLine = (framed: Framed.Framed<string>): Effect.Effect<string> =>
  Effect.match(Framed.receive(framed), {
    onFailure: ({ reason }) => reason._tag,
    onSuccess: Option.getOrElse(() => "the end")
  })

/** Fails unless the next thing read is the end, twice. */
export const expectEnd = (what: string, connection: Connection.Connection) =>
  Effect.gen(function*() {
    for (const time of ["the first", "the second"]) {
      const chunk = yield* Connection.read(connection)
      yield* expect(
        Option.isNone(chunk),
        `${what}: ${time} read got ${Option.isSome(chunk) ? chunk.value.length : 0} bytes, expected the end`
      )
    }
  })

/** Sends a byte there and back. */
export const roundTrip = (near: Connection.Connection, far: Connection.Connection) =>
  Effect.gen(function*() {
    yield* Connection.write(near, new Uint8Array([1]))
    yield* Connection.readExactly(far, 1)
    yield* Connection.write(far, new Uint8Array([2]))
    yield* Connection.readExactly(near, 1)
  })

/**
 * Gives a moment: a wait for a message to go back and forth on a connection of its own. A loop that waits for something
 * to happen on the network takes one each time around: it does not spin, and so virtual time can advance.
 */
export const elsewhere = (subject: StreamSubject) =>
  Effect.map(open(subject), ({ client, server }) => roundTrip(client.connection, server.connection))

/** Waits for a random little while: some turns of the scheduler, or a moment. */
export const randomPause = <E, R>(moment: Effect.Effect<void, E, R>) =>
  Effect.flatMap(
    Random.nextIntBetween(0, 4),
    (turns) =>
      turns === 4 ? moment : Effect.forEach(Array.from({ length: turns }), () => Effect.yieldNow, { discard: true })
  )

/**
 * Waits until a number stays the same while another connection goes back and forth a hundred times: long enough for
 * anything that can still happen on this network to happen, whatever its clock.
 */
export const settled = Effect.fnUntraced(function*(subject: StreamSubject, value: () => number) {
  const moment = yield* elsewhere(subject)
  while (true) {
    const before = value()
    for (let round = 0; round < 100; round++) yield* moment
    if (value() === before) return before
  }
}, Effect.scoped)

/**
 * Fills a connection until its writer stops, and gives that writer's fiber. It writes one array as large as
 * the buffers may be, which a network that keeps to its limit cannot take.
 */
export const clog = Effect.fnUntraced(function*(subject: StreamSubject, near: Side) {
  const limit = bufferLimit(subject)
  const writing = Connection.write(near.connection, new Uint8Array(limit))
  const fiber = yield* Effect.forkScoped(writing, { startImmediately: true })
  const taken = yield* settled(subject, () => Connection.bytesOut(near.connection))
  yield* expect(fiber.pollUnsafe() === undefined, `a peer that does not read did not stop a write of ${limit} bytes`)
  return { fiber, taken }
})

export const bufferLimit = (subject: StreamSubject): number => subject.bufferLimit ?? 64 * mebibyte
