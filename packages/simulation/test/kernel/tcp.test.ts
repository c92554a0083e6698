import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import type * as Link from "@sluice/simulation/Link"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"

const mebibyte = 1024 * 1024

const randomBytes = (length: number) =>
  Effect.map(Random.Random, (random) => Uint8Array.from({ length }, () => random.nextIntUnsafe() & 255))

/** Opens a connection between two hosts, with a link between them. */
const pair = Effect.fnUntraced(function*(link: Link.Options) {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* SimNetwork.link(server, client, link)
  const listener = yield* Network.listen("tcp://0.0.0.0:7").pipe(Effect.provide(Host.layer(server)))
  const near = yield* Network.connect("server:7", { connectTimeout: "1 hour" }).pipe(Effect.provide(Host.layer(client)))
  const far = yield* Listener.accept(listener)
  return { server, client, near, far }
})

/** Sends bytes over a link; gives what arrived, and the milliseconds that it took. */
const transfer = (bytes: number, link: Link.Options) =>
  Effect.gen(function*() {
    const { far, near } = yield* pair(link)
    const sent = yield* randomBytes(bytes)
    const begun = yield* Clock.currentTimeMillis
    yield* Effect.forkChild(Effect.andThen(Connection.write(near, sent), Connection.end(near)))
    const received = yield* Connection.readAll(far)
    return { intact: Buffer.compare(sent, received) === 0, took: (yield* Clock.currentTimeMillis) - begun }
  })

const reasonOf = <A, E>(exit: Exit.Exit<A, E>): NetworkError.Reason | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.squash(exit.cause)
  return NetworkError.isNetworkError(error) ? error.reason : undefined
}

describe("TCP over a bad link", () => {
  for (const loss of [0, 0.05, 0.1, 0.2, 0.3, 0.4]) {
    it.effect(`a megabyte arrives intact through ${loss * 100} % loss`, () =>
      Effect.gen(function*() {
        const link = {
          latency: "10 millis",
          loss,
          reordering: 0.1,
          duplication: 0.1,
          corruption: 0.01,
          jitter: "5 millis"
        } as const
        const run = yield* Simulation.checkDeterminism(transfer(mebibyte, link), {
          seed: `loss ${loss}`,
          limit: { time: "10 days" }
        })
        expect((yield* run.exit).intact).toBe(true)
      }))
  }

  it.effect("and so do 100 KB over links and buffers of all kinds", () =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= 60; seed++) {
        const [link, tcp] = yield* Random.withSeed(randomLink, seed)
        const { intact } = yield* Simulation.run(transfer(100_000, link), { seed, tcp, limit: { time: "30 days" } })
        expect(intact, `seed ${seed}: ${JSON.stringify({ link, tcp })}`).toBe(true)
      }
    }))

  it.effect("throughput is the window for each round trip", () =>
    Effect.gen(function*() {
      for (const [window, latency] of [[65_536, 10], [131_072, 50], [65_536, 100]] as const) {
        const bytes = 10 * mebibyte
        const { took } = yield* Simulation.run(transfer(bytes, { latency, segmentation: 0 }), {
          tcp: { receiveBuffer: window, sendBuffer: mebibyte },
          limit: { time: "1 hour" },
          trace: false
        })
        const expected = bytes / window * 2 * latency
        expect(took / expected).toBeGreaterThan(0.9)
        expect(took / expected).toBeLessThan(1.2)
      }
    }))

  it.effect("a window that is full one way stops neither the bytes the other way nor a reset", () =>
    Effect.gen(function*() {
      const { exit, trace } = yield* Simulation.record(
        Effect.gen(function*() {
          const { far, near } = yield* pair({ latency: "10 millis" })
          yield* Effect.forkScoped(Connection.write(near, new Uint8Array(100_000)))
          // Its window is full by now, to the last byte: ten segments.
          yield* Effect.sleep("150 millis")
          yield* Effect.forkScoped(Connection.write(far, new Uint8Array(30_000)))
          const got = yield* Effect.timeoutOption(Connection.readExactly(near, 30_000), "300 millis")
          expect(Option.isSome(got)).toBe(true)
        }).pipe(Effect.scoped)
      )
      yield* exit
      const again = trace.records.filter((record) => record._tag === "Segment" && record.retransmission)
      expect(again).toEqual([])
    }))

  it.effect("and never more than the bandwidth", () =>
    Effect.gen(function*() {
      const { took } = yield* Simulation.run(transfer(mebibyte, { latency: 5, bandwidth: 8_000_000 }), { seed: 3 })
      // A megabyte of 1,460 bytes to 1,500, at a megabyte a second.
      expect(took).toBeGreaterThan(1048 * 1500 / 1460)
      expect(took).toBeLessThan(2000)
    }))
})

