import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import type * as Link from "@sluice/simulation/Link"
import * as SimDns from "@sluice/simulation/SimDns"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"

const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const before = yield* millis
    const value = yield* effect
    return [value, (yield* millis) - before] as const
  })

/** Runs a program with a server that echoes. */
const withEcho = <A, E>(
  use: (server: Host.Host, client: Host.Host) => Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>,
  link: Link.Options = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, { segmentation: 0, ...link })
    yield* Host.serve(server, Server.layer({ listen: "tcp://[::]:7" }, (c) => Connection.pipeTo(c, c)))
    return yield* use(server, client)
  }))

const record = <A, E>(program: Effect.Effect<A, E, SimNetwork.SimNetwork>, options?: Simulation.Options) =>
  Effect.provideService(Simulation.record(program, options), References.MinimumLogLevel, "None")

const run = <A, E>(program: Effect.Effect<A, E, SimNetwork.SimNetwork>, options?: Simulation.Options) =>
  Effect.flatMap(record(program, options), ({ exit }) => exit)

const connect = (endpoint: string, options?: Parameters<typeof Network.connect>[1]) =>
  Network.connect(endpoint, options)

const echo = (connection: Connection.Connection, text: string) =>
  Effect.gen(function*() {
    yield* Connection.writeText(connection, text)
    return new TextDecoder().decode(yield* Connection.readExactly(connection, text.length))
  })

/** Why an effect fails with a network error, as its tag. */
const why = <A, R>(effect: Effect.Effect<A, NetworkError.NetworkError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

/** What came of datagrams that a sent to b, one each millisecond: whether each arrived. */
const arrivals = (link: Link.Options, count: number) =>
  Effect.map(
    record(
      Effect.scoped(Effect.gen(function*() {
        const [a, b] = yield* SimNetwork.hosts("a", "b")
        yield* SimNetwork.link(a, b, link)
        yield* Effect.provide(Network.bind("udp://0.0.0.0:9", { queueCapacity: count }), Host.layer(b))
        const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(a))
        for (let index = 0; index < count; index++) {
          yield* UdpSocket.send(sender, "x", "10.0.0.2:9")
          yield* Effect.sleep(1)
        }
      }))
    ),
    ({ trace }) => trace.records.flatMap((record) => record._tag === "Datagram" ? [record.fate === "arrives"] : [])
  )

describe("bursts of loss", () => {
  it.effect("lose as much as single losses would, in runs as long as they say", () =>
    Effect.gen(function*() {
      const all = yield* arrivals({ bursts: { start: 0.01, stop: 0.1 } }, 20_000)
      const lost = all.filter((arrived) => !arrived).length
      const bursts = all.filter((arrived, index) => !arrived && all[index - 1] !== false).length
      // The share of time in the bad state: start / (start + stop).
      expect(Math.abs(lost / all.length - 0.01 / 0.11)).toBeLessThan(0.02)
      expect(Math.abs(lost / bursts - 10)).toBeLessThan(1.5)
      const partly = yield* arrivals({ bursts: { start: 0.5, stop: 0.01, loss: 0.3 } }, 5000)
      expect(Math.abs(partly.filter((arrived) => !arrived).length / 5000 - 0.3)).toBeLessThan(0.05)
      expect(yield* arrivals({ bursts: false }, 10)).not.toContain(false)
    }))
})

