/**
 * A connection and a framing: a typed duplex of messages.
 *
 * **Example** (a client that asks, and a server that answers)
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Network from "@sluice/core/Network"
 * import * as Server from "@sluice/core/Server"
 * import * as Effect from "effect/Effect"
 *
 * const Shout = Server.layer(
 *   { listen: "tcp://127.0.0.1:12345" },
 *   Framed.serve(Framing.lines(), (line) => Effect.succeed(line.toUpperCase()))
 * )
 *
 * const ask = Effect.scoped(Effect.gen(function*() {
 *   const connection = yield* Network.connect("tcp://127.0.0.1:12345")
 *   const framed = yield* Framed.make(connection, Framing.lines())
 *   return yield* Framed.request(framed, "hello")
 * }))
 * ```
 *
 * **Details**
 *
 * - Every message before a bad one is received before the `FramingError`; from then on there is only that error.
 * - Input that ends inside a message is a `FramingError` with the reason `TruncatedFrame`, and never silence.
 * - No more is read than is asked for, but for one chunk: a receiver that stops stops the peer.
 * - An interrupted `receive` loses nothing. What `send` has begun to write is written whole.
 *
 * **Gotchas**: a byte message is a view of the chunk it came in. Copy it to keep a small one for long.
 */
import * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Option from "effect/Option"
import type { Pipeable } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type * as Pull from "effect/Pull"
import type * as Scheduler from "effect/Scheduler"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import * as Connection from "./Connection.ts"
import { ended as internalEnded } from "./internal/connection/ended.ts"
import { nextChunk } from "./internal/connection/reading.ts"
import { stateOf as connectionState } from "./internal/connection/state.ts"
import { answerConcurrently } from "./internal/framed/concurrentResponder.ts"
import type { OutOfStep } from "./internal/framed/errors.ts"
import * as internal from "./internal/framed/request.ts"
import { answerInTurn } from "./internal/framed/responder.ts"
import { type FramedState, makeState, stateOf, TypeId } from "./internal/framed/state.ts"
import type * as NetworkError from "./NetworkError.ts"

export { OutOfStep } from "./internal/framed/errors.ts"

/**
 * A connection on which messages of type `Out` are sent and messages of type `In` are received.
 *
 * @category models
 * @since 0.1.0
 */
export interface Framed<in Out, out In = Out> extends Pipeable {
  readonly [TypeId]: Variance<Out, In>
  readonly connection: Connection.Connection
}

/**
 * Which way the types of a {@link Framed} vary.
 *
 * @category models
 * @since 0.1.0
 */
export interface Variance<in Out, out In> {
  readonly _Out: Types.Contravariant<Out>
  readonly _In: Types.Covariant<In>
}

/**
 * What can go wrong on a framed connection.
 *
 * @category errors
 * @since 0.1.0
 */
export type FramedError = NetworkError.NetworkError | FramingError

/**
 * Whether a value is a {@link Framed}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFramed = (u: unknown): u is Framed<never, unknown> => hasProperty(u, TypeId)

/**
 * Puts a framing on a connection. Fails with `InvalidFraming` when the framing's options can never work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <Out, In>(
    framing: Framing.Framing<Out, In>
  ): (connection: Connection.Connection) => Effect.Effect<Framed<Out, In>, FramingError>
  <Out, In>(
    connection: Connection.Connection,
    framing: Framing.Framing<Out, In>
  ): Effect.Effect<Framed<Out, In>, FramingError>
} = dual(2, <Out, In>(
  connection: Connection.Connection,
  framing: Framing.Framing<Out, In>
): Effect.Effect<Framed<Out, In>, FramingError> =>
  Effect.map(Effect.fromResult(Framing.validate(framing)), () => makeState(connectionState(connection), framing)))

// ---------------------------------------------------------------------------------------------------------------------
// Receiving
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Receives the next message, or `None` once the peer has ended. Receiving again after the end gives `None` again. Several
 * fibers may receive at once: each gets the next message, in the order in which they began.
 *
 * @category receiving
 * @since 0.1.0
 */
export const receive = <Out, In>(self: Framed<Out, In>): Effect.Effect<Option.Option<In>, FramedError> =>
  stateOf(self).receivers.receive

/**
 * All messages, as a Stream that ends when the peer does. Those of one chunk come together: to change the framing in
 * between, or to upgrade the connection to TLS, use `receive` or `handler`.
 *
 * @category receiving
 * @since 0.1.0
 */
