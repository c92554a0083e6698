/** What a `DatagramSocket` of Sluice's must do, on whatever network; `endpoint` is one of this machine's, with port 0. */
import { expect } from "@effect/vitest"
import * as DatagramSocketBridge from "@sluice/core/DatagramSocketBridge"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import type * as DatagramSocket from "effect/socket/DatagramSocket"

const text = (datagram: DatagramSocket.Datagram) => new TextDecoder().decode(datagram.payload)

const reasonOf = <A, R>(effect: Effect.Effect<A, DatagramSocket.DatagramSocketError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

export const checks = (
  endpoint: string
): Record<string, Effect.Effect<void, unknown, Network.Network | Scope.Scope>> => ({
  "sends, receives, answers and echoes": Effect.gen(function*() {
    const server = yield* DatagramSocketBridge.make(endpoint)
    const client = yield* DatagramSocketBridge.make(endpoint)
    const there = yield* server.reader
    const here = yield* client.reader
    const serverWriter = yield* server.writer
    const clientWriter = yield* client.writer
    yield* clientWriter.write({ payload: "one", address: there.address })
    const [one] = yield* there.pull
    expect(text(one)).toBe("one")
    expect(NetAddress.formatInet(one.address)).toBe(NetAddress.formatInet(here.address))
    yield* serverWriter.write({ payload: "answer", address: one })
    expect(text((yield* here.pull)[0])).toBe("answer")
    yield* serverWriter.write(one)
    expect(text((yield* here.pull)[0])).toBe("one")
    yield* clientWriter.writeAll([{ payload: "two", address: there.address }, {
      payload: "three",
      address: there.address
    }])
    const received: Array<string> = []
    while (received.length < 2) received.push(...(yield* there.pull).map(text))
    expect(received).toEqual(["two", "three"])
    yield* clientWriter.writeAll([{ payload: "four", address: there.address }])
    expect((yield* there.pull).map(text)).toEqual(["four"])
    const tooLarge = { payload: new Uint8Array(70_000), address: there.address }
    const failing = clientWriter.writeAll([{ payload: "five", address: there.address }, tooLarge])
    expect(yield* reasonOf(failing)).toMatchObject({ _tag: "DatagramSocketWriteError", kind: "MessageTooLarge" })
    expect((yield* there.pull).map(text)).toEqual(["five"])
  }),

  "binds anew for each reader, and lets writing wait in between": Effect.gen(function*() {
    const socket = yield* DatagramSocketBridge.make(endpoint)
    const target = yield* Network.bind(endpoint)
    const writer = yield* socket.writer
    const writing = yield* Effect.forkChild(writer.write({ payload: "late", address: target.address }), {
      startImmediately: true
    })
    for (const round of [1, 2]) {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* socket.reader
        if (round === 2) yield* writer.write({ payload: "again", address: target.address })
        else yield* Fiber.join(writing)
      }))
    }
    const first = yield* UdpSocket.receive(target)
    const second = yield* UdpSocket.receive(target)
    expect([first, second].map(({ payload }) => new TextDecoder().decode(payload))).toEqual(["late", "again"])
    expect(first.source.port === second.source.port).toBe(false)
  }),

  "a reader whose Scope is closed is told": Effect.gen(function*() {
    const socket = yield* DatagramSocketBridge.make(endpoint)
    const scope = yield* Scope.make()
    const reader = yield* Scope.provide(socket.reader, scope)
    const pulling = yield* Effect.forkChild(Effect.flip(reader.pull), { startImmediately: true })
    yield* Scope.close(scope, Exit.void)
    expect((yield* Fiber.join(pulling)).reason._tag).toBe("DatagramSocketClosedError")
  }),

  "an address that is taken, one that is not this machine's, and too large a payload are typed": Effect.gen(
    function*() {
      const taken = yield* Network.bind(endpoint)
      const host = NetAddress.formatHost(taken.address)
      const same = yield* DatagramSocketBridge.make(`udp://${host}:${taken.address.port}`)
      expect(yield* reasonOf(same.reader)).toMatchObject({ _tag: "DatagramSocketOpenError", kind: "AddressInUse" })
      const elsewhere = yield* DatagramSocketBridge.make("udp://192.0.2.1:0")
      expect(yield* reasonOf(elsewhere.reader)).toMatchObject({ kind: "AddressNotAvailable" })
      const socket = yield* DatagramSocketBridge.make(endpoint)
      yield* socket.reader
      const writer = yield* socket.writer
      const tooLarge = writer.write({ payload: new Uint8Array(70_000), address: taken.address })
      expect(yield* reasonOf(tooLarge)).toMatchObject({ _tag: "DatagramSocketWriteError", kind: "MessageTooLarge" })
      expect(yield* reasonOf(writer.write({ payload: "nowhere" }))).toMatchObject({ _tag: "DatagramSocketWriteError" })
      const wrong = yield* Effect.flip(DatagramSocketBridge.make(endpoint, { queueCapacity: 0 }))
      expect(wrong.reason).toMatchObject({ _tag: "InvalidOption", option: "queueCapacity" })
    }
  ),

  "a connected socket needs no address": Effect.gen(function*() {
    const target = yield* Network.bind(endpoint)
    const peer = `udp://${NetAddress.formatHost(target.address)}:${target.address.port}`
    const socket = yield* DatagramSocketBridge.make(endpoint, { peer })
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    yield* writer.write({ payload: "hello" })
    yield* UdpSocket.reply(target, yield* UdpSocket.receive(target), "welcome")
    expect(text((yield* reader.pull)[0])).toBe("welcome")
    expect((yield* reasonOf(writer.write({ payload: "x", address: target.address })))._tag).toBe(
      "DatagramSocketWriteError"
    )
  }),

  "an adopted socket stays open after its reader, and ends it when it is closed": Effect.gen(function*() {
    const scope = yield* Scope.make()
    const udp = yield* Scope.provide(Network.bind(endpoint), scope)
    const socket = yield* DatagramSocketBridge.fromUdpSocket(udp)
    const other = yield* Network.bind(endpoint)
    for (const word of ["one", "two"]) {
      yield* Effect.scoped(Effect.gen(function*() {
        const reader = yield* socket.reader
        yield* UdpSocket.send(other, word, udp.address)
        expect(text((yield* reader.pull)[0])).toBe(word)
      }))
    }
    const reader = yield* socket.reader
    const pulling = yield* Effect.forkChild(reasonOf(reader.pull), { startImmediately: true })
    yield* Scope.close(scope, Exit.void)
    expect((yield* Fiber.join(pulling))._tag).toBe("DatagramSocketClosedError")
  })
})
