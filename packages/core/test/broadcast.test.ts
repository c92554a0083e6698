import { assert, describe, it } from "@effect/vitest"
import * as Broadcast from "@sluice/core/Broadcast"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Subscription from "@sluice/core/Subscription"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Arbitrary from "effect/Arbitrary"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const all = <A>(subscription: Subscription.Subscription<A>) =>
  Effect.andThen(Subscription.end(subscription), Stream.runCollect(Subscription.messages(subscription)))

const upTo = (most: number) => Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most })))

describe("Broadcast", () => {
  it.effect("gives everybody what is published while they belong, in order", () =>
    Effect.gen(function*() {
      const group = yield* Broadcast.make<number>()
      const early = yield* Broadcast.subscribe(group)
      yield* Broadcast.publish(group, 1)
      const late = yield* Broadcast.subscribe(group)
      yield* Broadcast.publish(group, 2)
      yield* Broadcast.publishExcept(group, 3, early)
      yield* Broadcast.publishTo(group, 4, early)
      assert.strictEqual(yield* Broadcast.size(group), 2)
      assert.deepStrictEqual(yield* all(early), [1, 2, 4])
      assert.deepStrictEqual(yield* all(late), [2, 3])
    }))

  it.effect("gives one subscription of two groups one order", () =>
    Effect.gen(function*() {
      const room = yield* Broadcast.make<string>()
      const everyone = yield* Broadcast.make<string>()
      const mine = yield* Subscription.make<string>()
      yield* Broadcast.join(room, mine)
      yield* Broadcast.join(everyone, mine)
      yield* Broadcast.publish(room, "a")
      yield* Broadcast.publish(everyone, "b")
      yield* Subscription.offer(mine, "c")
      yield* Broadcast.publish(room, "d")
      assert.deepStrictEqual(yield* all(mine), ["a", "b", "c", "d"])
    }))

  it.effect("loses no message to a receive that another one interrupts", () =>
    Effect.gen(function*() {
      const mine = yield* Subscription.make<number>()
      const interrupting = yield* Effect.forkChild(
        Effect.tap(Subscription.receive(mine), () => Effect.suspend(() => Fiber.interrupt(interrupted))),
        { startImmediately: true }
      )
      const interrupted = yield* Effect.forkChild(Subscription.receive(mine), { startImmediately: true })
      yield* Subscription.offer(mine, 1)
      yield* Subscription.offer(mine, 2)
      assert.deepStrictEqual(yield* Fiber.join(interrupting), Option.some(1))
      yield* Effect.yieldNow
      assert.deepStrictEqual(yield* all(mine), [2])
    }))

  it.effect("forgets whose Scope is closed", () =>
    Effect.gen(function*() {
      const group = yield* Broadcast.make<number>()
      const scope = yield* Scope.make()
      const subscription = yield* Scope.provide(Broadcast.subscribe(group), scope)
      yield* Broadcast.publish(group, 1)
      const waiting = yield* Effect.forkChild(Effect.andThen(
        Subscription.receive(subscription),
        Subscription.receive(subscription)
      ))
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Broadcast.size(group), 0)
      yield* Broadcast.publish(group, 2)
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.none())
    }))

  it.effect("loses nothing to an interrupted receive", () =>
    Effect.gen(function*() {
      const group = yield* Broadcast.make<number>()
      const subscription = yield* Broadcast.subscribe(group)
      const waiting = yield* Effect.forkChild(Subscription.receive(subscription))
      yield* Effect.yieldNow
      yield* Broadcast.publish(group, 1)
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(yield* Subscription.receive(subscription), Option.some(1))
    }))

  it.effect("keeps the order when receivers publish in their turn", () =>
    Effect.gen(function*() {
      const group = yield* Broadcast.make<string>()
      const first = yield* Broadcast.subscribe(group)
      const second = yield* Broadcast.subscribe(group)
      const echo = yield* Effect.forkChild(
        Effect.flatMap(Subscription.receive(first), (message) =>
          Broadcast.publish(group, `echo ${Option.getOrThrow(message)}`))
      )
      yield* Effect.yieldNow
      yield* Broadcast.publish(group, "a")
      yield* Broadcast.publish(group, "b")
      yield* Fiber.join(echo)
      assert.deepStrictEqual(yield* all(second), ["a", "b", "echo a"])
      assert.deepStrictEqual(yield* all(first), ["b", "echo a"])
    }))

  it.effect("encodes a message once, however many receive it, and gives nobody one that is refused", () =>
    Effect.gen(function*() {
      let encoded = 0
      const counting = Framing.map(Framing.lines({ maxLineLength: 5 }), {
        decode: (line) => line,
        encode: (line: string) => {
          encoded++
          return line
        }
      })
      const group = yield* Broadcast.framed(counting)
      const subscriptions = yield* Effect.all(Array.from({ length: 10 }, () => Broadcast.subscribe(group)))
      yield* Broadcast.publish(group, "hello")
      const refused = yield* Effect.flip(Broadcast.publish(group, "far too long"))
      yield* Broadcast.publish(group, "bye")
      assert.strictEqual(encoded, 3)
      assert.strictEqual(refused.reason._tag, "FrameTooLong")
      for (const subscription of subscriptions) {
        const text = (yield* all(subscription)).map((bytes) => new TextDecoder().decode(bytes))
        assert.deepStrictEqual(text, ["hello\n", "bye\n"])
      }
    }))

  it.effect("gives a message whole, also one that its framing writes in several chunks", () =>
    Effect.gen(function*() {
      const group = yield* Broadcast.framed(Framing.lengthPrefixed())
      const subscription = yield* Broadcast.subscribe(group)
      const message = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
      yield* Broadcast.publish(group, message)
      const [bytes] = yield* all(subscription)
      assert.deepStrictEqual(bytes!.length, 200_004)
      assert.isTrue(bytes!.subarray(4).every((byte, index) => byte === index % 251))
    }))

  // What is published in one turn is given together; a model that gives each message at once must not tell the difference.
  it.effect.prop(
    "gives what a queue for each, filled at once, would give",
    [Arbitrary.array(Arbitrary.all([upTo(8), upTo(2), upTo(3)]), { maxLength: 400 })],
    ([steps]) =>
      Effect.gen(function*() {
        const groups = [
          yield* Broadcast.make<number>(),
          yield* Broadcast.make<number>(),
          yield* Broadcast.make<number>()
        ]
        const people = yield* Effect.all(Array.from({ length: 4 }, () =>
          Effect.map(
            Subscription.make<number>({ capacity: 1000 }),
            (subscription) => ({ subscription, expected: [] as Array<number>, received: [] as Array<number> })
          )))
        const stays = new Map<string, Scope.Closeable>()
        let message = 0
        for (const [what, g, p] of steps) {
          const group = groups[g]!
          const { expected, received, subscription } = people[p]!
          const here = people.filter((_, index) => stays.has(`${g} ${index}`))
          const stay = stays.get(`${g} ${p}`)
          if (what <= 3) {
            yield* Broadcast.publish(group, ++message)
            for (const person of here) person.expected.push(message)
          } else if (what === 4) {
            yield* Broadcast.publishExcept(group, ++message, subscription)
            for (const person of here) if (person.subscription !== subscription) person.expected.push(message)
          } else if (what === 5) {
            yield* Subscription.offer(subscription, ++message)
            expected.push(message)
          } else if (what === 6 && Subscription.sizeUnsafe(subscription) > 0) {
            received.push(Option.getOrThrow(yield* Subscription.receive(subscription)))
          } else if (what === 7) {
            yield* Effect.yieldNow
          } else if (stay !== undefined) {
            stays.delete(`${g} ${p}`)
            yield* Scope.close(stay, Exit.void)
          } else {
            const scope = yield* Scope.make()
            stays.set(`${g} ${p}`, scope)
            yield* Scope.provide(Broadcast.join(group, subscription), scope)
          }
          assert.strictEqual(Subscription.sizeUnsafe(subscription), expected.length - received.length)
        }
        for (const { expected, received, subscription } of people) {
          assert.deepStrictEqual([...received, ...(yield* all(subscription))], expected)
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 200, seed: 1 } }
  )

  it.effect("refuses an invalid queue", () =>
    Effect.gen(function*() {
      const none = yield* Effect.flip(Broadcast.make({ capacity: 0 }))
      const unknown = yield* Effect.flip(Effect.scoped(Subscription.make({ overflow: "explode" as "disconnect" })))
      assert.strictEqual(none.reason._tag, "InvalidOption")
      assert.include(unknown.message, "overflow")
      const noBytes = yield* Effect.flip(Broadcast.make({ maxBytes: 0 }))
      assert.include(noBytes.message, "maxBytes")
    }))
})

