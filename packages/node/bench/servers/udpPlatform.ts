import * as NodeDatagramSocket from "@effect/platform-node/NodeDatagramSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { ready } from "./ready.ts"

const program = Effect.scoped(Effect.gen(function*() {
  const socket = yield* NodeDatagramSocket.make({ bind: { address: "127.0.0.1", port: 0 } })
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  ready(reader.address.port)
  // A datagram that was received is an answer to its sender as it is.
  while (true) yield* writer.writeAll(yield* reader.pull)
}))

NodeRuntime.runMain(program)
