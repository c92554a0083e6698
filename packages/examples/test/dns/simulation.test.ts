/** A resolver on a simulated network: what it does while packets are lost, its upstream cannot be reached, and time passes. */
import { describe, expect } from "@effect/vitest"
import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Hosts from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as respond from "../../src/dns/respond.ts"
import { serve } from "../../src/dns/server.ts"
import { responseCodes } from "../../src/dns/Zone.ts"
import * as zones from "./zones.ts"

const org = zones.zone(zones.org)
const net = zones.zone(zones.net)
const seeds = Number(process.env["SLUICE_SEEDS"] ?? 5)

/** A client, a resolver, and the server that it asks, which counts its questions. It sends lies before each answer. */
const networkWith = Effect.fnUntraced(function*(lies: (answer: Uint8Array) => ReadonlyArray<Uint8Array>) {
  const [upstream, resolver, client] = yield* SimNetwork.hosts("upstream", "resolver", "client")
  const answer = respond.make(net, undefined)
  let asked = 0
  yield* Host.serve(
    upstream,
    UdpServer.layer(
      { bind: "udp://0.0.0.0:53" },
      (datagram, socket) =>
        Effect.flatMap(answer(datagram.payload, "udp"), (bytes) => {
          asked++
          return Effect.forEach([...lies(bytes!), bytes!], (each) => UdpSocket.reply(socket, datagram, each))
        })
    )
  )
  yield* Host.start(
    resolver,
    Effect.andThen(
      serve({
        host: Hosts.hostFromStringUnsafe("0.0.0.0"),
        port: 53,
        zone: org,
        forward: NetAddress.inetAddressFromStringUnsafe("10.0.0.1:53"),
        cache: 100,
        drain: "1 second"
      }),
      Effect.never
    )
  )
  return { upstream, resolver, client, asked: () => asked }
})

const network = networkWith(() => [])

/** Asks the resolver once. */
const ask = Effect.fnUntraced(function*(name: string, type: number = Dns.types.A) {
  const socket = yield* Network.bind("udp://0.0.0.0:0", { peer: "udp://10.0.0.2:53" })
  const query = yield* Effect.fromResult(Codec.encode(Dns.message, respond.queryOf(7, { name, type, class: 1 })))
  yield* UdpSocket.send(socket, query)
  const { payload } = yield* UdpSocket.receive(socket)
  const { answers, authorities, responseCode } = yield* Effect.fromResult(Codec.decode(Dns.message, payload))
  return { responseCode, records: answers, ttl: [...answers, ...authorities][0]?.data.ttl }
}, Effect.scoped)

const found = (ttl: number) => ({ responseCode: responseCodes.NoError, ttl })
const unreachable = { responseCode: responseCodes.ServFail, records: [] }

