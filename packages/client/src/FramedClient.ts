/**
 * A client of a request/reply protocol that many fibers share, over one connection or several.
 *
 * **Example** (a client of a line protocol that answers in order)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as FramedClient from "@sluice/client/FramedClient"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const client = yield* FramedClient.make({
 *     connect: Effect.flatMap(Network.connect("tcp://127.0.0.1:12345"), Framed.make(Framing.lines())),
 *     connections: 2
 *   })
 *   return yield* Effect.forEach(["one", "two", "three"], (line) => FramedClient.request(client, line), {
 *     concurrency: "unbounded"
 *   })
 * }))
 * ```
 *
 * **Details**
 *
 * - Requests are pipelined: they are sent without waiting for the answers to those before them, and those that are made in
 *   one turn leave with one write.
 * - Answers come in the order of the requests, or find them by an id: `correlate`.
 * - A caller that stops waiting, because of a timeout for example, neither gets nor gives away another's answer.
 * - At most `maxPending` requests wait for answers. Further callers wait until there is room, up to `maxWaiting`.
 * - With several `endpoints`, a request goes to the one with the fewest in flight for its weight, among those of the best
 *   priority that work. An endpoint that fails again and again is avoided for a while.
 * - While there is no connection, requests wait for one. When a connection is lost, its requests fail with `RequestFailed`,
 *   which says whether they were sent, and the client connects again.
 * - A connection on which a request has waited for `answerTimeout` is given up.
 *
 * @since 0.1.0
 */
import type * as Endpoint from "@sluice/core/Endpoint"
import type { Framed, FramedError } from "@sluice/core/Framed"
import type * as NetworkError from "@sluice/core/NetworkError"
import type { FramingError } from "@sluice/framing/FramingError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Dns from "effect/net/Dns"
import type { Pipeable } from "effect/Pipeable"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import type { RequestFailed } from "./internal/errors.ts"
import * as discovery from "./internal/pool/discovery.ts"
import * as internal from "./internal/pool/framedClient.ts"

export { Overloaded, RequestFailed } from "./internal/errors.ts"

/**
 * A client that sends requests of type `Out` and receives answers of type `In`.
 *
 * @category models
 * @since 0.1.0
 */
export interface FramedClient<in out Out, in out In = Out, in out E = never> extends Pipeable {
  readonly [internal.TypeId]: Variance<Out, In, E>
}

/**
 * Which way the types of a {@link FramedClient} vary.
 *
 * @category models
 * @since 0.1.0
 */
export interface Variance<in out Out, in out In, in out E> {
  readonly _Out: Types.Invariant<Out>
  readonly _In: Types.Invariant<In>
  readonly _E: Types.Invariant<E>
}

/**
 * An endpoint with its share of the requests, as in an SRV record (RFC 2782).
 *
 * @category options
 * @since 0.1.0
 */
export interface WeightedEndpoint {
  readonly endpoint: Endpoint.Input
  /** Endpoints with a higher number are used only when none with a lower number works. Default: 0. */
  readonly priority?: number | undefined
  /** The share among endpoints of the same priority. Default: 1. */
  readonly weight?: number | undefined
}

/**
 * Endpoints that are looked up when the client starts, and periodically after that. Endpoints that a lookup no longer returns
 * are closed when their requests are answered. While lookups fail, the endpoints found before stay in use.
 *
 * @category options
 * @since 0.1.0
 */
export interface Lookup<R> {
  readonly resolve: Effect.Effect<ReadonlyArray<WeightedEndpoint>, NetworkError.NetworkError, R>
  /** The time between lookups. Default: 30 seconds. */
  readonly refresh?: Duration.Input | undefined
}

/**
 * Where a client connects to: a list, or a {@link Lookup} such as {@link srv}.
 *
 * @category options
 * @since 0.1.0
 */
export type Endpoints<R> = ReadonlyArray<Endpoint.Input | WeightedEndpoint> | Lookup<R>

/**
 * Options of {@link srv}.
 *
 * @category options
 * @since 0.1.0
 */
export interface SrvOptions {
  /** The scheme of the endpoints. Default: `"tcp"`. */
  readonly scheme?: "tcp" | "tls" | undefined
  /** The time between lookups; `Dns` does not report TTLs. Default: 30 seconds. */
  readonly refresh?: Duration.Input | undefined
}

/**
 * The endpoints that the SRV records of a name list, with their priorities and weights (RFC 2782). The records come from
 * `effect/net/Dns`: on Node, from `@effect/platform-node/NodeDns`.
 *
 * ```ts
 * import * as FramedClient from "@sluice/client/FramedClient"
 *
 * const endpoints = FramedClient.srv("_redis._tcp.example.org", { scheme: "tls" })
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export const srv: (name: string, options?: SrvOptions) => Lookup<Dns.Dns> = discovery.srv

/**
 * When an endpoint is avoided while others work. A failure is a connection that is lost with requests in flight, for example
 * because of `answerTimeout`. Any answer resets the count. An endpoint without a connection gets no requests in any case.
 *
 * @category options
 * @since 0.1.0
 */
export interface Ejection {
  /** The number of failures in a row. Default: 3. */
  readonly after?: number | undefined
  /** How long at first. It doubles each time, until an answer comes. Default: 1 second. */
  readonly duration?: Duration.Input | undefined
  /** How long at most. Default: 1 minute. */
  readonly maxDuration?: Duration.Input | undefined
}

