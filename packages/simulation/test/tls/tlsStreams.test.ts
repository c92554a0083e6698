import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import { describe, expect, it } from "vitest"
import { FakeTransport } from "../../../core/test/connection/FakeTransport.ts"
import { Fields, Malformed } from "../../src/internal/kernel/tls/handshake/fields.ts"
import { encodeAlert } from "../../src/internal/kernel/tls/record/alert.ts"
import * as Record from "../../src/internal/kernel/tls/record/record.ts"
import { RecordLayer, type RecordReceiver } from "../../src/internal/kernel/tls/record/recordLayer.ts"
import type { TlsHost } from "../../src/internal/kernel/tls/stack.ts"
import { SecureStream } from "../../src/internal/kernel/tls/stream.ts"

/** A stream whose handshake is done, over a transport that had stopped, and what the program is told in its order. */
const streamOver = (transport: FakeTransport) => {
  transport.isFlowing = false
  const layer = new RecordLayer(transport, (task) => task(), {} as RecordReceiver)
  const stream = new SecureStream({} as TlsHost, layer, { onTicket: undefined, session: {} as Tls.Session })
  layer.use(stream)
  layer.start()
  const told: Array<string> = []
  const start = () =>
    stream.start({
      onData: (chunk) => told.push(`data ${chunk.length}`) > 0,
      onEnd: () => told.push("end"),
      onFlushed: () => told.push("flushed"),
      onError: ({ reason }) => told.push(reason._tag),
      onClose: () => told.push("close")
    })
  return { layer, start, told }
}

const reset = NetworkError.make("read", "a", new NetworkError.ConnectionReset())

describe("a stream of TLS over any transport", () => {
  it("asks a transport that has stopped for more", () => {
    const transport = new FakeTransport()
    const { start, told } = streamOver(transport)
    expect(transport.isFlowing).toBe(true)
    start()
    transport.deliver(new Record.Protection().seal([new Uint8Array(5)])[0]!)
    expect(told).toEqual(["data 5"])
  })

  it("tells a program that starts late how it has broken, and that it is closed, once each", () => {
    for (const isBroken of [true, false]) {
      const transport = new FakeTransport()
      const { start, told } = streamOver(transport)
      if (isBroken) transport.receiver!.onError(reset)
      transport.close()
      expect(told).toEqual([])
      start()
      expect(told).toEqual(isBroken ? ["ConnectionReset", "close"] : ["close"])
    }
  })

  it("keeps what comes before the program starts, and tells its end once", () => {
    const transport = new FakeTransport()
    const { layer, start, told } = streamOver(transport)
    layer.pause()
    transport.deliver(new Record.Protection().seal([new Uint8Array(5)])[0]!)
    const goodbye = Record.encodeRecords(Record.alert, encodeAlert("close_notify"))[0]!
    transport.deliver(goodbye)
    expect(told).toEqual([])
    start()
    transport.deliver(goodbye)
    transport.receiver!.onEnd()
    expect(told).toEqual(["data 5", "end"])
  })
})

it("what is not an object has no fields, and says so by a typed error", () => {
  for (const value of [null, undefined, [], [{}], 1, "a", true]) {
    expect(() => new Fields(value)).toThrow(Malformed)
  }
  expect(new Fields({ name: "a" }).text("name")).toBe("a")
})
