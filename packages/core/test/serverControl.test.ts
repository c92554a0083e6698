import { assert, describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as ServerLog from "@sluice/core/ServerLog"
import type * as ServerPolicy from "@sluice/core/ServerPolicy"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)

/** A server on a host of its own, and a client with several addresses. Each way takes a millisecond. */
const served = (
  options: Omit<Server.Options, "listen">,
  handler: Server.Handler<unknown, Scope.Scope> = echo
) =>
  Effect.gen(function*() {
    const host = yield* SimNetwork.host("server", { addresses: ["10.0.0.1", "2001:db8::1"] })
    const clients = yield* SimNetwork.host("clients", {
      addresses: ["10.0.0.2", "10.0.0.3", "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"]
    })
    yield* SimNetwork.link(host, clients, { latency: "1 millis" })
    const server = yield* Effect.provide(
      Server.make({ listen: "tcp://[::]:7", closeTimeout: "1 second", ...options }, handler),
      Host.layer(host)
    )
    // A client knows of its connection before the server does, which has it a moment later.
    const dial = (from = "10.0.0.2") =>
      Network.connect(from.includes(":") ? "tcp://[2001:db8::1]:7" : "tcp://10.0.0.1:7", { localAddress: from }).pipe(
        Effect.provide(Host.layer(clients)),
        Effect.tap(Effect.sleep("5 millis"))
      )
    return { server, dial }
  })

/** Long enough for what is in flight to arrive, and for nothing else. */
const settle = Effect.sleep("50 millis")

const exchange = Effect.fnUntraced(function*(client: Connection.Connection, said: string) {
  yield* Connection.writeText(client, said)
  expect(text(yield* Connection.readExactly(client, said.length))).toBe(said)
})

const reasonOf = <A, R>(effect: Effect.Effect<A, NetworkError.NetworkError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)

describe("Server.connections", () => {
  VitestSimulation.it(
    "says of each what there is to know",
    Effect.gen(function*() {
      const { dial, server } = yield* served({}, (connection) =>
        Effect.gen(function*() {
          yield* Connection.writeText(connection, "hello")
          const name = yield* Connection.readExactly(connection, 3)
          yield* Server.annotate("name", text(name))
          yield* Server.annotate("times", 1)
          yield* Server.annotate("times", 2)
          yield* echo(connection)
        }))
      const first = yield* dial()
      yield* Effect.sleep("1 minute")
      const second = yield* dial("2001:db8:0:1::2")
      yield* Connection.writeText(second, "Ada")
      yield* Effect.sleep("10 seconds")
      const open = yield* server.connections
      expect(open.map(({ remoteAddress }) => remoteAddress)).toEqual([first.localAddress, second.localAddress])
      expect(open.map(({ localAddress }) => NetAddress.formatSocketAddress(localAddress))).toEqual([
        "10.0.0.1:7",
        "[2001:db8::1]:7"
      ])
      expect(open.map(({ bytesIn }) => bytesIn)).toEqual([0, 3])
      expect(open.map(({ bytesOut }) => bytesOut)).toEqual([5, 5])
      expect(open.map(({ annotations }) => Array.from(annotations))).toEqual([[], [["name", "Ada"], ["times", 2]]])
      expect(open.map(({ connection, id }) => connection.id === id)).toEqual([true, true])
      expect(open[1]!.since - open[0]!.since).toBeGreaterThanOrEqual(60_000)
      expect(Math.round(Duration.toSeconds(open[0]!.idle))).toBe(70)
      expect(Math.round(Duration.toSeconds(open[1]!.idle))).toBe(10)
      yield* Connection.end(first)
      yield* settle
      expect((yield* server.connections).map(({ id }) => id)).toEqual([open[1]!.id])
    })
  )

  VitestSimulation.it(
    "is a snapshot, with idle times from what moved last, in or out",
    Effect.gen(function*() {
      const { dial, server } = yield* served(
        {},
        (connection) =>
          Effect.andThen(Connection.readExactly(connection, 1), ([first]) =>
            first === 0
              ? Effect.andThen(Effect.sleep("30 seconds"), Connection.writeText(connection, "late"))
              : Server.annotate("first", first)).pipe(Effect.andThen(Connection.readAll(connection)))
      )
      const hearing = yield* dial()
      yield* Connection.write(hearing, Uint8Array.of(0))
      const saying = yield* dial()
      yield* Effect.sleep("20 seconds")
      const before = yield* server.connections
      yield* Effect.sleep("10 seconds")
      yield* Connection.write(saying, Uint8Array.of(1))
      yield* Effect.sleep("10 seconds")
      const after = yield* server.connections
      expect(after.map(({ idle }) => Math.round(Duration.toSeconds(idle)))).toEqual([10, 10])
      expect(before.map(({ idle }) => Math.round(Duration.toSeconds(idle)))).toEqual([20, 20])
      expect(before.map(({ annotations }) => annotations.size)).toEqual([0, 0])
      expect(after.map(({ annotations }) => annotations.size)).toEqual([0, 1])
    })
  )

  VitestSimulation.it(
    "does not change what was annotated when it was asked for",
    Effect.gen(function*() {
      const { dial, server } = yield* served({}, (connection) =>
        Effect.forever(
          Effect.flatMap(Connection.readExactly(connection, 1), ([byte]) => Server.annotate(String(byte), true))
        ))
      const client = yield* dial()
      yield* Connection.write(client, Uint8Array.of(1))
      yield* settle
      const [before] = yield* server.connections
      yield* Connection.write(client, Uint8Array.of(2))
      yield* settle
      expect(Array.from(before!.annotations.keys())).toEqual(["1"])
    })
  )

  VitestSimulation.it(
    "annotate does nothing outside of a server",
    Server.annotate("nobody", "hears")
  )
})

