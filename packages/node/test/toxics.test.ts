import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as Tls from "@sluice/core/Tls"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Toxics from "@sluice/node/Toxics"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import * as Stream from "effect/Stream"

const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

type Use<A, E> = (connection: Connection.Connection, toxics: Toxics.Toxics) => Effect.Effect<A, E>

/** Serves an echo, on a network that takes no time. */
const echoServer = Effect.gen(function*() {
  const [server, client, relay] = yield* SimNetwork.hosts("server", "client", "relay")
  for (const host of [server, client]) yield* SimNetwork.link(relay, host, { latency: 0, segmentation: 0 })
  yield* SimNetwork.link(client, server, { latency: 0, segmentation: 0 })
  yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, (c) => Connection.pipeTo(c, c)))
  return { client, relay, server }
})

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** A client, a relay with toxics and an echo. */
const throughRelay = <A, E>(options: Toxics.Options, use: Use<A, E>) =>
  Simulation.run(
    Effect.gen(function*() {
      const { client, relay } = yield* echoServer
      const toxics = yield* Toxics.make(options)
      yield* Host.serve(
        relay,
        Server.layer({ listen: "tcp://0.0.0.0:8" }, (from) =>
          Effect.flatMap(Network.connect("server:7"), (to) => Toxics.relay(from, to, toxics)))
      )
      const connect = Network.connect("relay:8")
      return yield* Host.run(
        client,
        Effect.scoped(Effect.flatMap(connect, (connection) =>
          use(connection, toxics)))
      )
    })
  ).pipe(quiet)

/** A client with a toxic network, and an echo. */
const throughLayer = <A, E>(options: Toxics.Options, use: Use<A, E>) =>
  Simulation.run(
    Effect.gen(function*() {
      const { client } = yield* echoServer
      const toxics = yield* Toxics.make(options)
      const program = Effect.flatMap(Network.connect("server:7"), (connection) => use(connection, toxics))
      return yield* Host.run(client, Effect.scoped(Effect.provide(program, Toxics.layer(toxics))))
    })
  ).pipe(quiet)

/** A client, and an echo whose server has a toxic network. */
const throughServer = <A, E>(options: Toxics.Options, use: Use<A, E>) =>
  Simulation.run(
    Effect.gen(function*() {
      const { client, server } = yield* echoServer
      const toxics = yield* Toxics.make(options)
      yield* Host.serve(
        server,
        Layer.provide(
          Server.layer({ listen: "tcp://0.0.0.0:8" }, (c) => Connection.pipeTo(c, c)),
          Toxics.layer(toxics)
        )
      )
      const connect = Network.connect("server:8")
      return yield* Host.run(client, Effect.scoped(Effect.flatMap(connect, (connection) => use(connection, toxics))))
    })
  ).pipe(quiet)

/** Milliseconds that the echo of a text takes. */
const echo = (connection: Connection.Connection, text: string) =>
  Effect.gen(function*() {
    const before = yield* millis
    yield* Connection.writeText(connection, text)
    expect(new TextDecoder().decode(yield* Connection.readExactly(connection, text.length))).toBe(text)
    return (yield* millis) - before
  })

const megabyte = Uint8Array.from({ length: 1 << 20 }, (_, index) => index * 7 + (index >> 8))

/** Sends a megabyte, ends, and reads the answer. */
const transfer = (connection: Connection.Connection) =>
  Effect.gen(function*() {
    const before = yield* millis
    const [, answer] = yield* Effect.all([
      Effect.andThen(Connection.write(connection, megabyte), Connection.end(connection)),
      Connection.readAll(connection, { limit: 2 << 20 })
    ], { concurrency: 2 })
    return [
      answer.length === megabyte.length && answer.every((byte, index) => byte === megabyte[index]),
      (yield* millis) - before
    ] as const
  })

