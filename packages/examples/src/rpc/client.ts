/** `rpc client`: asks for the factors of numbers, or for the first primes. */
import * as NetworkError from "@sluice/core/NetworkError"
import * as SocketBridge from "@sluice/core/SocketBridge"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Stream from "effect/Stream"
import type { Connecting } from "../cli/tls.ts"
import { Primes } from "./primes.ts"

const questions = Effect.fnUntraced(function*(numbers: ReadonlyArray<number>, first: number) {
  const primes = yield* RpcClient.make(Primes)
  const products = yield* Effect.forEach(
    numbers,
    (number) => Effect.map(primes.Factor({ number }), (factors) => `${number} = ${factors.join(" * ")}`),
    { concurrency: "unbounded" }
  )
  for (const product of products) yield* Console.log(product)
  if (first > 0) yield* Stream.runForEach(primes.First({ count: first }), Console.log)
})

export const ask = (server: Connecting, numbers: ReadonlyArray<number>, first: number) =>
  Effect.scoped(questions(numbers, first)).pipe(
    Effect.provide(RpcClient.layerProtocolSocket()),
    Effect.provide(SocketBridge.layer(server.endpoint, server.options)),
    Effect.provide([RpcSerialization.layerNdjson, NodeNetwork.layer]),
    // A call that the network has failed has the network's error as its cause, which says more.
    Effect.catchTag("RpcClientError", (error) => {
      const cause = "cause" in error.reason ? error.reason.cause : undefined
      return Effect.fail(NetworkError.isNetworkError(cause) ? cause : error)
    })
  )
