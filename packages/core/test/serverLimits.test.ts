import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import type * as Tls from "@sluice/core/Tls"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Stream from "effect/Stream"

const authority = SimCertificate.authority("Test CA")
const tls: Tls.ServerOptions = { certificates: [authority.issue({ names: ["server"] })] }

const scene = Effect.fnUntraced(function*(options: Omit<Server.Options, "listen">) {
  const host = yield* SimNetwork.host("server", { addresses: ["10.0.0.1", "2001:db8::1"] })
  const clients = yield* SimNetwork.host("clients", {
    addresses: ["10.0.0.2", "10.0.0.3", "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"]
  })
  yield* SimNetwork.link(host, clients, { latency: "1 millis" })
  const server = yield* Effect.provide(
    Server.make(
      { listen: `${options.tls === undefined ? "tcp" : "tls"}://[::]:7`, drain: 0, ...options },
      (connection) => Connection.pipeTo(connection, connection)
    ),
    Host.layer(host)
  )
  const events: Array<ServerEvent.ServerEvent> = []
  yield* Effect.forkScoped(
    Stream.runForEach(server.events, (event) => Effect.sync(() => void events.push(event))),
    { startImmediately: true }
  )
  const dial = (from: string, more: SocketOptions.ConnectOptions = {}, scheme = "tcp") =>
    Network.connect(from.includes(":") ? `${scheme}://[2001:db8::1]:7` : `${scheme}://10.0.0.1:7`, {
      localAddress: from,
      ...more
    }).pipe(Effect.provide(Host.layer(clients)), Effect.tap(Effect.sleep("10 millis")))
  /** Whether a connection is served, over TLS where the server speaks it. */
  const isServed = (from: string, more: SocketOptions.ConnectOptions = {}) =>
    Effect.gen(function*() {
      const secure = options.tls === undefined
        ? {}
        : { tls: { authorities: authority.certificate, serverName: "server" } }
      const client = yield* dial(from, { ...secure, ...more }, options.tls === undefined ? "tcp" : "tls")
      yield* Connection.writeText(client, "x")
      return (yield* Connection.readExactly(client, 1)).length === 1
    }).pipe(Effect.catch(() => Effect.succeed(false)))
  const refusals = () =>
    events.flatMap((event) =>
      event._tag === "Refused"
        ? [`${NetAddress.formatSocketAddress(event.remoteAddress).replace(/:\d+$/, "")} ${event.why}`]
        : []
    )
  return { server, dial, isServed, events, refusals }
})

