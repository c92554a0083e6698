/** The bus over our own Redis server, in virtual time: partitions, crashes that lose everything, and many seeds. */
import { describe, expect, it } from "@effect/vitest"
import * as Broadcast from "@sluice/core/Broadcast"
import * as Subscription from "@sluice/core/Subscription"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Bus, layerMemory } from "../src/bus/Bus.ts"
import * as busBroadcast from "../src/bus/busBroadcast.ts"
import * as RedisBus from "../src/bus/RedisBus.ts"
import * as RedisClient from "../src/redis/client/RedisClient.ts"
import * as url from "../src/redis/client/url.ts"
import * as RedisServer from "../src/redis/server/RedisServer.ts"
import * as faults from "./faults.ts"

const seeds = Number(process.env["SLUICE_BUS_SEEDS"] ?? 5)

/** What one server published and what it was delivered, for one topic. */
interface Seen {
  readonly acknowledged: Array<string>
  readonly delivered: Array<string>
}

const address = "10.0.0.1"
const bus = RedisBus.layer.pipe(
  Layer.provide(RedisClient.layer({ endpoint: `tcp://${address}:6379`, answerTimeout: "3 seconds" }))
)

/** Follows the topic as soon as that is possible. */
const follow = Effect.fnUntraced(function*(seen: Seen) {
  const onMessage = ({ text }: { readonly text: string }) => Effect.sync(() => void seen.delivered.push(text))
  const attempt = Effect.exit(Effect.flatMap(Bus, (bus) => bus.follow("room", { last: 0, onMessage })))
  while (Exit.isFailure(yield* attempt)) yield* Effect.sleep("100 millis")
})

/** A server that publishes lines at random times. Each is published once, and waits until it is acknowledged. */
const publish = Effect.fnUntraced(function*(name: string, lines: number, seen: Seen) {
  const bus = yield* Bus
  for (let line = 0; line < lines; line++) {
    yield* Effect.sleep(yield* Random.nextIntBetween(0, 400))
    const text = `${name} ${line}`
    yield* bus.publish("room", text)
    seen.acknowledged.push(text)
  }
})

const lines = 30

/** Three servers follow a topic, and publish while `trouble` happens to them and to the engine. */
const run = (trouble: (engine: Host.Host, servers: ReadonlyArray<Host.Host>) => Effect.Effect<unknown>) =>
  Effect.gen(function*() {
    const engine = yield* SimNetwork.host("engine", { addresses: [address] })
    const servers = yield* Effect.forEach(["a", "b", "c"], (name) => SimNetwork.host(name))
    for (const server of servers) yield* SimNetwork.link(engine, server, { latency: "2 millis" })
    yield* Host.serve(engine, RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }))
    const all = servers.map((): Seen => ({ acknowledged: [], delivered: [] }))
    const begun = Latch.makeUnsafe()
    const running = yield* Effect.forEach(servers, (server, index) =>
      Effect.forkChild(Host.run(
        server,
        Effect.gen(function*() {
          yield* follow(all[index]!)
          yield* begun.await
          yield* publish(server.name, lines, all[index]!)
          // What the others publish last arrives, too.
          while (all.some(({ acknowledged }) => acknowledged.length < lines)) yield* Effect.sleep("1 second")
          yield* Effect.sleep("30 seconds")
        }).pipe(Effect.scoped, Effect.provide(bus))
      )))
    yield* Effect.sleep("2 seconds")
    yield* begun.open
    yield* trouble(engine, servers)
    for (const fiber of running) yield* Fiber.join(fiber)
    for (const { acknowledged, delivered } of all) {
      expect(acknowledged.length).toBe(lines)
      expect(new Set(delivered).size).toBe(delivered.length)
      for (const each of acknowledged) expect(delivered).toContain(each)
    }
    return all
  })

const during = (fault: Effect.Effect<void, never, Scope.Scope>) =>
  faults.during(fault, { before: 2_000, lasting: 8_000 })

