/** `rpc server`: answers calls of Effect RPC, over whatever Sluice listens on. */
import type * as Server from "@sluice/core/Server"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Stream from "effect/Stream"
import { NotFactorable, Primes } from "./primes.ts"

const smallestFactor = (number: number): number => {
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return factor
  return number
}

const factors = (number: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let rest = number; rest > 1; rest /= found.at(-1)!) found.push(smallestFactor(rest))
  return found
}

const primes = function*(): Iterable<number> {
  for (let number = 2;; number++) if (smallestFactor(number) === number) yield number
}

const handlers = Primes.toLayer({
  Factor: ({ number }) =>
    Number.isSafeInteger(number) && number > 1
      ? Effect.sync(() => factors(number))
      : Effect.fail(new NotFactorable({ number })),
  First: ({ count }) => Stream.take(Stream.fromIterable(primes(), { chunkSize: 16 }), count)
})

export const serve = (options: Server.Options) =>
  RpcServer.layer(Primes).pipe(
    Layer.provide(handlers),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(SocketServerBridge.layer(options)),
    Layer.provide([RpcSerialization.layerNdjson, NodeNetwork.layer]),
    Layer.launch
  )
