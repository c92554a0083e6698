import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as ConnectionBridge from "@sluice/core/ConnectionBridge"
import * as SocketBridge from "@sluice/core/SocketBridge"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Socket from "effect/socket/Socket"
import { connect, FakeTransport } from "../connection/FakeTransport.ts"

const ends = Effect.fail(new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) }))

/** A Socket of another library, whose peer ends at once. */
const foreign = (written: Array<unknown> = []) => {
  const write = (frame: unknown) => Effect.sync(() => void written.push(frame))
  return Socket.make({
    reader: Effect.succeed({ pull: ends, upgrade: () => Effect.die("no TLS here") }),
    writer: Effect.succeed({ write, writeAll: (frames) => Effect.forEach(frames, write, { discard: true }) })
  })
}

class ClosingTransport extends FakeTransport {
  override end(): void {
    super.end()
    this.close()
  }

  override destroy(): void {
    super.destroy()
    this.close()
  }

  override reset(): void {
    super.reset()
    this.close()
  }
}

/** A Socket of Sluice, whose peer ends at once. */
const own = () => {
  const transport = new ClosingTransport()
  const socket = SocketBridge.fromConnection(connect(transport))
  transport.receiver!.onEnd()
  return { socket, transport }
}

const path = (name: string) => NetAddress.unixPathAddress(name)

describe("the connection of a Socket", () => {
  it.effect("has the addresses that it is given, or those of the connection behind a Socket of Sluice, or none", () =>
    Effect.gen(function*() {
      const addresses = Effect.fnUntraced(function*(socket: Socket.Socket, options?: ConnectionBridge.Options) {
        const { localAddress, remoteAddress } = yield* ConnectionBridge.fromSocket(socket, options)
        return [localAddress, remoteAddress]
      })
      const given = { localAddress: path("/a"), remoteAddress: path("/b") }
      expect(yield* addresses(foreign())).toEqual([path(""), path("")])
      expect(yield* addresses(foreign(), given)).toEqual([path("/a"), path("/b")])
      expect(yield* addresses(own().socket)).toEqual([path("/near"), path("/far")])
      expect(yield* addresses(own().socket, { localAddress: path("/a") })).toEqual([path("/a"), path("/far")])
      expect(yield* addresses(own().socket, { remoteAddress: path("/b") })).toEqual([path("/near"), path("/b")])
    }))

  it.effect("can be written to after the peer's end if the Socket is half-open, as those of Sluice are", () =>
    Effect.gen(function*() {
      const late = Effect.fnUntraced(function*(socket: Socket.Socket, options?: ConnectionBridge.Options) {
        const connection = yield* ConnectionBridge.fromSocket(socket, options)
        expect((yield* Connection.readAll(connection)).length).toBe(0)
        const result = yield* Effect.result(Connection.writeText(connection, "late"))
        return result._tag === "Success" ? "written" : result.failure.reason._tag
      })
      expect(yield* late(foreign())).toBe("BrokenPipe")
      const written: Array<unknown> = []
      expect(yield* late(foreign(written), { halfOpen: true })).toBe("written")
      expect(written).toHaveLength(1)
      const { socket, transport } = own()
      expect(yield* late(socket)).toBe("written")
      expect(transport.written).toHaveLength(1)
      expect(yield* late(own().socket, { halfOpen: false })).toBe("BrokenPipe")
    }))
})
