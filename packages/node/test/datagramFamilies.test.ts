import { describe, expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import { createSocket } from "node:dgram"
import { networkInterfaces } from "node:os"
import * as NodeNetwork from "../src/NodeNetwork.ts"

type Program = Effect.Effect<void, NetworkError.NetworkError, Network.Network | Scope.Scope>

const onKernel = (program: Program) => Effect.runPromise(Effect.provide(Effect.scoped(program), NodeNetwork.layer))

const simulated = (program: Program) =>
  Effect.runPromise(Simulation.run(Effect.gen(function*() {
    const host = yield* SimNetwork.host("one")
    return yield* Host.run(host, Effect.scoped(program))
  })))

const textOf = (datagram: UdpSocket.Datagram) => new TextDecoder().decode(datagram.payload)
const format = NetAddress.formatInet
const reasonOf = <A, R>(effect: Effect.Effect<A, NetworkError.NetworkError, R>) =>
  Effect.match(effect, { onSuccess: () => undefined, onFailure: ({ reason }) => reason })

const hasIpv6 = Object.values(networkInterfaces()).flat().some((each) => each?.address === "::1")

/** Whether this machine loops multicast datagrams back; containers sometimes do not. */
const multicasts = await new Promise<boolean>((resolve) => {
  const socket = createSocket("udp4")
  socket.bind(0, () => {
    try {
      socket.addMembership("239.255.77.78", "127.0.0.1")
      resolve(true)
    } catch {
      resolve(false)
    }
    socket.close()
  })
})

describe.each([
  { name: "the kernel", run: onKernel, isReal: true },
  { name: "the simulation", run: simulated, isReal: false }
])("datagram sockets of both families, on $name", ({ isReal, run }) => {
  it.skipIf(isReal && !hasIpv6)(
    "[::] sends to IPv4 and receives from it, by IPv4 addresses",
    () =>
      run(Effect.gen(function*() {
        const both = yield* Network.bind("udp://[::]:0")
        const v4 = yield* Network.bind("udp://127.0.0.1:0")
        yield* UdpSocket.send(v4, "question", `127.0.0.1:${both.address.port}`)
        const question = yield* UdpSocket.receive(both)
        expect(format(question.source)).toBe(format(v4.address))
        yield* UdpSocket.reply(both, question, "reply")
        yield* UdpSocket.send(both, "first", v4.address)
        yield* UdpSocket.send(both, "mapped", `[::ffff:127.0.0.1]:${v4.address.port}`)
        for (const text of ["reply", "first", "mapped"]) {
          const datagram = yield* UdpSocket.receive(v4)
          expect(textOf(datagram)).toBe(text)
          expect(format(datagram.source)).toBe(`127.0.0.1:${both.address.port}`)
        }
        const connected = yield* Network.bind("udp://[::]:0", { peer: `udp://${format(v4.address)}` })
        yield* UdpSocket.send(connected, "connected")
        const datagram = yield* UdpSocket.receive(v4)
        expect(textOf(datagram)).toBe("connected")
        expect(format(connected.address)).toBe(format(datagram.source))
        const mapped = yield* Network.bind("udp://[::ffff:127.0.0.1]:0")
        expect(mapped.address._tag).toBe("InetAddressV4")
      }))
  )

  it.skipIf(isReal && !hasIpv6)(
    "refuses the other family wherever the socket cannot reach it",
    () =>
      run(Effect.gen(function*() {
        const v4 = yield* Network.bind("udp://0.0.0.0:0")
        const v6 = yield* Network.bind("udp://[::1]:0")
        const only = yield* Network.bind("udp://[::]:0", { ipv6Only: true })
        const attempts = [
          UdpSocket.send(v4, "x", "[::1]:9"),
          UdpSocket.send(v6, "x", "127.0.0.1:9"),
          UdpSocket.send(only, "x", "127.0.0.1:9"),
          Network.bind("udp://127.0.0.1:0", { peer: "udp://[::1]:9" }),
          Network.bind("udp://[::]:0", { peer: "udp://127.0.0.1:9", ipv6Only: true }),
          UdpSocket.join(v4, { group: "ff02::1234" }),
          UdpSocket.join(only, { group: "239.255.77.78" }),
          UdpSocket.join(v4, { group: "232.1.1.1", source: "::1" })
        ]
        for (const attempt of attempts) {
          expect(yield* reasonOf(attempt)).toMatchObject({ _tag: "AddressFamilyMismatch" })
        }
      }))
  )

  it("refuses port 0 and names, in brackets where they belong", () =>
    run(Effect.gen(function*() {
      const socket = yield* Network.bind("udp://127.0.0.1:0")
      expect(yield* reasonOf(UdpSocket.send(socket, "x", "127.0.0.1:0"))).toMatchObject({
        _tag: "InvalidEndpoint",
        part: "port",
        input: "127.0.0.1:0"
      })
      const message = yield* Effect.match(UdpSocket.send(socket, "x", "[::1]:9"), {
        onSuccess: () => "",
        onFailure: (error) => error.message
      })
      expect(message).toContain("udp://[::1]:9: [::1]:9 is not")
      expect(yield* reasonOf(UdpSocket.send(socket, "x", "localhost:9"))).toMatchObject({ _tag: "InvalidEndpoint" })
    })))

  it.skipIf(isReal && !multicasts)(
    "joins a group once at a time, and only what is there",
    () =>
      run(Effect.gen(function*() {
        const at = { group: "239.255.77.78", interface: "127.0.0.1" }
        const from = { ...at, source: "127.0.0.1" }
        const socket = yield* Network.bind("udp://0.0.0.0:0")
        const scope = yield* Scope.make()
        yield* Scope.provide(UdpSocket.join(socket, at), scope)
        expect(yield* reasonOf(UdpSocket.join(socket, at))).toMatchObject({ _tag: "AddressInUse", what: "group" })
        yield* Scope.close(scope, Exit.void)
        yield* Effect.scoped(UdpSocket.join(socket, at))
        yield* UdpSocket.join(socket, from)
        expect(yield* reasonOf(UdpSocket.join(socket, from))).toMatchObject({ _tag: "AddressInUse" })
        expect(yield* reasonOf(UdpSocket.join(socket, { ...at, interface: "192.0.2.77" })))
          .toMatchObject({ _tag: "AddressNotAvailable" })
        expect(yield* reasonOf(UdpSocket.join(socket, { ...at, interface: "eth7" })))
          .toMatchObject({ _tag: "InvalidOption", option: "interface" })
        expect(yield* reasonOf(Network.bind("udp://0.0.0.0:0", { multicastInterface: "eth7" })))
          .toMatchObject({ _tag: "InvalidOption", option: "multicastInterface" })
        expect(yield* reasonOf(Network.bind("udp://0.0.0.0:0", { multicastInterface: "192.0.2.77" })))
          .toMatchObject({ _tag: "AddressNotAvailable" })
        const closed = yield* Effect.scoped(Network.bind("udp://0.0.0.0:0"))
        expect(yield* reasonOf(UdpSocket.join(closed, at))).toMatchObject({ _tag: "Closed" })
      }))
  )
})
