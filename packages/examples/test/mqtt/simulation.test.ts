/** The MQTT broker on a simulated network: partitions, wills, sessions that are taken up again, hostile and slow clients. */
import { describe, expect } from "@effect/vitest"
import * as Codec from "@sluice/codec/Codec"
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
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { encode, type Packet, packet } from "../../src/mqtt/Message.ts"
import { layer } from "../../src/mqtt/server.ts"

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 3)
const framing = Codec.framing(packet)
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"))
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text))
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()

const connectPacket = (
  clientId: string,
  options: { clean?: boolean; keepAlive?: number; will?: string } = {}
): Packet => ({
  _tag: "Connect",
  protocol: "MQTT",
  level: 4,
  willRetain: false,
  willQos: options.will === undefined ? 0 : 1,
  clean: options.clean ?? true,
  keepAlive: options.keepAlive ?? 0,
  properties: undefined,
  clientId,
  will: options.will === undefined
    ? undefined
    : { properties: undefined, topic: options.will, payload: bytesOf(clientId) },
  userName: undefined,
  password: undefined
})
const publishPacket = (topic: string, text: string, qos: 0 | 1 = 0, retain = false): Packet => ({
  _tag: "Publish",
  duplicate: false,
  qos,
  retain,
  topic,
  id: qos === 0 ? undefined : 7,
  properties: undefined,
  payload: bytesOf(text)
})
const subscribePacket = (filter: string, qos: 0 | 1): Packet => ({
  _tag: "Subscribe",
  id: 1,
  properties: undefined,
  topics: [{ filter, options: qos }]
})
const acknowledgement = (id: number): Packet => ({ _tag: "PubAck", id, reason: undefined, properties: undefined })

type Client = Framed.Framed<Packet, Packet>

const next = (client: Client) => Effect.flatMap(Framed.receive(client), Effect.fromOption)
const expectNext = <Tag extends Packet["_tag"]>(client: Client, tag: Tag) =>
  Effect.map(next(client), (packet) => {
    expect(packet._tag).toBe(tag)
    return packet as Extract<Packet, { readonly _tag: Tag }>
  })
/** The text of the next message, which is acknowledged. */
const nextMessage = Effect.fnUntraced(function*(client: Client) {
  const message = yield* expectNext(client, "Publish")
  if (message.id !== undefined) yield* Framed.send(client, acknowledgement(message.id))
  return textOf(message.payload)
})
const isGone = (client: Client) =>
  Effect.match(Framed.receive(client), { onFailure: () => true, onSuccess: Option.isNone })

const connect = Effect.fnUntraced(function*(clientId: string, options?: Parameters<typeof connectPacket>[1]) {
  const client = yield* Framed.make(yield* Network.connect("broker:1883"), framing)
  yield* Framed.send(client, connectPacket(clientId, options))
  const { reason, sessionPresent } = yield* expectNext(client, "ConnAck")
  expect(reason).toBe(0)
  return { client, sessionPresent }
})
const subscribe = Effect.fnUntraced(function*(client: Client, filter: string, qos: 0 | 1) {
  yield* Framed.send(client, subscribePacket(filter, qos))
  expect((yield* expectNext(client, "SubAck")).reasons).toEqual([qos])
})

const broker = Effect.gen(function*() {
  const host = yield* SimNetwork.host("broker")
  yield* Host.serve(
    host,
    layer({ listen: "tcp://0.0.0.0:1883", writeTimeout: "30 seconds" }, { maxPacketLength: 65_536 })
  )
  return host
})

/** Runs a test on a host beside the broker. */
const besideBroker = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    yield* broker
    yield* Host.run(yield* SimNetwork.host("user"), Effect.scoped(test))
  })

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
    "waits for nobody: a subscriber that does not read misses messages, and then is disconnected",
    Effect.gen(function*() {
      yield* broker
      const [slow, fast] = yield* SimNetwork.hosts("slow", "fast")
      const stuck = yield* Effect.forkChild(Host.run(
        slow,
        Effect.scoped(Effect.gen(function*() {
          const { client } = yield* connect("slow", { will: "wills" })
          yield* subscribe(client, "load", 0)
          yield* Effect.sleep("20 seconds")
          let count = 0
          while (!(yield* isGone(client))) count++
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
