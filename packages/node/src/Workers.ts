/**
 * Runs a program in several processes that share its ports, to use several cores. A supervisor holds the listening sockets,
 * passes them to the workers, restarts workers that crash, and reloads them one by one without refusing a connection.
 *
 * **Example** (an echo server on all cores)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as NodeProgram from "@sluice/node/NodeProgram"
 * import * as Workers from "@sluice/node/Workers"
 * import * as Effect from "effect/Effect"
 *
 * const Echo = Server.layer(
 *   { listen: "tcp://127.0.0.1:9000", maxConnections: 10_000 },
 *   (connection) => Connection.pipeTo(connection, connection)
 * )
 *
 * NodeProgram.run(Workers.launch({ count: "cores" }, Echo).pipe(Effect.provide(NodeNetwork.layer)))
 * ```
 *
 * **Details**
 *
 * - The supervisor starts its own program again, with the same arguments, once for each worker. `launch` and `layer` build the
 *   servers in workers only. A service that is provided to `launch` is built in the supervisor as well; provide services to
 *   the servers instead, except for the network.
 * - The supervisor binds each TCP and Unix-domain listener when the first worker asks for it, and all workers accept from its
 *   queue. That includes port 0, and sockets that the supervisor inherited (`Endpoint.inherited`). A worker binds listeners
 *   with `reusePort` itself. Datagram sockets are not shared: each worker binds its own, with `reusePort`.
 * - A worker that ends unexpectedly is restarted, after a delay that doubles with each crash. Only its own connections break.
 * - SIGHUP to the supervisor, or `reload`, replaces the workers one by one: a new process starts, and once it listens, the old
 *   one drains. No connection is refused or reset. Connections that outlast the old worker's `drain` are closed.
 * - When the Scope closes, the workers get SIGTERM and drain. They are killed after `stopTimeout`.
 * - A worker that loses its supervisor drains and ends.
 * - `maxConnections` and `acceptRate` are divided among the workers, rounded up. During a reload there is one more worker.
 *   Limits per address hold in each worker: an address may have up to `count` times as many connections.
 *
 * @since 0.1.0
 */
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Server from "@sluice/core/Server"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import { untilSignal } from "./internal/program/currentProgram.ts"
import type { WorkersError } from "./internal/workers/error.ts"
import { check } from "./internal/workers/options.ts"
import * as internal from "./internal/workers/service.ts"
import { currentName, work } from "./internal/workers/worker.ts"
import type * as WorkerEvent from "./WorkerEvent.ts"

export { CrashLoop, NoProgram, StartFailed, WorkersError } from "./internal/workers/error.ts"

/**
 * How many workers there are, and how they are supervised.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<out E = never, out R = never> {
  /** How many workers: a number, or one for each core that the process may use. Default: `"cores"`. */
  readonly count?: number | "cores" | undefined
  /**
   * `"divided"`: each worker gets an equal share of `maxConnections` and `acceptRate`. `"each"`: every worker gets the full
   * values. Default: `"divided"`.
   */
  readonly limits?: "divided" | "each" | undefined
  /** How a worker that ended unexpectedly is restarted. */
  readonly restart?: RestartOptions | undefined
  /** How long a worker may take until its servers listen. Default: 30 seconds. */
  readonly startTimeout?: Duration.Input | undefined
  /** How long a worker may take to drain and end before it is killed. Must exceed `drain`. Default: 15 seconds. */
  readonly stopTimeout?: Duration.Input | undefined
  /** How long the event loop of a worker may be blocked before the worker is killed. At least 100 ms. Default: 30 seconds. */
  readonly unresponsive?: Duration.Input | undefined
  /** The signal that reloads the workers; `undefined` for none. Default: `"SIGHUP"`. */
  readonly reloadOn?: NodeJS.Signals | undefined
  /** Built in the supervisor only, once all workers are ready: for metrics, event logs, an admin page. */
  readonly supervisor?: Layer.Layer<never, E, R> | undefined
}

/**
 * How a worker is restarted.
 *
 * @since 0.1.0
 * @category options
 */
export interface RestartOptions {
  /** The delay before the first restart. It doubles with each restart `within` the period. Default: 100 milliseconds. */
  readonly baseDelay?: Duration.Input | undefined
  /** The longest delay. Default: 5 seconds. */
  readonly maxDelay?: Duration.Input | undefined
  /** How often a worker may be restarted `within` the period. The next crash stops all workers. Default: 5. */
  readonly maxRestarts?: number | undefined
  /** The period in which restarts count. Default: 1 minute. */
  readonly within?: Duration.Input | undefined
}

/**
 * A worker process.
 *
 * @since 0.1.0
 * @category models
 */
export interface Worker {
  /** `"1"`, `"2"` and so on. A process that replaces another has its name. */
  readonly name: string
  readonly pid: number
  /** `"stopping"`: it drains its servers. */
  readonly state: "starting" | "ready" | "stopping"
  /** When the process started: milliseconds since the epoch, by the wall clock. */
  readonly since: number
}