describe("Server.close", () => {
  VitestSimulation.it(
    "ends one connection in order, its handler interrupted, and no other",
    Effect.gen(function*() {
      const exits: Array<boolean> = []
      const { dial, server } = yield* served(
        {},
        (connection) =>
          Connection.writeText(connection, "all that was written").pipe(
            Effect.andThen(echo(connection)),
            Effect.onExit((exit) => Effect.sync(() => exits.push(Exit.hasInterrupts(exit))))
          )
      )
      const doomed = yield* dial()
      const bystander = yield* dial()
      yield* Connection.readExactly(bystander, 20)
      yield* settle
      const [open] = yield* server.connections
      expect(open!.remoteAddress).toEqual(doomed.localAddress)
      expect(yield* server.close(open!.id)).toBe(true)
      expect(text(yield* Connection.readAll(doomed))).toBe("all that was written")
      expect(exits).toEqual([true])
      expect((yield* Connection.closed(open!.connection))._tag).toBe("Ended")
      yield* exchange(bystander, "still here")
      expect(yield* server.close(open!.id)).toBe(false)
      expect((yield* server.connections).length).toBe(1)
    }),
    { seeds: 10 }
  )

  VitestSimulation.it(
    "can be asked for by the handler itself, with the first thing that it does",
    Effect.gen(function*() {
      const handle = yield* Deferred.make<Server.Server>()
      const { dial, server } = yield* served(
        {},
        ({ id }) => Effect.andThen(Effect.flatMap(Deferred.await(handle), (server) => server.close(id)), Effect.never)
      )
      yield* Deferred.succeed(handle, server)
      expect((yield* Connection.readAll(yield* dial())).length).toBe(0)
      yield* Effect.sleep("1 second")
      expect((yield* server.connections).length).toBe(0)
    }),
    { seeds: 10 }
  )
})

describe("Server.suspend", () => {
  VitestSimulation.it(
    "keeps the port and accepts nothing until resume; open connections are unaffected",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ backlog: 2 })
      const seen = yield* SubscriptionRef.changes(server.state).pipe(
        Stream.takeUntil((state) => state === "closed"),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const before = yield* dial()
      yield* exchange(before, "before")
      yield* server.suspend
      yield* server.suspend
      expect(yield* SubscriptionRef.get(server.state)).toBe("suspended")
      const waiting = yield* dial()
      yield* dial()
      yield* Connection.writeText(waiting, "patience")
      yield* settle
      // The backlog is full now.
      expect(yield* reasonOf(Effect.flatMap(dial(), Connection.read))).toBe("ConnectionReset")
      yield* exchange(before, "unharmed")
      yield* Effect.sleep("1 minute")
      expect((yield* server.connections).length).toBe(1)
      yield* server.resume
      yield* server.resume
      expect(text(yield* Connection.readExactly(waiting, 8))).toBe("patience")
      expect((yield* server.connections).length).toBe(3)
      yield* exchange(yield* dial(), "anew")
      yield* server.drain
      yield* server.suspend
      yield* server.resume
      expect(yield* Fiber.join(seen)).toEqual(["listening", "suspended", "listening", "draining", "closed"])
      expect(yield* SubscriptionRef.get(server.state)).toBe("closed")
    }),
    { seeds: 10 }
  )

  VitestSimulation.it(
    "accepts nothing when it ends by draining, whatever is changed then",
    Effect.gen(function*() {
      const update: ReturnType<Server.Server["update"]> = Effect.suspend(() => server.update({ maxConnections: 10 }))
      const log = ServerLog.make(["Draining"], () => Effect.ignore(update))
      const { dial, server } = yield* Effect.provideService(served({ drain: 0 }), ServerLog.CurrentServerLog, log)
      yield* server.suspend
      yield* dial()
      expect(yield* server.drain).toEqual({ ended: 0, cut: 0 })
    })
  )

  VitestSimulation.it(
    "does not hold up draining, which resets those who wait",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ drain: "1 hour" })
      yield* server.suspend
      const waiting = yield* dial()
      yield* settle
      expect(yield* server.drain).toEqual({ ended: 0, cut: 0 })
      expect(yield* reasonOf(Connection.read(waiting))).toBe("ConnectionReset")
    })
  )
})

