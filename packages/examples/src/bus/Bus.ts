/**
 * A log of messages for each topic, shared by several servers: all of them receive each message, in one order.
 *
 * - `publish` returns once the message is in the log and, if this server follows the topic, delivered to its follower. While
 *   the engine that keeps the log is unreachable, up to 4,096 messages wait; further ones fail with `BusFailed`.
 * - A follower gets the last messages, and then each message exactly once, in the order of the log. This also holds after lost
 *   connections, if fewer than `longest` messages were published meanwhile.
 * - A delivered message is lost only if the engine loses its data: configure the engine to write to disk before it answers.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SubscriptionRef from "effect/SubscriptionRef"

/** A message and its time in the log, in milliseconds since 1970. No two messages of a topic have the same time. */
export interface Message {
  readonly at: number
  readonly text: string
}

/** Why a message was not published, or a log was not read. */
export class BusFailed extends Data.TaggedError("BusFailed")<{
  readonly what: string
  readonly why: string
}> {
  override get message(): string {
    return `cannot ${this.what}: ${this.why}`
  }
}

/** How a topic is followed. */
export interface Follower {
  /** The number of past messages that `follow` returns, at most. */
  readonly last: number
  /** Runs for each later message, one after the other. While it runs, no other message is delivered. */
  readonly onMessage: (message: Message) => Effect.Effect<void>
}

export class Bus extends Context.Service<Bus, {
  readonly publish: (topic: string, text: string) => Effect.Effect<void, BusFailed>
  /** Follows a topic for the life of the Scope, and returns its last messages. */
  readonly follow: (
    topic: string,
    follower: Follower
  ) => Effect.Effect<ReadonlyArray<Message>, BusFailed, Scope.Scope>
  /** The last messages of a topic, the oldest first. */
  readonly last: (topic: string, count: number) => Effect.Effect<ReadonlyArray<Message>, BusFailed>
  /** Whether the engine can be reached. */
  readonly isConnected: SubscriptionRef.SubscriptionRef<boolean>
}>()("@sluice/examples/Bus") {}

/** The longest log of a topic, in messages: older ones are dropped. */
export const longest = 1_000

/** A bus in the memory of one process. */
export const layerMemory: Layer.Layer<Bus> = Layer.effect(
  Bus,
  Effect.gen(function*() {
    const logs = new Map<string, Array<Message>>()
    const followers = new Map<string, Set<Follower>>()
    const turns = Semaphore.makeUnsafe(1)
    const last = (topic: string, count: number) =>
      Effect.sync(() => count === 0 ? [] : (logs.get(topic) ?? []).slice(-count))
    const publish = (topic: string, text: string) =>
      turns.withPermit(Effect.clockWith((clock) => {
        const log = logs.get(topic) ?? []
        logs.set(topic, log)
        const at = Math.max(clock.currentTimeMillisUnsafe(), (log.at(-1)?.at ?? 0) + 1)
        const message = { at, text }
        log.push(message)
        if (log.length > longest) log.shift()
        return Effect.forEach(followers.get(topic) ?? [], ({ onMessage }) => onMessage(message), { discard: true })
      }))
    const follow = (topic: string, follower: Follower) =>
      Effect.andThen(
        Effect.acquireRelease(
          Effect.sync(() => {
            followers.set(topic, (followers.get(topic) ?? new Set()).add(follower))
          }),
          () => Effect.sync(() => followers.get(topic)?.delete(follower))
        ),
        last(topic, follower.last)
      )
    return Bus.of({ publish, follow, last, isConnected: yield* SubscriptionRef.make(true) })
  })
)
