import { describe, expect, layer } from "@effect/vitest"
import * as Conformance from "@sluice/conformance/Conformance"
import * as VitestConformance from "@sluice/conformance/VitestConformance"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { proxied } from "../../core/test/proxyProtocol/proxied.ts"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { networkReading } from "./fixtures/reading.ts"
import { resets } from "./fixtures/resets.ts"

const line = "PROXY TCP4 198.51.100.7 203.0.113.1 50412 443\r\n"
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

for (const reuseReadBuffer of [true, false]) {
  const how = reuseReadBuffer ? "one read buffer" : "data events"
  const network = networkReading({ reuseReadBuffer })
  layer(network)(`PROXY headers, ${how}`, (it) => {
    describe("from a trusted proxy", () => {
      it.effect("may come in any pieces, with anything behind them", () =>
        Effect.gen(function*() {
          const listener = yield* Network.listen("tcp://127.0.0.1:0", { proxyProtocol: { trusted: ["127.0.0.1"] } })
          const where = NetAddress.formatSocketAddress(listener.address)
          const sent = new TextEncoder().encode(`${line}hello`)
          for (const size of [1, 7, line.length, line.length + 2, sent.length]) {
            const near = yield* Network.connect(where)
            for (let at = 0; at < sent.length; at += size) {
              yield* Connection.write(near, sent.subarray(at, at + size))
              yield* turn
            }
            yield* Connection.end(near)
            const far = yield* Listener.accept(listener)
            expect(NetAddress.formatSocketAddress(far.remoteAddress)).toBe("198.51.100.7:50412")
            expect(NetAddress.formatSocketAddress(far.localAddress)).toBe("203.0.113.1:443")
            expect(far.proxy?.remoteAddress).toEqual(near.localAddress)
            expect(text(yield* Connection.readAll(far))).toBe("hello")
            expect(Connection.bytesIn(far)).toBe(5)
          }
        }))

      it.effect("that does not come, or is none, makes the connection be reset", () =>
        Effect.gen(function*() {
          const listener = yield* Network.listen("tcp://127.0.0.1:0", { proxyProtocol: { trusted: ["127.0.0.1"] } })
          const where = NetAddress.formatSocketAddress(listener.address)
          const reason = (connection: Connection.Connection) =>
            Effect.map(Effect.flip(Connection.read(connection)), (error) => error.reason._tag)

          const wrong = yield* Network.connect(where)
          yield* Connection.writeText(wrong, "GET / HTTP/1.1\r\n\r\n")
          expect(yield* reason(wrong)).toBe("ConnectionReset")

          const silent = yield* Network.connect(where)
          const broken = yield* Effect.forkChild(reason(silent))
          // A connection that was opened later has been accepted: so this one waits for its header by now.
          const later = yield* Network.connect(where, { proxyProtocol: ProxyProtocol.local })
          yield* Connection.abort(later)
          yield* Listener.accept(listener)
          yield* TestClock.adjust(4_999)
          expect(broken.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(yield* Fiber.join(broken)).toBe("ConnectionReset")
        }))
    })

    describe("before TLS", () => {
      it.effect("the rest of the chunk is the beginning of the handshake, in whatever pieces it comes", () =>
        Effect.gen(function*() {
          const { listener, tls, where } = yield* secureListener
          for (const size of [1, 7, line.length, line.length + 100, 100_000]) {
            const relay = yield* inPieces(line, size, where)
            const client = yield* Effect.forkChild(Network.connect(`tls://${relay}`, { tls }))
            const far = yield* Listener.accept(listener)
            const near = yield* Fiber.join(client)
            expect(NetAddress.formatSocketAddress(far.remoteAddress)).toBe("198.51.100.7:50412")
            expect(far.proxy?.header.version).toBe(1)
            expect(far.tls?.protocol).toBe("TLSv1.3")
            yield* Connection.writeText(near, "hello")
            yield* Connection.end(near)
            expect(text(yield* Connection.readAll(far))).toBe("hello")
            yield* Connection.writeText(far, "and back")
            yield* Connection.end(far)
            expect(text(yield* Connection.readAll(near))).toBe("and back")
          }
        }))

      it.effect("a client sends its header in the clear", () =>
        Effect.gen(function*() {
          const { listener, tls, where } = yield* secureListener
          const proxyProtocol = ProxyProtocol.make({
            source: NetAddress.inetAddressFromIpStringUnsafe("2001:db8::7", 1),
            destination: NetAddress.inetAddressFromIpStringUnsafe("2001:db8::1", 2)
          }, { tlvs: [{ _tag: "Crc32c" }] })
          const near = yield* Network.connect(`tls://${where}`, { tls, proxyProtocol })
          const far = yield* Listener.accept(listener)
          expect(far.proxy?.header).toEqual(proxyProtocol)
          expect(NetAddress.formatSocketAddress(far.remoteAddress)).toBe("[2001:db8::7]:1")
          yield* Connection.abort(near)
        }))

      it.effect("a connection that begins in the clear is upgraded, and keeps the client's addresses", () =>
        Effect.gen(function*() {
          const { server, tls } = yield* certified
          const listener = yield* Network.listen("tcp://127.0.0.1:0", { proxyProtocol: { trusted: ["127.0.0.1"] } })
          const near = yield* Network.connect(NetAddress.formatSocketAddress(listener.address), {
            proxyProtocol: ProxyProtocol.make({
              source: NetAddress.inetAddressFromIpStringUnsafe("198.51.100.7", 50412),
              destination: NetAddress.inetAddressFromIpStringUnsafe("203.0.113.1", 443)
            })
          })
          const far = yield* Listener.accept(listener)
          yield* Connection.writeText(near, "STARTTLS")
          yield* Connection.readExactly(far, 8)
          yield* Effect.all([
            Connection.upgradeTls(far, { role: "server", tls: server }),
            Connection.upgradeTls(near, { role: "client", tls })
          ], { concurrency: 2 })
          yield* Connection.writeText(near, "hello")
          yield* Connection.end(near)
          expect(text(yield* Connection.readAll(far))).toBe("hello")
          expect(NetAddress.formatSocketAddress(far.remoteAddress)).toBe("198.51.100.7:50412")
          expect(far.proxy?.header.version).toBe(2)
          yield* Connection.abort(near)
        }))
    })
  })
}

const certified = Effect.map(
  Effect.flatMap(
    Certificates.authority("Test CA"),
    (authority) => Effect.map(authority.issue({ names: ["localhost"] }), (issued) => ({ authority, issued }))
  ),
  ({ authority, issued }) => ({
    server: { certificates: [issued] as const },
    tls: { authorities: authority.certificate, serverName: "localhost" }
  })
)

const secureListener = Effect.gen(function*() {
  const { server, tls } = yield* certified
  const listener = yield* Network.listen("tls://127.0.0.1:0", {
    tls: server,
    proxyProtocol: { trusted: ["127.0.0.1"] }
  })
  return { listener, tls, where: NetAddress.formatSocketAddress(listener.address) }
})

/** A relay that sends a header first, and the first bytes of it and its client in pieces of this size; gives where it is. */
const inPieces = Effect.fnUntraced(function*(header: string, size: number, to: string) {
  const listener = yield* Network.listen("tcp://127.0.0.1:0")
  yield* Effect.forkScoped(Effect.scoped(Effect.gen(function*() {
    const client = yield* Listener.accept(listener)
    const server = yield* Network.connect(to)
    const hello = Option.getOrThrow(yield* Connection.read(client))
    const begun = Buffer.concat([Buffer.from(header), hello])
    for (let at = 0; at < begun.length; at += size) {
      yield* Connection.write(server, begun.subarray(at, at + size))
      yield* turn
    }
    yield* Connection.relay(client, server)
  })))
  return NetAddress.formatSocketAddress(listener.address)
})

// The wrapping is the same everywhere: one kind of socket shows that it keeps the laws of streams.
VitestConformance.suite(
  "TCP over IPv4, behind PROXY headers",
  Layer.provide(proxied, NodeNetwork.layer),
  Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets })
)