describe("dns", () => {
  VitestSimulation.it(
    "gets answers through 30 % loss, and keeps them",
    Effect.gen(function*() {
      const { asked, client, resolver, upstream } = yield* network
      yield* SimNetwork.link(resolver, upstream, { latency: "20 millis", loss: 0.3, duplication: 0.1 })
      const askUntilFound = Effect.repeat(ask("www.example.net"), {
        until: ({ responseCode }) => responseCode === responseCodes.NoError
      })
      const begun = yield* Clock.currentTimeMillis
      expect(yield* Host.run(client, askUntilFound)).toMatchObject(found(60))
      const took = (yield* Clock.currentTimeMillis) - begun
      const before = asked()
      expect(before).toBeGreaterThanOrEqual(1)
      expect(took).toBeLessThan(20_000)
      expect(yield* Host.run(client, ask("WWW.example.NET"))).toMatchObject(found(60))
      expect(asked()).toBe(before)
    }),
    { seeds }
  )

  VitestSimulation.it(
    "asks once what many ask at once",
    Effect.gen(function*() {
      const { asked, client } = yield* network
      const questions = Array.from({ length: 50 }, (_, i) => ask(i % 2 === 0 ? "www.example.net" : "wWw.example.net"))
      const said = yield* Host.run(client, Effect.all(questions, { concurrency: "unbounded" }))
      expect(said.map(({ records }) => records[0]?.name)).toEqual(
        questions.map((_, i) => i % 2 === 0 ? "www.example.net" : "wWw.example.net")
      )
      expect(asked()).toBe(1)
    }),
    { seeds }
  )

  VitestSimulation.it(
    "answers from what it keeps until that expires, and asks again when a partition heals",
    Effect.gen(function*() {
      const { asked, client, resolver, upstream } = yield* network
      const www = Host.run(client, ask("www.example.net"))
      const nobody = Host.run(client, ask("nobody.example.net"))
      expect(yield* www).toMatchObject(found(60))
      expect(yield* nobody).toMatchObject({ responseCode: responseCodes.NXDomain, ttl: 30 })
      yield* Fault.partition(resolver, upstream)

      // Within 30 seconds for the name that does not exist (the minimum of the zone), and 60 for the one that does.
      yield* Effect.sleep("29 seconds")
      expect(yield* www).toMatchObject(found(31))
      expect(yield* nobody).toMatchObject({ responseCode: responseCodes.NXDomain, ttl: 1 })
      yield* Effect.sleep("2 seconds")
      const begun = yield* Clock.currentTimeMillis
      expect(yield* nobody).toMatchObject(unreachable)
      // Four attempts of a second each, so that a client still waits.
      expect((yield* Clock.currentTimeMillis) - begun).toBeCloseTo(4000, -2)
      expect(yield* www).toMatchObject(found(25))
      yield* Effect.sleep("30 seconds")
      expect(yield* www).toMatchObject(unreachable)
      // The zone is answered all the time, and a failure is kept for a second.
      expect(yield* Host.run(client, ask("web.example.org"))).toMatchObject(found(3600))
      expect(yield* www).toMatchObject(unreachable)
      expect(asked()).toBe(2)

      yield* Fault.heal(resolver, upstream)
      yield* Effect.sleep("1 second")
      expect(yield* www).toMatchObject(found(60))
      expect(asked()).toBe(3)

      // A partition that is shorter than four attempts is not noticed.
      yield* Fault.partition(resolver, upstream)
      const late = yield* Effect.forkChild(Host.run(client, ask("ns.example.net")))
      yield* Effect.sleep("2500 millis")
      yield* Fault.heal(resolver, upstream)
      expect(yield* Fiber.join(late)).toMatchObject(found(60))
    }),
    { seeds }
  )

  VitestSimulation.it(
    "takes no answer with another id, to another question, or that is a question",
    Effect.gen(function*() {
      const { client } = yield* networkWith((answer) =>
        [[1, answer[1]! ^ 1], [13, 0x78], [2, 0]].map(([at, byte]) => {
          // With the address 6.6.6.6, at the end before the options.
          const lie = answer.slice()
          lie[at!] = byte!
          return lie.fill(6, lie.length - 15, lie.length - 11)
        })
      )
      const { records } = yield* Host.run(client, ask("www.example.net"))
      expect(records.map(({ data }) => "address" in data && data.address.join("."))).toEqual(["198.51.100.2"])
    }),
    { seeds }
  )

  VitestSimulation.it(
    "lets no address have all connections of TCP",
    Effect.gen(function*() {
      const { client } = yield* network
      const other = yield* SimNetwork.host("other")
      const query = Result.getOrThrow(
        Codec.encode(Dns.message, respond.queryOf(7, { name: "web.example.org", type: Dns.types.A, class: 1 }))
      )
      const frame = Result.getOrThrow(Framing.encodeAll(Framing.lengthPrefixed({ prefix: "uint16" }), [query]))
      const open = Network.connect("tcp://10.0.0.2:53")
      const asked = Effect.gen(function*() {
        const connection = yield* open
        yield* Connection.writeAll(connection, frame)
        return (yield* Connection.readExactly(connection, 14)).length
      })
      // More than it may have, and more than there are.
      const greedy = Effect.forEach(Array.from({ length: 300 }), () => Effect.exit(open), { concurrency: 50 })
      yield* Effect.forkChild(Host.run(client, Effect.scoped(Effect.andThen(greedy, Effect.never))))
      yield* Effect.sleep("2 seconds")
      const answered = Effect.timeoutOption(Effect.scoped(asked), "1 second")
      expect(yield* Host.run(other, answered)).toEqual(Option.some(14))
    }),
    { seeds: 1 }
  )

  VitestSimulation.it(
    "answers for its zone while as many clients as allowed wait for other names",
    Effect.gen(function*() {
      const { client, resolver, upstream } = yield* network
      yield* Fault.partition(resolver, upstream)
      const questions = Array.from(
        { length: 800 },
        (_, i) => Effect.delay(ask(`${i}.example.net`), `${Math.floor(i / 100) * 10} millis`)
      )
      yield* Effect.forkChild(Host.run(client, Effect.all(questions, { concurrency: "unbounded" })))
      yield* Effect.sleep("500 millis")
      const begun = yield* Clock.currentTimeMillis
      expect(yield* Host.run(client, ask("web.example.org"))).toMatchObject(found(3600))
      expect(yield* Host.run(client, ask("more.example.net"))).toMatchObject(unreachable)
      expect((yield* Clock.currentTimeMillis) - begun).toBeLessThan(100)
    }),
    { seeds: 1 }
  )
})