describe("a bus over Redis", () => {
  VitestSimulation.it(
    "has one order for all, nothing twice and nothing lost, through partitions, pauses and broken connections",
    Effect.gen(function*() {
      const all = yield* run((engine, servers) =>
        Effect.gen(function*() {
          yield* during(Fault.partition(engine, yield* faults.some(servers)))
          yield* during(Fault.partitionOneWay(engine, yield* faults.some(servers)))
          yield* during(Fault.pause(engine))
          yield* during(Fault.pause(yield* faults.some(servers)))
          yield* during(Fault.partition(engine, servers))
        })
      )
      expect(all[0]!.delivered.length).toBe(3 * lines)
      expect(all[1]!.delivered).toEqual(all[0]!.delivered)
      expect(all[2]!.delivered).toEqual(all[0]!.delivered)
    }),
    { seeds, limit: { time: "1 hour" }, timeout: 180_000 + seeds * 10_000 }
  )

  VitestSimulation.it(
    "survives an engine that comes back empty: what follows arrives, and nothing twice",
    Effect.gen(function*() {
      const all = yield* run((engine) => Effect.andThen(during(Fault.crash(engine)), during(Fault.crash(engine))))
      // What was delivered to some and lost with the engine is the only difference.
      const last = Array.from(["a", "b", "c"], (name) => `${name} ${lines - 1}`)
      for (const { delivered } of all) expect(delivered).toEqual(expect.arrayContaining(last))
    }),
    { seeds, limit: { time: "1 hour" }, timeout: 180_000 + seeds * 10_000 }
  )

  VitestSimulation.it(
    "gives the last messages first, refuses what is too much, and tells whether it is connected",
    Effect.gen(function*() {
      const [engine, server] = yield* SimNetwork.hosts("engine", "server")
      yield* Host.serve(engine, RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }))
      const program = Effect.gen(function*() {
        const bus = yield* Bus
        yield* Effect.sleep("1 second")
        expect(SubscriptionRef.getUnsafe(bus.isConnected)).toBe(true)
        for (const text of ["one", "two", "three"]) yield* bus.publish("room", text)
        const live: Array<string> = []
        const onMessage = ({ text }: { readonly text: string }) => Effect.sync(() => void live.push(text))
        const past = yield* bus.follow("room", { last: 2, onMessage })
        expect(past.map(({ text }) => text)).toEqual(["two", "three"])
        expect(past[1]!.at).toBeGreaterThan(past[0]!.at)
        yield* bus.publish("room", "four")
        expect(live).toEqual(["four"])
        yield* Fault.crash(engine)
        yield* Effect.sleep("10 seconds")
        expect(SubscriptionRef.getUnsafe(bus.isConnected)).toBe(false)
        const failed = yield* Effect.flip(bus.last("room", 1))
        expect(failed.message).toBe("cannot read room: Redis cannot be reached")
        const waiting = yield* Effect.forEach(
          Array.from({ length: 5_000 }, (_, index) => index),
          (index) => Effect.forkChild(bus.publish("room", String(index)), { startImmediately: true })
        )
        const refused = yield* Effect.flip(Fiber.join(waiting.at(-1)!))
        expect(refused.message).toBe("cannot publish: 4096 messages wait already")
        yield* Fault.restart(engine)
        yield* Fiber.join(waiting[0]!)
        yield* Fiber.join(waiting[4_000]!)
        expect(live.slice(0, 3)).toEqual(["four", "0", "1"])
      })
      const here = Layer.provide(RedisBus.layer, RedisClient.layer({ endpoint: "tcp://engine:6379" }))
      yield* Host.run(server, Effect.scoped(Effect.provide(program, here)))
    })
  )
})

describe("a broadcast over a bus", () => {
  it.effect("reaches the subscribers of all servers", () =>
    Effect.gen(function*() {
      const server = Effect.gen(function*() {
        const broadcast = yield* Broadcast.framed(Framing.lines())
        const subscription = yield* Subscription.make<Uint8Array>({ capacity: 10 })
        yield* Broadcast.join(broadcast, subscription)
        return { subscription, over: yield* busBroadcast.make("news", broadcast, { last: 1 }) }
      })
      const bus = yield* Bus
      yield* bus.publish("news", "old")
      const [one, two] = [yield* server, yield* server]
      expect(one.over.past.map(({ text }) => text)).toEqual(["old"])
      yield* one.over.publish("hello")
      yield* two.over.publish("world")
      for (const { subscription } of [one, two]) {
        const received = yield* Stream.runCollect(Stream.take(Subscription.messages(subscription), 2))
        expect(received.map((bytes) => new TextDecoder().decode(bytes))).toEqual(["hello\n", "world\n"])
      }
    }).pipe(Effect.scoped, Effect.provide(layerMemory)))
})

describe("the URL of a Redis", () => {
  it("is that of Redis' clients, or a path", () => {
    const endpoint = (text: string) => Option.getOrUndefined(Option.map(url.parse(text), ({ endpoint }) => endpoint))
    expect(endpoint("redis://127.0.0.1")).toMatchObject({ _tag: "Tcp", port: 6379 })
    expect(endpoint("redis://[::1]:7000/")).toMatchObject({ _tag: "Tcp", port: 7000 })
    expect(endpoint("rediss://redis.example.org:6380")).toMatchObject({ _tag: "Tls", port: 6380 })
    expect(endpoint("unix:///run/redis.sock")).toMatchObject({ _tag: "Unix", path: "/run/redis.sock" })
    const secret = Option.getOrThrow(url.parse("redis://me:p%40ss@localhost:1"))
    expect([secret.username, Redacted.value(secret.password!)]).toEqual(["me", "p@ss"])
    for (
      const wrong of [
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://localhost/3",
        "redis://%zz@localhost",
        "unix://"
      ]
    ) {
      expect(url.parse(wrong)).toEqual(Option.none())
    }
  })
})

describe("a bus in memory", () => {
  it.effect("delivers in order, to those who follow", () =>
    Effect.gen(function*() {
      const bus = yield* Bus
      const live: Array<string> = []
      yield* bus.publish("room", "zero")
      yield* Effect.scoped(Effect.gen(function*() {
        const onMessage = ({ text }: { readonly text: string }) => Effect.sync(() => void live.push(text))
        const past = yield* bus.follow("room", { last: 5, onMessage })
        expect(past.map(({ text }) => text)).toEqual(["zero"])
        yield* bus.publish("room", "one")
        yield* bus.publish("other", "two")
      }))
      yield* bus.publish("room", "three")
      expect(live).toEqual(["one"])
      expect((yield* bus.last("room", 2)).map(({ text }) => text)).toEqual(["one", "three"])
      expect(yield* bus.last("room", 0)).toEqual([])
    }).pipe(Effect.provide(layerMemory)))
})
