import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import type * as Transport from "@sluice/core/Transport"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ContextCache } from "../../src/internal/tls/contextCache.ts"
import { connect, FakeTransport } from "./FakeTransport.ts"

const hello = Uint8Array.of(22, 3, 1)
const asClient: Connection.UpgradeOptions = { role: "client", tls: { serverName: "localhost" } }

// A connection whose TLS takes as long to prepare as the test wants.
const slowToPrepare = Effect.gen(function*() {
  const prepared = yield* Deferred.make<void>()
  const peers: Array<Transport.HandshakePeer> = []
  const context: Transport.SecureContext = {
    handshake: (_, peer) =>
      Effect.sync(() => {
        peers.push(peer)
        return secured
      })
  }
  const transport = new FakeTransport({ lends: true })
  const secured = new FakeTransport()
  const security = new ContextCache({ secure: () => Effect.as(Deferred.await(prepared), context) })
  return { connection: connect(transport, { security }), peers, prepared, secured, transport }
})

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
})
