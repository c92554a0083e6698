/** The MQTT broker on a simulated network: partitions, wills, sessions that are taken up again, hostile clients. */
import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { encode } from "../../src/mqtt/Message.ts"
import {
  acknowledgement,
  besideBroker,
  broker,
  connect,
  connectPacket,
  expectNext,
  hex,
  isGone,
  next,
  nextMessage,
  publishPacket,
  seeds,
  subscribe,
  subscribePacket,
  textOf
} from "./client.ts"

describe("mqtt", () => {
  VitestSimulation.it(
    "sends everything at least once to 20 clients, half of which are cut off, and their wills",
    Effect.gen(function*() {
      const server = yield* broker
      const names = Array.from({ length: 20 }, (_, index) => `client${index}`)
      const hosts = yield* Effect.forEach(names, (name) => SimNetwork.host(name))
      const watcher = yield* SimNetwork.host("watcher")
      const count = 60
      const received = new Map(names.map((name) => [name, [] as Array<string>]))

      const listen = (name: string) =>
        Effect.gen(function*() {
          const mine = received.get(name)!
          const { client } = yield* connect(name, { clean: false, keepAlive: 10, will: `wills/${name}` })
          yield* Framed.send(client, subscribePacket("news/#", 1))
          const ping = Effect.andThen(Effect.sleep("5 seconds"), Framed.send(client, { _tag: "PingReq" }))
          yield* Effect.forkScoped(Effect.ignore(Effect.forever(ping)))
          while (mine.at(-1) !== `${count - 1}`) {
            const packet = yield* next(client)
            if (packet._tag !== "Publish") continue
            mine.push(textOf(packet.payload))
            yield* Framed.send(client, acknowledgement(packet.id!))
          }
          yield* Framed.send(client, { _tag: "Disconnect", reason: undefined, properties: undefined })
        }).pipe(Effect.scoped, Effect.retry(Schedule.spaced("1 second")))

      const listeners = yield* Effect.forEach(
        hosts,
        (host, index) => Effect.forkChild(Host.run(host, listen(names[index]!)))
      )
      const wills: Array<string> = []
      yield* Effect.forkChild(Host.run(
        watcher,
        Effect.scoped(Effect.gen(function*() {
          const { client } = yield* connect("watcher")
          yield* subscribe(client, "wills/+", 1)
          yield* Effect.forever(Effect.map(nextMessage(client), (name) => wills.push(name)))
        }))
      ))
      const publisher = yield* Effect.forkChild(Host.run(
        watcher,
        Effect.scoped(Effect.gen(function*() {
          yield* Effect.sleep("5 seconds")
          const { client } = yield* connect("publisher")
          for (let number = 0; number < count; number++) {
            yield* Framed.send(client, publishPacket("news/today", `${number}`, 1))
            yield* expectNext(client, "PubAck")
            yield* Effect.sleep("1 second")
          }
        }))
      ))
      const cut = hosts.slice(0, 10)
      yield* Effect.sleep("20 seconds")
      yield* Fault.partition(server, cut)
      yield* Effect.sleep("30 seconds")
      expect([...wills].sort()).toEqual(names.slice(0, 10).sort())
      yield* Fault.heal(server, cut)
      yield* Fiber.join(publisher)
      for (const listener of listeners) yield* Fiber.join(listener)
      expect(wills.length).toBe(10)
      for (const name of names) {
        // What is sent again comes at the place of the first time, or behind it.
        expect([name, [...new Set(received.get(name))]]).toEqual([
          name,
          Array.from({ length: count }, (_, index) => `${index}`)
        ])
      }
    }),
    { seeds, limit: { time: "1 hour" } }
  )

  VitestSimulation.it(
    "keeps sessions, and gives a client identifier to the latest connection",
    besideBroker(Effect.gen(function*() {
      const watcher = (yield* connect("watcher")).client
      yield* subscribe(watcher, "wills", 0)
      const first = yield* connect("durable", { clean: false, will: "wills" })
      expect(first.sessionPresent).toBe(false)
      yield* subscribe(first.client, "a/#", 1)
      const publisher = (yield* connect("publisher")).client
      const publish = (text: string) =>
        Effect.andThen(
          Framed.send(publisher, publishPacket("a/b", text, 1)),
          expectNext(publisher, "PubAck")
        )
      yield* publish("one")
      const unacknowledged = yield* expectNext(first.client, "Publish")
      expect([unacknowledged.duplicate, textOf(unacknowledged.payload)]).toEqual([false, "one"])

      const second = yield* connect("durable", { clean: false })
      expect(second.sessionPresent).toBe(true)
      expect(yield* isGone(first.client)).toBe(true)
      expect(yield* nextMessage(watcher)).toBe("durable")
      const again = yield* expectNext(second.client, "Publish")
      expect([again.duplicate, again.id, textOf(again.payload)]).toEqual([true, unacknowledged.id, "one"])
      yield* Framed.send(second.client, acknowledgement(again.id!))
      yield* Framed.send(second.client, { _tag: "Disconnect", reason: undefined, properties: undefined })
      expect(yield* isGone(second.client)).toBe(true)

      // More than may wait: what is kept is the beginning.
      for (let number = 0; number < 1010; number++) yield* publish(`${number}`)
      const third = yield* connect("durable", { clean: false })
      for (let number = 0; number < 1000; number++) expect(yield* nextMessage(third.client)).toBe(`${number}`)
      yield* publish("live")
      expect(yield* nextMessage(third.client)).toBe("live")

      expect((yield* connect("durable")).sessionPresent).toBe(false)
      expect((yield* connect("durable", { clean: false })).sessionPresent).toBe(false)
    })),
    { seeds: 1 }
  )

  VitestSimulation.it(
    "closes connections that break the protocol or are silent, whatever the bytes are, and serves the others",
    besideBroker(Effect.gen(function*() {
      const good = (yield* connect("good")).client
      yield* subscribe(good, "ok", 0)
      /** Sends bytes, and returns what comes until the broker closes the connection. */
      const said = (...parts: ReadonlyArray<Uint8Array>) =>
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* Network.connect("broker:1883")
          yield* Effect.ignore(Connection.writeAll(connection, parts))
          return yield* Effect.match(Connection.readAll(connection), {
            onFailure: () => "",
            onSuccess: (bytes) => Buffer.from(bytes).toString("hex")
          })
        }))
      const hello = encode(connectPacket("bad"))
      const before: ReadonlyArray<string> = [
        "00",
        "10 00",
        "30 03 00 01 61",
        "47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a",
        "30 ff ff ff ff 7f",
        "30 ff ff ff 7f",
        // A password without a user name, a will with QoS 3, flags of a will that is not there.
        "10 0f 00 04 4d 51 54 54 04 42 00 00 00 01 61 00 01 62",
        "10 13 00 04 4d 51 54 54 04 1e 00 00 00 01 61 00 01 62 00 01 63",
        "10 0d 00 04 4d 51 54 54 04 22 00 00 00 01 61"
      ]
      for (const bytes of before) expect([bytes, yield* said(hex(bytes))]).toEqual([bytes, ""])
      const after: ReadonlyArray<string> = [
        "10 0d 00 04 4d 51 54 54 04 02 00 00 00 01 61",
        "20 02 00 00",
        "f0 00",
        "30 03 00 01 2b",
        "30 02 00 00",
        "30 03 00 01 00",
        "30 04 00 02 c3 28",
        "34 05 00 01 61 00 01",
        "32 05 00 01 61 00 00",
        "38 03 00 01 61",
        "82 02 00 01",
        "80 06 00 01 00 01 61 00",
        "82 06 00 01 00 01 61 03",
        "82 07 00 01 00 02 61 23 00",
        "a2 02 00 01"
      ]
      for (const bytes of after) expect(`${bytes}: ${yield* said(hello, hex(bytes))}`).toMatch(/: (20020000)?$/)
      // Refusals that are said: another version, no identifier for a session that is to be kept.
      expect(yield* said(hex("10 0d 00 04 4d 51 54 54 03 02 00 00 00 01 61"))).toBe("20020001")
      expect(yield* said(hex("10 0e 00 04 4d 51 54 54 05 02 00 00 00 00 01 61"))).toBe("2003008400")
      expect(yield* said(hex("10 0c 00 04 4d 51 54 54 04 00 00 00 00 00"))).toBe("20020002")

      const valid = [hello, encode(subscribePacket("#", 1)), encode(publishPacket("x", "y".repeat(50), 1))]
      for (let turn = 0; turn < 30; turn++) {
        const bytes = Uint8Array.from(valid.flatMap((each) => [...each]))
        for (let flip = 0; flip < 2; flip++) {
          const at = yield* Random.nextIntBetween(0, bytes.length)
          bytes[at] = yield* Random.nextIntBetween(0, 256)
        }
        yield* Effect.timeoutOption(said(bytes), "20 seconds")
      }

      const begun = yield* Clock.currentTimeMillis
      const elapsed = Effect.map(Clock.currentTimeMillis, (now) => Math.round((now - begun) / 1000))
      expect(yield* said()).toBe("")
      expect(yield* elapsed).toBe(10)
      const silent = (yield* connect("silent", { keepAlive: 20 })).client
      expect(yield* isGone(silent)).toBe(true)
      expect(yield* elapsed).toBe(40)

      yield* Framed.send(good, publishPacket("ok", "still here"))
      expect(yield* nextMessage(good)).toBe("still here")
    })),
    { seeds }
  )
})
