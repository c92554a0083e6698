/**
 * One message to many receivers, none of which can hold up the others or the sender.
 *
 * **Example** (everybody hears what anybody says)
 *
 * ```ts
 * import * as Broadcast from "@sluice/core/Broadcast"
 * import * as Framed from "@sluice/core/Framed"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Server from "@sluice/core/Server"
 * import * as Subscription from "@sluice/core/Subscription"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Stream from "effect/Stream"
 *
 * const lines = Framing.lines()
 *
 * const Room = Layer.unwrap(Effect.map(Broadcast.framed(lines, { capacity: 100 }), (room) =>
 *   Server.layer({ listen: "tcp://127.0.0.1:12345" }, (connection) =>
 *     Effect.gen(function*() {
 *       const mine = yield* Broadcast.subscribe(room)
 *       const framed = yield* Framed.make(connection, lines)
 *       const listening = Subscription.writeTo(mine, connection)
 *       const speaking = Stream.runForEach(Framed.messages(framed), (line) => Broadcast.publishExcept(room, line, mine))
 *       yield* Effect.raceFirst(listening, speaking)
 *     }))))
 * ```
 *
 * **Details**
 *
 * - Publishing never waits. What a slow receiver cannot take is dropped or ends its subscription: `overflow` says which.
 * - Each subscriber receives in the order of publication.
 * - With `framed` a message is encoded once, however many receive it.
 * - Who belongs when a message is published receives it; who comes later does not.
 *
 * @since 0.1.0
 */
import * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Pipeable from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { Group } from "./internal/broadcast/fanOut.ts"
import * as internal from "./internal/broadcast/subscription.ts"
import type * as NetworkError from "./NetworkError.ts"
import { checked } from "./Options.ts"
import type * as Subscription from "./Subscription.ts"

/**
 * A group of subscriptions that receive, as a `Delivered`, every `Message` that is published.
 *
 * @category models
 * @since 0.1.0
 */
export interface Broadcast<in Message, in out Delivered = Message, out E = never> extends Pipeable.Pipeable {
  readonly [TypeId]: {
    readonly encode: (message: Message) => Result.Result<Delivered, E>
    readonly group: Group<Delivered>
    readonly queue: internal.Queue
  }
}

const TypeId = "~@sluice/core/Broadcast"

class BroadcastValue<in Message, in out Delivered, out E> extends Pipeable.Class
  implements Broadcast<Message, Delivered, E>
{
  readonly [TypeId]: Broadcast<Message, Delivered, E>[typeof TypeId]
  constructor(state: Broadcast<Message, Delivered, E>[typeof TypeId]) {
    super()
    this[TypeId] = state
  }
}

/**
 * Whether a value is a {@link Broadcast}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isBroadcast = (u: unknown): u is Broadcast<never, unknown, unknown> => hasProperty(u, TypeId)

/**
 * A broadcast of messages as they are. The options are those of the queue of each subscriber. Fails with `InvalidOption`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Message>(
  options: Subscription.QueueOptions = {}
): Effect.Effect<Broadcast<Message>, NetworkError.NetworkError> => makeWith(options, Result.succeed<Message>)

/**
 * A broadcast of messages as bytes, each encoded once by the framing, for `Subscription.writeTo`. Fails with
 * `InvalidOption`, and with `InvalidFraming` when the framing's options can never work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const framed = <Message>(
  framing: Framing.Framing<Message, unknown>,
  options: Subscription.QueueOptions = {}
): Effect.Effect<Broadcast<Message, Uint8Array, FramingError>, NetworkError.NetworkError | FramingError> =>
  Effect.flatMap(Effect.fromResult(Framing.validate(framing)), () => {
    const encoder = Framing.makeEncoder(framing)
    return makeWith(options, (message: Message) => {
      const refusal = encoder.encode(message)
      const chunks = encoder.drain()
      return refusal === undefined
        ? Result.succeed(chunks.length === 1 ? chunks[0]! : Bytes.concat(chunks))
        : Result.fail(refusal)
    })
  })

const makeWith = <Message, Delivered, E>(
  options: Subscription.QueueOptions,
  encode: (message: Message) => Result.Result<Delivered, E>
): Effect.Effect<Broadcast<Message, Delivered, E>, NetworkError.NetworkError> =>
  Effect.map(
    Effect.fromResult(checked("configure", "the broadcast", () => internal.checkQueue(options))),
    (queue) => new BroadcastValue({ encode, group: new Group(), queue })
  )

// ---------------------------------------------------------------------------------------------------------------------
// Belonging
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Makes a subscription that belongs as long as the Scope is open, and is closed with it.
 *
 * @category membership
 * @since 0.1.0
 */
export const subscribe = <Message, Delivered, E>(
  self: Broadcast<Message, Delivered, E>,
  options: Omit<Subscription.Options<Delivered>, keyof Subscription.QueueOptions> = {}
): Effect.Effect<Subscription.Subscription<Delivered>, never, Scope.Scope> =>
  Effect.tap(
    internal.makeWith(self[TypeId].queue, options),
    (subscription) => join(self, subscription)
  )

