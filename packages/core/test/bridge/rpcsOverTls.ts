/** What Effect RPC must do over TLS, on whatever network. */
import { expect } from "@effect/vitest"
import type * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import { RpcClientError } from "effect/rpc/RpcClientError"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Arithmetic from "./Arithmetic.ts"
import type { Identities } from "./identities.ts"

type Check = Effect.Effect<void, unknown, Network.Network | Scope.Scope>

/** Why a call failed, which must be for a reason that is the network's. */
const refusal = Effect.fnUntraced(function*(endpoint: string, tls?: Tls.ClientOptions) {
  const client = yield* Arithmetic.client(endpoint, {}, { tls })
  const error = yield* Effect.flip(client.Double({ number: 21 }))
  expect(error).toBeInstanceOf(RpcClientError)
  const { cause } = (error as RpcClientError).reason as { readonly cause?: unknown }
  expect(cause).toBeInstanceOf(NetworkError.NetworkError)
  return (cause as NetworkError.NetworkError).reason._tag
})

export const checks = ({ authority, client: certificate, server }: Identities): Record<string, Check> => {
  const trusting: Tls.ClientOptions = { authorities: authority }
  const start = Effect.fnUntraced(function*(options: Partial<Tls.ServerOptions>) {
    const journal = new Arithmetic.Journal()
    const endpoint = yield* Arithmetic.start(journal, {
      listen: "tls://127.0.0.1:0",
      tls: { certificates: [server], ...options }
    })
    expect(endpoint).toMatch(/^tls:/)
    return { endpoint, journal }
  })
  const knowing: Partial<Tls.ServerOptions> = { authorities: authority, clientCertificates: "required" }

  return {
    "calls are answered and streams come whole, between those who know each other": Effect.gen(function*() {
      const { endpoint } = yield* start(knowing)
      const client = yield* Arithmetic.client(endpoint, {}, { tls: { ...trusting, certificate } })
      expect(yield* client.Double({ number: 21 })).toBe(42)
      const error = yield* Effect.flip(client.Divide({ dividend: 42, divisor: 5 }))
      expect(error).toMatchObject({ _tag: "NotDivisible" })
      const [streamed, answers] = yield* Effect.all([
        Stream.runCollect(client.CountTo({ limit: 200 })),
        Effect.forEach([1, 2, 3], (number) => client.Double({ number }), { concurrency: 3 })
      ], { concurrency: 2 })
      expect(streamed).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
      expect(answers).toEqual([2, 4, 6])
    }),

    "a client that does not trust the server's authority calls nobody, and says why": Effect.gen(function*() {
      const { endpoint, journal } = yield* start({})
      expect(yield* refusal(endpoint)).toBe("UnknownIssuer")
      expect(yield* refusal(endpoint, { ...trusting, serverName: "elsewhere" })).toBe("HostNameMismatch")
      expect(journal.doubled.size).toBe(0)
    }),

    "a client without a required certificate is rejected": Effect.gen(function*() {
      const { endpoint, journal } = yield* start(knowing)
      // It has sent its request by then, and that may keep the alert from arriving.
      expect(["PeerAlert", "ConnectionReset"]).toContain(yield* refusal(endpoint, trusting))
      expect(journal.doubled.size).toBe(0)
    })
  }
}
