/**
 * A bound listening socket that accepts connections, for programs that accept at their own pace. Most programs use
 * `Server`, which runs a handler for each connection and applies limits, deadlines and graceful shutdown.
 *
 * **Example** (serve one connection, then no more)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Listener from "@sluice/core/Listener"
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const once = Effect.scoped(Effect.gen(function*() {
 *   const listener = yield* Network.listen("tcp://127.0.0.1:0")
 *   const connection = yield* Listener.accept(listener)
 *   yield* Connection.writeText(connection, "you are the only one\n")
 * }))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as Connection from "./Connection.ts"
import { type ListenerState, typeId } from "./internal/accept/listener.ts"
import type * as NetworkError from "./NetworkError.ts"

/**
 * A listening socket. It belongs to the Scope that opened it; the connections it accepted do not.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listener {
  readonly [typeId]: ListenerState
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.SocketAddress
}

/**
 * Whether a value is a `Listener`.
 *
 * @since 0.1.0
 * @category guards
 */
export const isListener = (u: unknown): u is Listener => Predicate.hasProperty(u, typeId)

/**
 * Takes the next connection, or waits for one. The connection belongs to the Scope of the caller, so that each can end
 * without the others.
 *
 * Fails with `Closed` once the listener is closed. An interrupted accept loses no connection.
 *
 * @since 0.1.0
 * @category combinators
 */
export const accept = (
  self: Listener
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.scope, (scope) => self[typeId].acceptIn(scope, restore))
  )
