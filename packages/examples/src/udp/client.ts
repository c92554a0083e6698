/** `udp client`: sends a message, again and again until an answer comes or the deadline is over. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as Schedule from "effect/Schedule"
import * as flags from "../cli/flags.ts"
import { printable } from "../cli/text.ts"

/** A datagram may be lost on either way; so may its repetition, which comes later each time. */
const again = Schedule.exponential("200 millis")

const ask = Effect.fnUntraced(function*(server: Endpoint.Udp, message: string, deadline: Duration.Duration) {
  const peer = Endpoint.format(server)
  const socket = yield* Network.bind(anyPort(server.host), { peer })
  const send = UdpSocket.send(socket, message).pipe(Effect.repeat(again), Effect.andThen(Effect.never))
  const answer = yield* Effect.raceFirst(UdpSocket.receive(socket), send).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => Effect.fail(new NoAnswer({ peer, after: Duration.format(deadline) }))
    })
  )
  yield* Console.log(`Server says: ${printable(answer.payload)}`)
}, Effect.scoped)

/** To send from: any port, of the same family. */
const anyPort = (host: Host.Host): string => Host.formatHost(host).includes(":") ? "udp://[::]:0" : "udp://0.0.0.0:0"

class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly peer: string; readonly after: string }> {
  override get message(): string {
    return `no answer from ${this.peer} within ${this.after}; check the address, and that the server is running`
  }
}

const message = Argument.String("message").pipe(
  Argument.withDescription("Message to send"),
  Argument.withDefault("Hello UDP server!")
)

export const client = Command.make(
  "client",
  { ...flags.datagramAddress(12347), deadline: flags.deadline, message },
  (options) =>
    Effect.provide(
      ask(Endpoint.udp(options.host, options.port), options.message, options.deadline),
      NodeNetwork.layer
    )
).pipe(Command.withDescription("Send a message until a reply arrives, and print the reply"))