describe("Server.resume", () => {
  VitestSimulation.it(
    "reports the state when a handler that it starts suspends the server again",
    Effect.gen(function*() {
      const suspend: Effect.Effect<void> = Effect.suspend(() => server.suspend)
      const { dial, server } = yield* served({}, (connection) => Effect.andThen(suspend, echo(connection)))
      yield* server.suspend
      const dialled = [yield* dial(), yield* dial()]
      yield* server.resume
      expect(yield* SubscriptionRef.get(server.state)).toBe("suspended")
      expect((yield* server.connections).length).toBe(1)
      yield* server.resume
      yield* exchange(dialled[1]!, "in")
      expect((yield* server.connections).length).toBe(2)
    })
  )

  VitestSimulation.it(
    "keeps a limit that a handler sets while others are being accepted",
    Effect.gen(function*() {
      const update: ReturnType<Server.Server["update"]> = Effect.suspend(() => server.update({ maxConnections: 1 }))
      const { dial, server } = yield* served({}, (connection) => Effect.andThen(update, echo(connection)))
      yield* server.suspend
      for (let i = 0; i < 3; i++) yield* dial()
      yield* server.resume
      expect((yield* server.connections).length).toBe(1)
    })
  )
})

describe("Server.update", () => {
  VitestSimulation.it(
    "gives open connections new deadlines, shorter and longer ones, and none",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ idleTimeout: "1 minute" })
      const client = yield* dial()
      yield* exchange(client, "x")
      yield* Effect.sleep("50 seconds")
      yield* server.update({ idleTimeout: "2 minutes" })
      yield* Effect.sleep("50 seconds")
      yield* exchange(client, "longer")
      yield* server.update({ idleTimeout: undefined })
      yield* Effect.sleep("1 hour")
      yield* exchange(client, "none")
      yield* Effect.sleep("30 seconds")
      yield* server.update({ maxConnections: 5 })
      yield* Effect.sleep("30 seconds")
      const [open] = yield* server.connections
      yield* server.update({ idleTimeout: "59 seconds" })
      yield* settle
      expect((yield* server.connections).length).toBe(0)
      expect(yield* Connection.closed(open!.connection)).toMatchObject({
        _tag: "Failed",
        error: { reason: { _tag: "TimedOut", deadline: "idle", after: 59_000 } }
      })
      expect(yield* reasonOf(Connection.read(client))).toBe("ConnectionReset")
    })
  )

  VitestSimulation.it(
    "counts a lifetime from when the connection was accepted",
    Effect.gen(function*() {
      const { dial, server } = yield* served({}, () => Effect.never)
      yield* dial()
      yield* Effect.sleep("50 seconds")
      const [open] = yield* server.connections
      yield* server.update({ maxLifetime: "1 minute" })
      yield* Effect.sleep("9900 millis")
      expect((yield* server.connections).length).toBe(1)
      yield* Effect.sleep("150 millis")
      expect((yield* server.connections).length).toBe(0)
      expect(yield* Connection.closed(open!.connection)).toMatchObject({
        error: { reason: { deadline: "lifetime", after: 60_000 } }
      })
    })
  )

  VitestSimulation.it(
    "lowers maxConnections without closing connections, and accepts waiting ones when it rises",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ maxConnections: 2 })
      const [one, two] = [yield* dial(), yield* dial()]
      yield* server.update({ maxConnections: 1 })
      const three = yield* dial()
      yield* Connection.writeText(three, "waiting")
      yield* settle
      yield* exchange(one, "one")
      yield* exchange(two, "two")
      yield* Connection.end(two)
      yield* settle
      expect((yield* server.connections).map(({ remoteAddress }) => remoteAddress)).toEqual([one.localAddress])
      yield* server.update({ maxConnections: 2 })
      expect(text(yield* Connection.readExactly(three, 7))).toBe("waiting")
    }),
    { seeds: 10 }
  )

  VitestSimulation.it(
    "counts who is in already by address, whatever was counted before",
    Effect.gen(function*() {
      const { dial, server } = yield* served({})
      const first = yield* dial("10.0.0.2")
      yield* dial("10.0.0.2")
      yield* settle
      yield* server.update({ maxConnectionsPerAddress: 2 })
      expect(yield* reasonOf(Effect.flatMap(dial("10.0.0.2"), Connection.read))).toBe("ConnectionReset")
      yield* exchange(yield* dial("10.0.0.3"), "another")
      yield* Connection.end(first)
      yield* settle
      yield* exchange(yield* dial("10.0.0.2"), "a place is free")
      yield* exchange(yield* dial("2001:db8:0:1::1"), "six")
      yield* server.update({ maxConnectionsPerAddress: 1 })
      expect(yield* reasonOf(Effect.flatMap(dial("2001:db8:0:1::2"), Connection.read))).toBe("ConnectionReset")
      yield* server.update({ ipv6PrefixLength: 128 })
      yield* exchange(yield* dial("2001:db8:0:1::2"), "seven")
    })
  )

  VitestSimulation.it(
    "changes who may connect, and nothing for those who are in",
    Effect.gen(function*() {
      const { dial, server } = yield* served({})
      const first = yield* dial("10.0.0.2")
      yield* server.update({ deny: ["10.0.0.2"] })
      expect(yield* reasonOf(Effect.flatMap(dial("10.0.0.2"), Connection.read))).toBe("ConnectionReset")
      yield* exchange(first, "unharmed")
      yield* server.update({ deny: undefined, acceptRate: { perSecond: 1, burst: 1 } })
      yield* exchange(yield* dial("10.0.0.2"), "forgiven")
      expect(yield* reasonOf(Effect.flatMap(dial("10.0.0.3"), Connection.read))).toBe("ConnectionReset")
      yield* Effect.sleep("1 second")
      yield* exchange(yield* dial("10.0.0.3"), "in turn")
    })
  )

  VitestSimulation.it(
    "changes nothing when one of its options is invalid",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ maxConnections: 1 })
      const rejected = (changes: ServerPolicy.ServerPolicy) =>
        Effect.map(Effect.flip(server.update(changes)), (error) => error.reason)
      expect(yield* rejected({ maxConnections: 5, idleTimeout: 0 })).toMatchObject({ option: "idleTimeout" })
      expect(yield* rejected({ maxConnections: 5, deny: ["10.0.0.1/8"] })).toMatchObject({ option: "deny" })
      yield* dial()
      yield* dial()
      yield* settle
      expect((yield* server.connections).length).toBe(1)
    })
  )

  VitestSimulation.it(
    "changes how long draining waits",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ drain: "1 hour" }, () => Effect.never)
      yield* dial()
      yield* settle
      yield* server.update({ drain: "1 second" })
      const draining = Effect.timeout(server.drain, "10 seconds")
      expect(yield* draining).toEqual({ ended: 0, cut: 1 })
    })
  )
})

