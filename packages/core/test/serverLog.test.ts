import { describe, expect, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import * as ServerEvent from "@sluice/core/ServerEvent"
import * as ServerLog from "@sluice/core/ServerLog"
import * as TlsReason from "@sluice/core/TlsReason"
import * as ProxyProtocolError from "@sluice/proxy/ProxyProtocolError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as testClockLogger from "./testClockLogger.ts"

const listening = NetAddress.inetAddressUnsafe(NetAddress.ipFromStringUnsafe("192.0.2.1"), 7)
const peer = (port: number) => NetAddress.inetAddressUnsafe(NetAddress.ipFromStringUnsafe("198.51.100.9"), port)

const handlerFailed = (port: number, error: unknown) =>
  new ServerEvent.HandlerFailed({
    at: 0,
    listening,
    id: port,
    localAddress: listening,
    remoteAddress: peer(port),
    cause: Cause.fail(error)
  })

const failed = (port: number, reason: NetworkError.Reason) =>
  handlerFailed(port, NetworkError.make("read", `198.51.100.9:${port}`, reason))

const unreachable = (port: number) => failed(port, new NetworkError.Unreachable({ what: "host" }))

const handshakeFailed = (port: number, reason: NetworkError.Reason) =>
  new ServerEvent.HandshakeFailed({
    at: 0,
    listening,
    remoteAddress: peer(port),
    error: NetworkError.make("secure", `198.51.100.9:${port}`, reason)
  })

const headerCut = (received: number) =>
  handshakeFailed(
    1,
    new NetworkError.InvalidProxyHeader({ fault: new ProxyProtocolError.TruncatedHeader({ received }) })
  )

/** A log that has been opened, and the lines that it has written. */
const opened = (log: ServerLog.ServerLog) => {
  const lines: Array<string> = []
  const logger = testClockLogger.make((message, { logLevel }) => void lines.push(`${logLevel} ${message}`))
  const writer = log.open()
  const write = (events: ReadonlyArray<ServerEvent.ServerEvent>) =>
    Effect.forEach(events, writer.write, { discard: true }).pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug")
    )
  return { lines, write, flush: Effect.provide(writer.flush, Logger.layer([logger])) }
}

const ports = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

