import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { ContextCache } from "../../src/internal/tls/contextCache.ts"
import { connect, FakeTransport } from "./FakeTransport.ts"

const certificate = SimCertificate.authority("Test CA").issue({ names: ["localhost"] })
const hello = Uint8Array.of(22, 3, 1)
const asClient: Connection.UpgradeOptions = { role: "client", tls: { serverName: "localhost" } }

// A connection whose TLS takes as long to prepare, and its peer as long to agree, as the test wants.
const makeSlow = Effect.fnUntraced(function*(options: { readonly agrees: boolean }) {
  const prepared = yield* Deferred.make<void>()
  const agreed = yield* Deferred.make<void>()
  const peers: Array<Transport.HandshakePeer> = []
  const context: Transport.SecureContext = {
    handshake: (_, peer) =>
      Effect.suspend(() => {
        peers.push(peer)
        return options.agrees ? Effect.succeed(secured) : Effect.as(Deferred.await(agreed), secured)
      })
  }
  const transport = new FakeTransport({ lends: true })
  const secured = new FakeTransport()
  const security = new ContextCache({ secure: () => Effect.as(Deferred.await(prepared), context) })
  return { agreed, connection: connect(transport, { security }), peers, prepared, secured, transport }
})
const slowToPrepare = makeSlow({ agrees: true })

describe("an upgrade to TLS", () => {
  it.effect("takes what arrives while TLS is prepared for the first bytes of the handshake", () =>
    Effect.gen(function*() {
      const { connection, peers, prepared, secured, transport } = yield* slowToPrepare
      const upgrading = yield* Effect.forkChild(Connection.upgradeTls(connection, asClient), { startImmediately: true })
      const reading = yield* Effect.forkChild(Connection.readExactly(connection, 1), { startImmediately: true })
      transport.deliver(hello)
      yield* Deferred.succeed(prepared, undefined)
      yield* Fiber.join(upgrading)
      assert.deepStrictEqual(Array.from(peers[0]!.unread ?? []), Array.from(hello))
      // A reader that waited gets what is protected, and nothing that came in the clear.
      secured.deliver(Uint8Array.of(7))
      assert.deepStrictEqual(yield* Fiber.join(reading), Uint8Array.of(7))
    }))

  it.effect("lets no reader have the first bytes of the handshake, however it reads", () =>
    Effect.gen(function*() {
      const readers: ReadonlyArray<(connection: Connection.Connection) => Effect.Effect<Uint8Array, unknown>> = [
        (connection) => Effect.map(Connection.read(connection), Option.getOrThrow),
        (connection) => Connection.readExactly(connection, 3),
        (connection) => Connection.readUntil(connection, Uint8Array.of(1)),
        (connection) => Connection.peek(connection, 3)
      ]
      for (const read of readers) {
        const { connection, peers, prepared, secured, transport } = yield* slowToPrepare
        const upgrading = yield* Effect.forkChild(Connection.upgradeTls(connection, asClient), {
          startImmediately: true
        })
        transport.deliver(hello)
        const reading = yield* Effect.forkChild(read(connection), { startImmediately: true })
        const unread = yield* Effect.flip(Connection.unread(connection, hello))
        assert.strictEqual(unread.reason._tag, "Busy")
        yield* Deferred.succeed(prepared, undefined)
        yield* Fiber.join(upgrading)
        assert.deepStrictEqual(Array.from(peers[0]!.unread ?? []), Array.from(hello))
        secured.deliver(Uint8Array.of(7, 7, 1))
        assert.deepStrictEqual(Array.from(yield* Fiber.join(reading)), [7, 7, 1])
      }
    }))

  it.effect("as the server, takes what was peeked for the handshake, unless something was read", () =>
    Effect.gen(function*() {
      const asServer: Connection.UpgradeOptions = { role: "server", tls: { certificates: [certificate] } }
      const upgrade = (
        options: Connection.UpgradeOptions,
        before: (connection: Connection.Connection) => Effect.Effect<unknown, NetworkError.NetworkError>
      ) =>
        Effect.gen(function*() {
          const { connection, peers, prepared, transport } = yield* slowToPrepare
          yield* Deferred.succeed(prepared, undefined)
          transport.deliver(hello)
          yield* before(connection)
          const error = yield* Effect.flip(Effect.asVoid(Connection.upgradeTls(connection, options))).pipe(
            Effect.option
          )
          return { reason: Option.getOrUndefined(error)?.reason._tag, unread: Array.from(peers[0]?.unread ?? []) }
        })
      const peek = Connection.peek(2)
      const reread = (connection: Connection.Connection) =>
        Effect.flatMap(Connection.readExactly(connection, 2), (bytes) => Connection.unread(connection, bytes))
      const taken = { reason: undefined, unread: Array.from(hello) }
      const refused = { reason: "ClearTextBeforeUpgrade" as const, unread: [] }
      assert.deepStrictEqual(yield* upgrade(asServer, peek), taken)
      assert.deepStrictEqual(yield* upgrade(asServer, reread), taken)
      assert.deepStrictEqual(yield* upgrade(asServer, () => Effect.void), refused)
      assert.deepStrictEqual(yield* upgrade(asClient, peek), refused)
      assert.deepStrictEqual(
        yield* upgrade(
          asServer,
          (connection) => Effect.andThen(Connection.readExactly(connection, 1), peek(connection))
        ),
        refused
      )
    }))

  it.effect("fails when the peer ends or the connection breaks while TLS is prepared", () =>
    Effect.gen(function*() {
      for (const [happens, tag] of [["end", "HandshakeCut"], ["abort", "Closed"]] as const) {
        const { connection, peers, prepared, transport } = yield* slowToPrepare
        const upgrading = yield* Effect.forkChild(Effect.flip(Connection.upgradeTls(connection, asClient)), {
          startImmediately: true
        })
        if (happens === "end") transport.receiver!.onEnd()
        else yield* Connection.abort(connection)
        yield* Deferred.succeed(prepared, undefined)
        assert.strictEqual((yield* Fiber.join(upgrading)).reason._tag, tag)
        assert.strictEqual(peers.length, 0)
        assert.include(transport.calls, "reset")
      }
    }))

  it.effect("resets the protected stream if the connection was aborted meanwhile", () =>
    Effect.gen(function*() {
      const { agreed, connection, peers, prepared, secured } = yield* makeSlow({ agrees: false })
      yield* Deferred.succeed(prepared, undefined)
      yield* Effect.forkChild(Effect.exit(Connection.upgradeTls(connection, asClient)), { startImmediately: true })
      assert.strictEqual(peers.length, 1)
      yield* Connection.abort(connection)
      yield* Deferred.succeed(agreed, undefined)
      yield* Effect.yieldNow
      assert.deepStrictEqual(secured.calls, ["reset"])
    }))
})