/**
 * How a client connects, and how its answers find their requests.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<Out, In, E1, R1, E2, R2, R3, R4, R5 = never> {
  /**
   * Opens a connection in its Scope and puts a framing on it; a `Heartbeat` can be added here. With `endpoints`, a function
   * of one of them.
   */
  readonly connect:
    | Effect.Effect<Framed<Out, In>, E1, R1>
    | ((endpoint: Endpoint.Endpoint) => Effect.Effect<Framed<Out, In>, E1, R1>)
  /** Where to connect to. Default: wherever `connect` does. */
  readonly endpoints?: Endpoints<R5> | undefined
  /** The handshake, run on every new connection before any request. Default: none. */
  readonly onConnect?: ((framed: Framed<Out, In>) => Effect.Effect<unknown, E2, R2>) | undefined
  /** The number of connections to each endpoint. A request takes the one with the fewest in flight. Default: 1. */
  readonly connections?: number | undefined
  /**
   * Reads the id of a request and of an answer, which are compared as keys of a `Map`. An answer without a request goes to
   * `onPush`. Default: answers come in the order of the requests.
   */
  readonly correlate?: {
    readonly request: (message: Out) => unknown
    readonly answer: (message: In) => unknown
  } | undefined
  /** Takes the messages that answer no request. The client receives nothing meanwhile. Default: they are ignored. */
  readonly onPush?: ((message: In) => Effect.Effect<unknown, never, R4>) | undefined
  /** How many requests may wait for answers, on all connections together. Further ones wait for room. Default: 1,024. */
  readonly maxPending?: number | undefined
  /** How many requests may wait for room. Further ones fail with the reason `Overloaded`. Default: any number. */
  readonly maxWaiting?: number | undefined
  /** When an endpoint is avoided while others work. */
  readonly ejection?: Ejection | undefined
  /** Reports metrics, `sluice_client_…`, with this name as the attribute `client`. Default: none are reported. */
  readonly name?: string | undefined
  /** How long a request may wait for its answer before its connection is given up. Default: 30 seconds. */
  readonly answerTimeout?: Duration.Input | undefined
  /** How long `connect` and `onConnect` may take together. Default: 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** When to connect again, as for `Reconnecting`. Default: forever, with exponential backoff from 0.5 to 30 seconds. */
  readonly schedule?: Schedule.Schedule<unknown, NoInfer<E1 | E2> | FramedError, never, R3> | undefined
  /** How long a connection must hold for the schedule to begin anew. Default: 5 seconds. */
  readonly resetAfter?: Duration.Input | undefined
}

/**
 * Starts a client that connects, and stays connected, until the Scope is closed. It returns at once. Fails with
 * `InvalidOption`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <Out, In, E1, R1, E2 = never, R2 = never, R3 = never, R4 = never, R5 = never>(
  options: Options<Out, In, E1, R1, E2, R2, R3, R4, R5>
) => Effect.Effect<
  FramedClient<Out, In, E1 | E2>,
  NetworkError.NetworkError,
  Scope.Scope | R3 | R4 | R5 | Exclude<R1 | R2, Scope.Scope>
> = internal.make

/**
 * Sends a request and receives its answer. Fails with a `FramingError` when the framing refuses the message, and with
 * `RequestFailed` when the connection is lost before the answer arrives, when too many requests wait, or when the schedule has
 * ended.
 *
 * @category requests
 * @since 0.1.0
 */
export const request: {
  <Out>(message: Out): <In, E>(self: FramedClient<Out, In, E>) => Effect.Effect<In, FramingError | RequestFailed<E>>
  <Out, In, E>(self: FramedClient<Out, In, E>, message: Out): Effect.Effect<In, FramingError | RequestFailed<E>>
} = dual(
  2,
  <Out, In, E>(self: FramedClient<Out, In, E>, message: Out): Effect.Effect<In, FramingError | RequestFailed<E>> =>
    internal.request(internal.stateOf(self), message)
)

/**
 * Waits until there is a connection. Returns also when there will be none any more: then `request` fails.
 *
 * @category observing
 * @since 0.1.0
 */
export const connected = <Out, In, E>(self: FramedClient<Out, In, E>): Effect.Effect<void> =>
  internal.stateOf(self).ready.await

/**
 * How many connections are open.
 *
 * @category observing
 * @since 0.1.0
 */
export const size = <Out, In, E>(self: FramedClient<Out, In, E>): Effect.Effect<number> =>
  Effect.sync(() => internal.stateOf(self).connections)

/**
 * The current state of an endpoint of a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndpointState {
  /** `undefined` without the option `endpoints`. */
  readonly endpoint: Endpoint.Endpoint | undefined
  /** Open connections. */
  readonly connections: number
  /** Requests in flight. */
  readonly pending: number
  /** Failures since the last answer. */
  readonly failures: number
  /** Whether it is avoided: `"ejected"`, or on `"probation"` with one request at a time. */
  readonly health: "healthy" | "ejected" | "probation"
}

/**
 * The current state of each endpoint of a client.
 *
 * @category observing
 * @since 0.1.0
 */
export const endpoints = <Out, In, E>(self: FramedClient<Out, In, E>): Effect.Effect<ReadonlyArray<EndpointState>> =>
  Effect.sync(() =>
    internal.stateOf(self).targets.map(({ connections, endpoint, health, pending }) => ({
      endpoint,
      connections,
      pending,
      failures: health.failures,
      health: health.state
    }))
  )
