/** How fast a message is given to many, beside Effect's own `PubSub` and `Queue`: `npm run bench:broadcast`. */
import * as Broadcast from "@sluice/core/Broadcast"
import * as Subscription from "@sluice/core/Subscription"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const subscribers = 1000
const messages = 1024
const batch = 32
const rounds = 5

interface Group {
  readonly publish: (message: number) => Effect.Effect<unknown>
  readonly received: Effect.Effect<Stream.Stream<number, unknown>, never, Scope.Scope>
}

const groups: Record<string, Effect.Effect<Group, unknown, Scope.Scope>> = {
  "Broadcast": Effect.map(Broadcast.make<number>({ capacity: batch }), (group) => ({
    publish: (message) => Broadcast.publish(group, message),
    received: Effect.map(Broadcast.subscribe(group), Subscription.messages)
  })),
  "PubSub, bounded, which waits for the slowest": Effect.map(PubSub.bounded<number>(batch), (pubsub) => ({
    publish: (message) => PubSub.publish(pubsub, message),
    received: Effect.map(PubSub.subscribe(pubsub), Stream.fromSubscription)
  })),
  "PubSub, sliding, which drops for all at once": Effect.map(PubSub.sliding<number>(batch), (pubsub) => ({
    publish: (message) => PubSub.publish(pubsub, message),
    received: Effect.map(PubSub.subscribe(pubsub), Stream.fromSubscription)
  })),
  "a sliding Queue for each": Effect.sync(() => {
    const queues: Array<Queue.Queue<number>> = []
    return {
      publish: (message) =>
        Effect.sync(() => {
          for (const queue of queues) Queue.offerUnsafe(queue, message)
        }),
      received: Effect.map(Queue.sliding<number>(batch), (queue) => {
        queues.push(queue)
        return Stream.fromQueue(queue)
      })
    }
  })
}

/** Deliveries a second, when receivers get their turn after every batch. */
const measure = (make: Effect.Effect<Group, unknown, Scope.Scope>) =>
  Effect.scoped(Effect.gen(function*() {
    const group = yield* make
    let delivered = 0
    const receiving: Array<Fiber.Fiber<unknown, unknown>> = []
    for (let i = 0; i < subscribers; i++) {
      const stream = Stream.take(yield* group.received, messages)
      const count = Stream.runForEachArray(stream, (chunk) => Effect.sync(() => delivered += chunk.length))
      receiving.push(yield* Effect.forkChild(count))
    }
    yield* Effect.sleep(0)
    const begun = performance.now()
    for (let sent = 0; sent < messages; sent += batch) {
      for (let i = 0; i < batch; i++) yield* group.publish(sent + i)
      yield* Effect.sleep(0)
    }
    for (const fiber of receiving) yield* Fiber.join(fiber)
    return delivered / (performance.now() - begun) * 1000
  }))

const results = new Map<string, number>()
for (let round = 0; round < rounds; round++) {
  for (const [name, group] of Object.entries(groups)) {
    const rate = await Effect.runPromise(measure(group))
    results.set(name, Math.max(results.get(name) ?? 0, rate))
  }
}

console.log(`${messages} messages to ${subscribers} receivers, ${batch} at a time, best of ${rounds}\n`)
console.log("| | deliveries a second |\n|---|---|")
for (const [name, rate] of results) {
  console.log(`| ${name.padEnd(46)} | ${Math.round(rate).toLocaleString("en").padStart(12)} |`)
}