describe("a middlebox", () => {
  const idle = (late: "drop" | "reset") =>
    withEcho((_, client) =>
      Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* connect("tcp://10.0.0.1:7")
          yield* echo(connection, "a")
          yield* Effect.sleep("4 minutes")
          const early = yield* echo(connection, "b")
          yield* Effect.sleep("6 minutes")
          const [late, after] = yield* timed(Effect.result(Effect.timeoutOption(echo(connection, "c"), "30 seconds")))
          const again = yield* Effect.flatMap(connect("tcp://10.0.0.1:7"), (fresh) => echo(fresh, "d"))
          return [early, late._tag === "Success" ? late.success._tag : "Failure", after, again]
        }))
      ), { middlebox: { idleTimeout: "5 minutes", late } })

  it.effect("forgets idle connections silently, or with a reset, and lets new ones pass", () =>
    Effect.gen(function*() {
      const silent = yield* record(idle("drop"))
      expect(yield* silent.exit).toEqual(["b", "None", 30_000, "d"])
      expect(silent.trace.records.some((each) => "fate" in each && each.fate === "forgotten")).toBe(true)
      expect(yield* run(idle("reset"))).toEqual(["b", "Failure", 1, "d"])
    }))

  it.effect("lets the sender of the first datagram begin again, and nobody else", () =>
    Effect.gen(function*() {
      const received = yield* run(Effect.scoped(Effect.gen(function*() {
        const [inside, outside] = yield* SimNetwork.hosts("inside", "outside")
        yield* SimNetwork.link(inside, outside, { middlebox: { idleTimeout: "30 seconds" } })
        const a = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(inside))
        const b = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(outside))
        const send = (from: UdpSocket.UdpSocket, to: string, text: string) =>
          Effect.andThen(UdpSocket.send(from, text, to), Effect.sleep(10))
        yield* send(a, "10.0.0.2:9", "one")
        yield* send(b, "10.0.0.1:9", "two")
        yield* Effect.sleep("1 minute")
        yield* send(b, "10.0.0.1:9", "three")
        yield* send(a, "10.0.0.2:9", "four")
        yield* send(b, "10.0.0.1:9", "five")
        const texts = (socket: UdpSocket.UdpSocket) =>
          Effect.map(UdpSocket.receiveAll(socket), (all) => all.map(({ payload }) => new TextDecoder().decode(payload)))
        return [yield* texts(a), yield* texts(b)]
      })))
      expect(received).toEqual([["two", "five"], ["one", "four"]])
    }))
})

describe("an uplink", () => {
  /** Milliseconds until both clients have sent a megabyte. */
  const upload = (shared: boolean) =>
    run(Effect.scoped(Effect.gen(function*() {
      const [server, ...clients] = yield* SimNetwork.hosts("server", "alice", "bob")
      yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, Connection.readAll))
      if (shared) yield* SimNetwork.uplink(clients, { bandwidth: 8_000_000 })
      else for (const client of clients) yield* SimNetwork.uplink([client], { bandwidth: 8_000_000 })
      const send = Effect.scoped(Effect.gen(function*() {
        const connection = yield* connect("server:7")
        yield* Connection.write(connection, new Uint8Array(1_000_000))
        yield* Connection.end(connection)
        yield* Connection.readAll(connection)
      }))
      const all = Effect.all(clients.map((client) => Host.run(client, send)), { concurrency: 2 })
      const [, millis] = yield* timed(all)
      // What stays inside does not pass the uplink.
      const [alice, bob] = clients
      yield* Host.serve(bob, Server.layer({ listen: "tcp://0.0.0.0:8" }, (c) => Connection.pipeTo(c, c)))
      const inside = yield* timed(Host.run(
        alice,
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* connect("bob:8")
          yield* Connection.write(connection, new Uint8Array(100_000))
          yield* Connection.readExactly(connection, 100_000)
        }))
      ))
      return [millis, inside[1]]
    })))

  it.effect("is shared by its hosts: two megabytes take two seconds at a megabyte a second", () =>
    Effect.gen(function*() {
      const [shared, inside] = yield* upload(true)
      const [alone, outside] = yield* upload(false)
      expect(shared).toBeGreaterThan(2000)
      expect(shared).toBeLessThan(4000)
      expect(alone).toBeGreaterThan(1000)
      expect(alone).toBeLessThan(shared! * 0.7)
      expect(inside).toBeLessThan(100)
      expect(outside).toBeGreaterThan(100)
    }))
})

