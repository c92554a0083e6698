/** R1, R2 and R5: closing closes, in bounded time, and whatever waits on a socket that is gone hears of it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Connection from "../Connection.ts"
import * as Endpoint from "../Endpoint.ts"
import * as Listener from "../Listener.ts"
import * as Network from "../Network.ts"
import type * as NetworkError from "../NetworkError.ts"
import {
  type Body,
  bounded,
  broken,
  type Check,
  check,
  expectEqual,
  expectFailed,
  expectFailure,
  found
} from "./Check.ts"
import {
  bothWays,
  clog,
  expectEnd,
  mebibyte,
  open,
  readBytes,
  roundTrip,
  settled,
  side,
  type Side,
  type StreamSubject
} from "./Pair.ts"

const exits = { success: Exit.void, failure: Exit.fail("failed"), defect: Exit.die("died"), interruption: Exit.interrupt() }

export const closingLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  ...Object.entries(exits).map(([how, exit]) =>
    check(
      "R1",
      `a Scope that closes with a ${how} closes the connection`,
      bothWays(subject, (near, far) =>
        Effect.gen(function*() {
          yield* roundTrip(near.connection, far.connection)
          const closed = yield* Effect.forkScoped(Connection.closed(near.connection), { startImmediately: true })
          const closing = yield* Effect.forkScoped(near.closeWith(exit), { startImmediately: true })
          // The peer sees it, and ends too.
          yield* expectOver(far)
          yield* far.close
          yield* bounded("closing", "10 seconds", Fiber.join(closing))
          const outcome = yield* bounded("hearing of it", "10 seconds", Fiber.join(closed))
          yield* expectEqual("how it ended", outcome._tag, how === "success" ? "Ended" : "Aborted")
        }))
    )
  ),

  check(
    "R1",
    "a Scope in which something fails at any point closes what was opened in it",
    Effect.gen(function*() {
      const listener = yield* Network.listen(subject.endpoint())
      const endpoint = Endpoint.fromAddress(listener.address)
      const connected = Network.connect(endpoint, { closeTimeout: 0 })
      const attempts: ReadonlyArray<Effect.Effect<unknown, unknown, Network.Network | Scope.Scope>> = [
        Effect.andThen(connected, Effect.fail("failed")),
        Effect.andThen(connected, Effect.die("died")),
        Effect.andThen(connected, Effect.interrupt),
        Effect.raceFirst(Effect.flatMap(connected, Connection.read), Effect.yieldNow),
        Effect.flatMap(connected, (connection) =>
          Effect.raceFirst(Effect.forever(Connection.write(connection, new Uint8Array(mebibyte))), Effect.yieldNow))
      ]
      for (const attempt of attempts) {
        yield* Effect.exit(Effect.scoped(attempt))
        const last = yield* side(connected)
        yield* Connection.writeText(last.connection, "last")
        // Those before it were closed before this one was opened, so that they are over by now.
        while (true) {
          const server = yield* side(Listener.accept(listener))
          const got = yield* Effect.exit(readBytes(server.connection, 4))
          if (Exit.isSuccess(got) && new TextDecoder().decode(got.value) === "last") break
          yield* server.closeWith(Exit.interrupt())
        }
        yield* last.closeWith(Exit.interrupt())
      }
    })
  ),

  check(
    "R1",
    "a listener that is closed listens no more, and its connections go on",
    Effect.gen(function*() {
      const listening = yield* Scope.make()
      const listener = yield* Scope.provide(Network.listen(subject.endpoint()), listening)
      const endpoint = Endpoint.fromAddress(listener.address)
      const client = yield* side(Network.connect(endpoint))
      const server = yield* side(Listener.accept(listener))
      const waiting = yield* Effect.forkScoped(Effect.exit(Effect.scoped(Listener.accept(listener))), {
        startImmediately: true
      })
      yield* bounded("closing", "10 seconds", Scope.close(listening, Exit.void))
      yield* expectFailed("an accept that waits", yield* Fiber.join(waiting), "Closed")
      yield* expectFailure("an accept afterwards", Effect.scoped(Listener.accept(listener)), "Closed")
      yield* expectFailure("connecting afterwards", Effect.scoped(Network.connect(endpoint)), "ConnectionRefused", "PathNotFound")
      yield* roundTrip(client.connection, server.connection)
      // The address is free again.
      const again = yield* Network.listen(endpoint)
      const second = yield* side(Network.connect(endpoint))
      const accepted = yield* side(Listener.accept(again))
      yield* roundTrip(second.connection, accepted.connection)
    })
  ),

  check(
    "R1",
    "connections that nobody accepted end with their listener",
    Effect.gen(function*() {
      const listening = yield* Scope.make()
      const listener = yield* Scope.provide(Network.listen(subject.endpoint()), listening)
      const client = yield* side(Network.connect(Endpoint.fromAddress(listener.address)))
      yield* settled(subject, () => 0)
      yield* bounded("closing", "10 seconds", Scope.close(listening, Exit.void))
      yield* expectOver(client)
    })
  ),

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
        const echo = yield* Effect.forkScoped(Connection.pipe(connection, connection), { startImmediately: true })
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
    "a forced close yields no data afterwards, and never hangs",
    bothWays(subject, (near, far) =>
      Effect.gen(function*() {
        yield* Connection.writeText(far.connection, "unread")
        while (Connection.bytesIn(near.connection) === 0) yield* Effect.yieldNow
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
        yield* expectEqual("how it ended", closing._tag, "Aborted")
        yield* expectOver(far)
      }), { closeTimeout: "100 millis" })
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
      }), { closeTimeout: "100 millis" })
  ),

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
            yield* roundTrip(near.connection, far.connection)
            yield* Effect.forkScoped(far.closeWith(exit), { startImmediately: true })
            const writing = Effect.forever(Effect.andThen(Connection.writeText(near.connection, "late"), Effect.yieldNow))
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
        const queued = yield* Effect.forkScoped(Connection.writeText(near.connection, "queued"), { startImmediately: true })
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
  ),

  check(
    "O",
    "addresses match at both ends, and stay readable after closing",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      const facts = ({ connection }: Side) => [
        NetAddress.formatSocketAddress(connection.localAddress),
        NetAddress.formatSocketAddress(connection.remoteAddress),
        Connection.formatPeer(connection)
      ].join(" ")
      const before = facts(client) + facts(server)
      yield* expectEqual("ids are the same", client.connection.id === server.connection.id, false)
      if (!NetAddress.isUnixPathAddress(server.connection.localAddress)) {
        yield* expectEqual(
          "the server's peer",
          NetAddress.formatSocketAddress(server.connection.remoteAddress),
          NetAddress.formatSocketAddress(client.connection.localAddress)
        )
      }
      yield* expectEqual(
        "the client's peer",
        NetAddress.formatSocketAddress(client.connection.remoteAddress),
        NetAddress.formatSocketAddress(server.connection.localAddress)
      )
      yield* client.closeWith(Exit.interrupt())
      yield* expectOver(server)
      yield* server.closeWith(Exit.interrupt())
      yield* expectEqual("the addresses", facts(client) + facts(server), before)
    })
  ),

  check(
    "O",
    "addresses that were never looked at are readable after closing",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      yield* client.closeWith(Exit.interrupt())
      yield* server.closeWith(Exit.interrupt())
      yield* expectEqual(
        "the client's peer",
        NetAddress.formatSocketAddress(client.connection.remoteAddress),
        NetAddress.formatSocketAddress(server.connection.localAddress)
      )
    })
  )
]

const gatheringReads: ReadonlyArray<
  readonly [string, (connection: Connection.Connection) => Effect.Effect<unknown, NetworkError.NetworkError>]
> = [
  ["readExactly", (connection) => Connection.readExactly(connection, 1)],
  ["readUntil", (connection) => Connection.readUntil(connection, "\n")],
  ["readAll", (connection) => Connection.readAll(connection)],
  ["pipe", (connection) => Connection.pipe(connection, connection)]
]

/** Every way of using a connection. */
const operations = (
  { connection }: Side
): ReadonlyArray<readonly [string, Effect.Effect<unknown, NetworkError.NetworkError>]> => [
  ["read", Connection.read(connection)],
  ["bytes", Stream.runDrain(Connection.bytes(connection))],
  ...gatheringReads.map(([name, read]) => [name, read(connection)] as const),
  ["write", Connection.writeText(connection, "x")],
  ["an empty write", Connection.writeText(connection, "")],
  ["end", Connection.end(connection)]
]

/** Fails unless reading comes to an end, or to a reset. */
const expectOver = ({ connection }: Side): Body =>
  Effect.flatMap(
    bounded("the peer's end", "10 seconds", Effect.exit(Stream.runDrain(Connection.bytes(connection)))),
    (exit) => Exit.isSuccess(exit) ? Effect.void : Effect.asVoid(expectFailed("reading to the end", exit, "ConnectionReset"))
  )