/**
 * The description of an open connection that its worker sends: the fields of `Server.OpenConnection`, with addresses as text
 * and durations in milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConnectionFacts extends
  Omit<
    Server.OpenConnection,
    "connection" | "localAddress" | "remoteAddress" | "idle" | "doingFor" | "annotations"
  >
{
  /** The address that its server listens on. */
  readonly listening: string
  readonly localAddress: string
  readonly remoteAddress: string
  readonly idle: number
  readonly doingFor: number
  readonly annotations: Readonly<Record<string, unknown>>
}

/**
 * An open connection of a worker.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkerConnection extends ConnectionFacts {
  readonly worker: string
  readonly pid: number
}

/**
 * The workers, as seen by their supervisor.
 *
 * @since 0.1.0
 * @category services
 */
export class Workers extends Context.Service<Workers, {
  /** The addresses that they listen on. */
  readonly addresses: Effect.Effect<ReadonlyArray<NetAddress.SocketAddress>>
  /** `"suspended"` until all are ready; then `"listening"`, `"draining"`, `"closed"`. `Systemd.follow` uses it. */
  readonly state: SubscriptionRef.SubscriptionRef<Server.State>
  /** The worker processes. While a worker is replaced, two processes have its name. */
  readonly workers: Effect.Effect<ReadonlyArray<Worker>>
  /** The open connections of all workers. Workers that do not answer within 5 seconds are left out. */
  readonly connections: Effect.Effect<ReadonlyArray<WorkerConnection>>
  /** The metrics of all workers as text for Prometheus, with an attribute `worker`. */
  readonly metrics: Effect.Effect<string>
  /**
   * Events of the workers and of their servers, while the stream runs. Each stream buffers up to 1,024 events; then the oldest
   * are dropped. If a worker cannot send events fast enough, a `Reported` with the tag `EventsLost` has the number of lost ones.
   */
  readonly events: Stream.Stream<WorkerEvent.WorkerEvent>
  /**
   * Replaces the workers one by one, and returns when the last old one has drained. Fails if a new process does not start:
   * the workers that are not replaced yet keep running. A second reload begins after the first.
   */
  readonly reload: Effect.Effect<void, WorkersError>
  /** Fails with the reason `CrashLoop` when a worker crashes too often. All workers are stopped by then. */
  readonly ended: Effect.Effect<never, WorkersError>
}>()("@sluice/node/Workers") {}

/**
 * The name of this worker, `"1"` and so on; `undefined` in any other process.
 *
 * @since 0.1.0
 * @category workers
 */
export const current: () => string | undefined = currentName

/**
 * Starts workers that run until the Scope closes, and returns when all are ready. This is the supervisor alone: call it only
 * where `current()` is `undefined`. Fails with `StartFailed` if a worker does not start.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(
  options: Options<E, R>
): Effect.Effect<Workers["Service"], NetworkError.NetworkError | WorkersError, Scope.Scope> =>
  Effect.flatMap(Effect.fromResult(check(options)), internal.start)

/** Starts the workers, and builds the `supervisor` layer. */
const supervise = <E, R>(options: Options<E, R>) =>
  Effect.gen(function*() {
    const workers = yield* make(options)
    const { supervisor = Layer.empty } = options
    yield* Layer.build(Layer.provide(supervisor, Layer.succeed(Workers, workers)))
    return workers
  })

/**
 * Runs the workers in the supervisor, and the servers in each worker. Fails with `WorkersError` if a worker does not start, or
 * crashes too often.
 *
 * @since 0.1.0
 * @category running
 */
export const launch = <E, R, E2 = never, R2 = never>(
  options: Options<E2, R2>,
  servers: Layer.Layer<never, E, R>
): Effect.Effect<
  never,
  E | E2 | NetworkError.NetworkError | WorkersError,
  Exclude<R | Exclude<R2, Workers>, Scope.Scope>
> =>
  untilSignal(Effect.scoped(Effect.gen(function*() {
    const name = current()
    if (name === undefined) return yield* (yield* supervise(options)).ended
    yield* work(name, yield* Effect.fromResult(check(options)), servers)
    return yield* Effect.never
  })))

/**
 * `launch`, as a Layer. It is built when all workers are ready. If a worker crashes too often after that, all workers stop and
 * a fatal line is logged, but the program continues; `launch` fails instead.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E, R, E2 = never, R2 = never>(
  options: Options<E2, R2>,
  servers: Layer.Layer<never, E, R>
): Layer.Layer<
  never,
  E | E2 | NetworkError.NetworkError | WorkersError,
  Exclude<R | Exclude<R2, Workers>, Scope.Scope>
> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const name = current()
    if (name !== undefined) return yield* work(name, yield* Effect.fromResult(check(options)), servers)
    const { ended } = yield* supervise(options)
    yield* Effect.forkScoped(Effect.catch(ended, ({ message }) => Effect.logFatal(message)))
  }))