describe("a network with faults", () => {
  it.effect("of IPv6 alone: clients that try both families connect by IPv4 a moment later", () =>
    Effect.gen(function*() {
      const result = yield* run(withEcho((server, client) =>
        Effect.gen(function*() {
          yield* Fault.partitionIpv6(server, client)
          yield* SimDns.set("both", ["fd00::1", "10.0.0.1"])
          return yield* Host.run(
            client,
            Effect.scoped(Effect.gen(function*() {
              const [connection, took] = yield* timed(connect("both:7"))
              const only = yield* why(connect("tcp://[fd00::1]:7", { connectTimeout: "5 seconds" }))
              return [
                JSON.stringify(connection.remoteAddress).includes("10.0.0.1"),
                took,
                only
              ]
            }))
          )
        })
      ))
      expect(result).toEqual([true, 252, "TimedOut"])
    }))

  it.effect("unreachable: connecting fails at once; an open connection gives up for that reason; lost ICMP is silence", () =>
    Effect.gen(function*() {
      const result = yield* run(withEcho((server, client) =>
        Host.run(
          client,
          Effect.scoped(Effect.gen(function*() {
            const connection = yield* connect("tcp://10.0.0.1:7")
            yield* echo(connection, "a")
            yield* Fault.unreachable(server, client)
            const [fresh, took] = yield* timed(why(Effect.scoped(connect("tcp://10.0.0.1:7"))))
            const [open, until] = yield* timed(why(echo(connection, "b")))
            yield* Fault.rule(({ protocol }) => protocol === "icmp", "drop")
            const silent = yield* why(Effect.scoped(connect("tcp://10.0.0.1:7", { connectTimeout: "5 seconds" })))
            return [fresh, took, open, until > 900_000, silent]
          }))
        )
      ))
      expect(result).toEqual(["Unreachable", 1, "Unreachable", true, "TimedOut"])
    }))

  it.effect("that is unreachable for a while costs an open connection nothing but time", () =>
    Effect.gen(function*() {
      const result = yield* run(withEcho((server, client) =>
        Host.run(
          client,
          Effect.scoped(Effect.gen(function*() {
            const connection = yield* connect("tcp://10.0.0.1:7")
            yield* Effect.forkChild(
              Effect.scoped(Effect.andThen(Fault.unreachable(server, client), Effect.sleep("1 minute")))
            )
            yield* Effect.sleep(10)
            return yield* echo(connection, "b")
          }))
        )
      ))
      expect(result).toBe("b")
    }))

  it.effect("that resets: open connections break at both ends, new ones are refused, and later all is well", () =>
    Effect.gen(function*() {
      const result = yield* run(withEcho((server, client) =>
        Host.run(
          client,
          Effect.scoped(Effect.gen(function*() {
            const connection = yield* connect("tcp://10.0.0.1:7")
            yield* echo(connection, "a")
            const during = yield* Effect.scoped(Effect.gen(function*() {
              yield* Fault.reset(server, client)
              return [yield* why(echo(connection, "b")), yield* why(connect("tcp://10.0.0.1:7"))]
            }))
            const after = yield* Effect.flatMap(connect("tcp://10.0.0.1:7"), (fresh) => echo(fresh, "c"))
            return [...during, after]
          }))
        )
      ))
      expect(result).toEqual(["ConnectionReset", "ConnectionRefused", "c"])
    }))
})

