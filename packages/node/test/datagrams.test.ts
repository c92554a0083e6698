import { describe, expect, layer } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { createSocket } from "node:dgram"
import { networkInterfaces } from "node:os"
import * as NodeNetwork from "../src/NodeNetwork.ts"

const textOf = (datagram: UdpSocket.Datagram) => new TextDecoder().decode(datagram.payload)
const loopback = "127.0.0.1"

/** Whether this machine loops multicast datagrams back; containers sometimes do not. */
const multicasts = await new Promise<boolean>((resolve) => {
  const socket = createSocket("udp4")
  socket.bind(0, () => {
    try {
      socket.addMembership("239.255.77.77", loopback)
      resolve(true)
    } catch {
      console.log("skipped: multicast, because this machine lets nobody join a group on loopback")
      resolve(false)
    }
    socket.close()
  })
})

const hasIpv6 = Object.values(networkInterfaces()).flat().some((each) => each?.address === "::1")
if (!hasIpv6) console.log("skipped: IPv6, because this machine has no ::1")

layer(NodeNetwork.layer)("Datagrams", (it) => {
  describe.skipIf(!multicasts)("multicast", () => {
    const group = "239.255.77.77"

    it.effect("is heard by those who joined, for as long as they have", () =>
      Effect.gen(function*() {
        const receiver = yield* Network.bind("udp://0.0.0.0:0")
        const sender = yield* Network.bind(`udp://${loopback}:0`, { multicastInterface: loopback, multicastTtl: 0 })
        const to = `${group}:${receiver.address.port}`
        const membership = yield* Scope.make()
        yield* Scope.provide(UdpSocket.join(receiver, { group, interface: loopback }), membership)
        yield* UdpSocket.send(sender, "joined", to)
        const datagram = yield* UdpSocket.receive(receiver)
        expect(textOf(datagram)).toBe("joined")
        expect(NetAddress.formatInet(datagram.source)).toBe(NetAddress.formatInet(sender.address))
        yield* Scope.close(membership, Exit.void)
        yield* UdpSocket.send(sender, "left", to)
        yield* UdpSocket.send(sender, "directly", `${loopback}:${receiver.address.port}`)
        expect(textOf(yield* UdpSocket.receive(receiver))).toBe("directly")
      }))

    it.effect("can be heard from one source only", () =>
      Effect.gen(function*() {
        const receiver = yield* Network.bind("udp://0.0.0.0:0")
        const group = "232.77.77.77"
        yield* UdpSocket.join(receiver, { group, source: loopback, interface: loopback })
        const send = Effect.fnUntraced(function*(from: string, text: string) {
          const socket = yield* Network.bind(`udp://${from}:0`, { multicastInterface: loopback, multicastTtl: 0 })
          yield* UdpSocket.send(socket, text, `${group}:${receiver.address.port}`)
        }, Effect.scoped)
        yield* send("127.0.0.2", "somebody else")
        yield* send(loopback, "the source")
        expect(textOf(yield* UdpSocket.receive(receiver))).toBe("the source")
      }))

    it.effect("refuses what is no group, and an interface that is not there", () =>
      Effect.gen(function*() {
        const socket = yield* Network.bind("udp://0.0.0.0:0")
        const failed = (membership: UdpSocket.Membership) =>
          Effect.map(Effect.flip(UdpSocket.join(socket, membership)), ({ reason }) => reason)
        expect(yield* failed({ group: "10.0.0.1" })).toMatchObject({ _tag: "InvalidOption", option: "group" })
        expect(yield* failed({ group, source: "nobody" })).toMatchObject({ _tag: "InvalidOption", option: "source" })
        const { _tag } = yield* failed({ group, interface: "203.0.113.7" })
        expect(["AddressNotAvailable", "Other"]).toContain(_tag)
      }))
  })

  it.effect("broadcasting is forbidden unless allowed", () =>
    Effect.gen(function*() {
      const quiet = yield* Network.bind("udp://0.0.0.0:0")
      const error = yield* Effect.flip(UdpSocket.send(quiet, "hello", "255.255.255.255:9"))
      expect(error.reason._tag).toBe("PermissionDenied")
      const loud = yield* Network.bind("udp://0.0.0.0:0", { broadcast: true })
      const exit = yield* Effect.exit(UdpSocket.send(loud, "hello", "127.255.255.255:9"))
      expect(Exit.isSuccess(exit)).toBe(true)
    }))

  it.effect("a socket can send without reading, and bounds what it has not read", () =>
    Effect.gen(function*() {
      const receiver = yield* Network.bind(`udp://${loopback}:0`, { queueCapacity: 2, queueOverflow: "dropOldest" })
      const sender = yield* Network.bind(`udp://${loopback}:0`)
      for (const text of ["1", "2", "3", "4"]) yield* UdpSocket.send(sender, text, receiver.address)
      yield* Effect.repeat(turn, { until: () => Effect.sync(() => UdpSocket.dropped(receiver) === 2) })
      expect((yield* UdpSocket.receiveAll(receiver)).map(textOf)).toEqual(["3", "4"])
    }))

  it.effect.skipIf(!hasIpv6)("options reach the kernel, over IPv6 too", () =>
    Effect.gen(function*() {
      const receiver = yield* Network.bind("udp://[::1]:0", { ipv6Only: true, receiveBufferSize: 65536 })
      const sender = yield* Network.bind("udp://[::1]:0", { ttl: 7, sendBufferSize: 65536, reuseAddress: true })
      yield* UdpSocket.send(sender, "", receiver.address)
      const datagram = yield* UdpSocket.receive(receiver)
      expect(datagram.payload.length).toBe(0)
      expect(datagram.source).toEqual(sender.address)
    }))

  it.effect("a peer that cannot be connected to is an error when binding", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Network.bind(`udp://${loopback}:0`, { peer: "udp://255.255.255.255:9" }))
      expect(error.reason._tag).toBe("PermissionDenied")
    }))

  describe("UdpServer", () => {
    it.effect("answers many at once, and outlives a handler that fails", () =>
      Effect.gen(function*() {
        const go = yield* Latch.make()
        const server = yield* UdpServer.make({ bind: `udp://${loopback}:0` }, (datagram, socket) => {
          const text = textOf(datagram)
          if (text === "die") return Effect.die("as told")
          if (text === "wait") return Effect.andThen(go.await, UdpSocket.reply(socket, datagram, "waited"))
          return UdpSocket.reply(socket, datagram, text)
        })
        const client = yield* Network.bind(`udp://${loopback}:0`, { peer: `udp://${loopback}:${server.address.port}` })
        for (const text of ["wait", "die", "now"]) yield* UdpSocket.send(client, text)
        expect(textOf(yield* UdpSocket.receive(client))).toBe("now")
        yield* go.open
        expect(textOf(yield* UdpSocket.receive(client))).toBe("waited")
      }))

    it.effect("outlives a handler that throws, and closes what each datagram opened", () =>
      Effect.gen(function*() {
        const closed: Array<string> = []
        const server = yield* UdpServer.make({ bind: `udp://${loopback}:0`, concurrency: 1 }, (datagram, socket) => {
          const text = textOf(datagram)
          if (text === "throw") throw new Error("as told")
          return Effect.andThen(
            Effect.addFinalizer(() => Effect.sync(() => closed.push(text))),
            UdpSocket.reply(socket, datagram, text)
          )
        })
        const client = yield* Network.bind(`udp://${loopback}:0`, { peer: `udp://${loopback}:${server.address.port}` })
        for (const text of ["one", "throw", "two"]) yield* UdpSocket.send(client, text)
        expect(textOf(yield* UdpSocket.receive(client))).toBe("one")
        expect(textOf(yield* UdpSocket.receive(client))).toBe("two")
        expect(closed[0]).toBe("one")
      }))

    it.effect("drains: what is being handled is finished, within the grace period", () =>
      Effect.gen(function*() {
        const begun = yield* Deferred.make<void>()
        const go = yield* Latch.make()
        const scope = yield* Scope.make()
        const server = yield* Scope.provide(
          UdpServer.make({ bind: `udp://${loopback}:0`, drain: "1 minute" }, (datagram, socket) =>
            textOf(datagram) === "stuck" ? Effect.never : Deferred.succeed(begun, undefined).pipe(
              Effect.andThen(go.await),
              Effect.andThen(UdpSocket.reply(socket, datagram, "in time"))
            )),
          scope
        )
        const client = yield* Network.bind(`udp://${loopback}:0`, { peer: `udp://${loopback}:${server.address.port}` })
        yield* UdpSocket.send(client, "stuck")
        yield* UdpSocket.send(client, "slow")
        yield* Deferred.await(begun)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* go.open
        expect(textOf(yield* UdpSocket.receive(client))).toBe("in time")
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(closing)
      }))

    it.effect("refuses invalid options", () =>
      Effect.gen(function*() {
        const failed = (options: Partial<UdpServer.Options>) =>
          Effect.map(
            Effect.flip(UdpServer.make({ bind: `udp://${loopback}:0`, ...options }, () => Effect.void)),
            ({ reason }) => reason
          )
        expect(yield* failed({ concurrency: 0 })).toMatchObject({ _tag: "InvalidOption", option: "concurrency" })
        expect(yield* failed({ drain: "never" as never })).toMatchObject({ _tag: "InvalidOption", option: "drain" })
        expect(yield* failed({ ttl: 256 })).toMatchObject({ _tag: "InvalidOption", option: "ttl" })
        expect(yield* failed({ bind: "tcp://127.0.0.1:0" })).toMatchObject({ _tag: "InvalidEndpoint", part: "scheme" })
      }))
  })

  it.effect("metrics count what came, went and was dropped, by address", () =>
    Effect.gen(function*() {
      const socket = yield* Network.bind(`udp://${loopback}:0`, { queueCapacity: 1 })
      for (const text of ["1", "2", "3"]) yield* UdpSocket.send(socket, text, socket.address)
      yield* Effect.repeat(turn, { until: () => Effect.sync(() => UdpSocket.dropped(socket) === 2) })
      const mine = (yield* Metric.snapshot).filter(({ attributes }) =>
        attributes?.address === NetAddress.formatInet(socket.address)
      )
      expect(Object.fromEntries(mine.map(({ id, state }) => [id, state]))).toMatchObject({
        sluice_datagrams_in: { count: 3 },
        sluice_datagrams_out: { count: 3 },
        sluice_datagrams_dropped: { count: 2 }
      })
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
})

/** A turn of the event loop, in which the kernel's events come in. */
const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
