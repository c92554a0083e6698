/** Effect's `persistence/Redis` over Sluice: what is built on it, such as persisted queues and caches, runs over any Network. */
import type * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { layer as clientLayer, type Options, RedisClient } from "./RedisClient.ts"
import { CommandRefused, type Value } from "./wire.ts"

const asRedisError = (cause: unknown) => new Redis.RedisError({ cause })

/** Sends commands for Effect. The caller knows the type of the answer. */
const sendWith =
  (send: (...words: ReadonlyArray<string>) => Effect.Effect<Value, unknown>) =>
  <A = unknown>(command: string, ...args: ReadonlyArray<string>): Effect.Effect<A, Redis.RedisError> =>
    Effect.mapError(send(command, ...args), asRedisError) as Effect.Effect<A, Redis.RedisError>

/**
 * Runs scripts by their digests, and by their text where Redis does not know them yet. Effect's own way hashes each script
 * with a random number once a process, so that of two runs of one simulation only the first would draw it.
 */
const evalWith = (send: Redis.Connection["send"]): Redis.Connection["eval"] => (script) => (...params) => {
  const words = [String(script.numberOfKeys(...params)), ...script.params(...params).map(String)]
  return Effect.catchIf(
    send("EVALSHA", createHash("sha1").update(script.lua).digest("hex"), ...words),
    ({ cause }) => cause instanceof CommandRefused && cause.code === "NOSCRIPT",
    () => send("EVAL", script.lua, ...words)
  )
}

const withScripts = <A extends Redis.Connection>(connection: A): A => ({
  ...connection,
  eval: evalWith(connection.send)
})

/** Effect's `Redis`, from a client. */
export const layerFromClient = (
  pool?: Redis.PoolOptions
): Layer.Layer<Redis.Redis, never, RedisClient> =>
  Layer.effect(
    Redis.Redis,
    Effect.gen(function*() {
      const client = yield* RedisClient
      const redis = yield* Redis.make({
        send: sendWith(client.send),
        pool,
        connect: Effect.gen(function*() {
          const scope = yield* Scope.make()
          const reserved = yield* Scope.provide(client.reserve, scope).pipe(
            Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
            Effect.mapError(asRedisError)
          )
          return { send: sendWith(reserved.send), close: Scope.close(scope, Exit.void) }
        }),
        subscribe: (channel, onMessage) =>
          Effect.map(client.subscribe(channel), (messages) =>
            Stream.runForEach(messages, (message) =>
              Effect.sync(() => onMessage({ channel, message }))).pipe(
                Effect.mapError(asRedisError)
              ))
      })
      return Redis.Redis.of({ ...withScripts(redis), reserve: Effect.map(redis.reserve, withScripts) })
    })
  )

/** Effect's `Redis`, with a client of its own. */
export const layer = (
  options: Options & Redis.PoolOptions
): Layer.Layer<Redis.Redis, NetworkError.NetworkError, Network.Network> =>
  Layer.provide(layerFromClient(options), clientLayer(options))