describe("the descriptors of a host", () => {
  it.effect("run out for clients, UDP sockets and servers, and come back", () =>
    Effect.gen(function*() {
      const result = yield* run(withEcho((server) =>
        Effect.gen(function*() {
          const small = yield* SimNetwork.host("small", { descriptors: 2 })
          const open = connect("server:7")
          const inside = yield* Host.run(
            small,
            Effect.scoped(Effect.gen(function*() {
              yield* open
              const udp = yield* Network.bind("udp://0.0.0.0:0")
              const tags = [
                yield* why(open),
                yield* why(Network.bind("udp://0.0.0.0:0")),
                yield* why(Network.listen("tcp://0.0.0.0:0"))
              ]
              return [...tags, udp.address.port > 0]
            }))
          )
          // A refused connection and the end of a process free theirs.
          for (let round = 0; round < 5; round++) {
            yield* why(Effect.scoped(Effect.provide(connect("server:9"), Host.layer(small))))
          }
          yield* Effect.scoped(Fault.crash(small))
          const again = yield* Host.run(small, Effect.scoped(Effect.andThen(open, open)))
          // The server has two: its listener and one connection.
          yield* Fault.descriptors(server, 2)
          const ask = Effect.scoped(Effect.flatMap(open, (connection) => echo(connection, "x")))
          const [client, other] = yield* SimNetwork.hosts("client", "other")
          const refused = yield* Host.run(
            client,
            Effect.scoped(Effect.gen(function*() {
              const first = yield* open
              yield* echo(first, "a")
              return yield* why(Host.run(other, ask))
            }))
          )
          yield* Effect.sleep("1 second")
          return [inside, again.id > 0, refused, yield* Host.run(other, ask)]
        })
      ))
      expect(result).toEqual([
        ["TooManyOpenFiles", "TooManyOpenFiles", "TooManyOpenFiles", true],
        true,
        "ConnectionReset",
        "x"
      ])
    }))
})

describe("names", () => {
  it.effect("fail, are slow, are stale and change, on one host and not on others", () =>
    Effect.gen(function*() {
      const result = yield* run(withEcho((_, client) =>
        Effect.gen(function*() {
          const other = yield* SimNetwork.host("other")
          const reach = (name: string) =>
            Effect.scoped(Effect.map(connect(`${name}:7`), ({ remoteAddress }) => JSON.stringify(remoteAddress)))
          yield* SimDns.set("service", ["10.0.0.1"])
          const failing = yield* Effect.scoped(Effect.gen(function*() {
            yield* SimDns.fail(client)
            const local = yield* why(Effect.scoped(Host.run(client, connect("localhost:7"))))
            return [
              yield* why(Host.run(client, reach("service"))),
              local,
              yield* Effect.isSuccess(Host.run(other, reach("service")))
            ]
          }))
          const slow = yield* Effect.scoped(
            Effect.andThen(SimDns.slow(client, "3 seconds"), timed(Host.run(client, reach("service"))))
          )
          const stale = yield* Effect.scoped(Effect.gen(function*() {
            yield* SimDns.stale(client)
            yield* SimDns.set("service", [])
            return [
              yield* Effect.isSuccess(Host.run(client, reach("service"))),
              yield* why(Host.run(other, reach("service")))
            ]
          }))
          const gone = yield* why(Host.run(client, reach("service")))
          const invalid = yield* why(SimDns.set("service", ["nowhere"]))
          return [failing, slow[1], stale, gone, invalid]
        })
      ))
      expect(result).toEqual([
        ["NameServerFailed", "ConnectionRefused", true],
        3004,
        [true, "HostNotFound"],
        "HostNotFound",
        "InvalidOption"
      ])
    }))
})

describe("a mesh of hosts", () => {
  it.effect("links that are not used cost little: 200 hosts are partitioned in halves and healed", () =>
    Effect.gen(function*() {
      const result = yield* run(Effect.gen(function*() {
        const hosts = yield* Effect.forEach(Array.from({ length: 200 }), (_, index) => SimNetwork.host(`host${index}`))
        const half = hosts.slice(0, 100)
        const from = (host: Host.Host) => Effect.scoped(Effect.provide(connect("host150:1"), Host.layer(host)))
        const apart = yield* Effect.scoped(Effect.andThen(
          Fault.partition(half, hosts.slice(100)),
          why(Effect.timeoutOrElse(from(half[0]!), { duration: "1 second", orElse: () => from(hosts[151]!) }))
        ))
        return [apart, yield* why(from(half[0]!))]
      }))
      expect(result).toEqual(["ConnectionRefused", "ConnectionRefused"])
    }))
})
