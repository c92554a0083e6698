/**
 * A client whose connection comes back: it connects, greets the server, and does both again whenever the connection is
 * lost, at times that a `Schedule` decides.
 *
 * **Example** (a chat client that keeps its name)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Network from "@sluice/core/Network"
 * import * as Reconnecting from "@sluice/client/Reconnecting"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const connect = Effect.flatMap(Network.connect("tcp://127.0.0.1:12345"), Framed.make(Framing.lines()))
 *
 * const chat = Effect.scoped(Effect.gen(function*() {
 *   const client = yield* Reconnecting.make({
 *     connect,
 *     onConnect: (framed) => Framed.send(framed, "/nick ann"),
 *     whileAway: { queue: 100 }
 *   })
 *   yield* Reconnecting.send(client, "hello, whenever you hear it")
 *   yield* Stream.runForEach(Reconnecting.messages(client), Console.log)
 * }))
 * ```
 *
 * **Details** (its life)
 *
 * 1. `Connecting`: `connect` runs, in a Scope that is the connection's, then `onConnect`. Together they may take
 *    `connectTimeout`.
 * 2. What was queued meanwhile is sent, in order; then it is `Connected`, until the connection breaks or the peer ends it.
 * 3. `Waiting`: the schedule gets the error and says when the next try is. A connection that has held for `resetAfter` has
 *    it begin anew; one that was lost sooner counts as one more failure.
 * 4. `Closed`: `close` was called, the Scope closed, or the schedule came to its end. After `close` and a Scope that
 *    succeeds the connection is ended in order.
 *
 * **Gotchas**: a message is sent at most once. A message in flight when the connection broke may be lost; a protocol
 * that cannot bear that needs acknowledgements of its own. What still waits for a connection when the client is closed is
 * dropped, and the log says how much that was.
 *
 * @since 0.1.0
 */
import type { Framed, FramedError } from "@sluice/core/Framed"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Pipeable } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import type { NotConnected } from "./internal/errors.ts"
import * as internal from "./internal/reconnecting/reconnecting.ts"
import { type Client, typeId } from "./internal/reconnecting/state.ts"

export { NotConnected } from "./internal/errors.ts"

/**
 * A client that sends messages of type `Out` and receives messages of type `In`, over one connection after the other.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reconnecting<in out Out, in out In = Out, in out E = never> extends Pipeable {
  readonly [typeId]: Client<Out, In, E>
  /** What it is doing, and a way to hear of changes. */
  readonly state: SubscriptionRef.SubscriptionRef<State<E>>
}

/**
 * Whether a value is a {@link Reconnecting}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isReconnecting = (u: unknown): u is Reconnecting<never, unknown, unknown> => hasProperty(u, typeId)

/**
 * What a client is doing. Times are in milliseconds of the Clock; attempts are counted from the last connection on.
 *
 * @category models
 * @since 0.1.0
 */
export type State<E = never> =
  | { readonly _tag: "Connecting"; readonly attempt: number }
  | { readonly _tag: "Connected"; readonly since: number }
  | { readonly _tag: "Waiting"; readonly until: number; readonly attempt: number; readonly error: E | FramedError }
  /** For good; with the last error, if the schedule came to its end. */
  | { readonly _tag: "Closed"; readonly error: Option.Option<E | FramedError> }

/**
 * How a client connects, and when.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<Out, In, E1, R1, E2, R2, R3> {
  /** Opens a connection in its Scope and puts a framing on it; a `Heartbeat` can be added here. */
  readonly connect: Effect.Effect<Framed<Out, In>, E1, R1>
  /** The handshake, run on every new connection before anything else is sent or received. Default: none. */
  readonly onConnect?: ((framed: Framed<Out, In>) => Effect.Effect<unknown, E2, R2>) | undefined
  /** How long `connect` and `onConnect` may take together. Default: 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * When to try again. Its input is the error. Default: forever, after half a second, then twice as long each time, up to
   * 30 seconds, and a random fifth more or less, so that not all clients of a server come back at once.
   */
  readonly schedule?: Schedule.Schedule<unknown, NoInfer<E1 | E2> | FramedError, never, R3> | undefined
  /** How long a connection must hold for the schedule to begin anew. Default: 5 seconds. */
  readonly resetAfter?: Duration.Input | undefined
  /**
   * What becomes of messages sent while there is no connection: `send` fails with `NotConnected`, or up to that many wait
   * for the next one, and those above that fail. Default: `"refuse"`.
   */
  readonly whileAway?: "refuse" | { readonly queue: number } | undefined
  /**
   * What becomes of messages that were received on one connection and not taken before the next one is made: `"drop"`, with a
   * warning that says how many, or `"keep"`. They may be answers to requests that nobody waits for any more. Default:
   * `"drop"`.
   */
  readonly undelivered?: "drop" | "keep" | undefined
}

/**
 * Starts a client that runs until the Scope is closed. It returns at once, `Connecting`. Fails with `InvalidOption`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <Out, In, E1, R1, E2 = never, R2 = never, R3 = never>(
  options: Options<Out, In, E1, R1, E2, R2, R3>
) => Effect.Effect<
  Reconnecting<Out, In, E1 | E2>,
  NetworkError.NetworkError,
  Scope.Scope | R3 | Exclude<R1 | R2, Scope.Scope>
> = internal.make

/**
 * Sends a message: now, when there is a connection; otherwise as `whileAway` says. It fails with `NotConnected` when the
 * message was not taken, and as `Framed.send` does when the connection broke over it.
 *
 * @category sending
 * @since 0.1.0
 */
export const send: {
  <Out>(message: Out): <In, E>(self: Reconnecting<Out, In, E>) => Effect.Effect<void, FramedError | NotConnected>
  <Out, In, E>(self: Reconnecting<Out, In, E>, message: Out): Effect.Effect<void, FramedError | NotConnected>
} = internal.send

/**
 * Receives the next message of whichever connection; `None` once the client is closed. Fails when the schedule ended.
 *
 * @category receiving
 * @since 0.1.0
 */
export const receive = <Out, In, E>(
  self: Reconnecting<Out, In, E>
): Effect.Effect<Option.Option<In>, E | FramedError> => internal.receive(self)

/**
 * All messages of all connections, as a Stream that ends when the client is closed, and fails with the last error when
 * the schedule came to its end. No more than 16 messages are received ahead of it, so a slow consumer slows the peer.
 *
 * @category receiving
 * @since 0.1.0
 */
export const messages = <Out, In, E>(self: Reconnecting<Out, In, E>): Stream.Stream<In, E | FramedError> =>
  internal.messages(self)

/**
 * Waits until there is a connection. Fails when the client is closed: with `NotConnected`, or the last error.
 *
 * @category lifecycle
 * @since 0.1.0
 */
export const connected = <Out, In, E>(
  self: Reconnecting<Out, In, E>
): Effect.Effect<void, E | FramedError | NotConnected> => internal.connected(self)

/**
 * Ends the connection in order, and does not come back. Closing twice is once.
 *
 * @category lifecycle
 * @since 0.1.0
 */
export const close = <Out, In, E>(self: Reconnecting<Out, In, E>): Effect.Effect<void> => internal.close(self)
