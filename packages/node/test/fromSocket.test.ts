import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { expect, layer } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as ConnectionBridge from "@sluice/core/ConnectionBridge"
import * as Framed from "@sluice/core/Framed"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"

// Effect's own socket of Node on one side, and a server of Sluice's on the other.
const opened = Effect.fnUntraced(function*<E, R>(handler: Server.Handler<E, R>) {
  const server = yield* Server.make({ listen: "tcp://127.0.0.1:0", closeTimeout: "1 second" }, handler)
  const { port } = server.address as NetAddress.InetAddress
  const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port })
  return yield* ConnectionBridge.fromSocket(socket, {
    closeTimeout: "1 second",
    remoteAddress: NetAddress.inetAddressFromIpStringUnsafe("127.0.0.1", port)
  })
})

const reasonOf = <A, R>(effect: Effect.Effect<A, NetworkError.NetworkError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)

layer(NodeNetwork.layer, { excludeTestServices: true })("a Socket of Node's as a connection", (it) => {
  it.effect("carries bytes both ways, and frames over them", () =>
    Effect.gen(function*() {
      const connection = yield* opened((peer) => Connection.pipeTo(peer, peer))
      const lines = yield* Framed.make(connection, Framing.lines())
      expect(yield* Framed.request(lines, "Grüß dich")).toBe("Grüß dich")
    }))

  it.effect("carries megabytes, while both are slow", () =>
    Effect.gen(function*() {
      const connection = yield* opened((peer) => Connection.pipeTo(peer, peer))
      const sent = new Uint8Array(3_000_000).map((_, index) => index * 7)
      const writing = Connection.write(connection, sent)
      const [received] = yield* Effect.all([Connection.readExactly(connection, sent.length), writing], {
        concurrency: 2
      })
      expect(Buffer.compare(received, sent)).toBe(0)
    }))

  it.effect("says what it was told of itself, and nothing else", () =>
    Effect.gen(function*() {
      const connection = yield* opened(() => Effect.void)
      expect(Connection.formatPeer(connection)).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(connection.localAddress).toEqual(NetAddress.unixPathAddress(""))
    }))

  it.effect("ends when the peer does, again and again, and then accepts no more output", () =>
    Effect.gen(function*() {
      const connection = yield* opened((peer) => Connection.writeText(peer, "goodbye"))
      expect(new TextDecoder().decode(yield* Connection.readAll(connection))).toBe("goodbye")
      expect(Option.isNone(yield* Connection.read(connection))).toBe(true)
      expect(yield* Effect.timeout(reasonOf(Connection.writeText(connection, "late")), "30 seconds")).toBe("BrokenPipe")
      expect(yield* Effect.timeout(reasonOf(Connection.writeText(connection, "later")), "30 seconds")).toBe(
        "BrokenPipe"
      )
    }))

  it.effect("half-closes", () =>
    Effect.gen(function*() {
      const heard = yield* Deferred.make<string>()
      const connection = yield* opened((peer) =>
        Effect.flatMap(Connection.readAll(peer), (all) => Deferred.succeed(heard, new TextDecoder().decode(all)))
      )
      yield* Connection.writeText(connection, "that is all")
      yield* Connection.end(connection)
      expect(yield* Deferred.await(heard)).toBe("that is all")
      expect(Option.isNone(yield* Connection.read(connection))).toBe(true)
      expect(yield* Connection.closed(connection)).toEqual({ _tag: "Ended" })
    }))

  it.effect("fails reading and writing when the peer resets", () =>
    Effect.gen(function*() {
      const connection = yield* opened((peer) => Effect.andThen(Connection.read(peer), Connection.abort(peer)))
      yield* Connection.writeText(connection, "hello")
      expect(yield* reasonOf(Connection.readAll(connection))).toBe("ConnectionReset")
      expect(yield* Effect.timeout(reasonOf(Connection.writeText(connection, "late")), "30 seconds")).toBe(
        "ConnectionReset"
      )
    }))

  it.effect("cannot be acquired where nobody listens, and says why", () =>
    Effect.gen(function*() {
      const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port: 1 })
      expect(yield* reasonOf(ConnectionBridge.fromSocket(socket))).toBe("ConnectionRefused")
      const wrong = ConnectionBridge.fromSocket(socket, { closeTimeout: "never" as never })
      expect(yield* reasonOf(wrong)).toBe("InvalidOption")
    }))

  it.effect("closes in bounded time, though the peer reads nothing and the Socket never lets go", () =>
    Effect.gen(function*() {
      const socket = Socket.make({
        reader: Effect.acquireRelease(
          Effect.succeed({ pull: Effect.never, upgrade: Socket.SocketUpgradeError.unsupported }),
          () => Effect.never
        ),
        writer: Effect.succeed({ write: () => Effect.never, writeAll: () => Effect.never })
      })
      const scope = yield* Scope.make()
      const options = { closeTimeout: "100 millis" } as const
      const connection = yield* Scope.provide(ConnectionBridge.fromSocket(socket, options), scope)
      yield* Effect.forkChild(Connection.writeText(connection, "hello"), { startImmediately: true })
      yield* Effect.timeout(Scope.close(scope, Exit.void), "30 seconds")
      expect(yield* Connection.closed(connection)).toEqual({ _tag: "Aborted" })
    }))
})

// A server of WebSockets that does as it is told in each message.
const webSocket = Effect.gen(function*() {
  const server = yield* NodeSocketServer.makeWebSocket({ host: "127.0.0.1", port: 0 })
  const obey = (socket: Socket.Socket) =>
    Effect.scoped(Effect.gen(function*() {
      const { pull } = yield* socket.reader
      const { write } = yield* socket.writer
      while (true) {
        for (const frame of yield* pull) {
          const told = typeof frame === "string" ? frame : new TextDecoder().decode(frame)
          yield* write(
            told.startsWith("close ") ? new Socket.CloseEvent(Number(told.slice(6)), "as told") : `${told}\n`
          )
        }
      }
    })).pipe(Effect.catchReason("SocketError", "SocketCloseError", () => Effect.void))
  yield* Effect.forkScoped(server.run(obey), { startImmediately: true })
  const { port } = server.address as NetAddress.InetAddress
  return yield* Socket.makeWebSocket(`ws://127.0.0.1:${port}`)
}).pipe(Effect.provide(Socket.layerWebSocketConstructorGlobal))

layer(NodeNetwork.layer, { excludeTestServices: true })("a WebSocket as a connection", (it) => {
  it.effect("carries frames, and ends in order with code 1000", () =>
    Effect.gen(function*() {
      const connection = yield* ConnectionBridge.fromSocket(yield* webSocket, { closeTimeout: "1 second" })
      const lines = yield* Framed.make(connection, Framing.lines())
      yield* Connection.writeText(connection, "hello")
      expect(yield* Framed.receive(lines)).toEqual(Option.some("hello"))
      yield* Connection.writeText(connection, "close 1000")
      expect(yield* Framed.receive(lines)).toEqual(Option.none())
    }))

  it.effect("fails with what the peer closed it for, and another code than 1000 is no end", () =>
    Effect.gen(function*() {
      const connection = yield* ConnectionBridge.fromSocket(yield* webSocket, { closeTimeout: "1 second" })
      yield* Connection.writeText(connection, "close 1011")
      const error = yield* Effect.flip(Connection.readAll(connection))
      expect(error.reason).toMatchObject({ _tag: "Other", message: expect.stringContaining("1011: as told") })
      expect((yield* Connection.closed(connection))._tag).toBe("Failed")
    }))
})
