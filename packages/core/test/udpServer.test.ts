import { describe, expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as UdpServer from "@sluice/core/UdpServer"
import type * as UdpServerEvent from "@sluice/core/UdpServerEvent"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const echo: UdpServer.Handler = (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)

const textOf = (datagram: UdpSocket.Datagram) => new TextDecoder().decode(datagram.payload)

/** Runs on one host of a simulation, and collects the lines of the log. */
const onHost = <A, E>(program: (lines: Array<string>) => Effect.Effect<A, E, Network.Network | Scope.Scope>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  return Effect.runPromise(
    Simulation.run(Effect.gen(function*() {
      const host = yield* SimNetwork.host("server")
      return yield* Host.run(host, Effect.scoped(program(lines)))
    })).pipe(Effect.provide(Logger.layer([logger])))
  )
}

const events = (server: UdpServer.UdpServer) => {
  const seen: Array<UdpServerEvent.UdpServerEvent> = []
  return Effect.as(
    Effect.forkChild(Stream.runForEach(server.events, (event) => Effect.sync(() => void seen.push(event))), {
      startImmediately: true
    }),
    seen
  )
}

describe("UdpServer", () => {
  it("two servers that answer everything do not keep each other busy", () =>
    onHost((lines) =>
      Effect.gen(function*() {
        const options = { ratePerSource: { perSecond: 100, burst: 500 } }
        let handled = 0
        const counting: UdpServer.Handler = (datagram, socket) =>
          Effect.andThen(Effect.sync(() => handled++), echo(datagram, socket))
        const a = yield* UdpServer.make({ bind: "udp://127.0.0.1:7", ...options }, counting)
        const b = yield* UdpServer.make({ bind: "udp://127.0.0.1:8", ...options }, counting)
        for (let ball = 0; ball < 3; ball++) yield* UdpSocket.send(a.socket, "ping", b.address)
        yield* Effect.sleep("1 second")
        const before = handled
        yield* Effect.sleep("10 seconds")
        expect(handled - before).toBe(0)
        expect(lines.filter((line) => line.includes("ratePerSource")).length).toBeGreaterThan(0)
      })
    ))

  it("does not handle datagrams of its own, unless told to", () =>
    onHost(() =>
      Effect.gen(function*() {
        for (const bind of ["udp://127.0.0.1:7", "udp://0.0.0.0:7", "udp://[::]:7"]) {
          for (const handleOwn of [false, true]) {
            yield* Effect.scoped(Effect.gen(function*() {
              let handled = 0
              const server = yield* UdpServer.make({ bind, handleOwn }, () => Effect.sync(() => handled++))
              const seen = yield* events(server)
              const to = NetAddress.inetAddressFromStringUnsafe("127.0.0.1:7")
              yield* UdpSocket.send(server.socket, "to myself", to)
              const other = yield* Network.bind("udp://127.0.0.1:0")
              yield* UdpSocket.send(other, "from another", to)
              yield* Effect.sleep("1 second")
              expect(handled).toBe(handleOwn ? 2 : 1)
              expect(seen).toMatchObject([
                { _tag: "Listening" },
                ...(handleOwn ? [] : [{ _tag: "Rejected", why: "handleOwn", count: 1 }])
              ])
            }))
          }
        }
      })
    ))

  it("limits each source by itself, and reports at most once a second", () =>
    onHost((lines) =>
      Effect.gen(function*() {
        let handled = 0
        const server = yield* UdpServer.make(
          { bind: "udp://127.0.0.1:7", ratePerSource: { perSecond: 10, burst: 5 } },
          () => Effect.sync(() => handled++)
        )
        const seen = yield* events(server)
        const loud = yield* Network.bind("udp://127.0.0.1:0")
        const quiet = yield* Network.bind("udp://127.0.0.1:0")
        for (let sent = 0; sent < 100; sent++) yield* UdpSocket.send(loud, "x", server.address)
        yield* UdpSocket.send(quiet, "x", server.address)
        yield* Effect.sleep("10 millis")
        expect(handled).toBe(6)
        yield* Effect.sleep("1 second")
        for (let sent = 0; sent < 100; sent++) yield* UdpSocket.send(loud, "x", server.address)
        yield* Effect.sleep("10 millis")
        expect(handled).toBe(11)
        const rejected = seen.filter((event) => event._tag === "Rejected")
        expect(rejected.map(({ count }) => count)).toEqual([1, 95])
        expect(rejected[1]!.source).toEqual(loud.address)
        expect(lines.filter((line) => line.includes("ratePerSource"))).toEqual([
          "Warn rejected 1 datagram: the source sends more than ratePerSource allows",
          "Warn rejected 95 datagrams: the source sends more than ratePerSource allows"
        ])
        const counts = (yield* Metric.snapshot).filter(({ id }) => id === "sluice_datagrams_rejected")
        expect(counts.find(({ attributes }) => attributes?.reason === "ratePerSource")?.state).toMatchObject({
          count: 190
        })
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    ))

  it("sums up handlers that fail for one reason, one line a second", () =>
    onHost((lines) =>
      Effect.gen(function*() {
        const server = yield* UdpServer.make(
          { bind: "udp://127.0.0.1:7" },
          (datagram, socket) => UdpSocket.send(socket, textOf(datagram), "127.0.0.1:0")
        )
        const seen = yield* events(server)
        const client = yield* Network.bind("udp://127.0.0.1:0")
        for (let sent = 0; sent < 50; sent++) yield* UdpSocket.send(client, "x", server.address)
        yield* Effect.sleep("3 seconds")
        expect(seen.filter(({ _tag }) => _tag === "HandlerFailed").length).toBe(50)
        expect(lines).toEqual([
          "Warn cannot send to udp://127.0.0.1:0: invalid port in \"127.0.0.1:0\"; use a port from 1 to 65535",
          "Warn cannot send to udp://127.0.0.1:0: invalid port in \"127.0.0.1:0\"; use a port from 1 to 65535 … and 49" +
          " more in the last second"
        ])
      })
    ))

  it("runs as many handlers at once as it is told, and lets the other datagrams wait", () =>
    onHost(() =>
      Effect.gen(function*() {
        for (const concurrency of [1, 2, undefined]) {
          const running: Array<number> = []
          yield* Effect.scoped(Effect.gen(function*() {
            let now = 0
            const server = yield* UdpServer.make({ bind: "udp://127.0.0.1:7", concurrency }, () =>
              Effect.gen(function*() {
                running.push(++now)
                yield* Effect.sleep("1 second")
                now--
              }))
            const client = yield* Network.bind("udp://127.0.0.1:0")
            for (let sent = 0; sent < 100; sent++) {
              yield* UdpSocket.send(client, "x", server.address)
            }
            yield* Effect.sleep("2 minutes")
          }))
          expect([running.length, Math.max(...running)]).toEqual([100, concurrency ?? 64])
        }
      })
    ))

  it("keeps no handler that has ended", () =>
    onHost(() =>
      Effect.gen(function*() {
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        const interrupted: Array<string> = []
        const server = yield* UdpServer.make({ bind: "udp://127.0.0.1:7", drain: 0 }, (datagram) =>
          Effect.withFiber((fiber) => {
            const text = textOf(datagram)
            const interruptUnsafe = fiber.interruptUnsafe.bind(fiber)
            Object.assign(fiber, {
              interruptUnsafe: (...by: Parameters<typeof interruptUnsafe>) => {
                interrupted.push(text)
                interruptUnsafe(...by)
              }
            })
            fibers.push(fiber)
            return text === "stuck" ? Effect.never : Effect.sleep("1 second")
          }))
        const client = yield* Network.bind("udp://127.0.0.1:0")
        for (const text of ["slow", "stuck", "slow"]) yield* UdpSocket.send(client, text, server.address)
        yield* Effect.sleep("2 seconds")
        expect(fibers.map((fiber) =>
          fiber.pollUnsafe() === undefined
        )).toEqual([false, true, false])
        expect(yield* server.drain).toEqual({ finished: 0, cut: 1 })
        expect(interrupted).toEqual(["stuck"])
      })
    ))

  it("drains: tells what finished and what was cut, as its last event", () =>
    onHost(() =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = yield* Scope.provide(
          UdpServer.make({ bind: "udp://127.0.0.1:7", drain: "1 second" }, (datagram, socket) =>
            textOf(datagram) === "stuck"
              ? Effect.never
              : Effect.andThen(Effect.sleep("500 millis"), echo(datagram, socket))),
          scope
        )
        const watching = yield* Effect.forkChild(Stream.runCollect(server.events), { startImmediately: true })
        const client = yield* Network.bind("udp://127.0.0.1:0")
        for (const text of ["stuck", "slow", "slow"]) yield* UdpSocket.send(client, text, server.address)
        yield* Effect.sleep("100 millis")
        yield* Scope.close(scope, Exit.void)
        expect(yield* server.drain).toEqual({ finished: 2, cut: 1 })
        expect(textOf(yield* UdpSocket.receive(client))).toBe("slow")
        expect(Array.from(yield* Fiber.join(watching))).toMatchObject([
          { _tag: "Listening" },
          { _tag: "Draining", handling: 3 },
          { _tag: "Drained", finished: 2, cut: 1 }
        ])
        expect((yield* Effect.flip(UdpSocket.receive(server.socket))).reason._tag).toBe("Closed")
      })
    ))
})
