/** What the broker delivers to subscribers on a simulated network: to whom, how often, and if they are slow. */
import { describe, expect } from "@effect/vitest"
import * as Framed from "@sluice/core/Framed"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import {
  besideBroker,
  broker,
  type Client,
  connect,
  expectNext,
  isGone,
  nextMessage,
  publishPacket,
  seeds,
  subscribe,
  textOf
} from "./client.ts"

describe("mqtt", () => {
  VitestSimulation.it(
    "delivers a message once, however many filters of a client match it, until it unsubscribes or is gone",
    besideBroker(Effect.gen(function*() {
      const connectWith = Effect.fnUntraced(function*(name: string, filters: ReadonlyArray<readonly [string, 0 | 1]>) {
        const { client } = yield* connect(name, { clean: false })
        for (const [filter, qos] of filters) yield* subscribe(client, filter, qos)
        return client
      })
      const both = yield* connectWith("both", [["a/+", 0], ["+/b", 1], ["only/+", 0]])
      const alone = yield* connectWith("alone", [["+/b", 0], ["only/+", 0]])
      const publisher = yield* connectWith("publisher", [["a/#", 0], ["a/+", 0]])
      const expectMessage = (clients: ReadonlyArray<Client>, text: string) =>
        Effect.forEach(clients, (client) => Effect.map(nextMessage(client), (got) => expect(got).toBe(text)))
      const publish = (topic: string, text: string) => Framed.send(publisher, publishPacket(topic, text))
      yield* publish("a/b", "first")
      yield* expectMessage([both, alone, publisher], "first")
      yield* publish("only/x", "also")
      yield* expectMessage([both, alone], "also")
      yield* Framed.send(both, { _tag: "Unsubscribe", id: 2, properties: undefined, filters: ["a/+", "only/+"] })
      yield* expectNext(both, "UnsubAck")
      yield* publish("a/c", "second")
      yield* publish("only/x", "second")
      yield* expectMessage([alone, publisher], "second")
      yield* publish("a/b", "third")
      yield* expectMessage([both, alone, publisher], "third")

      // A session that is kept has its filters again, and not what was published at most once meanwhile.
      yield* Framed.send(alone, { _tag: "Disconnect", reason: undefined, properties: undefined })
      expect(yield* isGone(alone)).toBe(true)
      yield* publish("a/b", "fourth")
      yield* expectMessage([both, publisher], "fourth")
      const again = yield* connectWith("alone", [])
      yield* publish("a/b", "fifth")
      yield* expectMessage([both, again, publisher], "fifth")
      yield* publish("only/x", "sixth")
      yield* expectMessage([again], "sixth")
    })),
    { seeds }
  )

  VitestSimulation.it(
    "holds up who publishes at least once while a subscriber has no room, for five seconds at most",
    besideBroker(Effect.gen(function*() {
      const count = 1500
      const slow = (yield* connect("slow", { keepAlive: 60 })).client
      yield* subscribe(slow, "load", 1)
      const publisher = (yield* connect("publisher", { keepAlive: 2 })).client
      let acknowledged = 0
      const acknowledgements = Effect.forever(Effect.flatMap(
        expectNext(publisher, "PubAck"),
        () => Effect.sync(() => acknowledged++)
      ))
      yield* Effect.forkChild(acknowledgements)
      const publish = (from: number) =>
        Effect.forEach(
          Array.from({ length: count }, (_, index) => publishPacket("load", `${from + index}`, 1)),
          (packet) => Framed.send(publisher, packet),
          { discard: true }
        )
      yield* Effect.forkChild(publish(0))
      yield* Effect.sleep("4 seconds")
      const held = acknowledged
      expect(held).toBeGreaterThan(1000)
      expect(held).toBeLessThan(1100)
      for (let number = 0; number < count; number++) expect(yield* nextMessage(slow)).toBe(`${number}`)
      yield* Effect.sleep("1 second")
      expect(acknowledged).toBe(count)

      // A subscriber that makes no room holds nobody up for longer, nor again.
      const publishing = yield* Effect.forkChild(publish(count))
      yield* Effect.sleep("6 seconds")
      yield* Fiber.join(publishing)
      yield* Effect.sleep("1 second")
      expect(acknowledged).toBe(2 * count)
    })),
    { seeds: 1 }
  )

  VitestSimulation.it(
    "waits for nobody: a subscriber that pauses misses messages, and one that never reads is disconnected",
    Effect.gen(function*() {
      yield* broker
      const [slow, pausing, fast] = yield* SimNetwork.hosts("slow", "pausing", "fast")
      const stuck = yield* Effect.forkChild(Host.run(
        slow,
        Effect.scoped(Effect.gen(function*() {
          const { client } = yield* connect("slow", { will: "wills" })
          yield* subscribe(client, "load", 0)
          yield* Effect.sleep("1 minute")
          let count = 0
          while (!(yield* isGone(client))) count++
          return count
        }))
      ))
      const paused = yield* Effect.forkChild(Host.run(
        pausing,
        Effect.scoped(Effect.gen(function*() {
          const { client } = yield* connect("pausing")
          yield* subscribe(client, "load", 0)
          yield* Effect.sleep("25 seconds")
          let count = 0
          while ((yield* nextMessage(client)) !== "end") count++
          return count
        }))
      ))
      yield* Host.run(
        fast,
        Effect.scoped(Effect.gen(function*() {
          const listener = (yield* connect("listener")).client
          yield* subscribe(listener, "load", 0)
          const wills = (yield* connect("wills")).client
          yield* subscribe(wills, "wills", 0)
          const publisher = (yield* connect("publisher")).client
          const text = "x".repeat(2000)
          for (let number = 0; number < 2000; number++) {
            yield* Framed.send(publisher, publishPacket("load", text))
            expect((yield* expectNext(listener, "Publish")).payload.length).toBe(2000)
          }
          expect(yield* nextMessage(wills)).toBe("slow")
          yield* Framed.send(publisher, publishPacket("load", "end"))
          const received = yield* Fiber.join(paused)
          expect(received).toBeGreaterThan(500)
          expect(received).toBeLessThan(1500)

          // More is retained than may wait at once, and all of it arrives, at the pace of the subscriber.
          for (let number = 0; number < 1100; number++) {
            yield* Framed.send(publisher, publishPacket(`kept/${number}`, `${number}`, 0, true))
          }
          yield* Framed.send(publisher, publishPacket("kept/7", "", 1, true))
          yield* expectNext(publisher, "PubAck")
          const late = (yield* connect("late")).client
          yield* subscribe(late, "kept/+", 0)
          for (let number = 0; number < 1100; number++) {
            if (number === 7) continue
            const { payload, retain } = yield* expectNext(late, "Publish")
            expect([retain, textOf(payload)]).toEqual([true, `${number}`])
          }
        }))
      )
      expect(yield* Fiber.join(stuck)).toBeLessThan(1500)
    }),
    { seeds: 1 }
  )
})
