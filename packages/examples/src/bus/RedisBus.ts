/**
 * A bus whose engine is Redis: a stream for each topic.
 *
 * - One connection writes messages, in batches of all that wait. A batch is retried, in its order, until it was both answered
 *   and read back, so a message may be in the stream twice. Each message has the name of its publisher and an increasing
 *   number, and readers skip numbers that they have seen.
 * - Another connection reads all topics, each from the last id read. If a stream ends before that id after a lost connection,
 *   Redis has lost its end: the stream is read from its beginning, and known messages are skipped.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { RedisClient, type Reserved } from "../redis/client/RedisClient.ts"
import type { Value } from "../redis/client/wire.ts"
import { Bus, BusFailed, type Follower, longest, type Message } from "./Bus.ts"
import { entriesOf, type Entry, isBefore, TopicCursor } from "./TopicCursor.ts"

/** Messages that may wait to be written. */
const mostWaiting = 4_096
/** Messages in a batch of writes, and entries in a read, at most. */
const together = 512
/** How long a read waits for messages, in milliseconds; how long any answer may take. */
const blocking = 1_000
const answerTimeout = "3 seconds"
const connectTimeout = "1 second"
/** How long to wait before reconnecting. */
const pause = "300 millis"
/** How long a topic without new messages is kept, in milliseconds. */
const kept = 7 * 24 * 3_600_000

/** A message that waits to be written, and to be read back. */
interface Waiting {
  readonly topic: string
  readonly text: string
  readonly number: number
  readonly done: Deferred.Deferred<void, BusFailed>
}

