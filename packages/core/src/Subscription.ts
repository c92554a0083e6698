/**
 * A bounded queue of messages for one receiver, and what happens when the receiver is too slow for it.
 *
 * A `Broadcast` puts its messages into the subscriptions that belong to it. One subscription may belong to several
 * broadcasts, for example to the room that a user is in and to all of the server: its messages come in the order in
 * which they were published, whichever broadcast they were published to.
 *
 * **Example** (a handler that sends a client all that is published)
 *
 * ```ts
 * import * as Broadcast from "@sluice/core/Broadcast"
 * import type * as Connection from "@sluice/core/Connection"
 * import type { FramingError } from "@sluice/framing/FramingError"
 * import * as Subscription from "@sluice/core/Subscription"
 * import * as Effect from "effect/Effect"
 *
 * const follow = (news: Broadcast.Broadcast<string, Uint8Array, FramingError>) => (connection: Connection.Connection) =>
 *   Effect.flatMap(Broadcast.subscribe(news), (subscription) => Subscription.writeTo(subscription, connection))
 * ```
 *
 * **Details**
 *
 * - Nothing that puts a message in ever waits.
 * - What does not fit is dropped or ends the subscription, as `overflow` says, and is counted: in `dropped`, in the metric
 *   `sluice_messages_dropped`, and, with `notice`, in the place where it is missing.
 * - `writeTo` writes what has gathered with one flush, in the callbacks of the connection and with no fiber in between.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import type { Pipeable } from "effect/Pipeable"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Connection from "./Connection.ts"
import { deliver } from "./internal/broadcast/connectionWriter.ts"
import type { Overflowed } from "./internal/broadcast/errors.ts"
import * as internal from "./internal/broadcast/subscription.ts"
import type { ConnectionState } from "./internal/connection/state.ts"
import type * as NetworkError from "./NetworkError.ts"

export { Overflowed } from "./internal/broadcast/errors.ts"

/**
 * A bounded queue of messages for one receiver.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subscription<in out A> extends Pipeable {
  readonly [internal.typeId]: (message: A) => A
  /** What logs and metrics call it. */
  readonly name: string
  /** How many messages it has missed so far. */
  readonly dropped: number
}

/**
 * Whether a value is a {@link Subscription}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSubscription = (u: unknown): u is Subscription<unknown> => u instanceof internal.SubscriptionState

/**
 * What happens to a message for which there is no room.
 *
 * @category options
 * @since 0.1.0
 */
export type Overflow =
  /** The oldest message waiting makes room for it: for what is only worth something while it is new. */
  | "dropOldest"
  /** It is not put in: for when what came first counts. */
  | "dropNewest"
  /** The subscription ends with `Overflowed`: for when a receiver that misses something is of no use. */
  | "disconnect"

/**
 * How much a subscription holds, and what becomes of the rest.
 *
 * @category options
 * @since 0.1.0
 */
export interface QueueOptions {
  /** How many messages may wait. Default: 64. */
  readonly capacity?: number | undefined
  /**
   * How many bytes may wait, in messages that are a `Uint8Array`. A message longer than this always overflows. Bytes that are
   * being written to a connection do not count. Default: unlimited.
   */
  readonly maxBytes?: number | undefined
  /** What happens to a message for which there is no room. Default: `"disconnect"`, because nothing is lost unseen. */
  readonly overflow?: Overflow | undefined
}

/**
 * What a subscription is made with.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out A> extends QueueOptions {
  /** What logs and metrics call it. Default: a number of its own, such as `"#7"`. */
  readonly name?: string | undefined
  /**
   * Makes the message that tells the receiver how many are missing, in the place where they are. It must not throw.
   * Default: none is told.
   */
  readonly notice?: ((dropped: number) => A) | undefined
}

/**
 * Makes a subscription that belongs to no broadcast yet; it is closed with the Scope. `Broadcast.join` makes it belong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <A>(
  options?: Options<A>
) => Effect.Effect<Subscription<A>, NetworkError.NetworkError, Scope.Scope> = internal.make

const state = <A>(self: Subscription<A>): internal.SubscriptionState<A> => self as internal.SubscriptionState<A>

/**
 * Puts one message in, for this receiver alone. It never waits; `false`: it was dropped.
 *
 * @category queueing
 * @since 0.1.0
 */
export const offer: {
  <A>(message: A): (self: Subscription<A>) => Effect.Effect<boolean>
  <A>(self: Subscription<A>, message: A): Effect.Effect<boolean>
} = dual(
  2,
  <A>(self: Subscription<A>, message: A): Effect.Effect<boolean> =>
    Effect.withFiber((fiber) => Effect.succeed(state(self).offer(message, fiber.currentDispatcher)))
)

/**
 * Ends it: it takes no more messages, and its receiver sees the end after the messages that wait.
 * Ending twice is once.
 *
 * @category queueing
 * @since 0.1.0
 */
export const end = <A>(self: Subscription<A>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    state(self).end(fiber.currentDispatcher)
    return Effect.void
  })

/**
 * How many messages are waiting in it.
 *
 * @category observing
 * @since 0.1.0
 */
export const size = <A>(self: Subscription<A>): Effect.Effect<number> => Effect.sync(() => sizeUnsafe(self))

/**
 * How many messages are waiting in it now.
 *
 * @category observing
 * @since 0.1.0
 */
export const sizeUnsafe = <A>(self: Subscription<A>): number => state(self).size

// ---------------------------------------------------------------------------------------------------------------------
// Receiving
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Receives the next message, or `None` once the subscription has ended. An interrupted `receive` loses none.
 *
 * @category receiving
 * @since 0.1.0
 */
export const receive = <A>(self: Subscription<A>): Effect.Effect<Option.Option<A>, Overflowed> => {
  const subscription = state(self)
  return subscription.until((): Effect.Effect<Option.Option<A>, Overflowed> | undefined => {
    if (subscription.size > 0) return Effect.succeed(Option.some(subscription.take()))
    if (subscription.failure !== undefined) return Effect.fail(subscription.failure)
    return subscription.ended ? Effect.succeedNone : undefined
  })
}

/**
 * All messages, as a Stream that ends with the subscription. Messages that wait arrive together.
 *
 * @category receiving
 * @since 0.1.0
 */
export const messages = <A>(self: Subscription<A>): Stream.Stream<A, Overflowed> => {
  const subscription = state(self)
  const pull = subscription.until((): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, Overflowed> | undefined => {
    if (subscription.size > 0) {
      return Effect.succeed(subscription.takeAll() as unknown as Arr.NonEmptyReadonlyArray<A>)
    }
    if (subscription.failure !== undefined) return Effect.fail(subscription.failure)
    return subscription.ended ? Cause.done() : undefined
  })
  return Stream.fromPull(Effect.succeed(pull))
}

/**
 * Writes to a connection all that comes, until the subscription has ended. It fails as `Connection.write` does, and with
 * `Overflowed` at once, even while a peer that does not read holds a write.
 *
 * It writes between what others write to the same connection, never into it.
 *
 * @category receiving
 * @since 0.1.0
 */
export const writeTo: {
  (
    connection: Connection.Connection
  ): (self: Subscription<Uint8Array>) => Effect.Effect<void, NetworkError.NetworkError | Overflowed>
  (
    self: Subscription<Uint8Array>,
    connection: Connection.Connection
  ): Effect.Effect<void, NetworkError.NetworkError | Overflowed>
} = dual(
  2,
  (
    self: Subscription<Uint8Array>,
    connection: Connection.Connection
  ): Effect.Effect<void, NetworkError.NetworkError | Overflowed> => deliver(state(self), connection as ConnectionState)
)
