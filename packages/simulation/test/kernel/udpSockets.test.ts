import { describe, expect } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("sockets of UDP that share a port (udp(7), socket(7))", () => {
  VitestSimulation.it(
    "a connected one gets what its peer sends, others the rest, and what no socket takes is refused",
    Effect.gen(function*() {
      const [server, friend, stranger] = yield* SimNetwork.hosts("server", "friend", "stranger")
      const bind = (host: Host.Host, endpoint: string, peer?: string) =>
        Effect.provide(Network.bind(endpoint, { reusePort: true, peer }), Host.layer(host))
      const one = yield* bind(friend, "udp://0.0.0.0:1", "udp://server:7")
      const other = yield* bind(stranger, "udp://0.0.0.0:1", "udp://server:7")
      const free = yield* Scope.make()
      // Both have the same address, so that only the peer tells them apart.
      const open = yield* Scope.provide(bind(server, "udp://0.0.0.0:7"), free)
      const connected = yield* bind(server, "udp://0.0.0.0:7", "udp://friend:1")
      for (let round = 0; round < 5; round++) {
        yield* UdpSocket.send(one, "friend")
        yield* UdpSocket.send(other, "stranger")
        expect(text((yield* UdpSocket.receive(connected)).payload)).toBe("friend")
        expect(text((yield* UdpSocket.receive(open)).payload)).toBe("stranger")
      }
      yield* Scope.close(free, Exit.void)
      yield* UdpSocket.send(other, "anybody?")
      expect((yield* Effect.flip(UdpSocket.receive(other))).reason._tag).toBe("ConnectionRefused")
      yield* UdpSocket.send(one, "friend")
      expect(text((yield* UdpSocket.receive(connected)).payload)).toBe("friend")
    }),
    { seeds: 3 }
  )
})

describe("memberships of a socket of UDP", () => {
  VitestSimulation.it(
    "are left one by one: by their group, their source and their interface",
    Effect.gen(function*() {
      const [server, one, two] = yield* SimNetwork.hosts("server", "one", "two")
      const [group, other] = ["239.1.2.3", "239.1.2.4"] as const
      const socket = yield* Effect.provide(Network.bind("udp://0.0.0.0:7"), Host.layer(server))
      const senders = yield* Effect.forEach(
        [one, two],
        (host) => Effect.provide(Network.bind("udp://0.0.0.0:1"), Host.layer(host))
      )
      const heard = Effect.gen(function*() {
        for (const to of [group, other]) {
          for (const [index, sender] of senders.entries()) {
            yield* UdpSocket.send(sender, `${to.at(-1)}${index}`, `${to}:7`)
          }
        }
        yield* Effect.sleep("1 second")
        yield* UdpSocket.send(senders[0]!, "end", `${server.addresses[0]}:7`)
        const all: Array<string> = []
        for (let next = ""; next !== "end"; all.push(next)) next = text((yield* UdpSocket.receive(socket)).payload)
        return all.slice(0, -1).join(" ")
      })
      const [first, second] = [one.addresses[0]!, two.addresses[0]!]
      const joins: ReadonlyArray<readonly [UdpSocket.Membership, string]> = [
        [{ group, source: first }, "30"],
        [{ group, source: second }, "30 31"],
        [{ group: other, source: second }, "30 31 41"],
        [{ group: other, source: second, interface: "127.0.0.1" }, "30 31 41"]
      ]
      // Whichever is left, the others stay.
      const without = ["31 41", "30 41", "30 31 41", "30 31 41"]
      for (const [index, left] of without.entries()) {
        const scopes: Array<Scope.Closeable> = []
        for (const [membership, all] of joins) {
          const scope = yield* Scope.make()
          scopes.push(scope)
          yield* Scope.provide(UdpSocket.join(socket, membership), scope)
          if (index === 0) expect(yield* heard).toBe(all)
        }
        yield* Scope.close(scopes[index]!, Exit.void)
        expect(yield* heard).toBe(left)
        for (const scope of scopes) yield* Scope.close(scope, Exit.void)
        expect(yield* heard).toBe("")
      }
    }).pipe(Effect.scoped)
  )
})

describe("sockets of UDP that have joined a group", () => {
  VitestSimulation.it(
    "get what is sent to it, each by its port; a connected one has an address of its own, and gets nothing",
    Effect.gen(function*() {
      const [server, friend, stranger] = yield* SimNetwork.hosts("server", "friend", "stranger")
      const group = "239.1.2.3"
      const bind = (host: Host.Host, endpoint: string, peer?: string) =>
        Effect.provide(Network.bind(endpoint, { reusePort: true, peer }), Host.layer(host))
      const open = yield* bind(server, "udp://0.0.0.0:7")
      const connected = yield* bind(server, "udp://0.0.0.0:7", "udp://friend:1")
      const elsewhere = yield* bind(server, "udp://0.0.0.0:8")
      const all = [open, connected, elsewhere]
      for (const socket of all) yield* UdpSocket.join(socket, { group })
      const senders = [yield* bind(friend, "udp://0.0.0.0:1"), yield* bind(stranger, "udp://0.0.0.0:1")]
      for (const word of ["a", "b"]) {
        for (const [index, sender] of senders.entries()) yield* UdpSocket.send(sender, `${word}${index}`, `${group}:7`)
      }
      yield* Effect.sleep("1 second")
      const got = yield* Effect.forEach(all, (socket) =>
        UdpSocket.datagrams(socket).pipe(
          Stream.map(({ payload }) => text(payload)),
          Stream.interruptWhen(Effect.sleep("1 second")),
          Stream.runCollect
        ))
      expect(got).toEqual([["a0", "a1", "b0", "b1"], [], []])
    })
  )
})