const randomLink = Effect.map(Random.Random, (random) => {
  const upTo = (most: number) => random.nextDoubleUnsafe() * most
  const link: Link.Options = {
    latency: upTo(100),
    jitter: upTo(50),
    loss: upTo(0.3),
    duplication: upTo(0.3),
    reordering: upTo(0.5),
    corruption: upTo(0.05),
    mtu: Math.round(100 + upTo(8900)),
    segmentation: upTo(1)
  }
  const tcp: SimNetwork.TcpOptions = {
    sendBuffer: Math.round(1000 + upTo(100_000)),
    receiveBuffer: Math.round(1000 + upTo(100_000))
  }
  return [link, tcp] as const
})

describe("TCP", () => {
  it.effect("a handshake takes a round trip, and a port without a listener as long to refuse", () =>
    Simulation.run(Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { latency: "30 millis" })
      yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
      yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
      expect(yield* Clock.currentTimeMillis).toBe(60)
      const refused = yield* Effect.exit(Effect.provide(Network.connect("tcp://10.0.0.1:8"), Host.layer(client)))
      expect(reasonOf(refused)?._tag).toBe("ConnectionRefused")
      expect(yield* Clock.currentTimeMillis).toBe(120)
    })))

  it.effect("nobody answers: SYN is sent again as Linux 6.5 does, and then it has timed out", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(
        Effect.gen(function*() {
          const [server, client] = yield* SimNetwork.hosts("server", "client")
          yield* Fault.partition(server, client)
          const connecting = Network.connect("tcp://10.0.0.1:7", { connectTimeout: "1 hour" })
          const exit = yield* Effect.exit(Effect.provide(connecting, Host.layer(client)))
          expect(reasonOf(exit)).toMatchObject({ _tag: "TimedOut", deadline: "system" })
          return yield* Clock.currentTimeMillis
        })
      )
      expect(yield* run.exit).toBe(131_000)
      const at = run.trace.records.flatMap((record) => record._tag === "Segment" ? [record.at / 1e6] : [])
      expect(at).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67])
    }))

  it.effect("a partition that heals delays, and one that does not ends the connection", () =>
    Simulation.run(Effect.gen(function*() {
      const { client, far, near, server } = yield* pair({ latency: "10 millis" })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.partition(client, server)
        yield* Connection.writeText(near, "late")
        yield* Effect.sleep("1 minute")
      }))
      const late = yield* Connection.readExactly(far, 4)
      expect(Buffer.from(late).toString()).toBe("late")
      expect(yield* Clock.currentTimeMillis).toBeLessThan(200_000)

      yield* Fault.partition(client, server)
      yield* Connection.writeText(near, "lost")
      const exit = yield* Effect.exit(Connection.read(near))
      expect(reasonOf(exit)).toMatchObject({ _tag: "TimedOut", deadline: "system" })
    })))

  it.effect("who is connected to a host that crashed learns it by a reset after the restart", () =>
    Simulation.run(Effect.gen(function*() {
      const { near, server } = yield* pair({ latency: "10 millis" })
      const reading = yield* Effect.forkChild(Effect.exit(Connection.read(near)))
      yield* Fault.crash(server)
      yield* Effect.sleep("1 minute")
      expect(reading.pollUnsafe()).toBeUndefined()
      yield* Fault.restart(server)
      yield* Connection.writeText(near, "are you there?")
      expect(reasonOf(yield* Fiber.join(reading))?._tag).toBe("ConnectionReset")
    })))

  it.effect("keep-alive finds out that nobody is there any more", () =>
    Simulation.run(Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:7"), Host.layer(server))
      const near = yield* Effect.provide(Network.connect("server:7", { keepAlive: "10 seconds" }), Host.layer(client))
      yield* Listener.accept(listener)
      yield* Effect.sleep("5 minutes")
      const begun = yield* Clock.currentTimeMillis
      yield* Fault.crash(server)
      expect(reasonOf(yield* Effect.exit(Connection.read(near)))).toMatchObject({
        _tag: "TimedOut",
        deadline: "system"
      })
      const took = (yield* Clock.currentTimeMillis) - begun
      expect(took).toBeGreaterThan(9_000)
      expect(took).toBeLessThan(21_000)
    })))

  it.effect("a full backlog: SYN is dropped and sent again, and a connection that is open at one end becomes open", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        const echo = Server.layer({ listen: "tcp://0.0.0.0:7", backlog: 1 }, (c) => Connection.pipeTo(c, c))
        yield* Host.serve(server, echo)
        const ask = (at: number) =>
          Effect.scoped(Effect.gen(function*() {
            yield* Effect.sleep(at)
            const connection = yield* Network.connect("server:7")
            const connected = yield* Clock.currentTimeMillis
            yield* Connection.writeText(connection, "hello")
            yield* Connection.readExactly(connection, 5)
            return connected
          }))
        yield* Effect.forkChild(Effect.scoped(Effect.andThen(Fault.pause(server), Effect.sleep(500))))
        return yield* Host.run(
          client,
          Effect.forEach([0, 0, 0, 0, 100], ask, { concurrency: "unbounded" })
        )
      }))
      expect(yield* run.exit).toEqual([2, 2, 2, 2, 1102])
      const dropped = run.trace.records.filter((record) => "fate" in record && record.fate === "backlogFull")
      expect(dropped.filter((record) => record._tag === "Segment" && record.flags === 2)).toHaveLength(1)
      expect(dropped.filter((record) => record._tag === "Segment" && record.flags !== 2).length).toBeGreaterThan(1)
    }))

  it.effect("connections at once do not count against the backlog while they are half open", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        yield* SimNetwork.link(server, client, { latency: "20 millis" })
        const echo = Server.layer({ listen: "tcp://0.0.0.0:7", backlog: 8 }, (c) => Connection.pipeTo(c, c))
        yield* Host.serve(server, echo)
        const connect = Effect.andThen(Effect.scoped(Network.connect("server:7")), Clock.currentTimeMillis)
        return yield* Host.run(
          client,
          Effect.forEach(Array.from({ length: 100 }), () => connect, { concurrency: "unbounded" })
        )
      }))
      expect(Math.max(...(yield* run.exit))).toBeLessThan(1000)
    }))

  it.effect("ephemeral ports run out: TIME_WAIT keeps them for a minute", () =>
    Effect.gen(function*() {
      const connections = Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        yield* SimNetwork.link(server, client, { latency: "10 micros" })
        yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, Connection.readAll))
        let count = 0
        const one = Effect.scoped(Effect.gen(function*() {
          const connection = yield* Network.connect("tcp://10.0.0.1:7")
          yield* Connection.end(connection)
          yield* Connection.readAll(connection)
          count++
        }))
        const error = yield* Effect.flip(Host.run(client, Effect.repeat(one, { times: 200 })))
        yield* Effect.sleep("61 seconds")
        yield* Host.run(client, one)
        return { count, error }
      })
      const { count, error } = yield* Simulation.run(connections, { tcp: { ephemeralPorts: [40_000, 40_099] } })
      expect(count).toBe(101)
      expect(error).toMatchObject({ operation: "connect", code: "EADDRNOTAVAIL", reason: { _tag: "PortsExhausted" } })
    }))

  it.effect("B5: an end whose window is closed can send all the same, and hears of a reset", () =>
    Simulation.run(
      Effect.gen(function*() {
        const { far, near } = yield* pair({ latency: "10 millis", segmentation: 0 })
        const bytes = yield* randomBytes(mebibyte)
        const stopped = yield* Effect.forkChild(Connection.write(far, new Uint8Array(8 * mebibyte)))
        yield* Effect.sleep("10 seconds")
        const begun = yield* Clock.currentTimeMillis
        yield* Effect.forkChild(Connection.write(near, bytes))
        expect(Buffer.compare(yield* Connection.readExactly(far, mebibyte), bytes)).toBe(0)
        expect((yield* Clock.currentTimeMillis) - begun).toBeLessThan(1000)
        yield* Fiber.interrupt(stopped)
        yield* Connection.abort(far)
        yield* Effect.sleep("1 second")
        const write = Effect.andThen(Connection.writeText(near, "?"), Effect.sleep("1 second"))
        expect(reasonOf(yield* Effect.exit(Effect.forever(write)))?._tag).toBe("ConnectionReset")
      }),
      // Of whole segments, so that the window closes entirely.
      { tcp: { receiveBuffer: 64 * 1460 } }
    ))

  it.effect("over the loopback, a port in TIME_WAIT can be used again after a second, and no earlier", () =>
    Simulation.run(
      Effect.gen(function*() {
        const host = yield* SimNetwork.host("alone")
        yield* Host.serve(host, Server.layer({ listen: "tcp://127.0.0.1:7" }, Connection.readAll))
        const refused = Effect.map(Effect.flip(Network.connect("tcp://127.0.0.1:7")), ({ code }) => code)
        yield* Host.run(
          host,
          Effect.scoped(Effect.gen(function*() {
            const first = yield* Network.connect("tcp://127.0.0.1:7")
            expect(yield* refused).toBe("EADDRNOTAVAIL")
            yield* Effect.sleep("2 seconds")
            expect(yield* refused).toBe("EADDRNOTAVAIL")
            yield* Connection.end(first)
            expect(yield* Connection.readAll(first)).toHaveLength(0)
            expect(yield* refused).toBe("EADDRNOTAVAIL")
            yield* Effect.sleep("1 second")
            const second = yield* Network.connect("tcp://127.0.0.1:7")
            expect(second.localAddress).toEqual(first.localAddress)
          }))
        )
      }),
      { tcp: { ephemeralPorts: [40_000, 40_000] } }
    ))

  it.effect("a port that a program names is free again when its connection is over, and the peer's old one is reset", () =>
    Simulation.run(Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const written = yield* Deferred.make<void, NetworkError.NetworkError>()
      let accepted = 0
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => {
          // The second one is the old one when the third is there.
          const write = Effect.andThen(Effect.sleep("5 seconds"), Connection.writeText(connection, "?"))
          return ++accepted === 2
            ? Deferred.into(Effect.andThen(write, write), written)
            : Connection.readAll(connection)
        })
      )
      const connect = Network.connect("tcp://10.0.0.1:7", { localPort: 5000 })
      const inUse = yield* Host.run(client, Effect.scoped(Effect.andThen(connect, Effect.flip(connect))))
      expect(inUse).toMatchObject({ code: "EADDRNOTAVAIL", reason: { _tag: "AddressInUse" } })
      yield* Effect.forkChild(Host.run(client, Effect.andThen(connect, Effect.never)))
      yield* Effect.sleep("1 second")
      // Its kernel says FIN, and waits for that of the server in FIN_WAIT_2.
      yield* Effect.scoped(Effect.andThen(Fault.kill(client), Effect.sleep("1 second")))
      const begun = yield* Clock.currentTimeMillis
      // The first SYN meets the old connection; the next one follows at once.
      const connected = yield* Host.run(client, Effect.scoped(Effect.andThen(connect, Clock.currentTimeMillis)))
      expect(connected - begun).toBeLessThan(100)
      expect((yield* Effect.flip(Deferred.await(written))).reason._tag).toBe("BrokenPipe")
    })))

  it.effect("a half-closed connection still answers", () =>
    Simulation.run(Effect.gen(function*() {
      const { far, near } = yield* pair({ latency: "10 millis" })
      yield* Connection.end(near)
      expect(Option.isNone(yield* Connection.read(far))).toBe(true)
      yield* Connection.writeText(far, "answer")
      yield* Connection.end(far)
      expect(Buffer.from(yield* Connection.readAll(near)).toString()).toBe("answer")
    })))

  it.effect("the chance of one fault changes no draw of another", () =>
    Effect.gen(function*() {
      const arrivals = (link: Link.Options) =>
        Effect.map(
          Simulation.record(
            Effect.gen(function*() {
              const [server, client] = yield* SimNetwork.hosts("server", "client")
              yield* SimNetwork.link(server, client, { latency: 10, jitter: 10, ...link })
              const socket = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(client))
              for (let index = 0; index < 50; index++) {
                yield* UdpSocket.send(socket, `${index}`, "10.0.0.1:9")
                yield* Effect.sleep("100 millis")
              }
            }),
            { seed: 5 }
          ),
          ({ trace }) => Trace.filter(trace, (record) => record._tag === "Datagram" && !record.duplicate).records
        )
      const plain = yield* arrivals({})
      const doubled = yield* arrivals({ duplication: 0.5 })
      expect(plain).toHaveLength(50)
      expect(doubled).toEqual(plain)
    }))
})
