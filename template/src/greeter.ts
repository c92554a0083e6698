import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"

const lines = Framing.lines({ maxLineLength: 1024 })

const greet = (name: string) => Effect.succeed(`Hello, ${name}!`)

/** Answers each line with a greeting. It runs on real sockets and on a simulated network. */
export const greeter = (listen: string) =>
  Server.layer(
    {
      listen,
      maxConnections: 1000,
      idleTimeout: "5 minutes",
      drain: { grace: "10 seconds", idle: "1 second" },
      onListening: (address) => Console.log(`listening on ${NetAddress.formatSocketAddress(address)}`)
    },
    Framed.serve(lines, greet)
  )
