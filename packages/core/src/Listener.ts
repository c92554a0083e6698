/**
 * A bound listening socket that accepts connections. Most programs never see one: `Server` is the way.
 *
 * **Example** (one connection, then no more)
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
 */
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Connection from "./Connection.ts"
import type { ListenerState, typeId } from "./internal/accept/listener.ts"
import type * as NetworkError from "./NetworkError.ts"

/** A listening socket. It belongs to the Scope that opened it; the connections that it accepted do not. */
export interface Listener {
  readonly [typeId]: typeof typeId
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.SocketAddress
}

const state = (self: Listener): ListenerState => self as ListenerState

/**
 * Takes the next connection, or waits for one. It belongs to the Scope of whoever accepts it, so that each can end without
 * the others. Fails with `Closed` once the listener is closed; an interrupted accept loses no connection.
 */
export const accept = (
  self: Listener
): Effect.Effect<Connection.Connection, NetworkError.NetworkError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) => Effect.flatMap(Effect.scope, (scope) => state(self).acceptIn(scope, restore)))