export const messages = <Out, In>(self: Framed<Out, In>): Stream.Stream<In, FramedError> =>
  Stream.fromPull(Effect.sync(() => pull(stateOf(self))))

const pull = <Out, In>(
  { connection, decoder }: FramedState<Out, In>
): Pull.Pull<Arr.NonEmptyReadonlyArray<In>, FramedError> => {
  type Pulling = Pull.Pull<Arr.NonEmptyReadonlyArray<In>, FramedError>
  const batch = (whenNone: Pulling): Pulling => {
    const frames: Array<In> = []
    for (let frame = decoder.next(); frame !== Framing.noFrame; frame = decoder.next()) frames.push(frame)
    // The error stays, and is there again when the messages before it have been taken.
    if (frames.length > 0) return Effect.succeed(frames as unknown as Arr.NonEmptyReadonlyArray<In>)
    return decoder.error === undefined ? whenNone : Effect.fail(decoder.error)
  }
  const next: Pulling = Effect.suspend(() => batch(fill))
  const fill: Pulling = Effect.flatten(nextChunk<Pulling, never>(
    connection,
    (chunk) => {
      decoder.feed(chunk)
      return Effect.succeed(next)
    },
    () => {
      decoder.finish()
      return Effect.succeed(last)
    }
  ))
  const last: Pulling = Effect.suspend(() => batch(Cause.done()))
  return next
}

/**
 * How many bytes have been received and belong to no message that was returned. For the moment only: it changes.
 *
 * @category receiving
 * @since 0.1.0
 */
export const bufferedUnsafe = <Out, In>(self: Framed<Out, In>): number => stateOf(self).decoder.buffered

/**
 * Waits until the peer has ended or the connection is closed, also while nobody receives: up to 256 KiB are read ahead.
 *
 * @category receiving
 * @since 0.1.0
 */
export const ended = <Out, In>(self: Framed<Out, In>): Effect.Effect<void> =>
  internalEnded(connectionState(self.connection))

// ---------------------------------------------------------------------------------------------------------------------
// Sending
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Sends one message. A message that the framing refuses fails with a `FramingError`, and nothing of it is sent.
 *
 * @category sending
 * @since 0.1.0
 */
export const send: {
  <Out>(message: Out): <In>(self: Framed<Out, In>) => Effect.Effect<void, FramedError>
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<void, FramedError>
} = dual(
  2,
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<void, FramedError> => sendAll(self, [message])
)

/**
 * Sends several messages with one flush. When the framing refuses one of them, those before it are sent.
 *
 * @category sending
 * @since 0.1.0
 */
export const sendAll: {
  <Out>(messages: Iterable<Out>): <In>(self: Framed<Out, In>) => Effect.Effect<void, FramedError>
  <Out, In>(self: Framed<Out, In>, messages: Iterable<Out>): Effect.Effect<void, FramedError>
} = dual(
  2,
  <Out, In>(self: Framed<Out, In>, messages: Iterable<Out>): Effect.Effect<void, FramedError> =>
    Effect.suspend(() => {
      const { outbox } = stateOf(self)
      let refusal: FramingError | undefined
      for (const message of messages) {
        refusal = outbox.add(message)
        if (refusal !== undefined) break
      }
      return refusal === undefined ? outbox.flush : Effect.andThen(outbox.flush, Effect.fail(refusal))
    })
)

/**
 * Sends a message and receives its answer: the next message behind the answers to the requests before it. Several requests
 * may be in flight at once. Fails with `UnexpectedEnd` when the peer ends instead of answering.
 *
 * A request that is interrupted before its answer arrives, by a timeout for example, leaves an answer that belongs to
 * nobody. From then on every request on this `Framed` fails with `OutOfStep`, those in flight included.
 *
 * @category sending
 * @since 0.1.0
 */
export const request: {
  <Out>(message: Out): <In>(self: Framed<Out, In>) => Effect.Effect<In, FramedError | OutOfStep>
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<In, FramedError | OutOfStep>
} = dual(
  2,
  <Out, In>(self: Framed<Out, In>, message: Out): Effect.Effect<In, FramedError | OutOfStep> =>
    internal.request(stateOf(self), message)
)