describe("ServerLog.standard", () => {
  it.effect("sums up repeats of each kind, by the second", () =>
    Effect.gen(function*() {
      const { lines, write } = opened(ServerLog.standard)
      yield* write(ports(1, 4129).map(unreachable))
      yield* write(ports(5000, 3).map((port) => handshakeFailed(port, new TlsReason.NotTls())))
      expect(lines.length).toBe(2)
      expect(lines[0]).toContain("198.51.100.9:1: the host is unreachable")
      yield* TestClock.adjust("1 second")
      expect(lines.length).toBe(4)
      expect(lines[2]).toMatch(/^Warn .*198\.51\.100\.9:4129: .* … and 4,128 more in the last second$/)
      expect(lines[3]).toContain("does not speak TLS")
      expect(lines[3]).toContain("… and 2 more in the last second")
      // A flood that lasts is a line a second; once it is over, the next one is told at once.
      yield* write(ports(1, 10).map(unreachable))
      expect(lines.length).toBe(4)
      yield* TestClock.adjust("1 second")
      expect(lines[4]).toContain("… and 10 more in the last second")
      yield* TestClock.adjust("1 second")
      expect(lines.length).toBe(5)
      yield* write([unreachable(77)])
      expect(lines[5]).toContain(":77: the host is unreachable")
      expect(lines[5]).not.toContain("more")
    }))

  it.effect("tells errors apart that are not repeats, and bounds how many kinds a peer can invent", () =>
    Effect.gen(function*() {
      const { lines, write } = opened(ServerLog.standard)
      yield* write([handlerFailed(1, new Error("disk full")), handlerFailed(2, new Error("no such user 17"))])
      yield* write([handlerFailed(3, new Error("no such user 18"))])
      expect(lines).toEqual(["Warn disk full", "Warn no such user 17"])
      yield* write(
        ports(1, 1000).map((n) =>
          handlerFailed(n, new Error(`peer said ${"a".repeat(n % 90)}${String.fromCharCode(97 + n % 26)}`))
        )
      )
      expect(lines.length).toBeLessThan(50)
    }))

  it.effect("writes what it has not summed up when it is flushed, and then every line", () =>
    Effect.gen(function*() {
      const { flush, lines, write } = opened(ServerLog.standard)
      yield* write([unreachable(1), unreachable(2)])
      yield* flush
      expect(lines[1]).toContain("… and 1 more in the last second")
      yield* write([unreachable(3), unreachable(4)])
      expect(lines.length).toBe(4)
    }))

  it.effect("makes what a peer said safe", () =>
    Effect.gen(function*() {
      const { lines, write } = opened(ServerLog.standard)
      yield* write([handlerFailed(1, new Error("bad name \u001b[31m\nWARN forged"))])
      expect(lines).toEqual(["Warn bad name \\x1b[31m\\nWARN forged"])
    }))

  it.effect("takes a peer that leaves before its handshake for a health check", () =>
    Effect.gen(function*() {
      const { lines, write } = opened(ServerLog.standard)
      yield* write([
        handshakeFailed(1, new TlsReason.HandshakeCut()),
        handshakeFailed(2, new NetworkError.ConnectionReset()),
        headerCut(0)
      ])
      expect(lines.map((line) => line.split(" ")[0])).toEqual(["Debug", "Debug", "Debug"])
      yield* write([
        failed(4, new NetworkError.ConnectionReset()),
        failed(5, new TlsReason.Truncated()),
        failed(6, new NetworkError.UnexpectedEnd({ received: 0 }))
      ])
      expect(lines.splice(3)).toEqual([
        "Debug the peer reset the connection",
        "Debug the peer closed the connection without close_notify",
        "Debug the peer ended its output after 0 bytes before the delimiter"
      ])
      yield* write([failed(7, new NetworkError.UnexpectedEnd({ received: 1 }))])
      expect(lines.splice(3)).toEqual([expect.stringMatching(/^Warn .*after 1 byte before the delimiter/)])
      yield* write([handshakeFailed(3, new TlsReason.NotTls()), headerCut(5)])
      expect(lines.slice(3).map((line) => line.split(" ")[0])).toEqual(["Warn"])
      yield* TestClock.adjust("1 minute")
      yield* write([headerCut(5)])
      expect(lines.at(-1)).toMatch(/^Warn .*the input ended after 5 bytes/)
    }))

  it.effect("speaks English of one and of many", () =>
    Effect.gen(function*() {
      const { lines, write } = opened(ServerLog.standard)
      const at = { at: 0, listening }
      yield* write([
        new ServerEvent.Draining({ ...at, open: 1, grace: Duration.seconds(5) }),
        new ServerEvent.Drained({ ...at, ended: 1, cut: 0 }),
        new ServerEvent.Full({ ...at, open: 10_000, waiting: 12 })
      ])
      yield* TestClock.adjust("1 second")
      yield* write([
        new ServerEvent.Draining({ ...at, open: 1200, grace: Duration.minutes(5) }),
        new ServerEvent.Drained({ ...at, ended: 1198, cut: 2 })
      ])
      expect(lines).toEqual([
        "Info draining: 1 connection open, up to 5 s",
        "Info drained: 1 connection ended, 0 cut",
        "Warn full: 10,000 connections open, 12 waiting; raise maxConnections, or set maxConnectionsPerAddress",
        "Info draining: 1,200 connections open, up to 5 min",
        "Info drained: 1,198 connections ended, 2 cut"
      ])
    }))
})

describe("ServerLog.all", () => {
  it.effect("sums up for each log alone", () =>
    Effect.gen(function*() {
      const every: Array<number> = []
      const mine = ServerLog.make(["HandlerFailed"], ({ id }) => Effect.sync(() => void every.push(id)))
      const { lines, write } = opened(ServerLog.all(ServerLog.standard, mine))
      yield* write(ports(1, 5).map(unreachable))
      expect(lines.length).toBe(1)
      expect(every).toEqual([1, 2, 3, 4, 5])
    }))
})
