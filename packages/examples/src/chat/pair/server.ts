/** `chat pair server`: waits for one client, and talks with it. */
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as flags from "../../cli/flags.ts"
import { converse } from "./conversation.ts"

/** Where two meet, unless something else is said. */
export const port = 12351

export const server = Command.make(
  "server",
  flags.streamAddress(port),
  Effect.fnUntraced(
    function*(options) {
      const listener = yield* Network.listen(flags.streamEndpoint(options))
      yield* flags.printListening(listener.address)
      const connection = yield* Listener.accept(listener)
      yield* Console.log(`Connected by ${Connection.formatPeer(connection)}`)
      yield* converse(connection, { peer: "Client", begins: false })
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Wait for one client; it speaks first"))
