/** `hello client`: says something and shows the answer. */
import * as Connection from "@sluice/core/Connection"
import * as NetworkError from "@sluice/core/NetworkError"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import { printable } from "../cli/text.ts"

const message = Argument.String("message").pipe(
  Argument.withDescription("Message to send"),
  Argument.withDefault("Hello from client!")
)

export const client = Command.make(
  "client",
  { ...flags.client(12345), message },
  Effect.fnUntraced(
    function*(options) {
      const connection = yield* flags.connect(options)
      yield* Connection.writeText(connection, options.message)
      const reply = yield* Connection.read(connection)
      if (Option.isNone(reply)) {
        const reason = new NetworkError.UnexpectedEnd({ received: 0 })
        return yield* NetworkError.make("read", Connection.formatPeer(connection), reason)
      }
      yield* Console.log(`Server says: ${printable(reply.value)}`)
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Send a message and print the reply"))
