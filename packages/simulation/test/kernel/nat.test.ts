import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import type * as Link from "@sluice/simulation/Link"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"

interface Hosts {
  readonly server: Host.Host
  readonly router: Host.Host
  readonly alice: Host.Host
  readonly bob: Host.Host
}

/** Two hosts behind a router, and a server that tells each client its address. */
const withRouter = <A, E>(
  options: Partial<Link.Middlebox>,
  use: (hosts: Hosts) => Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>
) =>
  Simulation.run(Effect.scoped(Effect.gen(function*() {
    const router = yield* SimNetwork.host("router", { addresses: ["203.0.113.1"] })
    const [server, alice, bob] = yield* SimNetwork.hosts("server", "alice", "bob")
    yield* SimNetwork.nat(router, [alice, bob], { idleTimeout: "5 minutes", ...options })
    yield* Host.serve(
      server,
      Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
        Effect.andThen(
          Connection.writeText(connection, `${NetAddress.formatSocketAddress(connection.remoteAddress)}\n`),
          Connection.pipeTo(connection, connection)
        ))
    )
    return yield* use({ server, router, alice, bob })
  }))).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

const line = (connection: Connection.Connection) =>
  Effect.map(Connection.readUntil(connection, "\n", { limit: 100 }), (bytes) => new TextDecoder().decode(bytes).trim())

const on = <A, E>(host: Host.Host, effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
  Effect.provide(effect, Host.layer(host))

const seen = (host: Host.Host) => on(host, Effect.flatMap(Network.connect("server:7", { localPort: 5000 }), line))

const reason = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, Scope.Scope>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

describe("a router that translates addresses", () => {
  it.effect("maps hosts to its address: a socket keeps its port where that is free", () =>
    Effect.gen(function*() {
      const addresses = yield* withRouter({}, ({ alice, bob }) => Effect.all([seen(alice), seen(bob)]))
      expect(addresses).toEqual(["203.0.113.1:5000", "203.0.113.1:1024"])
    }))

  it.effect("lets hosts behind it reach each other, and nobody outside reach them", () =>
    Effect.gen(function*() {
      const outcomes = yield* withRouter({}, ({ alice, bob, server }) =>
        Effect.gen(function*() {
          yield* on(alice, Network.listen("tcp://0.0.0.0:80"))
          yield* on(bob, Network.connect("alice:80"))
          yield* seen(alice)
          return [
            yield* reason(on(server, Network.connect("alice:80", { connectTimeout: "1 second" }))),
            yield* reason(on(server, Network.connect("203.0.113.1:80", { connectTimeout: "1 second" }))),
            // The port of a mapping, but from another socket than the one it is open to.
            yield* reason(on(server, Network.connect("203.0.113.1:5000", { connectTimeout: "1 second" })))
          ]
        }))
      expect(outcomes).toEqual(["TimedOut", "ConnectionRefused", "TimedOut"])
    }))

  it.effect("forgets idle flows, silently or with a reset, and keeps those that carry something", () =>
    Effect.gen(function*() {
      const outcome = (late: "drop" | "reset", pause: "4 minutes" | "6 minutes") =>
        withRouter({ late }, ({ alice }) =>
          Effect.gen(function*() {
            const connection = yield* on(alice, Network.connect("server:7", { keepAlive: false }))
            yield* line(connection)
            yield* Effect.sleep(pause)
            yield* Connection.writeText(connection, "still there?\n")
            return yield* Effect.matchEffect(Effect.timeout(line(connection), "1 hour"), {
              onSuccess: Effect.succeed,
              onFailure: (error) => Effect.succeed(error._tag === "NetworkError" ? error.reason._tag : error._tag)
            })
          }))
      expect(yield* outcome("drop", "4 minutes")).toBe("still there?")
      expect(yield* outcome("drop", "6 minutes")).toBe("TimedOut")
      expect(yield* outcome("reset", "6 minutes")).toBe("ConnectionReset")
    }))

  it.effect("forgets all flows when it crashes", () =>
    Effect.gen(function*() {
      const tag = yield* withRouter({ late: "reset" }, ({ alice, router }) =>
        Effect.gen(function*() {
          const connection = yield* on(alice, Network.connect("server:7"))
          yield* line(connection)
          yield* Effect.scoped(Fault.crash(router))
          yield* Connection.writeText(connection, "still there?\n")
          return yield* reason(
            line(connection) as Effect.Effect<string, { readonly reason: { readonly _tag: string } }>
          )
        }))
      expect(tag).toBe("ConnectionReset")
    }))

  it.effect("that has crashed maps sockets anew: they have their ports again, and their answers come", () =>
    Effect.gen(function*() {
      const seen = yield* withRouter({}, ({ alice, bob, router, server }) =>
        Effect.gen(function*() {
          yield* on(
            server,
            UdpServer.make(
              { bind: "udp://0.0.0.0:53" },
              (datagram, socket) => UdpSocket.reply(socket, datagram, NetAddress.formatSocketAddress(datagram.source))
            )
          )
          const socket = yield* on(alice, Network.bind("udp://0.0.0.0:6000"))
          const other = yield* on(bob, Network.bind("udp://0.0.0.0:6000"))
          const ask = Effect.fnUntraced(function*(from: UdpSocket.UdpSocket) {
            yield* UdpSocket.send(from, "?", `${server.addresses[0]}:53`)
            return new TextDecoder().decode((yield* UdpSocket.receive(from)).payload)
          })
          const before = [yield* ask(socket), yield* ask(other)]
          yield* Effect.scoped(Fault.crash(router))
          return [...before, yield* ask(other), yield* ask(socket), yield* ask(other)]
        }))
      expect(seen).toEqual([6000, 1024, 6000, 1024, 6000].map((port) => `203.0.113.1:${port}`))
    }))

  it.effect("translates datagrams, their answers, and the ICMP errors about them", () =>
    Effect.gen(function*() {
      const outcomes = yield* withRouter({}, ({ alice, server }) =>
        Effect.gen(function*() {
          yield* on(
            server,
            UdpServer.make(
              { bind: "udp://0.0.0.0:53" },
              (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)
            )
          )
          const socket = yield* on(alice, Network.bind("udp://0.0.0.0:6000"))
          const stranger = yield* on(server, Network.bind("udp://0.0.0.0:54"))
          yield* UdpSocket.send(socket, new TextEncoder().encode("hello"), `${server.addresses[0]}:53`)
          yield* UdpSocket.send(stranger, new TextEncoder().encode("spam"), "203.0.113.1:6000")
          const { payload } = yield* UdpSocket.receive(socket)
          const more = yield* Effect.forkChild(Effect.timeoutOption(UdpSocket.receive(socket), "1 second"))
          const nothing = (yield* Fiber.join(more))._tag
          const connected = yield* on(alice, Network.bind("udp://0.0.0.0:0", { peer: "udp://server:9" }))
          yield* UdpSocket.send(connected, new TextEncoder().encode("nobody"))
          return [new TextDecoder().decode(payload), nothing, yield* reason(UdpSocket.receive(connected))]
        }))
      expect(outcomes).toEqual(["hello", "None", "ConnectionRefused"])
    }))

  it.effect("refuses invalid options", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(withRouter({ idleTimeout: 0 }, () => Effect.void))
      expect(error).toMatchObject({ reason: { _tag: "InvalidOption", option: "idleTimeout" } })
    }))
})
