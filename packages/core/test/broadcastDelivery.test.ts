import { assert, it } from "@effect/vitest"
import * as Broadcast from "@sluice/core/Broadcast"
import * as Subscription from "@sluice/core/Subscription"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { connect, FakeTransport } from "./connection/FakeTransport.ts"

it.effect("a delivery that is interrupted while a write waits, takes nothing more for its connection", () =>
  Effect.gen(function*() {
    const [full, free] = [new FakeTransport(), new FakeTransport()]
    full.takes = false
    const group = yield* Broadcast.make<Uint8Array>()
    const subscription = yield* Broadcast.subscribe(group)
    const publish = (byte: number) => Broadcast.publish(group, Uint8Array.of(byte))

    const first = yield* Effect.forkChild(Subscription.writeTo(subscription, connect(full)), { startImmediately: true })
    yield* publish(1)
    yield* Effect.yieldNow
    assert.deepStrictEqual(full.written, [Uint8Array.of(1)])
    yield* Fiber.interrupt(first)
    yield* publish(2)
    full.takes = true
    full.flush()

    yield* Effect.forkChild(Subscription.writeTo(subscription, connect(free)), { startImmediately: true })
    assert.deepStrictEqual([full.written, free.written], [[Uint8Array.of(1)], [Uint8Array.of(2)]])
  }))

it.effect("groups give what they hold back only when they share a member with the group that publishes", () =>
  Effect.gen(function*() {
    const transport = new FakeTransport()
    const [news, other] = [yield* Broadcast.make<Uint8Array>(), yield* Broadcast.make<Uint8Array>()]
    const reader = yield* Broadcast.subscribe(news)
    yield* Effect.forkChild(Subscription.writeTo(reader, connect(transport)), { startImmediately: true })
    const both = yield* Broadcast.subscribe(other)
    let byte = 0
    /** Whether what `news` holds back is delivered before what is published after it by `other`. */
    const isGiven = Effect.gen(function*() {
      const before = transport.written.length
      yield* Broadcast.publish(news, Uint8Array.of(++byte))
      yield* Broadcast.publish(other, Uint8Array.of(++byte))
      const given = transport.written.length > before
      yield* Effect.yieldNow
      assert.strictEqual(transport.written.length, before + 1)
      return given
    })
    for (let time = 0; time < 3; time++) {
      assert.isFalse(yield* isGiven)
      assert.isTrue(yield* Effect.scoped(Effect.andThen(Broadcast.join(news, both), isGiven)))
    }
    assert.isFalse(yield* isGiven)
  }))