const make = Effect.gen(function*() {
  const client = yield* RedisClient
  const publisher = (yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)
  const isConnected = yield* SubscriptionRef.make(false)
  const topics = new Map<string, TopicCursor>()
  const queue = yield* Queue.bounded<Waiting>(mostWaiting)
  // Messages that were written but not read back, by their numbers; and the signal to write them again.
  const unread = new Map<number, Waiting>()
  let onReconnected = Deferred.makeUnsafe<void>()
  let numbers = 0
  // A stream of this server alone: an entry in it ends a read that waits.
  const wake = `bus:wake:${publisher}`
  let woken = "0-0"

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  const written = ({ number, text, topic }: Waiting) => [
    ["XADD", topic, "MAXLEN", "~", String(longest), "*", "p", publisher, "n", String(number), "t", text],
    ["PEXPIRE", topic, String(kept)]
  ]

  const settle = (waiting: Waiting, exit: Effect.Effect<void, BusFailed>) => {
    unread.delete(waiting.number)
    Deferred.doneUnsafe(waiting.done, exit)
  }

  // Writes a batch once. A message that Redis refuses is not in the stream, and is not retried.
  const attempt = Effect.fnUntraced(function*(connection: Reserved, batch: ReadonlyArray<Waiting>) {
    const left = batch.filter(({ number }) => unread.has(number))
    const again = onReconnected
    const answers = yield* Effect.timeout(connection.sendAll(left.flatMap(written)), answerTimeout)
    for (const [index, waiting] of left.entries()) {
      const answer = answers[2 * index]!
      if (Result.isFailure(answer)) {
        if (answer.failure.code === "LOADING") return yield* answer.failure
        settle(waiting, Effect.fail(failed("publish", answer.failure.text)))
      } else if (!topics.has(waiting.topic)) settle(waiting, Effect.void)
    }
    const read = Effect.forEach(left, ({ done }) => Effect.exit(Deferred.await(done)), { discard: true })
    // The reader reconnected in between: Redis may have lost messages that it had acknowledged.
    yield* Effect.raceFirst(read, Deferred.await(again))
  })

  const isUnread = (batch: ReadonlyArray<Waiting>) => batch.some(({ number }) => unread.has(number))

  const writing = Effect.gen(function*() {
    let batch: ReadonlyArray<Waiting> = []
    const turn = Effect.scoped(Effect.gen(function*() {
      const connection = yield* Effect.timeout(client.reserve, connectTimeout)
      while (true) {
        if (!isUnread(batch)) {
          batch = yield* Queue.takeBetween(queue, 1, together)
          for (const each of batch) unread.set(each.number, each)
        }
        yield* attempt(connection, batch)
      }
    }))
    yield* Effect.forever(Effect.andThen(Effect.exit(turn), Effect.sleep(pause)))
  })

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  const deliver = (topic: TopicCursor, entry: Entry): Effect.Effect<void> =>
    Effect.suspend(() => {
      const message = topic.take(entry)
      const delivered = message === undefined ? Effect.void : topic.follower.onMessage(message)
      if (entry.publisher !== publisher) return delivered
      const waiting = unread.get(entry.number)
      return waiting === undefined
        ? delivered
        : Effect.andThen(delivered, Effect.sync(() => settle(waiting, Effect.void)))
    })

  const checkEnds = Effect.fnUntraced(function*(connection: Reserved) {
    const all = Array.from(topics)
    const commands = all.map(([name]) => ["XREVRANGE", name, "+", "-", "COUNT", "1"])
    const answers = yield* connection.sendAll([...commands, ["PING"]])
    for (const [index, [, topic]] of all.entries()) {
      const [last] = entriesOf(Result.getOrElse(answers[index]!, () => null))
      if (last === undefined || isBefore(last.id, topic.position)) topic.rewind()
    }
  })

  const read = Effect.fnUntraced(function*(connection: Reserved) {
    const names = [wake, ...topics.keys()]
    const positions = [woken, ...Array.from(topics.values(), ({ position }) => position)]
    const answer = yield* Effect.timeout(
      connection.send(
        "XREAD",
        "COUNT",
        String(together),
        "BLOCK",
        String(blocking),
        "STREAMS",
        ...names,
        ...positions
      ),
      answerTimeout
    )
    for (const [name, entries] of (answer ?? []) as ReadonlyArray<readonly [string, Value]>) {
      if (name === wake) woken = (entries as ReadonlyArray<readonly [string]>).at(-1)?.[0] ?? woken
      for (const entry of entriesOf(entries)) {
        const topic = topics.get(name)
        if (topic !== undefined) yield* deliver(topic, entry)
      }
    }
  })

  const reading = Effect.gen(function*() {
    // Whether a lost connection was logged.
    let isKnown = false
    const turn = Effect.scoped(Effect.gen(function*() {
      const connection = yield* Effect.timeout(client.reserve, connectTimeout)
      yield* Effect.timeout(checkEnds(connection), answerTimeout)
      if (isKnown) yield* Effect.logInfo("reconnected to Redis")
      yield* SubscriptionRef.set(isConnected, true)
      const before = onReconnected
      onReconnected = Deferred.makeUnsafe()
      Deferred.doneUnsafe(before, Effect.void)
      while (true) yield* read(connection)
    }))
    const disconnected = (why: string) =>
      Effect.gen(function*() {
        if (!isKnown || SubscriptionRef.getUnsafe(isConnected)) {
          yield* Effect.logWarning(`cannot reach Redis: ${why}; retrying`)
        }
        isKnown = true
        yield* SubscriptionRef.set(isConnected, false)
        yield* Effect.sleep(pause)
      })
    yield* Effect.forever(Effect.catch(turn, ({ message }) => disconnected(message)))
  })

  const failed = (what: string, why: string) => new BusFailed({ what, why })

  const last = (name: string, count: number) =>
    count === 0 ? Effect.succeed([]) : Effect.suspend(() =>
      SubscriptionRef.getUnsafe(isConnected)
        ? client.send("XREVRANGE", name, "+", "-", "COUNT", String(count))
        : Effect.fail({ message: "Redis cannot be reached" })
    ).pipe(
      Effect.map((answer) => entriesOf(answer).toReversed()),
      Effect.timeout(answerTimeout),
      Effect.mapError(({ message }) => failed(`read ${name}`, message))
    )

  yield* Effect.forkScoped(writing)
  yield* Effect.forkScoped(reading)

  return Bus.of({
    isConnected,
    last: (name, count) =>
      Effect.map(last(name, count), (entries) => {
        const topic = new TopicCursor(nobody)
        return entries.flatMap((entry) => topic.take(entry) ?? [])
      }),
    follow: (name, follower) =>
      Effect.gen(function*() {
        const topic = new TopicCursor(follower)
        const past: Array<Message> = []
        // At least one entry, for its id.
        for (const entry of yield* last(name, Math.max(1, follower.last))) {
          const message = topic.take(entry)
          if (message !== undefined) past.push(message)
        }
        yield* Effect.acquireRelease(
          Effect.sync(() => topics.set(name, topic)),
          () =>
            Effect.sync(() => {
              if (topics.get(name) === topic) topics.delete(name)
              for (const waiting of unread.values()) {
                if (waiting.topic === name) settle(waiting, Effect.void)
              }
            })
        )
        // A read in progress does not include the topic: this ends it.
        yield* Effect.ignore(client.send("XADD", wake, "MAXLEN", "1", "*", "w", "1"))
        yield* Effect.ignore(client.send("PEXPIRE", wake, "60000"))
        return follower.last === 0 ? [] : past.slice(-follower.last)
      }),
    publish: (topic, text) =>
      Effect.suspend(() => {
        const done = Deferred.makeUnsafe<void, BusFailed>()
        const waiting = { topic, text, number: ++numbers, done }
        return Queue.offerUnsafe(queue, waiting)
          ? Deferred.await(done)
          : Effect.fail(failed("publish", `${mostWaiting} messages wait already`))
      })
  })
})

const nobody: Follower = { last: 0, onMessage: () => Effect.void }

/** A bus over the client's Redis. */
export const layer: Layer.Layer<Bus, never, RedisClient> = Layer.effect(Bus, make)
