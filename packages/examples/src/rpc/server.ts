/** `rpc server`: answers calls of Effect RPC, over whatever Sluice listens on. */
import type * as Server from "@sluice/core/Server"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { NotFactorable, Primes } from "./primes.ts"

// Calls are worked on in slices, so that one call for a large number does not hold up the others.
const slice = 20_000

const smallestFactor = Effect.fnUntraced(function*(number: number, from: number) {
  if (number % 2 === 0) return 2
  let steps = 0
  for (let factor = Math.max(3, from); factor * factor <= number; factor += 2) {
    if (number % factor === 0) return factor
    if (++steps % slice === 0) yield* Effect.yieldNow
  }
  return number
})

const factors = Effect.fnUntraced(function*(number: number) {
  const found: Array<number> = []
  let least = 3
  for (let rest = number; rest > 1; rest /= found.at(-1)!) {
    least = yield* smallestFactor(rest, least)
    found.push(least)
  }
  return found
})

const isPrime = (number: number): boolean => {
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false
  return true
}

const primes = function*(): Iterable<number> {
  for (let number = 2;; number++) if (isPrime(number)) yield number
}

// Calls of all clients that are worked on at once; others wait.
const working = Semaphore.makeUnsafe(8)

const handlers = Primes.toLayer({
  Factor: ({ number }) =>
    Number.isSafeInteger(number) && number > 1
      ? working.withPermit(factors(number))
      : Effect.fail(new NotFactorable({ number })),
  First: ({ count }) =>
    Stream.fromIterable(primes(), { chunkSize: 16 }).pipe(
      Stream.take(count),
      // Other calls have their turns in between.
      Stream.chunks,
      Stream.tap(() => Effect.yieldNow),
      Stream.flattenArray
    )
})

const maxRequestBytes = 64 * 1024

export const serve = (options: Server.Options) =>
  RpcServer.layer(Primes).pipe(
    Layer.provide(handlers),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(SocketServerBridge.layer({ maxConnections: 1000, maxConnectionsPerAddress: 100, ...options })),
    Layer.provide([RpcSerialization.layerNdjsonWith({ maxBufferSize: maxRequestBytes }), NodeNetwork.layer]),
    NodeProgram.launch
  )
