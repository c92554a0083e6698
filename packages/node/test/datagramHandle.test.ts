import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Dgram from "node:dgram"
import { DatagramHandle } from "../src/internal/facade/datagramHandle.ts"

const socket = Effect.acquireRelease(
  Effect.callback<Dgram.Socket>((resume) => {
    const socket = Dgram.createSocket("udp4")
    socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
  }),
  (socket) => Effect.sync(() => socket.close())
)

const handleOf = (socket: Dgram.Socket) => {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol")!
  return (socket as unknown as Record<symbol, { handle: { send: (...args: Array<unknown>) => number } }>)[symbol]!
    .handle
}

const never = (): void => expect.unreachable()

describe("the handle of a datagram socket", () => {
  it.live("sends at once, sends nothing that the system refuses, and calls back for what the system takes later", () =>
    Effect.gen(function*() {
      const sender = yield* socket
      const receiver = yield* socket
      const to = { address: "127.0.0.1", port: receiver.address().port }
      const received: Array<string> = []
      const arrived = new Promise<void>((resolve) =>
        receiver.on("message", (payload) => {
          received.push(String(payload))
          if (received.length === 3) resolve()
        })
      )
      const handle = new DatagramHandle(sender)
      // The first request shows how Node makes them.
      yield* Effect.callback<void>((resume) => sender.send("first", to.port, to.address, () => resume(Effect.void)))
      expect(handle.send(Buffer.from("second"), to, never)).toBe("sent")
      expect(handle.send(new Uint8Array(70_000), to, never)).toBe("unsent")

      const real = handleOf(sender)
      let queued: { oncomplete?: (status: number) => void } = {}
      real.send = (request) => {
        queued = request as typeof queued
        return 0
      }
      const statuses: Array<number> = []
      expect(handle.send(Buffer.from("later"), to, (status) => statuses.push(status))).toBe("queued")
      queued.oncomplete!(-1)
      expect(statuses).toEqual([-1])
      Reflect.deleteProperty(real, "send")
      // The request that was queued is not used again.
      expect(handle.send(Buffer.from("third"), to, never)).toBe("sent")
      yield* Effect.promise(() => arrived)
      expect(received).toEqual(["first", "second", "third"])

      sender.connect(to.port, to.address)
      yield* Effect.callback<void>((resume) => void sender.once("connect", () => resume(Effect.void)))
      const connected = new DatagramHandle(sender)
      expect(connected.send(Buffer.from("fourth"), undefined, never)).toBe("sent")
    }))
})