describe("Server.drain", () => {
  VitestSimulation.it(
    "gives connections that were idle before it as long as it says",
    Effect.gen(function*() {
      const { dial, server } = yield* served({ drain: { grace: "1 hour", idle: "1 second" } })
      const client = yield* dial()
      yield* Effect.sleep("1 minute")
      const begun = yield* Clock.currentTimeMillis
      yield* Effect.forkChild(server.drain)
      yield* Connection.readAll(client)
      expect((yield* Clock.currentTimeMillis) - begun).toBeGreaterThanOrEqual(1000)
    })
  )
})

describe("maxConnectionsPerAddress", () => {
  VitestSimulation.it(
    "counts IPv6 by /64, unless another prefix length is given",
    Effect.gen(function*() {
      const { dial } = yield* served({ maxConnectionsPerAddress: 1 })
      yield* exchange(yield* dial("2001:db8:0:1::1"), "first")
      expect(yield* reasonOf(Effect.flatMap(dial("2001:db8:0:1::2"), Connection.read))).toBe("ConnectionReset")
      yield* exchange(yield* dial("2001:db8:0:2::1"), "another network")
      yield* exchange(yield* dial("10.0.0.2"), "IPv4")
      yield* exchange(yield* dial("10.0.0.3"), "is counted by address")
    })
  )
})

