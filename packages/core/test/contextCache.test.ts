import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ContextCache } from "../src/internal/tls/contextCache.ts"
import type { TlsServer } from "../src/internal/tls/settings.ts"
import { FakeTransport } from "./connection/FakeTransport.ts"

it.effect("TLS is prepared once for each value of the settings, and each handshake is by its own", () =>
  Effect.gen(function*() {
    const prepared: Array<unknown> = []
    const shaken: Array<unknown> = []
    const cache = new ContextCache({
      secure: (settings) =>
        Effect.sync(() => {
          prepared.push(settings)
          return {
            handshake: (transport) =>
              Effect.sync(() => {
                shaken.push(settings)
                return transport as FakeTransport
              })
          }
        })
    })
    const [one, other] = [{} as TlsServer, {} as TlsServer]
    const where = { address: "a" }
    for (const settings of [one, other, one, other]) {
      yield* cache.context(settings, where)
      yield* cache.handshake(settings, new FakeTransport(), where)
      yield* cache.prepare(settings)
    }
    assert.deepStrictEqual(prepared.map((each) => each === one), [true, false])
    assert.deepStrictEqual(shaken.map((each) => each === one), [true, false, true, false])
  }))
