/** R1: a closed Scope means a closed descriptor, however it closed; and what is known of a connection outlives it. */
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import { bounded, type Check, check, expectEqual, expectFailed, expectFailure } from "../Check.ts"
import { expectOver } from "./operations.ts"
import { bothWays, mebibyte, open, readBytes, roundTrip, settled, type Side, side, type StreamSubject } from "./pair.ts"

const exits = {
  success: Exit.void,
  failure: Exit.fail("failed"),
  defect: Exit.die("died"),
  interruption: Exit.interrupt()
}

export const scopeLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
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
        Effect.flatMap(
          connected,
          (connection) =>
            Effect.raceFirst(Effect.forever(Connection.write(connection, new Uint8Array(mebibyte))), Effect.yieldNow)
        )
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
    "a closed listener accepts nothing more, and its connections stay open",
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
      yield* expectFailure("an accept after it", Effect.scoped(Listener.accept(listener)), "Closed")
      yield* expectFailure(
        "connecting afterwards",
        Effect.scoped(Network.connect(endpoint)),
        "ConnectionRefused",
        "PathNotFound"
      )
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
    "O",
    "addresses match at both ends, and stay readable after closing",
    Effect.gen(function*() {
      const { client, server } = yield* open(subject)
      const facts = ({ connection }: Side) =>
        [
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