describe("a subscription that is full", () => {
  const publishTen = Effect.fnUntraced(function*(
    overflow: Subscription.Overflow,
    notice?: (dropped: number) => number
  ) {
    const group = yield* Broadcast.make<number>({ capacity: 4, overflow })
    const subscription = yield* Broadcast.subscribe(group, { name: overflow, notice })
    for (let i = 1; i <= 10; i++) yield* Broadcast.publish(group, i)
    return { group, subscription }
  })

  it.effect("says of each message that is offered whether it was put in", () =>
    Effect.gen(function*() {
      for (const overflow of ["dropOldest", "dropNewest", "disconnect"] as const) {
        const subscription = yield* Subscription.make<number>({ capacity: 4, overflow })
        const offered = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (each) => Subscription.offer(subscription, each))
        const isKept = overflow === "dropOldest"
        assert.deepStrictEqual(offered, [true, true, true, true, isKept, isKept])
        yield* Subscription.end(subscription)
        assert.isFalse(yield* Subscription.offer(subscription, 7))
      }
    }))

  it.effect("drops the oldest", () =>
    Effect.gen(function*() {
      const { subscription } = yield* publishTen("dropOldest")
      assert.deepStrictEqual(yield* all(subscription), [7, 8, 9, 10])
      assert.strictEqual(subscription.dropped, 6)
    }))

  it.effect("drops the newest", () =>
    Effect.gen(function*() {
      const { subscription } = yield* publishTen("dropNewest")
      assert.deepStrictEqual(yield* all(subscription), [1, 2, 3, 4])
      assert.strictEqual(subscription.dropped, 6)
    }))

  it.effect("ends with Overflowed, and takes nothing more", () =>
    Effect.gen(function*() {
      const { group, subscription } = yield* publishTen("disconnect")
      const error = yield* Effect.flip(Subscription.receive(subscription))
      assert.strictEqual(error._tag, "Overflowed")
      assert.strictEqual(
        error.message,
        "subscriber disconnect too slow: 4 messages waiting when another was published; " +
          "read faster, raise capacity or choose another overflow"
      )
      assert.strictEqual(subscription.dropped, 5)
      yield* Broadcast.publish(group, 11)
      assert.strictEqual(
        (yield* Effect.flip(Stream.runCollect(Subscription.messages(subscription))))._tag,
        "Overflowed"
      )
    }))

  it.effect("counts the bytes of messages, too, whatever becomes of what has no room", () =>
    Effect.gen(function*() {
      const sizes = (subscription: Subscription.Subscription<Uint8Array>) =>
        Effect.map(all(subscription), (messages) => messages.map(({ length }) => length))
      const publish = Effect.fnUntraced(function*(overflow: Subscription.Overflow, lengths: ReadonlyArray<number>) {
        const group = yield* Broadcast.make<Uint8Array>({ capacity: 4, maxBytes: 100, overflow })
        const subscription = yield* Broadcast.subscribe(group, { name: overflow })
        for (const length of lengths) yield* Broadcast.publish(group, new Uint8Array(length))
        return { group, subscription }
      })
      const { subscription: oldest } = yield* publish("dropOldest", [40, 30, 30, 101, 31, 1])
      assert.deepStrictEqual(yield* sizes(oldest), [30, 30, 31, 1])
      assert.strictEqual(oldest.dropped, 2)
      const { group, subscription: newest } = yield* publish("dropNewest", [40, 61, 60, 1])
      // What is received makes room again.
      assert.strictEqual(Option.getOrThrow(yield* Subscription.receive(newest)).length, 40)
      for (const length of [41, 40, 1]) yield* Broadcast.publish(group, new Uint8Array(length))
      assert.deepStrictEqual(yield* sizes(newest), [60, 40])
      const { subscription: ended } = yield* publish("disconnect", [100, 1])
      const error = yield* Effect.flip(Subscription.receive(ended))
      assert.strictEqual(
        error.message,
        "subscriber disconnect too slow: up to 100 bytes waiting when another was published; " +
          "read faster, raise maxBytes or choose another overflow"
      )
    }).pipe(Effect.scoped))

  it.effect("tells how many are missing where the oldest were", () =>
    Effect.gen(function*() {
      const { subscription } = yield* publishTen("dropOldest", (dropped) => -dropped)
      assert.deepStrictEqual(yield* Subscription.receive(subscription), Option.some(-6))
      assert.deepStrictEqual(yield* all(subscription), [7, 8, 9, 10])
    }))

  it.effect("tells how many are missing where the newest would be", () =>
    Effect.gen(function*() {
      const { group, subscription } = yield* publishTen("dropNewest", (dropped) => -dropped)
      const first = yield* Stream.runCollect(Stream.take(Subscription.messages(subscription), 5))
      assert.deepStrictEqual(first, [1, 2, 3, 4, -6])
      for (let i = 11; i <= 16; i++) yield* Broadcast.publish(group, i)
      assert.deepStrictEqual(yield* Subscription.receive(subscription), Option.some(11))
      yield* Broadcast.publish(group, 17)
      assert.deepStrictEqual(yield* all(subscription), [12, 13, 14, -2, 17])
    }))

  it.effect("counts what it drops in a metric of its own name, until it is closed", () =>
    Effect.gen(function*() {
      const dropped = Effect.map(Metric.snapshot, (all) =>
        all.filter(({ attributes, id }) =>
          id === "sluice_messages_dropped" && attributes?.subscriber === "dropOldest"
        )
          .map(({ state }) => (state as Metric.CounterState<number>).count))
      yield* Effect.scoped(Effect.gen(function*() {
        const { group } = yield* publishTen("dropOldest")
        yield* Effect.yieldNow
        assert.deepStrictEqual(yield* dropped, [6])
        yield* Broadcast.publish(group, 11)
        assert.deepStrictEqual(yield* dropped, [7])
      }))
      assert.deepStrictEqual(yield* dropped, [])
    }))
})

