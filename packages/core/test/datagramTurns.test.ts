import { describe, expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Transport from "@sluice/core/Transport"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Effect from "effect/Effect"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"

const address = NetAddress.inetAddressFromStringUnsafe("127.0.0.1:7")
const refused = NetworkError.make("receive", "udp://127.0.0.1:7", new NetworkError.ConnectionRefused())

/** A socket of a platform whose turns are given, and a fiber that notes what it receives. */
const receiving = (options: SocketOptions.BindOptions = {}) =>
  Effect.gen(function*() {
    let receiver: Transport.DatagramReceiver | undefined
    let turns = 0
    let endOfTurn: (() => void) | undefined
    const network = yield* Transport.makeNetwork({
      resolver: AddressResolver.make(Dns.make({ lookup: () => Effect.die("no names here") })),
      connect: () => Effect.die("no connections here"),
      listen: () => Effect.die("no listeners here"),
      secure: () => Effect.die("no TLS here"),
      bind: (_, __, given) =>
        Effect.sync(() => {
          receiver = given
          return {
            localAddress: address,
            send: (_, __, done) => done(),
            parse: () => address,
            format: () => ({ address: "127.0.0.1", port: 7 }),
            isLocal: () => false,
            afterTurn: (callback) => {
              turns++
              endOfTurn = callback
            },
            joinMulticast: () => Effect.void,
            leaveMulticast: () => Effect.void,
            close: Effect.void
          } satisfies Transport.DatagramTransport
        })
    })
    const socket = yield* Effect.provideService(Network.bind("udp://127.0.0.1:7", options), Network.Network, network)
    const seen: Array<number | string> = []
    const one = Effect.match(UdpSocket.receive(socket), {
      onFailure: ({ reason }) => void seen.push(reason._tag),
      onSuccess: ({ payload }) => void seen.push(payload[0]!)
    })
    const loop = Effect.whileLoop({ while: () => true, body: () => one, step: () => {} })
    yield* Effect.forkScoped(loop, { startImmediately: true })
    return {
      socket,
      seen,
      turns: () => turns,
      arrive: (...payloads: ReadonlyArray<number>) => {
        for (const payload of payloads) receiver!.onDatagram(Uint8Array.of(payload), { address: "127.0.0.1", port: 9 })
      },
      fail: () => receiver!.onError(refused),
      endTurn: () => endOfTurn!()
    }
  })

describe("the datagrams of one turn of the event loop", () => {
  it.effect("resume the fiber that waits once for the first, and once for the others", () =>
    Effect.gen(function*() {
      const { arrive, endTurn, seen } = yield* receiving()
      arrive(1, 2, 3, 4, 5, 6)
      expect(seen).toEqual([1])
      endTurn()
      expect(seen).toEqual([1, 2, 3, 4, 5, 6])
      arrive(7, 8)
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7])
    }))

  it.effect("are not dropped while a fiber waits for them", () =>
    Effect.gen(function*() {
      const { arrive, endTurn, seen, socket } = yield* receiving({ queueCapacity: 2 })
      arrive(1, 2, 3, 4, 5, 6)
      expect(seen).toEqual([1, 2, 3, 4, 5].slice(0, seen.length))
      endTurn()
      expect(seen).toEqual([1, 2, 3, 4, 5, 6])
      expect(UdpSocket.dropped(socket)).toBe(0)
    }))

  it.effect("come before an error that follows them", () =>
    Effect.gen(function*() {
      const { arrive, endTurn, fail, seen } = yield* receiving()
      arrive(1, 2)
      fail()
      arrive(3)
      endTurn()
      expect(seen).toEqual([1, 2, "ConnectionRefused", 3])
    }))

  it.effect("each resume the fiber for a while when turns bring few", () =>
    Effect.gen(function*() {
      const { arrive, endTurn, seen, turns } = yield* receiving()
      arrive(1)
      endTurn()
      for (let n = 2; n <= 33; n++) arrive(n)
      expect(seen.length).toBe(33)
      expect(turns()).toBe(1)
      arrive(34, 35)
      expect(seen.length).toBe(34)
      expect(turns()).toBe(2)
    }))
})
