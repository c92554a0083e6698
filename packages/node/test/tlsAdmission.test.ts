import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Server from "@sluice/core/Server"
import type * as Tls from "@sluice/core/Tls"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as TestClock from "effect/testing/TestClock"
import * as Net from "node:net"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { connect, listen } from "./fixtures/handshake.ts"

const authority = await Effect.runPromise(Certificates.authority("Test CA"))
const certificate = await Effect.runPromise(authority.issue({ names: ["localhost"] }))
const client: Tls.ClientOptions = { authorities: authority.certificate }
const server: Tls.ServerOptions = { certificates: [certificate] }

/** A client that does not speak TLS: what it gets, until the server has had enough of it. */
const plain = (port: number, says: string | Buffer, end = false) =>
  Effect.callback<Buffer>((resume) => {
    const socket = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    const got: Array<Buffer> = []
    socket.on("connect", () => end ? socket.end(says) : socket.write(says))
    socket.on("data", (chunk: Buffer) => got.push(chunk))
    socket.on("error", () => {})
    socket.on("end", () => socket.destroy())
    socket.on("close", () => resume(Effect.succeed(Buffer.concat(got))))
    return Effect.sync(() => socket.destroy())
  })

/** A client that connects and does nothing; open once the server has accepted. */
const silent = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const socket = Net.connect({ port, host: "127.0.0.1" })
      socket.on("error", () => {})
      socket.on("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const exchange = Effect.fnUntraced(function*(connection: Connection.Connection, said: string) {
  yield* Connection.writeText(connection, said)
  expect(new TextDecoder().decode(yield* Connection.readExactly(connection, said.length))).toBe(said)
})

const echo = (options: Omit<Server.Options, "listen"> = {}) =>
  Effect.map(
    Server.make(
      { listen: "tls://127.0.0.1:0", tls: server, ...options },
      (connection) => Connection.pipeTo(connection, connection)
    ),
    (server) => ({ ...server, port: (server.address as NetAddress.InetAddress).port })
  )

const counted = (server: Server.Server, id: string) =>
  Effect.map(Metric.snapshot, (snapshots) => {
    const address = NetAddress.formatSocketAddress(server.address)
    const series = snapshots.filter((each) => each.id === id && each.attributes?.address === address)
    return series.reduce((sum, { state }) => sum + Number((state as { readonly count: number }).count), 0)
  })

const onNetwork = Effect.provide(NodeNetwork.layer)

describe("a client that is not up to TLS", () => {
  const cases: ReadonlyArray<readonly [string, string | Buffer, boolean, string]> = [
    ["speaks HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", false, "NotTls"],
    ["speaks something else", "EHLO client.example\r\n", false, "NotTls"],
    ["sends garbage", Buffer.alloc(4096, 0xa5), false, "NotTls"],
    ["sends a broken ClientHello", Buffer.from("160301000501000001ff", "hex"), false, "ProtocolViolation"],
    ["ends before it begins", "", true, "HandshakeCut"],
    ["ends in the middle of its first record", Buffer.from([22, 3, 1, 1, 0, 1]), true, "HandshakeCut"]
  ]
  for (const [what, says, end, tag] of cases) {
    it.live(`${what}: ${tag}`, () =>
      Effect.gen(function*() {
        const { failed, port } = yield* listen(server)
        const got = yield* plain(port, says, end)
        const error = yield* failed
        expect(error.reason._tag).toBe(tag)
        expect(error.message).toMatch(/^cannot set up TLS with 127\.0\.0\.1:\d+: /)
        // An alert at most.
        expect(got.length).toBeLessThanOrEqual(7)
      }).pipe(Effect.scoped, onNetwork))
  }

  it.effect("stalls: it is given up when its time is over, by the Clock", () =>
    Effect.gen(function*() {
      const { failed, listener, port } = yield* listen(server, { handshakeTimeout: 60_000 })
      const socket = yield* silent(port)
      const closed = yield* Effect.forkChild(
        Effect.callback<void>((resume) => void socket.on("close", () => resume(Effect.void)).resume())
      )
      // Another one is served meanwhile.
      const good = yield* connect(port, client)
      const served = yield* Listener.accept(listener)
      yield* TestClock.adjust("59 seconds")
      expect(closed.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust("1 second")
      const error = yield* failed
      expect(error.reason).toMatchObject({ _tag: "TimedOut", deadline: "handshake", after: 60_000 })
      expect(error.message).toContain("the handshake did not finish within 60000 ms")
      yield* Fiber.join(closed)
      yield* Connection.abort(good)
      yield* Connection.abort(served)
    }).pipe(Effect.scoped, onNetwork))

  it.live("is counted, logged in a line, no more than one a second, and disturbs nobody", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const running = yield* echo().pipe(Effect.provide(Logger.layer([logger])))
      const bystander = yield* connect(running.port, client)
      yield* exchange(bystander, "before")
      for (let count = 0; count < 20; count++) yield* plain(running.port, "EHLO client.example\r\n")
      yield* exchange(bystander, "after")
      expect(yield* counted(running, "sluice_handshakes_failed")).toBe(20)
      expect(yield* counted(running, "sluice_connections_accepted")).toBe(1)
      expect(lines.length).toBeLessThanOrEqual(2)
      expect(lines[0]).toContain("the peer does not speak TLS")
      expect(lines[0]).not.toContain("\n")
    }).pipe(Effect.scoped, onNetwork))
})