describe("a subscription written to a connection", () => {
  const line = "x".repeat(999)

  // A server whose clients hear what is published, and how each of them ended.
  const newsServer = Effect.fnUntraced(function*(options: Subscription.QueueOptions) {
    const [server, ...clients] = yield* SimNetwork.hosts("server", "good", "deaf")
    const news = yield* Broadcast.framed(Framing.lines(), options)
    const left = yield* Deferred.make<Exit.Exit<void, unknown>>()
    yield* Host.serve(
      server,
      Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
        Effect.flatMap(
          Broadcast.subscribe(news),
          (subscription) => Subscription.writeTo(subscription, connection)
        ).pipe(Effect.onExit((exit) => Deferred.succeed(left, exit)), Effect.ignore))
    )
    return { clients, left, news }
  })

  VitestSimulation.it(
    "continues once a connection that was full has room again",
    Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      const local = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
        Effect.provide(effect, Host.layer(host))
      const listener = yield* local(Network.listen("tcp://127.0.0.1:7"))
      const near = yield* local(Network.connect("tcp://127.0.0.1:7"))
      const far = yield* Listener.accept(listener)
      const group = yield* Broadcast.make<Uint8Array>({ capacity: 4 })
      const subscription = yield* Broadcast.subscribe(group)
      yield* Effect.forkChild(Subscription.writeTo(subscription, near), { startImmediately: true })
      const large = 1024 * 1024
      for (const byte of [1, 3]) {
        yield* Broadcast.publish(group, new Uint8Array(large))
        yield* Effect.sleep("1 second")
        yield* Broadcast.publish(group, Uint8Array.of(byte))
        yield* Effect.sleep("1 second")
        const got = yield* Connection.readExactly(far, large + 1)
        assert.strictEqual(got[large], byte)
      }
    })
  )

  VitestSimulation.it(
    "can be written to another connection after one that has ended",
    Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      const local = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
        Effect.provide(effect, Host.layer(host))
      const listener = yield* local(Network.listen("tcp://127.0.0.1:7"))
      const near = [
        yield* local(Network.connect("tcp://127.0.0.1:7")),
        yield* local(Network.connect("tcp://127.0.0.1:7"))
      ]
      const far = [yield* Listener.accept(listener), yield* Listener.accept(listener)]
      const group = yield* Broadcast.make<Uint8Array>({ capacity: 1 })
      const subscription = yield* Broadcast.subscribe(group)
      const publish = (...bytes: ReadonlyArray<number>) =>
        Effect.forEach(bytes, (byte) => Broadcast.publish(group, Uint8Array.of(byte)), { discard: true })
      const first = yield* Effect.forkChild(Subscription.writeTo(subscription, near[0]!), { startImmediately: true })
      yield* publish(1, 2)
      assert.deepStrictEqual(yield* Connection.readExactly(far[0]!, 2), Uint8Array.of(1, 2))
      yield* Fiber.interrupt(first)
      yield* Effect.forkChild(Subscription.writeTo(subscription, near[1]!), { startImmediately: true })
      // A queue for one has room for all that the connection takes.
      yield* publish(3, 4, 5)
      assert.deepStrictEqual(yield* Connection.readExactly(far[1]!, 3), Uint8Array.of(3, 4, 5))
      assert.strictEqual(subscription.dropped, 0)
    })
  )

  VitestSimulation.it(
    "sends everybody all of a burst that is far larger than the queue",
    Effect.gen(function*() {
      const { clients: [good], news } = yield* newsServer({ capacity: 4 })
      const received = yield* Effect.forkChild(Host.run(
        good!,
        Effect.scoped(Effect.gen(function*() {
          const framed = yield* Framed.make(yield* Network.connect("server:7"), Framing.lines())
          return yield* Stream.runCollect(Stream.take(Framed.messages(framed), 30))
        }))
      ))
      yield* Effect.sleep("1 second")
      for (let i = 0; i < 30; i++) yield* Broadcast.publish(news, `${i}`)
      assert.deepStrictEqual(yield* Fiber.join(received), Array.from({ length: 30 }, (_, i) => `${i}`))
    }),
    { seeds: 20 }
  )

  VitestSimulation.it(
    "leaves the others alone when one does not read, and ends that one at once",
    Effect.gen(function*() {
      const { clients: [good, deaf], left, news } = yield* newsServer({ capacity: 16 })
      const count = 2000
      const received = yield* Effect.forkChild(Host.run(
        good!,
        Effect.scoped(Effect.gen(function*() {
          const framed = yield* Framed.make(yield* Network.connect("server:7"), Framing.lines())
          return yield* Stream.runCount(Stream.take(Framed.messages(framed), count))
        }))
      ))
      yield* Effect.forkChild(Host.run(deaf!, Effect.scoped(Effect.andThen(Network.connect("server:7"), Effect.never))))
      yield* Effect.sleep("1 second")
      for (let i = 0; i < count; i++) {
        yield* Broadcast.publish(news, line)
        yield* Effect.sleep("2 millis")
      }
      assert.strictEqual(yield* Fiber.join(received), count)
      const exit = yield* Deferred.await(left)
      assert.strictEqual(Exit.isFailure(exit) && Exit.hasFails(exit), true)
      assert.strictEqual((yield* Effect.flip(exit) as Effect.Effect<Subscription.Overflowed>)._tag, "Overflowed")
      assert.strictEqual(yield* Broadcast.size(news), 1)
    }),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "writes what is left when the subscription is ended, and then is done",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
          Effect.gen(function*() {
            const news = yield* Broadcast.framed(Framing.lines())
            const mine = yield* Broadcast.subscribe(news)
            yield* Broadcast.publish(news, "one")
            yield* Broadcast.publish(news, "two")
            yield* Subscription.end(mine)
            yield* Subscription.writeTo(mine, connection)
          }))
      )
      const text = yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          return yield* Connection.readAll(yield* Network.connect("server:7"))
        }))
      )
      assert.strictEqual(new TextDecoder().decode(text), "one\ntwo\n")
    }),
    { seeds: 20 }
  )

  VitestSimulation.it(
    "keeps the order of others when one fails among them, and says that it leaves",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const received = yield* Deferred.make<ReadonlyArray<string>>()
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
          Effect.gen(function*() {
            const news = yield* Broadcast.framed(Framing.lines(), { capacity: 1 })
            const leaving = yield* Effect.forkChild(
              Effect.scoped(Effect.gen(function*() {
                const mine = yield* Broadcast.subscribe(news)
                yield* Effect.ignore(Subscription.writeTo(mine, connection))
                yield* Broadcast.publish(news, "one has left")
              })),
              { startImmediately: true }
            )
            const other = yield* Subscription.make<Uint8Array>()
            yield* Broadcast.join(news, other)
            yield* Connection.end(connection)
            for (const text of ["one", "two", "three"]) yield* Broadcast.publish(news, text)
            yield* Fiber.join(leaving)
            const lines = yield* all(other)
            yield* Deferred.succeed(received, lines.map((line) => new TextDecoder().decode(line).trim()))
          }))
      )
      yield* Host.run(client, Effect.scoped(Effect.flatMap(Network.connect("server:7"), Connection.readAll)))
      assert.deepStrictEqual(yield* Deferred.await(received), ["one", "two", "three", "one has left"])
    }),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "fails when the peer is gone, though nothing is published",
    Effect.gen(function*() {
      const { clients: [good], left } = yield* newsServer({})
      yield* Host.run(good!, Effect.scoped(Effect.flatMap(Network.connect("server:7"), Connection.abort)))
      const exit = yield* Deferred.await(left)
      assert.strictEqual(Exit.isFailure(exit), true)
    }),
    { seeds: 20 }
  )
})
