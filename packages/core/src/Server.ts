/**
 * A listener, a handler and a policy, as a Layer.
 *
 * **Example** (an echo server)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 *
 * const Echo = Server.layer(
 *   { listen: "tcp://127.0.0.1:12345", maxConnections: 1000, idleTimeout: "5 minutes" },
 *   (connection) => Connection.pipe(connection, connection)
 * )
 * ```
 *
 * **Details** (the life of a server)
 *
 * 1. The policy is checked and the address bound; if either fails, so does the Layer, with a `NetworkError`.
 * 2. Each connection gets a fiber and a Scope of its own, in which the handler runs. When the handler is done, however
 *    that is, its Scope is closed and the connection with it.
 * 3. A handler that fails or dies ends its own connection only. The failure is logged with the peer's address and counted.
 * 4. When the server's Scope closes, it drains: it stops listening, completes `Server.draining` for the handlers, waits
 *    for them as long as `drain` allows, interrupts those that are left, and logs how many there were of each.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Connection from "./Connection.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as internal from "./internal/server.ts"
import type * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as ServerPolicy from "./ServerPolicy.ts"
import type * as SocketOptions from "./SocketOptions.ts"

/** Where a server listens, and how: its policy and the options of its sockets. */
export interface Options extends ServerPolicy.PolicyOptions, SocketOptions.ListenOptions {
  /** Where to listen: `"tcp://127.0.0.1:12345"`, `"tcp://[::1]:0"`, `"unix:///run/app.sock"`. */
  readonly listen: Endpoint.Input
  /** Run once the server listens, with the address it got. */
  readonly onListening?: ((address: NetAddress.SocketAddress) => Effect.Effect<void>) | undefined
  /** Trace each connection with a span of its own, `Server.connection`. Default: `false`. */
  readonly span?: boolean | undefined
}

/** What runs for each connection. */
export type Handler<E, R> = (connection: Connection.Connection) => Effect.Effect<unknown, E, R>

/** What a server is doing. */
export type State = "listening" | "draining" | "closed"

/** How draining went: connections that ended by themselves within the grace period, and those that were cut. */
export interface Drained {
  readonly ended: number
  readonly cut: number
}

/** A running server. */
export interface Server {
  /** The address that it listens on, with the port that the system chose. */
  readonly address: NetAddress.SocketAddress
  /** What it is doing, and a way to hear of changes. */
  readonly state: SubscriptionRef.SubscriptionRef<State>
  /** The connections that are open now. */
  readonly connections: Effect.Effect<ReadonlyArray<Connection.Connection>>
  /** Ends it now, as closing its Scope would. Draining twice is once. */
  readonly drain: Effect.Effect<Drained>
}

/**
 * Starts a server that runs until its Scope is closed, and gives a handle to it.
 *
 * Fails as `Network.listen` does, and with `InvalidOption` when the policy cannot be meant.
 */
export const make: <E, R>(
  options: Options,
  handler: Handler<E, R>
) => Effect.Effect<
  Server,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> = internal.make

/**
 * A server as a Layer: it runs as long as the Layer is in use, and drains when that ends. `Layer.mergeAll` runs several.
 */
export const layer = <E, R>(
  options: Options,
  handler: Handler<E, R>
): Layer.Layer<never, NetworkError.NetworkError, Network.Network | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(make(options, handler)) as Layer.Layer<
    never,
    NetworkError.NetworkError,
    Network.Network | Exclude<R, Scope.Scope>
  >

/**
 * For handlers: waits until the server drains. One that keeps its connection open for more can race it, so as to end in
 * order between two messages. Outside of a server it waits for ever.
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 *
 * const clock = (connection: Connection.Connection) =>
 *   Connection.writeText(connection, "tick\n").pipe(
 *     Effect.andThen(Effect.sleep("1 second")),
 *     Effect.forever,
 *     Effect.raceFirst(Server.draining),
 *     Effect.andThen(Connection.writeText(connection, "goodbye\n"))
 *   )
 * ```
 */
export const draining: Effect.Effect<void> = Effect.flatten(
  Effect.service(internal.Draining as Context.Reference<Effect.Effect<void>>)
)