describe("filters", () => {
  VitestSimulation.it(
    "refuse before a byte is read, and take no place",
    Effect.gen(function*() {
      let served_ = 0
      const { dial, server } = yield* served({ allow: ["10.0.0.3", "2001:db8:0:2::/64"], maxConnections: 2 }, (c) => {
        served_++
        return echo(c)
      })
      for (const from of ["10.0.0.2", "2001:db8:0:1::1", "10.0.0.2"]) {
        const exit = yield* Effect.exit(
          Effect.flatMap(
            dial(from),
            (client) => Effect.andThen(Connection.writeText(client, "hello"), Connection.read(client))
          )
        )
        expect(Exit.isFailure(exit) && (Cause.squash(exit.cause) as NetworkError.NetworkError).reason._tag)
          .toBe("ConnectionReset")
      }
      yield* exchange(yield* dial("10.0.0.3"), "allowed")
      yield* exchange(yield* dial("2001:db8:0:2::1"), "so is this")
      expect(served_).toBe(2)
      expect((yield* server.connections).length).toBe(2)
    }),
    { seeds: 5 }
  )
})

describe("a server without a handle", () => {
  /** A server as a Layer, a way to reach it, and one to end it. */
  const layered = Effect.fnUntraced(function*(options: Omit<Server.Options, "listen">) {
    const [host, clients] = yield* SimNetwork.hosts("server", "clients")
    const scope = yield* Scope.make()
    yield* Layer.build(Server.layer({ listen: "tcp://0.0.0.0:7", ...options }, echo)).pipe(
      Effect.provide(Host.layer(host)),
      Scope.provide(scope)
    )
    return {
      dial: Effect.provide(Network.connect("server:7"), Host.layer(clients)),
      end: Scope.close(scope, Exit.void)
    }
  })

  VitestSimulation.it(
    "spares connections on which something moves while it drains, and gives the others as long as it says",
    Effect.gen(function*() {
      const { dial, end } = yield* layered({ drain: { grace: "1 hour", idle: "1 second" } })
      const silent = yield* dial
      const talking = yield* dial
      yield* Effect.sleep("1 minute")
      const begun = yield* Clock.currentTimeMillis
      const draining = yield* Effect.forkChild(end)
      const ended = yield* Effect.forkChild(Effect.andThen(Connection.readAll(silent), Clock.currentTimeMillis))
      for (let second = 0; second < 10; second++) {
        yield* exchange(talking, "still here")
        yield* Effect.sleep("700 millis")
      }
      const waited = (yield* Fiber.join(ended)) - begun
      expect(waited).toBeGreaterThanOrEqual(1000)
      expect(waited).toBeLessThan(1100)
      yield* exchange(talking, "last words")
      expect((yield* Connection.readAll(talking)).length).toBe(0)
      yield* Connection.end(talking)
      yield* Connection.end(silent)
      yield* Fiber.join(draining)
    })
  )

  VitestSimulation.it(
    "keeps its deadlines, from whatever moved last",
    Effect.gen(function*() {
      const { dial } = yield* layered({ idleTimeout: "1 minute" })
      const client = yield* dial
      for (let minute = 0; minute < 3; minute++) {
        yield* Effect.sleep("50 seconds")
        yield* exchange(client, "still here")
      }
      yield* Effect.sleep("61 seconds")
      expect(yield* reasonOf(Connection.read(client))).toBe("ConnectionReset")
    })
  )

  VitestSimulation.it(
    "does not watch the deadlines of connections that are closed",
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.gen(function*() {
        const { dial } = yield* layered({ maxLifetime: "1 hour" })
        yield* Effect.scoped(dial)
        yield* Effect.never
      }))
      assert(Exit.isFailure(run.exit))
      expect(Cause.squash(run.exit.cause)).toMatchObject({ _tag: "SimulationDeadlock" })
      expect(Duration.toSeconds(run.elapsed)).toBeLessThan(600)
    })
  )
})