describe.each([
  ["Toxics.relay", throughRelay],
  ["Toxics.layer of a client", throughLayer],
  ["Toxics.layer of a server", throughServer]
])("%s", (_, through) => {
  it.effect("without toxics passes everything on, and half-closes too, in no time", () =>
    Effect.gen(function*() {
      expect(yield* through({}, transfer)).toEqual([true, 0])
    }))

  it.effect("adds latency and jitter in each direction, and the order stays", () =>
    Effect.gen(function*() {
      expect(yield* through({ latency: "100 millis" }, (connection) => echo(connection, "hi"))).toBe(200)
      const times = yield* through({ latency: 100, jitter: 50 }, (connection) =>
        Effect.forEach(Array.from({ length: 20 }), () => echo(connection, "hi")))
      expect(Math.min(...times)).toBeGreaterThanOrEqual(200)
      expect(Math.max(...times)).toBeLessThanOrEqual(301)
      expect(new Set(times).size).toBeGreaterThan(5)
      expect((yield* through({ latency: 100, jitter: 500 }, transfer))[0]).toBe(true)
    }))

  it.effect("latency costs no throughput: chunks wait at the same time", () =>
    Effect.gen(function*() {
      const [isIntact, took] = yield* through({ latency: "1 second" }, transfer)
      expect(isIntact).toBe(true)
      expect(took).toBeLessThan(4000)
    }))

  it.effect("limits the bandwidth: a megabyte takes a second at a mebibyte a second", () =>
    Effect.gen(function*() {
      const [isIntact, took] = yield* through({ bandwidth: "1 MiB" }, transfer)
      expect(isIntact).toBe(true)
      expect(took).toBeGreaterThanOrEqual(1000)
      expect(took).toBeLessThan(1200)
    }))

  it.effect("slices what it passes on", () =>
    Effect.gen(function*() {
      const sizes = yield* through({ slice: 7 }, (connection) =>
        Effect.gen(function*() {
          yield* Connection.writeText(connection, "x".repeat(21))
          yield* Connection.end(connection)
          const sizes: Array<number> = []
          yield* Stream.runForEach(Connection.bytes(connection), ({ length }) => Effect.sync(() => sizes.push(length)))
          return sizes
        }))
      expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(21)
      expect((yield* through({ slice: 1000 }, transfer))[0]).toBe(true)
    }))

  it.effect("resets after N bytes, or closes after N, and not before", () =>
    Effect.gen(function*() {
      const ending = (connection: Connection.Connection) =>
        Effect.gen(function*() {
          yield* echo(connection, "x".repeat(100))
          yield* Connection.writeText(connection, "y")
          const rest = yield* Effect.result(Connection.readAll(connection))
          return rest._tag === "Success"
            ? rest.success.length
            : rest.failure._tag === "NetworkError" && rest.failure.reason._tag
        })
      expect(yield* through({ resetAfter: 101 }, ending)).toBe("ConnectionReset")
      // The answer to the last byte may be faster than the end.
      expect(yield* through({ limit: 101 }, ending)).toBeLessThanOrEqual(1)
      const exact = yield* through({ limit: 512 }, (connection) =>
        Effect.gen(function*() {
          yield* Connection.write(connection, megabyte.subarray(0, 1000))
          return (yield* Connection.readAll(connection)).length
        }))
      expect(exact).toBeLessThanOrEqual(512)
    }))

  it.effect("times out: nothing passes any more, and the connection closes", () =>
    Effect.gen(function*() {
      const result = yield* through({}, (connection, toxics) =>
        Effect.gen(function*() {
          yield* echo(connection, "before")
          yield* toxics.set({ timeout: "5 seconds" })
          const before = yield* millis
          yield* Connection.writeText(connection, "after")
          const rest = yield* Connection.readAll(connection)
          return [rest.length, (yield* millis) - before]
        }))
      expect(result).toEqual([0, 5000])
    }))

  it.effect("changes while it runs, also for open connections", () =>
    Effect.gen(function*() {
      const times = yield* through({}, (connection, toxics) =>
        Effect.gen(function*() {
          const first = yield* echo(connection, "a")
          yield* toxics.set({ latency: "1 second" })
          const second = yield* echo(connection, "b")
          yield* toxics.set({})
          return [first, second, yield* echo(connection, "c"), yield* toxics.options]
        }))
      expect(times).toEqual([0, 2000, 0, {}])
    }))
})

