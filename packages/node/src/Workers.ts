/**
 * Several processes of one program on one port, for machines with several cores: a supervisor holds the listening sockets and
 * gives them to each worker, restarts those that crash, and replaces them one after the other without refusing a connection.
 *
 * **Example** (an echo server on all cores)
 *
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as NodeNetwork from "@sluice/node/NodeNetwork"
 * import * as Workers from "@sluice/node/Workers"
 * import * as Effect from "effect/Effect"
 *
 * const Echo = Server.layer(
 *   { listen: "tcp://127.0.0.1:9000", maxConnections: 10_000 },
 *   (connection) => Connection.pipeTo(connection, connection)
 * )
 *
 * NodeRuntime.runMain(Workers.launch({ count: "cores" }, Echo).pipe(Effect.provide(NodeNetwork.layer)))
 * ```
 *
 * **Details**
 *
 * - The supervisor starts the program that it is itself, with the same arguments, once for each worker. There, `launch` and
 *   `layer` build the servers; in the supervisor they do not. What the servers need is built in both if it is provided from
 *   outside: provide it to the servers, except for the network.
 * - Every TCP and Unix-domain listener of the servers is a socket of the supervisor, which binds it when the first worker
 *   asks: all workers accept from its one queue. That includes port 0, and sockets that the supervisor inherited
 *   (`Endpoint.inherited`). A listener with `reusePort` is bound by the worker itself. Datagram sockets are not shared.
 * - A worker that ends unexpectedly is restarted, after a delay that doubles with each crash. Only its own connections break.
 * - SIGHUP to the supervisor, or `reload`, replaces one worker after the other: a new process starts, and once it listens
 *   the old one drains. No connection is refused or reset; those that outlast the old worker's `drain` are cut.
 * - When the Scope closes, the workers get SIGTERM, drain, and are killed after `stopTimeout`.
 * - A worker whose supervisor is gone drains and ends.
 * - `maxConnections` and `acceptRate` are divided among the workers: each gets an equal share, rounded up. While a worker is
 *   replaced there is one more. Limits per address hold in each worker: an address may have up to `count` times as many.
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
   * Whether `maxConnections` and `acceptRate` are for all workers together, so that each has an equal share of them, or for
   * each worker. Default: `"divided"`.
   */
  readonly limits?: "divided" | "each" | undefined
  /** When a worker that ended unexpectedly is restarted. */
  readonly restart?: RestartOptions | undefined
  /** How long a worker may take until its servers listen. Default: 30 seconds. */
  readonly startTimeout?: Duration.Input | undefined
  /** How long a worker may take to drain and end, before it is killed. Longer than `drain`. Default: 15 seconds. */
  readonly stopTimeout?: Duration.Input | undefined
  /** How long the event loop of a worker may be blocked before it is killed; at least 100 ms. Default: 30 seconds. */
  readonly unresponsive?: Duration.Input | undefined
  /** The signal that reloads. `undefined`: none does. Default: `"SIGHUP"`. */
  readonly reloadOn?: NodeJS.Signals | undefined
  /** Runs in the supervisor alone, once all workers are ready: for `/metrics`, logs of events, an admin page. */
  readonly supervisor?: Layer.Layer<never, E, R> | undefined
}

/**
 * When a worker is restarted.
 *
 * @since 0.1.0
 * @category options
 */
export interface RestartOptions {
  /** The delay of the first restart; it doubles with each one `within` this time. Default: 100 milliseconds. */
  readonly baseDelay?: Duration.Input | undefined
  /** The longest delay. Default: 5 seconds. */
  readonly maxDelay?: Duration.Input | undefined
  /** How often a worker may be restarted `within` this time. One crash more ends all workers. Default: 5. */
  readonly maxRestarts?: number | undefined
  /** Default: 1 minute. */
  readonly within?: Duration.Input | undefined
}

/**
 * A process that is a worker.
 *
 * @since 0.1.0
 * @category models
 */
export interface Worker {
  /** `"1"`, `"2"` and so on. A process that replaces another has its name. */
  readonly name: string
  readonly pid: number
  /** `"stopping"`: it drains. */
  readonly state: "starting" | "ready" | "stopping"
  /** When it was started: milliseconds since the epoch, by the wall clock. */
  readonly since: number
}

/**
 * An open connection, as its worker describes it: the fields of `Server.OpenConnection`, with addresses as text and durations
 * in milliseconds.
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
  /** Where its server listens. */
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
 * The workers, for their supervisor.
 *
 * @since 0.1.0
 * @category services
 */
export class Workers extends Context.Service<Workers, {
  /** Where they listen. */
  readonly addresses: Effect.Effect<ReadonlyArray<NetAddress.SocketAddress>>
  /** `"suspended"` until all are ready; then `"listening"`, `"draining"`, `"closed"`. `Systemd.follow` takes it. */
  readonly state: SubscriptionRef.SubscriptionRef<Server.State>
  /** The processes. While a worker is replaced, two have its name. */
  readonly workers: Effect.Effect<ReadonlyArray<Worker>>
  /** The open connections of all workers, with what each waits for. Workers that do not answer within 5 seconds are left out. */
  readonly connections: Effect.Effect<ReadonlyArray<WorkerConnection>>
  /** The metrics of all workers as text for Prometheus, with an attribute `worker`. */
  readonly metrics: Effect.Effect<string>
  /**
   * What happens to the workers and to their servers, for as long as the stream runs. Up to 1,024 events are buffered for
   * each stream; then the oldest are dropped. What a worker's server reported too fast for the supervisor is counted in a
   * `Reported` with the tag `EventsLost`.
   */
  readonly events: Stream.Stream<WorkerEvent.WorkerEvent>
  /**
   * Replaces one worker after the other, and returns when the last has drained. Fails if a new one does not start: the old
   * one then keeps running, and so do those after it. A second reload begins after the first.
   */
  readonly reload: Effect.Effect<void, WorkersError>
  /** Fails when the workers were stopped because one crashed again and again. */
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
 * Starts workers that run until the Scope is closed, and returns when all are ready: the side of the supervisor, for a program
 * that is not a worker itself. Fails with `StartFailed` if one does not start.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(
  options: Options<E, R>
): Effect.Effect<Workers["Service"], NetworkError.NetworkError | WorkersError, Scope.Scope> =>
  Effect.flatMap(Effect.fromResult(check(options)), internal.start)

/** Builds what runs in the supervisor, and returns the workers. */
const supervise = <E, R>(options: Options<E, R>) =>
  Effect.gen(function*() {
    const workers = yield* make(options)
    const { supervisor = Layer.empty } = options
    yield* Layer.build(Layer.provide(supervisor, Layer.succeed(Workers, workers)))
    return workers
  })

/**
 * The whole program: in the supervisor, it runs the workers; in a worker, the servers. Fails with `WorkersError` if a worker
 * does not start, or crashes again and again.
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
  Effect.scoped(Effect.gen(function*() {
    const name = current()
    if (name === undefined) return yield* (yield* supervise(options)).ended
    yield* work(name, yield* Effect.fromResult(check(options)), servers)
    return yield* Effect.never
  }))

/**
 * As `launch`, as a Layer. It is built when all workers are ready. If one crashes again and again later, all are stopped, and a
 * fatal line is logged: `launch` ends the program.
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
