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
 * 1. The policy is validated and the address bound. If either fails, the Layer fails with a `NetworkError`.
 * 2. Each connection gets a fiber and a Scope of its own, in which the handler runs. When the handler is done, however it
 *    ends, its Scope is closed and the connection with it. `Connection.pipeTo` and `Framed.serve`, as handlers, get a fiber
 *    only for a message that waits: an idle connection without one takes half the memory.
 * 3. A handler that fails or dies ends its own connection only. The failure is logged with the peer's address and counted.
 * 4. Meanwhile the handle that `Server.make` returns lists open connections, closes one, suspends accepting, changes
 *    limits, and reports every event (`ServerEvent`).
 * 5. When the server's Scope closes, the server drains: it stops listening, completes `Server.draining` for the handlers,
 *    waits for them as long as `drain` allows, interrupts the rest, and logs how many there were of each.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import type * as Connection from "./Connection.ts"
import type * as Endpoint from "./Endpoint.ts"
import { CurrentSession } from "./internal/server/runConnection.ts"
import * as internal from "./internal/server/server.ts"
import * as sniffing from "./internal/server/sniff.ts"
import type * as Network from "./Network.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as ServerEvent from "./ServerEvent.ts"
import type * as ServerPolicy from "./ServerPolicy.ts"
import type * as SocketOptions from "./SocketOptions.ts"

/**
 * Where and how a server listens, and what it allows.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends ServerPolicy.ServerPolicy, SocketOptions.ListenOptions {
  /** Where to listen: `"tcp://127.0.0.1:12345"`, `"tcp://[::1]:0"`, `"unix:///run/app.sock"`. */
  readonly listen: Endpoint.Input
  /** Runs once the server listens, with the address it got. Default: nothing runs. */
  readonly onListening?: ((address: NetAddress.SocketAddress) => Effect.Effect<void>) | undefined
  /** Traces each connection with a span of its own, `Server.connection`. Default: `false`. */
  readonly span?: boolean | undefined
}

/**
 * What runs for each connection.
 *
 * @since 0.1.0
 * @category models
 */
export type Handler<E, R> = (connection: Connection.Connection) => Effect.Effect<unknown, E, R>

/**
 * What a server is doing.
 *
 * - `"listening"`: it accepts connections
 * - `"suspended"`: it keeps its port, and new connections wait unread
 * - `"draining"`: the system refuses new connections, and open ones continue for the grace period
 * - `"closed"`: every connection is closed
 *
 * @since 0.1.0
 * @category models
 */
export type State = "listening" | "suspended" | "draining" | "closed"

/**
 * An open connection, and what is known of it at the moment.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenConnection {
  /** The connection itself, to await `Connection.closed` or to `abort` it. */
  readonly connection: Connection.Connection
  readonly id: number
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  /** When its handler began: milliseconds since the epoch, by the wall clock. */
  readonly since: number
  /** Bytes read from it. */
  readonly bytesIn: number
  /** Bytes written to it. */
  readonly bytesOut: number
  /** How long nothing has moved, in either direction. */
  readonly idle: Duration.Duration
  /**
   * `"reading"`: the handler waits for bytes of the peer. `"writing"`: it waits until the peer takes bytes. `"running"`:
   * neither.
   */
  readonly doing: "reading" | "writing" | "running"
  /** How long the handler has waited, without progress. While it is `"running"`: the same as `idle`. */
  readonly doingFor: Duration.Duration
  /** What its handler has said of it with `Server.annotate`. */
  readonly annotations: ReadonlyMap<string, unknown>
}

/**
 * How draining went: connections that ended by themselves within the grace period, and connections that were cut.
 *
 * @since 0.1.0
 * @category models
 */
export interface Drained {
  readonly ended: number
  readonly cut: number
}

/**
 * A running server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Server {
  readonly [internal.typeId]: typeof internal.typeId
  /** The address that it listens on, with the port that the system chose. */
  readonly address: NetAddress.SocketAddress
  /** What it is doing, with a stream of changes. */
  readonly state: SubscriptionRef.SubscriptionRef<State>
  /** The open connections, the oldest first. */
  readonly connections: Effect.Effect<ReadonlyArray<OpenConnection>>
  /**
   * How many connections wait to be served, because the server is full or suspended. Connections
   * in the backlog of the system do not count.
   */
  readonly waiting: Effect.Effect<number>
  /**
   * What happens to the server, for as long as the stream runs: first its present state, as `Listening` and an `Accepted`
   * for each open connection, and then every event, with `Drained` as the last. A stream that starts later is empty.
   *
   * A slow consumer does not slow the server: up to 1,024 events are buffered for each stream; later ones are dropped,
   * which an `EventsLost` in their place and the metric `sluice_server_events_lost` count.
   */
  readonly events: Stream.Stream<ServerEvent.ServerEvent>
  /**
   * Closes one connection in order: its handler is interrupted, and what was written is sent. Returns at once, with whether
   * such a connection is open; `Connection.closed` waits for the end.
   */
  readonly close: (id: number) => Effect.Effect<boolean>
  /**
   * Stops serving new connections until `resume`. Open connections are unaffected. The port is kept: up to `backlog` new
   * connections wait unread, and more are reset; on a socket that the process was given, they wait in the backlog of the
   * system. Does nothing unless the server is listening.
   */
  readonly suspend: Effect.Effect<void>
  /** Serves waiting and new connections again. Does nothing unless the server is suspended. */
  readonly resume: Effect.Effect<void>
  /**
   * Changes the policy. Options that are left out keep their values; `undefined` resets an option to its default.
   *
   * Deadlines apply at once, to open connections too: a connection that was idle for longer than a new `idleTimeout` is closed.
   * Limits and lists apply to new connections only.
   *
   * Fails with `InvalidOption`, and then changes nothing.
   */
  readonly update: (changes: ServerPolicy.ServerPolicy) => Effect.Effect<void, NetworkError.NetworkError>
  /** Shuts the server down, as closing its Scope does. Later calls return the result of the first. */
  readonly drain: Effect.Effect<Drained>
}