describe("Toxics.layer", () => {
  it.effect("sends what was written before a close, and delays the end too", () =>
    Effect.gen(function*() {
      const received = yield* Simulation.run(Effect.gen(function*() {
        const { client, server } = yield* echoServer
        const received = yield* Deferred.make<readonly [number, number]>()
        yield* Host.serve(
          server,
          Server.layer({ listen: "tcp://0.0.0.0:8" }, (connection) =>
            Effect.gen(function*() {
              const { length } = yield* Connection.readAll(connection)
              yield* Deferred.succeed(received, [length, yield* millis])
            }))
        )
        const toxics = yield* Toxics.make({ latency: "1 second" })
        const send = Effect.flatMap(
          Network.connect("server:8"),
          (connection) => Connection.writeText(connection, "bye")
        )
        yield* Host.run(client, Effect.scoped(Effect.provide(Effect.scoped(send), Toxics.layer(toxics))))
        return yield* Deferred.await(received)
      }))
      expect(received).toEqual([3, 1000])
    }))

  it.effect("continues inside of TLS when a connection is upgraded", () =>
    Effect.gen(function*() {
      const authority = SimCertificate.authority("Test CA")
      const upgradeTls: Tls.ServerOptions = { certificates: [authority.issue({ names: ["server"] })] }
      const text = yield* Simulation.run(Effect.gen(function*() {
        const { client, server } = yield* echoServer
        const toxics = yield* Toxics.make({ latency: "1 second", slice: 2 })
        yield* Host.serve(
          server,
          Layer.provide(
            Server.layer({ listen: "tcp://0.0.0.0:8", upgradeTls }, (connection) =>
              Effect.gen(function*() {
                yield* Connection.writeText(connection, "go ahead\n")
                yield* Connection.upgradeTls(connection, { role: "server" })
                yield* Connection.pipeTo(connection, connection)
              })),
            Toxics.layer(toxics)
          )
        )
        const program = Effect.gen(function*() {
          const connection = yield* Network.connect("server:8")
          yield* Connection.readExactly(connection, 9)
          yield* Connection.upgradeTls(connection, { role: "client", tls: { authorities: authority.certificate } })
          yield* Connection.writeText(connection, "secret")
          const answer = new TextDecoder().decode(yield* Connection.readExactly(connection, 6))
          return [answer, yield* millis]
        })
        return yield* Host.run(client, Effect.scoped(Effect.provide(program, Toxics.layer(toxics))))
      }))
      // The first line in two seconds, from the server and to the client, and the echo in four.
      expect(text).toEqual(["secret", 6000])
    }))

  it.effect("loses the fibers of a crashed host with it", () =>
    Effect.gen(function*() {
      const received = yield* Simulation.run(
        Effect.gen(function*() {
          const { client, server } = yield* echoServer
          const received: Array<string> = []
          yield* Host.serve(
            server,
            Server.layer({ listen: "tcp://0.0.0.0:8" }, (connection) =>
              Stream.runForEach(Connection.bytes(connection), (chunk) =>
                Effect.sync(() =>
                  received.push(new TextDecoder().decode(chunk))
                )))
          )
          const toxics = yield* Toxics.make({ latency: "1 second" })
          yield* Host.start(
            client,
            Effect.gen(function*() {
              const connection = yield* Network.connect("server:8")
              yield* Connection.writeText(connection, "early")
              yield* Effect.sleep("1 second")
              yield* Connection.writeText(connection, "late")
              yield* Effect.never
            }).pipe(Effect.provide(Toxics.layer(toxics)), Effect.scoped)
          )
          yield* Effect.sleep("1500 millis")
          yield* Fault.crash(client)
          yield* Effect.sleep("5 seconds")
          return received
        }).pipe(Effect.scoped)
      )
      expect(received).toEqual(["early"])
    }))

  it.live("delays, slices and resets connections of the kernel", () =>
    Effect.gen(function*() {
      const toxics = yield* Toxics.make({ latency: "20 millis", slice: 2 })
      const program = Effect.gen(function*() {
        const { address } = yield* Server.make(
          { listen: "tcp://127.0.0.1:0" },
          (connection) => Connection.pipeTo(connection, connection)
        )
        const connection = yield* Network.connect(NetAddress.formatSocketAddress(address))
        // Client and server have the layer, so that the echo takes it four times. Node's timers may be a millisecond early.
        expect(yield* echo(connection, "hello")).toBeGreaterThanOrEqual(4 * (20 - 1))
        yield* toxics.set({ resetAfter: 1 })
        yield* Connection.writeText(connection, "x")
        return yield* Effect.flip(Connection.readAll(connection))
      })
      const error = yield* Effect.scoped(Effect.provide(program, Toxics.layer(toxics)))
      expect(error).toMatchObject({ reason: { _tag: "ConnectionReset" } })
    }).pipe(Effect.provide(NodeNetwork.layer), quiet))

  it.effect("fails over a network that has no platform", () =>
    Effect.gen(function*() {
      const die = () => Effect.die("unused")
      const network = Layer.succeed(Network.Network, { connect: die, listen: die, bind: die })
      const toxic = Layer.provide(Toxics.layer(yield* Toxics.make()), network)
      const error = yield* Effect.flip(Effect.scoped(Layer.build(toxic)))
      expect(error.reason._tag).toBe("Unsupported")
    }))
})

describe("Toxics.make", () => {
  it.effect("refuses invalid options, and keeps those that it has", () =>
    Effect.gen(function*() {
      const bad: ReadonlyArray<Toxics.Options> = [
        { latency: -1 },
        { jitter: "soon" as "1 second" },
        { bandwidth: 0 },
        { bandwidth: "fast" as "1 MiB" },
        { slice: 0 },
        { resetAfter: -1 },
        { limit: 0.5 },
        { timeout: -1 }
      ]
      const toxics = yield* Toxics.make({ slice: 9 })
      for (const options of bad) {
        expect((yield* Effect.flip(Toxics.make(options))).reason._tag).toBe("InvalidOption")
        yield* Effect.flip(toxics.set(options))
      }
      expect(yield* toxics.options).toEqual({ slice: 9 })
    }))
})