/**
 * Lets a subscription belong as long as the Scope is open. It may belong to several broadcasts, and has one queue and one
 * order for all of them. Joining twice is once, until one of the two Scopes closes.
 *
 * @category membership
 * @since 0.1.0
 */
export const join: {
  <Delivered>(
    subscription: Subscription.Subscription<Delivered>
  ): <Message, E>(self: Broadcast<Message, Delivered, E>) => Effect.Effect<void, never, Scope.Scope>
  <Message, Delivered, E>(
    self: Broadcast<Message, Delivered, E>,
    subscription: Subscription.Subscription<Delivered>
  ): Effect.Effect<void, never, Scope.Scope>
} = dual(2, <Message, Delivered, E>(
  self: Broadcast<Message, Delivered, E>,
  subscription: Subscription.Subscription<Delivered>
): Effect.Effect<void, never, Scope.Scope> => {
  const { group } = self[TypeId]
  const member = subscription as internal.SubscriptionState<Delivered>
  return Effect.acquireRelease(
    Effect.sync(() => group.add(member)),
    () => Effect.sync(() => group.remove(member))
  )
})

/**
 * How many subscriptions belong now.
 *
 * @category observing
 * @since 0.1.0
 */
export const size = <Message, Delivered, E>(self: Broadcast<Message, Delivered, E>): Effect.Effect<number> =>
  Effect.sync(() => sizeUnsafe(self))

/**
 * How many subscriptions belong at this moment.
 *
 * @category observing
 * @since 0.1.0
 */
export const sizeUnsafe = <Message, Delivered, E>(self: Broadcast<Message, Delivered, E>): number =>
  self[TypeId].group.members.size

// ---------------------------------------------------------------------------------------------------------------------
// Publishing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Gives a message to all who belong. It never waits, and fails only where the framing refuses the message.
 *
 * @category publishing
 * @since 0.1.0
 */
export const publish: {
  <Message>(message: Message): <Delivered, E>(self: Broadcast<Message, Delivered, E>) => Effect.Effect<void, E>
  <Message, Delivered, E>(self: Broadcast<Message, Delivered, E>, message: Message): Effect.Effect<void, E>
} = dual(
  2,
  <Message, Delivered, E>(self: Broadcast<Message, Delivered, E>, message: Message): Effect.Effect<void, E> =>
    encoded(self, message, (delivered, dispatcher) => {
      self[TypeId].group.publish(delivered, dispatcher)
    })
)

/**
 * Gives a message to all who belong but one, who is most often its sender.
 *
 * @category publishing
 * @since 0.1.0
 */
export const publishExcept: {
  <Message, Delivered>(
    message: Message,
    except: Subscription.Subscription<Delivered>
  ): <E>(self: Broadcast<Message, Delivered, E>) => Effect.Effect<void, E>
  <Message, Delivered, E>(
    self: Broadcast<Message, Delivered, E>,
    message: Message,
    except: Subscription.Subscription<Delivered>
  ): Effect.Effect<void, E>
} = dual(
  3,
  <Message, Delivered, E>(
    self: Broadcast<Message, Delivered, E>,
    message: Message,
    except: Subscription.Subscription<Delivered>
  ): Effect.Effect<void, E> =>
    encoded(self, message, (delivered, dispatcher) => {
      self[TypeId].group.publish(delivered, dispatcher, except as internal.SubscriptionState<Delivered>)
    })
)

/**
 * Gives a message to one subscription alone, which need not have joined: an answer, or a private message. A broadcast that
 * nobody joins can encode such messages.
 *
 * @category publishing
 * @since 0.1.0
 */
export const publishTo: {
  <Message, Delivered>(
    message: Message,
    to: Subscription.Subscription<Delivered>
  ): <E>(self: Broadcast<Message, Delivered, E>) => Effect.Effect<void, E>
  <Message, Delivered, E>(
    self: Broadcast<Message, Delivered, E>,
    message: Message,
    to: Subscription.Subscription<Delivered>
  ): Effect.Effect<void, E>
} = dual(
  3,
  <Message, Delivered, E>(
    self: Broadcast<Message, Delivered, E>,
    message: Message,
    to: Subscription.Subscription<Delivered>
  ): Effect.Effect<void, E> =>
    encoded(self, message, (delivered, dispatcher) => {
      ;(to as internal.SubscriptionState<Delivered>).offer(delivered, dispatcher)
    })
)

const encoded = <Message, Delivered, E>(
  self: Broadcast<Message, Delivered, E>,
  message: Message,
  give: (delivered: Delivered, dispatcher: Scheduler.SchedulerDispatcher) => void
): Effect.Effect<void, E> =>
  Effect.withFiber((fiber) => {
    const encoded = self[TypeId].encode(message)
    if (Result.isFailure(encoded)) return Effect.fail(encoded.failure)
    give(encoded.success, fiber.currentDispatcher)
    return Effect.void
  })
