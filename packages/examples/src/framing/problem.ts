/** `framing problem`: what becomes of two messages without a framing, and with one. */
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Framing from "@sluice/framing/Framing"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { framings } from "./framings.ts"

const sent = ["Hello", "World"]

/** Sends both messages, one after the other, and receives once. */
const exchange = Effect.fnUntraced(function*(framing: Framing.Framing<string>) {
  const listener = yield* Network.listen("tcp://127.0.0.1:0")
  const sender = yield* Network.connect(Endpoint.fromAddress(listener.address))
  const receiver = yield* Listener.accept(listener)

  const framed = yield* Framed.make(sender, framing)
  for (const message of sent) yield* Framed.send(framed, message)

  const wire = Option.getOrElse(yield* Connection.read(receiver), () => new Uint8Array())
  const received = yield* Effect.fromResult(Framing.decodeAll(framing, [wire]))
  yield* Console.log(`  sent      ${list(sent)}`)
  yield* Console.log(`  one recv  ${hex(wire)}`)
  yield* Console.log(`  received  ${list(received)}`)
}, Effect.scoped)

const list = (messages: ReadonlyArray<string>): string =>
  `${messages.length} ${messages.length === 1 ? "message " : "messages"}  ${
    messages.map((each) => JSON.stringify(each)).join(" ")
  }`

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")

export const problem = Command.make(
  "problem",
  {},
  Effect.fnUntraced(
    function*() {
      yield* Console.log("Without a framing, TCP keeps the bytes in order and forgets where a message ends:")
      yield* exchange(Framing.raw.pipe(Framing.text()))
      yield* Console.log("With a framing, 4 bytes of length before each message:")
      yield* exchange(framings.length)
    },
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Show two messages sent without a framing, and with one"))
