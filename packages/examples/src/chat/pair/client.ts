/** `chat pair client`: talks with a server, and begins. */
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as flags from "../../cli/flags.ts"
import { converse } from "./conversation.ts"
import { port } from "./server.ts"

export const client = Command.make(
  "client",
  flags.streamAddress(port),
  Effect.fnUntraced(
    function*(options) {
      const connection = yield* Network.connect(flags.streamEndpoint(options))
      yield* Console.log(`Connected to ${Connection.formatPeer(connection)}`)
      yield* converse(connection, { peer: "Server", begins: true })
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Connect to a server, and speak first"))
