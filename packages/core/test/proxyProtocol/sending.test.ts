import { describe, expect, it } from "@effect/vitest"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { sendHeader } from "../../src/internal/proxy/sendHeader.ts"
import { FakeTransport } from "../connection/FakeTransport.ts"

const header = new TextEncoder().encode("PROXY UNKNOWN\r\n")
const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

/** A receiver that keeps what it gets, and wants more or not. */
const receiving = (wantsMore = true) => {
  const got: Array<unknown> = []
  const receiver: Transport.StreamReceiver = {
    onData: (chunk) => {
      got.push(chunk.slice())
      return wantsMore
    },
    onEnd: () => got.push("end"),
    onFlushed: () => got.push("flushed"),
    onError: (error) => got.push(error.reason._tag),
    onClose: () => got.push("close")
  }
  return { got, receiver }
}

/** A stream that has not taken its header yet, and what becomes of it. */
const waiting = Effect.gen(function*() {
  const transport = new FakeTransport({ lends: true })
  transport.takes = false
  const sending = yield* Effect.forkChild(sendHeader(transport, header), { startImmediately: true })
  expect(transport.written).toEqual([header])
  expect(sending.pollUnsafe()).toBeUndefined()
  return { transport, sending }
})

describe("T1: a PROXY header that is sent", () => {
  it.effect("is the first of the stream's bytes, or nothing", () =>
    Effect.gen(function*() {
      const plain = new FakeTransport()
      expect(yield* sendHeader(plain, undefined)).toBe(plain)
      expect(plain.calls).toEqual([])
      const transport = new FakeTransport()
      expect(yield* sendHeader(transport, header)).toBe(transport)
      expect(transport.written).toEqual([header])
      expect(transport.receiver).toBeUndefined()
    }))

  it.effect("loses nothing that the peer sends while it waits, and stops the peer from sending more", () =>
    Effect.gen(function*() {
      const { sending, transport } = yield* waiting
      transport.deliver(bytes(1, 2))
      expect(transport.isFlowing).toBe(false)
      transport.receiver!.onEnd()
      transport.flush()
      const stream = yield* Fiber.join(sending)
      const { got, receiver } = receiving()
      stream.start(receiver)
      expect(got).toEqual([bytes(1, 2), "end"])
      expect(transport.isFlowing).toBe(true)
    }))

  it.effect("leaves the stream stopped for a receiver that wants no more", () =>
    Effect.gen(function*() {
      const { sending, transport } = yield* waiting
      transport.deliver(bytes(1))
      transport.flush()
      const stream = yield* Fiber.join(sending)
      transport.deliver(bytes(2))
      expect(transport.isFlowing).toBe(false)
      const { got, receiver } = receiving(false)
      stream.start(receiver)
      expect(got).toEqual([bytes(1)])
      expect(transport.isFlowing).toBe(false)
      stream.resume()
      expect(got).toEqual([bytes(1), bytes(2)])
    }))

  it.effect("fails with the stream", () =>
    Effect.gen(function*() {
      const { sending, transport } = yield* waiting
      transport.close()
      expect((yield* Effect.flip(Fiber.join(sending))).reason._tag).toBe("Closed")
    }))
})
