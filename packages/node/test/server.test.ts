import { describe, expect, layer } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import type * as Tracer from "effect/Tracer"
import * as NodeNetwork from "../src/NodeNetwork.ts"

// The sockets here are the kernel's, and what they do is waited for. Time is virtual: only `TestClock.adjust` moves the
// deadlines, so each test ends what it began rather than leaving it to a deadline.
const listen = "tcp://127.0.0.1:0"

const dial = (address: NetAddress.SocketAddress) => Network.connect(Endpoint.fromAddress(address))

// The kernel may tell of the reset as early as in `connect`.
const refusal = (address: NetAddress.SocketAddress) => reasonOf(Effect.flatMap(dial(address), Connection.read))

const reasonOf = <A, R>(effect: Effect.Effect<A, NetworkError.NetworkError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

/** A handler that says when it has begun and how it ended, and does as it is told in between. */
const observed = <E>(handle: (connection: Connection.Connection) => Effect.Effect<unknown, E>) =>
  Effect.gen(function*() {
    const begun = yield* Queue.unbounded<Connection.Connection>()
    const ended = yield* Queue.unbounded<Exit.Exit<unknown, E>>()
    return {
      begun: Queue.take(begun),
      ended: Queue.take(ended),
      waiting: Queue.size(begun),
      handler: (connection: Connection.Connection) =>
        Effect.suspend(() => {
          Queue.offerUnsafe(begun, connection)
          return Effect.onExit(handle(connection), (exit) => Queue.offer(ended, exit))
        })
    }
  })

const untilEnd = (connection: Connection.Connection) => Connection.readAll(connection)

layer(NodeNetwork.layer)("Server", (it) => {
  describe("limits", () => {
    it.effect("leave more than maxConnections unread until there is room", () =>
      Effect.gen(function*() {
        const { begun, ended, handler, waiting } = yield* observed(untilEnd)
        const server = yield* Server.make({ listen, maxConnections: 2 }, handler)
        const first = yield* dial(server.address)
        yield* begun
        yield* dial(server.address)
        yield* begun
        const third = yield* dial(server.address)
        yield* Connection.writeText(third, "patience")
        expect((yield* server.connections).length).toBe(2)
        expect(yield* waiting).toBe(0)
        yield* Connection.end(first)
        expect(Exit.isSuccess(yield* ended)).toBe(true)
        expect((yield* begun).remoteAddress).toEqual(third.localAddress)
        yield* Connection.end(third)
        const exit = yield* ended
        expect(Exit.isSuccess(exit) && new TextDecoder().decode(exit.value as Uint8Array)).toBe("patience")
      }))

    it.effect("refuse more than maxConnections with a reset, and harm nobody who is in", () =>
      Effect.gen(function*() {
        const { begun, handler } = yield* observed((connection) => Connection.pipeTo(connection, connection))
        const server = yield* Server.make({ listen, maxConnections: 1, whenFull: "refuse" }, handler)
        const first = yield* dial(server.address)
        yield* begun
        expect((yield* refusal(server.address))._tag).toBe("ConnectionReset")
        yield* Connection.writeText(first, "fine")
        expect(new TextDecoder().decode(yield* Connection.readExactly(first, 4))).toBe("fine")
      }))

    it.effect("count by address, and free the place when a connection ends", () =>
      Effect.gen(function*() {
        const { begun, ended, handler } = yield* observed(untilEnd)
        const server = yield* Server.make({ listen, maxConnectionsPerAddress: 1 }, handler)
        const first = yield* dial(server.address)
        yield* begun
        expect((yield* refusal(server.address))._tag).toBe("ConnectionReset")
        yield* Connection.end(first)
        yield* ended
        yield* Connection.closed(first)
        yield* Effect.repeat(Effect.yieldNow, {
          until: () => Effect.map(server.connections, (open) => open.length === 0)
        })
        yield* dial(server.address)
        yield* begun
      }))
  })

  describe("deadlines", () => {
    const breaks = (
      policy: Partial<Server.Options>,
      deadline: NetworkError.TimedOut["deadline"],
      handle: (connection: Connection.Connection) => Effect.Effect<unknown, NetworkError.NetworkError>
    ) =>
      Effect.gen(function*() {
        const { begun, ended, handler } = yield* observed(handle)
        const server = yield* Server.make({ listen, ...policy }, handler)
        const client = yield* dial(server.address)
        const connection = yield* begun
        yield* TestClock.adjust(59_999)
        expect((yield* server.connections).length).toBe(1)
        yield* TestClock.adjust(1)
        const exit = yield* ended
        expect(yield* Connection.closed(connection)).toMatchObject({
          _tag: "Failed",
          error: { reason: { _tag: "TimedOut", deadline, after: 60_000 } }
        })
        expect((yield* reasonOf(Connection.readAll(client, { limit: 1e9 })))._tag).toBe("ConnectionReset")
        return exit
      })

    it.effect("idleTimeout breaks a silent connection", () =>
      Effect.map(breaks({ idleTimeout: "1 minute" }, "idle", untilEnd), (exit) => {
        expect(Exit.isFailure(exit)).toBe(true)
      }))

    it.effect("readTimeout breaks a connection that a fiber reads from", () =>
      breaks({ readTimeout: "1 minute" }, "read", (connection) => Connection.read(connection)))

    it.effect("readTimeout breaks a connection that is piped", () =>
      breaks({ readTimeout: "1 minute" }, "read", (connection) => Connection.pipeTo(connection, connection)))

    it.effect("writeTimeout breaks a connection whose peer takes nothing", () =>
      Effect.gen(function*() {
        const { begun, ended, handler } = yield* observed((connection) =>
          Effect.forever(Connection.write(connection, new Uint8Array(1 << 20)))
        )
        const server = yield* Server.make({ listen, writeTimeout: "1 minute" }, handler)
        yield* dial(server.address)
        const connection = yield* begun
        // The time runs from when the kernel's buffers are full, which only the kernel knows.
        yield* Effect.raceFirst(ended, Effect.forever(Effect.andThen(TestClock.adjust("1 minute"), turn)))
        expect(yield* Connection.closed(connection)).toMatchObject({
          _tag: "Failed",
          error: { reason: { _tag: "TimedOut", deadline: "write", after: 60_000 } }
        })
      }))

    it.effect("maxLifetime interrupts the handler, whatever it waits for", () =>
      Effect.map(breaks({ maxLifetime: "1 minute" }, "lifetime", () => Effect.never), (exit) => {
        expect(Exit.hasInterrupts(exit)).toBe(true)
      }))

    it.effect("idleTimeout runs anew from whatever moves", () =>
      Effect.gen(function*() {
        const { begun, handler } = yield* observed((connection) => Connection.pipeTo(connection, connection))
        const server = yield* Server.make({ listen, idleTimeout: "1 minute" }, handler)
        const client = yield* dial(server.address)
        const connection = yield* begun
        for (let minute = 0; minute < 5; minute++) {
          yield* TestClock.adjust("50 seconds")
          yield* Connection.writeText(client, "x")
          yield* Connection.readExactly(client, 1)
        }
        yield* TestClock.adjust("60 seconds")
        expect((yield* Connection.closed(connection))._tag).toBe("Failed")
      }))

    it.effect("readTimeout does not run while nobody reads", () =>
      Effect.gen(function*() {
        const go = yield* Latch.make()
        const { begun, ended, handler } = yield* observed((connection) =>
          Effect.andThen(go.await, Connection.read(connection))
        )
        const server = yield* Server.make({ listen, readTimeout: "1 minute" }, handler)
        const client = yield* dial(server.address)
        yield* begun
        yield* TestClock.adjust("10 minutes")
        yield* Connection.writeText(client, "late but welcome")
        yield* go.open
        expect(Exit.isSuccess(yield* ended)).toBe(true)
      }))
  })

  describe("draining", () => {
    it.effect("loses no answer that is finished within the grace period, and cuts the rest", () =>
      Effect.gen(function*() {
        const answer = yield* Latch.make()
        const { begun, handler } = yield* observed((connection) =>
          Effect.flatMap(
            Connection.readExactly(connection, 1),
            (request) =>
              request[0] === 0
                ? Effect.never
                : Effect.andThen(answer.await, Connection.write(connection, new Uint8Array(5e6)))
          )
        )
        const server = yield* Server.make({ listen, drain: "30 seconds" }, handler)
        const busy = yield* dial(server.address)
        yield* Connection.write(busy, Uint8Array.of(1))
        yield* begun
        const stuck = yield* dial(server.address)
        yield* Connection.write(stuck, Uint8Array.of(0))
        yield* begun
        const draining = yield* Effect.forkChild(server.drain)
        yield* reached(server, "draining")
        expect((yield* reasonOf(dial(server.address)))._tag).toBe("ConnectionRefused")
        yield* answer.open
        expect((yield* Connection.readAll(busy)).length).toBe(5e6)
        yield* Connection.end(busy)
        yield* TestClock.adjust("30 seconds")
        expect((yield* reasonOf(Connection.read(stuck)))._tag).toBe("ConnectionReset")
        expect(yield* Fiber.join(draining)).toEqual({ ended: 1, cut: 1 })
        expect(yield* server.drain).toEqual({ ended: 1, cut: 1 })
        expect(yield* SubscriptionRef.get(server.state)).toBe("closed")
      }))

    it.effect("ends idle connections in order when told to", () =>
      Effect.gen(function*() {
        const { begun, handler } = yield* observed((connection) => Connection.pipeTo(connection, connection))
        const server = yield* Server.make({ listen, drain: { grace: "1 hour", idle: "1 second" } }, handler)
        const client = yield* dial(server.address)
        yield* begun
        const draining = yield* Effect.forkChild(server.drain)
        yield* reached(server, "draining")
        const read = yield* Effect.forkChild(Connection.readAll(client))
        yield* TestClock.adjust("1 second")
        expect((yield* Fiber.join(read)).length).toBe(0)
        yield* Connection.end(client)
        expect(yield* Fiber.join(draining)).toEqual({ ended: 1, cut: 0 })
      }))

    it.effect("can be asked for by a handler, which is cut with the others", () =>
      Effect.gen(function*() {
        const handle = yield* Deferred.make<Server.Server>()
        const server = yield* Server.make({ listen, drain: "1 second" }, () =>
          Effect.flatMap(Deferred.await(handle), (server) => server.drain))
        const client = yield* dial(server.address)
        yield* Deferred.succeed(handle, server)
        yield* reached(server, "draining")
        yield* TestClock.adjust("1 second")
        expect((yield* reasonOf(Connection.read(client)))._tag).toBe("ConnectionReset")
        expect(yield* server.drain).toEqual({ ended: 0, cut: 1 })
      }))

    it.effect("is told to the handlers, which can end between two messages", () =>
      Effect.gen(function*() {
        const { begun, handler } = yield* observed((connection) =>
          Effect.andThen(Server.draining, Connection.writeText(connection, "goodbye"))
        )
        const server = yield* Server.make({ listen }, handler)
        const client = yield* dial(server.address)
        yield* begun
        const draining = yield* Effect.forkChild(server.drain)
        expect(new TextDecoder().decode(yield* Connection.readAll(client))).toBe("goodbye")
        yield* Connection.end(client)
        expect(yield* Fiber.join(draining)).toEqual({ ended: 1, cut: 0 })
      }))
  })

  describe("failures", () => {
    it.effect("are logged with the peer's address and counted, and end their own connection only", () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const recorder = Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))])
        const fail = (connection: Connection.Connection): Effect.Effect<void, NetworkError.NetworkError | string> =>
          Effect.flatMap(
            Connection.readExactly(connection, 1),
            ([how]): Effect.Effect<void, NetworkError.NetworkError | string> =>
              how === 0
                ? Effect.die("out of cheese")
                : how === 1
                ? Effect.fail("no")
                : Connection.pipeTo(connection, connection)
          )
        yield* Effect.gen(function*() {
          const server = yield* Server.make({ listen }, fail)
          const good = yield* dial(server.address)
          yield* Connection.write(good, Uint8Array.of(2))
          for (const how of [0, 1]) {
            const client = yield* dial(server.address)
            yield* Connection.write(client, Uint8Array.of(how))
            expect((yield* reasonOf(Connection.read(client)))._tag).toBe("ConnectionReset")
          }
          yield* Connection.writeText(good, "still here")
          expect((yield* Connection.readExactly(good, 10)).length).toBe(10)
          expect(lines.filter((line) => line.includes("level=ERROR") && line.includes("peer=127.0.0.1:"))).toHaveLength(
            2
          )
          expect(lines.join("\n")).toContain("out of cheese")
          const failed = (yield* Metric.snapshot).find(({ id }) => id === "sluice_connections_failed")
          expect(failed).toBeDefined()
        }).pipe(Effect.provide(recorder))
      }))

    it.effect("of a policy are typed, and found before anything is bound", () =>
      Effect.gen(function*() {
        const rejected = (policy: Partial<Server.Options>) =>
          Effect.scoped(reasonOf(Server.make({ listen, ...policy }, untilEnd)))
        expect(yield* rejected({ maxConnections: 0 })).toMatchObject({
          _tag: "InvalidOption",
          option: "maxConnections"
        })
        expect(yield* rejected({ maxConnectionsPerAddress: 1.5 })).toMatchObject({ option: "maxConnectionsPerAddress" })
        expect(yield* rejected({ idleTimeout: 0 })).toMatchObject({ option: "idleTimeout" })
        expect(yield* rejected({ readTimeout: "soon" as never })).toMatchObject({
          option: "readTimeout",
          value: "soon"
        })
        expect(yield* rejected({ writeTimeout: -1 })).toMatchObject({ option: "writeTimeout" })
        expect(yield* rejected({ maxLifetime: Number.NaN })).toMatchObject({ option: "maxLifetime" })
        expect(yield* rejected({ drain: { grace: -1 } })).toMatchObject({ option: "drain.grace" })
        expect(yield* rejected({ whenFull: "explode" as never })).toMatchObject({ option: "whenFull" })
        expect(yield* rejected({ backlog: 0 })).toMatchObject({ option: "backlog" })
      }))
  })

  describe("spans", () => {
    it.effect("trace each connection when they are switched on, and only then", () =>
      Effect.gen(function*() {
        const spanOf = Effect.fnUntraced(function*(span: boolean) {
          const { ended, handler } = yield* observed(() => Effect.option(Effect.currentSpan))
          const server = yield* Server.make({ listen, span }, handler)
          const client = yield* dial(server.address)
          const found = yield* Effect.flatten(ended)
          yield* Connection.end(client)
          return {
            found: found as Option.Option<Tracer.Span>,
            peer: NetAddress.formatSocketAddress(client.localAddress)
          }
        })
        const traced = yield* spanOf(true)
        const span = Option.getOrThrow(traced.found)
        expect(span.name).toBe("Server.connection")
        expect(span.attributes.get("network.peer.address")).toBe(traced.peer)
        expect((yield* spanOf(false)).found).toEqual(Option.none())
      }))
  })

  describe("metrics", () => {
    it.effect("tell what is open, taken, refused and moved, by listening address", () =>
      Effect.gen(function*() {
        const { begun, handler } = yield* observed((connection) => Connection.pipeTo(connection, connection))
        const server = yield* Server.make({ listen, maxConnections: 1, whenFull: "refuse" }, handler)
        const client = yield* dial(server.address)
        yield* begun
        yield* Effect.exit(Effect.flatMap(dial(server.address), Connection.read))
        yield* Connection.writeText(client, "12345")
        yield* Connection.readExactly(client, 5)
        const port = (server.address as NetAddress.InetAddress).port
        const mine = (yield* Metric.snapshot).filter(({ attributes }) =>
          attributes?.address === `127.0.0.1:${port}` && (attributes.reason ?? "maxConnections") === "maxConnections"
        )
        expect(Object.fromEntries(mine.map(({ id, state }) => [id, "value" in state ? state.value : state])))
          .toMatchObject({
            sluice_connections_open: 1,
            sluice_connections_accepted: { count: 1 },
            sluice_connections_refused: { count: 1 },
            sluice_bytes_in: { count: 5 },
            sluice_bytes_out: { count: 5 }
          })
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
  })
})

/** A turn of the event loop, in which the kernel's events come in. */
const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

const reached = (server: Server.Server, wanted: Server.State) =>
  SubscriptionRef.changes(server.state).pipe(
    Stream.takeUntil((state) => state === wanted),
    Stream.runDrain
  )
