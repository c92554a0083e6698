import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Socket from "effect/socket/Socket"
import { ready } from "./ready.ts"

// Here the peer's end is an error, so that a clean end has to be told from the others, and forgiven.
const echo = (socket: Socket.Socket) =>
  Effect.scoped(Effect.gen(function*() {
    const { pull } = yield* socket.reader
    const { writeAll } = yield* socket.writer
    while (true) yield* writeAll(yield* pull)
  })).pipe(Effect.catchReason("SocketError", "SocketCloseError", () => Effect.void))

const program = Effect.scoped(Effect.gen(function*() {
  const server = yield* NodeSocketServer.make({ host: "127.0.0.1", port: 0, noDelay: true })
  ready((server.address as NetAddress.InetAddress).port)
  yield* server.run(echo)
}))

NodeRuntime.runMain(program)