/**
 * A Sink that sends every message, those that come together with one flush.
 *
 * @category sending
 * @since 0.1.0
 */
export const sink = <Out, In>(self: Framed<Out, In>): Sink.Sink<void, Out, never, FramedError> =>
  Sink.forEachArray((messages: ReadonlyArray<Out>) => sendAll(self, messages))

/**
 * What a {@link Framed} has encoded and not yet written: for clients that send the messages of many fibers with one write.
 * Offsets are in bytes, from the first that was sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outbox<in Out> {
  /** Where the last message that was added ends. */
  readonly offset: number
  /** Up to where everything has been handed to the connection. */
  readonly flushedTo: number
  /** Whether 64 KiB are waiting: add no more before they are flushed. */
  readonly isFull: boolean
  /** Adds a message, unless the framing refuses it. */
  readonly add: (message: Out) => FramingError | undefined
  /** Writes everything, and waits until the peer has room for it. */
  readonly flush: Effect.Effect<void, NetworkError.NetworkError>
  /**
   * Writes everything when the fibers that can run have run: by then there may be more. If the connection is gone, its
   * next operation fails.
   */
  readonly flushSoon: (dispatcher: Scheduler.SchedulerDispatcher) => void
}

/**
 * The messages that are not written yet.
 *
 * @category sending
 * @since 0.1.0
 */
export const outbox = <Out, In>(self: Framed<Out, In>): Outbox<Out> => stateOf(self).outbox

/**
 * Half-closes: everything sent is written, then the peer sees the end; receiving continues.
 *
 * @category sending
 * @since 0.1.0
 */
export const end = <Out, In>(self: Framed<Out, In>): Effect.Effect<void, NetworkError.NetworkError> =>
  Connection.end(self.connection)

/**
 * Continues in another framing, from the byte behind the last message that was received: what has been read and not used is
 * carried over. For protocols that upgrade, such as SMTP after `DATA` and HTTP after `CONNECT`. The old `Framed` is not to
 * be used any more.
 *
 * @category combinators
 * @since 0.1.0
 */
export const switchTo: {
  <Out2, In2>(
    framing: Framing.Framing<Out2, In2>
  ): <Out, In>(self: Framed<Out, In>) => Effect.Effect<Framed<Out2, In2>, FramingError>
  <Out, In, Out2, In2>(
    self: Framed<Out, In>,
    framing: Framing.Framing<Out2, In2>
  ): Effect.Effect<Framed<Out2, In2>, FramingError>
} = dual(2, <Out, In, Out2, In2>(
  self: Framed<Out, In>,
  framing: Framing.Framing<Out2, In2>
): Effect.Effect<Framed<Out2, In2>, FramingError> =>
  Effect.map(
    Effect.fromResult(Framing.validate(framing)),
    () => makeState(stateOf(self).connection, framing, stateOf(self))
  ))

// ---------------------------------------------------------------------------------------------------------------------
// Serving
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A handler for a `Server` that answers each message with one: the request/reply server in one line. Replies are sent in
 * the order of the requests, and those that are ready together with one write.
 *
 * Up to `concurrency` messages (default: 1) are handled at once. A bad message ends the connection in order, after the
 * replies to those before it.
 *
 * A handler that is a generator is best made once, by `Effect.fnUntraced`. `Effect.gen` within a handler makes a generator
 * function for each message, which costs V8 several times what Sluice spends on the message.
 *
 * ```ts
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Effect from "effect/Effect"
 *
 * const shout = Framed.serve(Framing.lines(), Effect.fnUntraced(function*(line: string) {
 *   yield* Effect.logDebug(line)
 *   return line.toUpperCase()
 * }))
 * ```
 *
 * @category serving
 * @since 0.1.0
 */
export const serve = <Out, In, E, R>(
  framing: Framing.Framing<Out, In>,
  handle: (message: In) => Effect.Effect<Out, E, R>,
  options?: { readonly concurrency?: number | "unbounded" | undefined }
): (connection: Connection.Connection) => Effect.Effect<void, FramedError | E, R> => {
  const concurrency = options?.concurrency ?? 1
  if (concurrency === 1) return answerInTurn(framing, handle)
  const most = concurrency === "unbounded" ? Infinity : Math.max(1, concurrency)
  return (connection) =>
    Effect.flatMap(make(connection, framing), (framed) => answerConcurrently(stateOf(framed), handle, most))
}
