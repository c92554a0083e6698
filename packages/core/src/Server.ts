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
 *   (connection) => Connection.pipeTo(connection, connection)
 * )
 * ```
 *
 * **Details** (the life of a server)
 *
 * 1. The policy is checked and the address bound; if either fails, so does the Layer, with a `NetworkError`.
 * 2. Each connection gets a fiber and a Scope of its own, in which the handler runs. When the handler is done, however
 *    that is, its Scope is closed and the connection with it.
 * 3. A handler that fails or dies ends its own connection only. The failure is logged with the peer's address and counted.
 * 4. Meanwhile, whoever holds the handle that `Server.make` gives can see what is open, end one connection, hold new ones
 *    back, change limits, and hear of all that happens (`ServerEvent`).
 * 5. When the server's Scope closes, it drains: it stops listening, completes `Server.draining` for the handlers, waits
 *    for them as long as `drain` allows, interrupts those that are left, and logs how many there were of each.
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import type * as AcceptPolicy from "./AcceptPolicy.ts"
import type * as Connection from "./Connection.ts"
import type * as Endpoint from "./Endpoint.ts"
import { CurrentSession } from "./internal/server/runConnection.ts"
import * as internal from "./internal/server/server.ts"
import type * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as ServerEvent from "./ServerEvent.ts"
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

/**
 * What a server is doing. While it is `"suspended"`, it keeps its port, and new connections wait unread; while it is
 * `"draining"`, new ones are refused by the system, and open ones go on for the grace period.
 */
export type State = "listening" | "suspended" | "draining" | "closed"

/** What can be changed while a server runs: its policy, and who may connect. */
export interface Limits extends ServerPolicy.PolicyOptions, AcceptPolicy.Options {}

/** A connection that is open, and what is known of it at the moment. */
export interface OpenConnection {
  /** The connection itself: to wait until it is `closed`, or to `abort` it. */
  readonly connection: Connection.Connection
  readonly id: number
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  /** When it was let in: milliseconds, by `effect/Clock`. */
  readonly since: number
  /** Bytes that were read of it. */
  readonly bytesIn: number
  /** Bytes that were written to it. */
  readonly bytesOut: number
  /** For how long nothing has moved, in either direction. */
  readonly idle: Duration.Duration
  /** What its handler has said of it with `Server.annotate`. */
  readonly annotations: ReadonlyMap<string, unknown>
}

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
  /** The connections that are open now, the oldest first. */
  readonly connections: Effect.Effect<ReadonlyArray<OpenConnection>>
  /**
   * What happens to it, for as long as the stream is taken: first how things stand, as `Listening` and an `Accepted` for
   * each open connection, and then everything, with `Drained` as the last. After that it is empty.
   *
   * Who takes it slowly does not slow the server: up to 1,024 events wait, and what does not fit is lost, which an
   * `EventsLost` in its place and the metric `sluice_server_events_lost` count.
   */
  readonly events: Stream.Stream<ServerEvent.ServerEvent>
  /**
   * Ends one connection in order: its handler is interrupted, what was written is sent. Answers at once, and whether such
   * a connection is open; `Connection.closed` waits for the end.
   */
  readonly close: (id: number) => Effect.Effect<boolean>
  /**
   * Lets nobody in until `resume`; those who are in are unharmed. The port is kept: new connections are made, and wait
   * unread, as many as the `backlog` holds; more are reset. Does nothing unless it is listening.
   */
  readonly suspend: Effect.Effect<void>
  /** Lets in those who wait, and new ones. Does nothing unless it is suspended. */
  readonly resume: Effect.Effect<void>
  /**
   * Changes what is allowed. Options that are left out stay as they are; `undefined` takes one back to its default.
   *
   * Deadlines hold at once, for open connections too: what was idle for longer than a new `idleTimeout` breaks. Limits and
   * lists hold for who comes from now on, and harm nobody who is in.
   *
   * Fails with `InvalidOption`, and changes nothing then.
   */
  readonly update: (changes: Limits) => Effect.Effect<void, NetworkError.NetworkError>
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
> = (options, handler) => internal.make(options, handler, true)

/**
 * A server as a Layer: it runs as long as the Layer is in use, and drains when that ends. `Layer.mergeAll` runs several.
 */
export const layer = <E, R>(
  options: Options,
  handler: Handler<E, R>
): Layer.Layer<never, NetworkError.NetworkError, Network.Network | Exclude<R, Scope.Scope>> =>
  // Nobody can ask it for how long a connection was idle, so no time is kept for that.
  Layer.effectDiscard(internal.make(options, handler, false)) as Layer.Layer<
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

/**
 * For handlers: says something of the connection that an operator may want to know, such as who has signed in. It is seen
 * in `connections` and in the `Closed` event. Outside of a server it does nothing.
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 *
 * const handler = Effect.fnUntraced(function*(connection: Connection.Connection) {
 *   const name = yield* Connection.readUntil(connection, "\n", { limit: 64 })
 *   yield* Server.annotate("user", new TextDecoder().decode(name).trim())
 *   yield* Connection.pipeTo(connection, connection)
 * })
 * ```
 */
export const annotate = (key: string, value: unknown): Effect.Effect<void> =>
  Effect.map(CurrentSession, (session) => session?.annotate(key, value))