describe("maxConnectionsPerAddress", () => {
  VitestSimulation.it(
    "counts handshakes in progress, and gives their places back",
    Effect.gen(function*() {
      const { dial, isServed, refusals } = yield* scene({
        tls,
        maxConnectionsPerAddress: 3,
        handshakeTimeout: "5 seconds"
      })
      for (let stalled = 0; stalled < 10; stalled++) yield* dial("10.0.0.2")
      expect(refusals()).toEqual(Array.from({ length: 7 }, () => "10.0.0.2 maxConnectionsPerAddress"))
      expect(yield* isServed("10.0.0.2")).toBe(false)
      expect(yield* isServed("10.0.0.3")).toBe(true)
      yield* Effect.sleep("6 seconds")
      for (let served = 0; served < 3; served++) expect(yield* isServed("10.0.0.2")).toBe(true)
      expect(yield* isServed("10.0.0.2")).toBe(false)
    })
  )

  VitestSimulation.it(
    "counts connections that wait, and leaves places to others while the server is full",
    Effect.gen(function*() {
      const { dial, refusals, server } = yield* scene({ maxConnections: 1, maxConnectionsPerAddress: 2 })
      const first = yield* dial("10.0.0.3")
      for (let waiting = 0; waiting < 5; waiting++) yield* dial("10.0.0.2")
      expect(refusals().length).toBe(3)
      yield* Connection.end(first)
      yield* Effect.sleep("1 second")
      const [open] = yield* server.connections
      expect(NetAddress.formatSocketAddress(open!.remoteAddress)).toMatch(/^10\.0\.0\.2:/)
      yield* server.close(open!.id)
      yield* Effect.sleep("1 second")
      yield* dial("10.0.0.2")
      expect(refusals().length).toBe(3)
    })
  )

  VitestSimulation.it(
    "counts IPv6 addresses by the first 64 bits, or as many as it is told",
    Effect.gen(function*() {
      const { isServed, server } = yield* scene({ maxConnectionsPerAddress: 1 })
      expect(yield* isServed("2001:db8:0:1::1")).toBe(true)
      expect(yield* isServed("2001:db8:0:1::2")).toBe(false)
      expect(yield* isServed("2001:db8:0:2::1")).toBe(true)
      yield* server.update({ ipv6PrefixLength: 128 })
      expect(yield* isServed("2001:db8:0:1::2")).toBe(true)
      expect(yield* isServed("2001:db8:0:1::1")).toBe(false)
    })
  )

  VitestSimulation.it(
    "counts the clients of a trusted proxy, before their handshake, and not the proxy",
    Effect.gen(function*() {
      const { dial, isServed, refusals } = yield* scene({
        tls,
        maxConnectionsPerAddress: 2,
        handshakeTimeout: "1 minute",
        proxyProtocol: { trusted: ["10.0.0.2"] }
      })
      const at = (address: string, port: number) =>
        NetAddress.inetAddressUnsafe(NetAddress.ipFromStringUnsafe(address), port)
      const forClient = (client: string) => ({
        proxyProtocol: ProxyProtocol.make({ source: at(client, 5000), destination: at("203.0.113.1", 443) })
      })
      for (let stalled = 0; stalled < 4; stalled++) yield* dial("10.0.0.2", forClient("198.51.100.7"))
      expect(refusals()).toEqual([
        "198.51.100.7 maxConnectionsPerAddress",
        "198.51.100.7 maxConnectionsPerAddress"
      ])
      expect(yield* isServed("10.0.0.2", forClient("198.51.100.8"))).toBe(true)
      expect(yield* isServed("10.0.0.2", forClient("198.51.100.7"))).toBe(false)
    })
  )

  VitestSimulation.it(
    "applies to connections that were open before it was set",
    Effect.gen(function*() {
      const { isServed, server } = yield* scene({})
      for (let open = 0; open < 3; open++) expect(yield* isServed("10.0.0.2")).toBe(true)
      yield* server.update({ maxConnectionsPerAddress: 3 })
      expect(yield* isServed("10.0.0.2")).toBe(false)
      for (const { id } of yield* server.connections) yield* server.close(id)
      yield* Effect.sleep("5 seconds")
      expect(yield* isServed("10.0.0.2")).toBe(true)
    })
  )
})

describe("a server that is full", () => {
  const fullOf = (events: ReadonlyArray<ServerEvent.ServerEvent>) =>
    events.flatMap((event) => event._tag === "Full" ? [[event.open, event.waiting]] : [])

  VitestSimulation.it(
    "says so at once, and then once a minute, with how many wait",
    Effect.gen(function*() {
      const { dial, events, server } = yield* scene({ maxConnections: 2 })
      yield* dial("10.0.0.2")
      yield* dial("10.0.0.2")
      expect(fullOf(events)).toEqual([])
      for (let waiting = 0; waiting < 5; waiting++) yield* dial("10.0.0.3")
      expect(fullOf(events)).toEqual([[2, 1]])
      yield* Effect.sleep("1 minute")
      expect(fullOf(events)).toEqual([[2, 1], [2, 5]])
      expect(yield* server.waiting).toBe(5)
      for (let minute = 0; minute < 3; minute++) yield* Effect.sleep("1 minute")
      expect(fullOf(events).length).toBe(5)
      yield* server.update({ maxConnections: 10 })
      expect(yield* server.waiting).toBe(0)
      yield* Effect.sleep("5 minutes")
      expect(fullOf(events).length).toBe(5)
    })
  )

  VitestSimulation.it(
    "says so when it refuses, too",
    Effect.gen(function*() {
      const { dial, events, refusals } = yield* scene({ maxConnections: 1, whenFull: "refuse" })
      for (let count = 0; count < 4; count++) yield* dial("10.0.0.2")
      expect(fullOf(events)).toEqual([[1, 1]])
      expect(refusals().length).toBe(3)
    })
  )
})
