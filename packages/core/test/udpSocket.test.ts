import { assert, describe, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { checkBind } from "../src/internal/udp/options.ts"
import { UdpSocketState } from "../src/internal/udp/udpSocket.ts"
import { Admission } from "../src/internal/udpServer/admission.ts"
import type * as SocketOptions from "../src/SocketOptions.ts"

const inet = NetAddress.inetAddressFromStringUnsafe

const notice = NetworkError.make("receive", "udp://127.0.0.1:7", new NetworkError.ConnectionRefused())

/** A socket over a transport that notes what it sends, and has 10.0.0.1 for its machine's address. */
const open = (options: SocketOptions.BindOptions = {}, local = "127.0.0.1:7", peer?: NetAddress.InetAddress) => {
  const sent: Array<readonly [Uint8Array, Transport.DatagramSource | undefined]> = []
  const socket = new UdpSocketState(`udp://${local}`, { ...Result.getOrThrow(checkBind(options, local)), peer })
  let closes = 0
  socket.open({
    localAddress: inet(local),
    send: (payload, to, done) => {
      sent.push([payload, to])
      done()
    },
    parse: ({ address, port }) => NetAddress.inetAddressFromIpStringUnsafe(address, port),
    format: ({ address, port }) => ({ address: NetAddress.formatIp(address), port }),
    isLocal: (address) => address === "10.0.0.1",
    joinMulticast: () => Effect.void,
    leaveMulticast: () => Effect.void,
    close: Effect.sync(() => void closes++)
  })
  const arrive = (...bytes: ReadonlyArray<number>) => {
    for (const byte of bytes) socket.onDatagram(Uint8Array.of(byte), { address: "10.0.0.2", port: 9 })
  }
  return { socket, sent, arrive, closes: () => closes }
}

const bytesOf = (datagrams: ReadonlyArray<{ readonly payload: Uint8Array }>) =>
  datagrams.flatMap(({ payload }) => Array.from(payload))

describe("a socket of datagrams", () => {
  it.effect("gives receivers their datagrams in order, and queues the others up to its capacity", () =>
    Effect.gen(function*() {
      for (const queueOverflow of ["dropNewest", "dropOldest"] as const) {
        const { arrive, socket } = open({ queueCapacity: 2, queueOverflow })
        const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(socket.receive, { startImmediately: true }))
        arrive(1, 2, 3, 4, 5)
        assert.deepStrictEqual(bytesOf(yield* Effect.forEach(fibers, Fiber.join)), [1, 2])
        assert.deepStrictEqual(bytesOf(yield* socket.receiveAll), queueOverflow === "dropNewest" ? [3, 4] : [4, 5])
        assert.deepStrictEqual(socket.traffic, { received: 5, sent: 0, dropped: 1 })
        arrive(6)
        assert.deepStrictEqual(bytesOf(yield* socket.receiveAll), [6])
      }
    }))

  it.effect("gives an error to all receivers that wait, and else to the next one alone", () =>
    Effect.gen(function*() {
      const { arrive, socket } = open()
      const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(socket.receive, { startImmediately: true }))
      socket.onError(notice)
      for (const fiber of fibers) assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), notice)
      // It has been seen.
      const third = yield* Effect.forkChild(socket.receive, { startImmediately: true })
      assert.isUndefined(third.pollUnsafe())
      arrive(1)
      yield* Fiber.join(third)

      socket.onError(notice)
      assert.strictEqual(yield* Effect.flip(socket.receive), notice)
      // What arrives after it says that the peer is there.
      socket.onError(notice)
      arrive(2)
      assert.deepStrictEqual(bytesOf(yield* socket.receiveAll), [2])
      const last = yield* Effect.forkChild(socket.receive, { startImmediately: true })
      assert.isUndefined(last.pollUnsafe())
    }))

  it.effect("loses no datagram to a receiver that is interrupted", () =>
    Effect.gen(function*() {
      const { arrive, socket } = open()
      yield* Fiber.interrupt(yield* Effect.forkChild(socket.receive, { startImmediately: true }))
      arrive(1)
      assert.deepStrictEqual(bytesOf([yield* socket.receive]), [1])
    }))

  it.effect("knows its own datagrams by their port and a local address", () =>
    Effect.sync(() => {
      const own = (local: string) =>
        ["127.0.0.1", "10.0.0.1", "10.0.0.2"].map((address) =>
          [7, 8].map((port) => open({}, local).socket.sent({ address, port }))
        )
      assert.deepStrictEqual(own("127.0.0.1:7"), [[true, false], [false, false], [false, false]])
      assert.deepStrictEqual(own("0.0.0.0:7"), [[false, false], [true, false], [false, false]])
    }))

  it.effect("sends text and bytes, and replies to the source or to its peer, but not to port 0", () =>
    Effect.gen(function*() {
      for (const peer of [undefined, inet("10.0.0.3:3")]) {
        const { arrive, sent, socket } = open({}, "0.0.0.0:7", peer)
        yield* socket.send("a", inet("10.0.0.3:3"))
        arrive(1)
        const datagram = yield* socket.receive
        yield* socket.reply(datagram, Uint8Array.of(98))
        const source = peer === undefined ? { address: "10.0.0.2", port: 9 } : undefined
        assert.deepStrictEqual(sent, [
          [Uint8Array.of(97), { address: "10.0.0.3", port: 3 }],
          [Uint8Array.of(98), source]
        ])
        assert.strictEqual(socket.traffic.sent, 2)
        socket.onDatagram(Uint8Array.of(1), { address: "10.0.0.2", port: 0 })
        const reply = Effect.result(socket.reply(yield* socket.receive, "c"))
        assert.strictEqual(Result.isSuccess(yield* reply), peer !== undefined)
        assert.strictEqual(Result.isSuccess(yield* Effect.result(socket.send("d", undefined))), peer !== undefined)
        for (const bad of ["10.0.0.3:0", "[fd00::1]:3"]) {
          assert.strictEqual((yield* Effect.flip(socket.send("e", inet(bad)))).operation, "send")
        }
      }
    }))

  it.effect("that is closed wakes all who wait, and takes and sends nothing", () =>
    Effect.gen(function*() {
      const { arrive, closes, sent, socket } = open()
      const waiting = yield* Effect.forkChild(Effect.flip(socket.receive), { startImmediately: true })
      yield* socket.close
      arrive(1)
      const errors = [
        yield* Fiber.join(waiting),
        yield* Effect.flip(socket.receive),
        yield* Effect.flip(socket.send("x", inet("10.0.0.3:3"))),
        yield* Effect.scoped(Effect.flip(socket.join({ group: "239.1.2.3" })))
      ]
      assert.deepStrictEqual(errors.map(({ reason }) => reason._tag), ["Closed", "Closed", "Closed", "Closed"])
      assert.deepStrictEqual([sent.length, closes(), socket.traffic.received], [0, 1, 0])
    }))
})

describe("the admission of datagrams", () => {
  it.effect("reports a rejection at once, and those of the next second together", () =>
    Effect.gen(function*() {
      const reports: Array<readonly [string, number]> = []
      const { arrive, socket } = open()
      const admission = new Admission({
        socket,
        rate: undefined,
        handleOwn: false,
        clock: yield* Clock.Clock,
        report: (why, _, count) => reports.push([why, count])
      })
      socket.onDatagram(Uint8Array.of(1), { address: "127.0.0.1", port: 7 })
      const own = yield* socket.receive
      arrive(2)
      const other = yield* socket.receive
      assert.isTrue(admission.admits(other))
      for (const [wait, times] of [[0, 3], [999, 2], [1, 1], [999, 1], [1, 1]] as const) {
        yield* TestClock.adjust(wait)
        for (let time = 0; time < times; time++) assert.isFalse(admission.admits(own))
      }
      assert.deepStrictEqual(reports, [["handleOwn", 1], ["handleOwn", 5], ["handleOwn", 2]])
      assert.deepStrictEqual(admission.rejected, { ratePerSource: 0, handleOwn: 8 })
    }))
})