/**
 * Whether a value is a `Server`.
 *
 * @since 0.1.0
 * @category guards
 */
export const isServer = (u: unknown): u is Server => Predicate.hasProperty(u, internal.typeId)

/**
 * Starts a server that runs until its Scope is closed, and returns a handle to it.
 *
 * Fails as `Network.listen` does, and with `InvalidOption` for an invalid policy.
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* Server.make({ listen: "tcp://127.0.0.1:0" }, (c) => Connection.pipeTo(c, c))
 *   yield* server.update({ maxConnections: 10 })
 *   return yield* server.drain
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(
  options: Options,
  handler: Handler<E, R>
): Effect.Effect<
  Server,
  NetworkError.NetworkError,
  Network.Network | Scope.Scope | Exclude<R, Scope.Scope>
> => Effect.map(internal.start(options, handler), internal.handle)

/**
 * A server as a Layer: it runs as long as the Layer is in use, and drains when that ends. `Layer.mergeAll` runs several.
 *
 * Fails as `Server.make` does.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E, R>(
  options: Options,
  handler: Handler<E, R>
): Layer.Layer<never, NetworkError.NetworkError, Network.Network | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(internal.start(options, handler)) as ReturnType<typeof layer<E, R>>

/**
 * The effect that {@link onStart} runs for each server.
 *
 * @since 0.1.0
 * @category models
 */
export type OnStart = (server: Server, options: Options) => Effect.Effect<void, NetworkError.NetworkError>

/**
 * Runs an effect for each server that `make` or `layer` starts, with its handle and its options. A supervisor or an admin
 * page can so know all servers of a program. The effect runs once the server is bound, before the first connection is served.
 * If it fails, the server fails to start. Default: nothing runs.
 *
 * **Example** (all servers of a program)
 *
 * ```ts
 * import * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const servers = new Set<Server.Server>()
 *
 * const Registered = Layer.succeed(Server.onStart, (server) => Effect.sync(() => void servers.add(server)))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const onStart: Context.Reference<OnStart | undefined> = internal.OnStart

/**
 * For handlers: waits until the server drains. A handler that keeps its connection open can race it, to end in order
 * between two messages. Outside of a server it waits forever.
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
 *
 * @since 0.1.0
 * @category handlers
 */
export const draining: Effect.Effect<void> = Effect.flatten(
  Effect.service(internal.Draining as Context.Reference<Effect.Effect<void>>)
)

/**
 * For handlers: records a fact about the connection for operators, such as the user's name. It appears in `connections` and
 * in the `Closed` event. Outside of a server it does nothing.
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
 *
 * @since 0.1.0
 * @category handlers
 */
export const annotate = (key: string, value: unknown): Effect.Effect<void> =>
  Effect.map(CurrentSession, (session) => session?.annotate(key, value))

/**
 * A protocol that {@link sniff} recognizes by its first bytes, and the handler for it.
 *
 * @since 0.1.0
 * @category options
 */
export interface Protocol<out E, out R> {
  /**
   * What a connection of this protocol begins with: text, bytes, or a function of the first bytes, which returns `undefined`
   * while they are too few to tell. `Tls.isClientHello` is such a function.
   */
  readonly begins: string | Uint8Array | ((first: Uint8Array) => boolean | undefined)
  /** Gets the connection with all bytes unread. */
  readonly handler: Handler<E, R>
}

/**
 * How {@link sniff} chooses.
 *
 * @since 0.1.0
 * @category options
 */
export interface SniffOptions<out Protocols extends ReadonlyArray<Protocol<unknown, unknown>>, out E, out R> {
  /** The first that matches is chosen, as soon as no earlier one can still match. */
  readonly protocols: Protocols
  /** The handler when none has matched by `timeout`, `limit` or the peer's end. */
  readonly otherwise: Handler<E, R>
  /** How long to wait for a decision. Default: 10 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** How many bytes to look at, at most 65,536. Default: 1,024. */
  readonly limit?: number | undefined
}

/**
 * For several protocols on one port: a handler that looks at the first bytes, without reading them, and runs the handler of
 * the protocol that begins with them.
 *
 * Fails with `InvalidOption`, and with the `NetworkError` of a connection that breaks before the choice.
 *
 * **Example** (TLS and clear text on one port)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as Tls from "@sluice/core/Tls"
 * import * as Effect from "effect/Effect"
 *
 * const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)
 *
 * const both = (upgradeTls: Tls.ServerOptions) =>
 *   Server.layer(
 *     { listen: "tcp://127.0.0.1:8080", upgradeTls },
 *     Server.sniff({
 *       protocols: [{
 *         begins: Tls.isClientHello,
 *         handler: (connection) =>
 *           Effect.andThen(Connection.upgradeTls(connection, { role: "server" }), echo(connection))
 *       }],
 *       otherwise: echo
 *     })
 *   )
 * ```
 *
 * @since 0.1.0
 * @category handlers
 */
export const sniff = <const Protocols extends ReadonlyArray<Protocol<unknown, unknown>>, E, R>(
  options: SniffOptions<Protocols, E, R>
): Handler<
  NetworkError.NetworkError | E | Effect.Error<ReturnType<Protocols[number]["handler"]>>,
  R | Effect.Services<ReturnType<Protocols[number]["handler"]>>
> => sniffing.sniff(options) as ReturnType<typeof sniff<Protocols, E, R>>