describe("a server that is not up to TLS", () => {
  /** A server without TLS. */
  const serve = (answer: (socket: Net.Socket) => void) =>
    Effect.acquireRelease(
      Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
        const sockets = new Set<Net.Socket>()
        const listener = Net.createServer((socket) => {
          sockets.add(socket.on("error", () => {}))
          answer(socket)
        })
        const close = () => {
          listener.close()
          for (const socket of sockets) socket.destroy()
        }
        listener.listen(0, "127.0.0.1", () =>
          resume(Effect.succeed({ port: (listener.address() as Net.AddressInfo).port, close })))
      }),
      ({ close }) =>
        Effect.sync(close)
    )

  it.live("speaks first, or ends, and the client knows", () =>
    Effect.gen(function*() {
      const smtp = yield* serve((socket) => void socket.write("220 mail.example.org ESMTP\r\n"))
      expect((yield* Effect.flip(connect(smtp.port, client))).reason._tag).toBe("NotTls")
      const ends = yield* serve((socket) => void socket.resume().end())
      expect((yield* Effect.flip(connect(ends.port, client))).reason._tag).toBe("HandshakeCut")
    }).pipe(Effect.scoped, onNetwork))

  it.effect("stalls: the time for connecting is over, by the Clock", () =>
    Effect.gen(function*() {
      const accepted = yield* Deferred.make<void>()
      const { port } = yield* serve(() => Deferred.doneUnsafe(accepted, Effect.void))
      const connecting = yield* Effect.forkChild(Effect.flip(connect(port, client)), { startImmediately: true })
      yield* Deferred.await(accepted)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(connecting)
      expect(error.reason).toMatchObject({ _tag: "TimedOut", after: 30_000 })
      expect(error.message).toContain("within 30000 ms")
    }).pipe(Effect.scoped, onNetwork))
})

describe("a thousand handshakes that stall", () => {
  it.live("cost a bounded amount and keep nobody out", () =>
    Effect.gen(function*() {
      const running = yield* echo({ backlog: 100 })
      const bystander = yield* connect(running.port, client)
      yield* exchange(bystander, "before")
      globalThis.gc?.()
      const before = process.memoryUsage().rss
      const sockets = yield* Effect.forEach(Array.from({ length: 1000 }), () => silent(running.port), {
        concurrency: 50
      })
      yield* exchange(bystander, "meanwhile")
      // A newcomer is served at once, though the backlog is full of those.
      const newcomer = yield* connect(running.port, client)
      yield* exchange(newcomer, "hello")
      // Connections that the kernel has handed over by now took the place of the oldest: 900 and the newcomer, if it has all.
      const refused = yield* counted(running, "sluice_connections_refused")
      expect(refused).toBeGreaterThan(100)
      expect(refused).toBeLessThanOrEqual(901)
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
      for (const socket of sockets) socket.destroy()
      yield* exchange(bystander, "after")
    }).pipe(Effect.scoped, onNetwork))

  it.live("end with the server", () =>
    Effect.gen(function*() {
      const sockets = yield* Effect.scoped(Effect.gen(function*() {
        const running = yield* echo({ backlog: 100 })
        return yield* Effect.forEach([1, 2, 3], () =>
          Effect.callback<Net.Socket>((resume) => {
            const socket = Net.connect({ port: running.port, host: "127.0.0.1" })
            socket.on("error", () => {})
            socket.on("connect", () => resume(Effect.succeed(socket)))
          }))
      }))
      for (const socket of sockets) {
        yield* Effect.callback<void>((resume) => {
          if (socket.closed) return resume(Effect.void)
          socket.on("close", () => resume(Effect.void)).resume()
        })
      }
      expect(sockets.every((socket) => socket.destroyed)).toBe(true)
    }).pipe(onNetwork))

  it.live("and so does what watches their time", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const began = Deferred.makeUnsafe<void>()
      const ended = Deferred.makeUnsafe<void>()
      const watched: Clock.Clock = {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        currentTimeNanos: clock.currentTimeNanos,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) =>
          Effect.andThen(Deferred.succeed(began, undefined), clock.sleep(duration)).pipe(
            Effect.ensuring(Deferred.succeed(ended, undefined))
          )
      }
      yield* Effect.scoped(Effect.gen(function*() {
        const { listener, port } = yield* listen(server, { handshakeTimeout: 3_600_000 }).pipe(
          Effect.provideService(Clock.Clock, watched)
        )
        yield* connect(port, client)
        yield* Listener.accept(listener)
        yield* Deferred.await(began)
      }))
      yield* Deferred.await(ended)
    }).pipe(onNetwork))
})