describe("what no socket takes", () => {
  VitestSimulation.it(
    "is reported to a connected socket; that a host cannot be reached now is not",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const outcome = Effect.gen(function*() {
        const socket = yield* Network.bind("udp://0.0.0.0:0", { peer: "udp://server:7" })
        yield* UdpSocket.send(socket, "anybody?")
        const error = yield* Effect.timeoutOption(Effect.flip(UdpSocket.receive(socket)), "1 second")
        return Option.isSome(error) && error.value._tag === "NetworkError" ? error.value.reason._tag : undefined
      }).pipe(Effect.scoped, Effect.provide(Host.layer(client)))
      expect(yield* outcome).toBe("ConnectionRefused")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.unreachable(server, client)
        expect(yield* outcome).toBe(undefined)
      }))
      expect(yield* outcome).toBe("ConnectionRefused")
    })
  )

  VitestSimulation.it(
    "is reported, also if it was corrupted, but a corrupted report is dropped",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { corruption: 0.5 })
      const socket = yield* Effect.provide(
        Network.bind("udp://0.0.0.0:0", { peer: "udp://server:7" }),
        Host.layer(client)
      )
      let reports = 0
      for (let count = 0; count < 200; count++) {
        yield* UdpSocket.send(socket, "anybody?")
        const outcome = yield* Effect.timeoutOption(Effect.flip(UdpSocket.receive(socket)), "10 millis")
        if (Option.isSome(outcome)) reports++
      }
      // One of two. The datagram is without a checksum, and arrives with a bit changed.
      expect(reports).toBeGreaterThan(75)
      expect(reports).toBeLessThan(125)
    })
  )
})

describe("the receive buffer of a socket of UDP", () => {
  VitestSimulation.it(
    "holds datagrams of as many bytes as it is set to, each with 256 bytes more, or one of any size",
    Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      const arrive = (count: number, size: number, receiveBufferSize?: number) =>
        Effect.scoped(Effect.gen(function*() {
          const options = { receiveBufferSize, queueCapacity: 1000 }
          const socket = yield* Network.bind("udp://127.0.0.1:9", options)
          const sender = yield* Network.bind("udp://127.0.0.1:0")
          for (let index = 0; index < count; index++) {
            yield* UdpSocket.send(sender, new Uint8Array(size), socket.address)
          }
          yield* Effect.sleep("1 second")
          let received = 0
          while (Option.isSome(yield* Effect.timeoutOption(UdpSocket.receive(socket), "10 millis"))) received++
          return received
        }))
      const received = yield* Effect.provide(
        Effect.all([
          arrive(20, 744, 10_000),
          arrive(20, 745, 10_000),
          arrive(20, 9_000, 5_000),
          arrive(300, 744),
          arrive(20, 744, 1_000_000)
        ]),
        Host.layer(host)
      )
      expect(received).toEqual([10, 9, 1, 212, 20])
    })
  )
})

describe("sockets of UDP of a process that is killed, and of a machine that crashes", () => {
  VitestSimulation.it(
    "are gone: a process that is killed refuses, a machine without power does not answer, and both can bind the port again",
    Effect.gen(function*() {
      for (const end of [Fault.kill, Fault.crash]) {
        const [server, client] = yield* SimNetwork.hosts(`server ${end.name}`, `client ${end.name}`)
        const echo = Effect.gen(function*() {
          const socket = yield* Network.bind("udp://0.0.0.0:7")
          return yield* Effect.forever(
            Effect.flatMap(UdpSocket.receive(socket), (datagram) => UdpSocket.reply(socket, datagram, datagram.payload))
          )
        })
        yield* Host.start(server, Effect.scoped(echo))
        yield* Effect.sleep("1 second")
        const [address] = server.addresses
        const asking = yield* Effect.provide(
          Network.bind("udp://0.0.0.0:0", { peer: `udp://${address}:7` }),
          Host.layer(client)
        )
        const ask = Effect.gen(function*() {
          yield* UdpSocket.send(asking, "hello")
          return text((yield* UdpSocket.receive(asking)).payload)
        }).pipe(
          Effect.catchTag("NetworkError", ({ reason }) => Effect.succeed(reason._tag)),
          Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.succeed("no answer") })
        )
        expect(yield* ask).toBe("hello")
        yield* end(server)
        expect(yield* ask).toBe(end === Fault.kill ? "ConnectionRefused" : "no answer")
        yield* Fault.restart(server)
        yield* Effect.sleep("1 second")
        expect(yield* ask).toBe("hello")
      }
    })
  )
})
