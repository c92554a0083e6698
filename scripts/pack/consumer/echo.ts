import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const program = Effect.gen(function*() {
  const server = yield* Server.make(
    { listen: "tcp://127.0.0.1:0" },
    (connection) => Connection.pipeTo(connection, connection)
  )
  const connection = yield* Network.connect(Endpoint.fromAddress(server.address))
  yield* Connection.writeText(connection, "echo")
  yield* Connection.end(connection)
  yield* Console.log(new TextDecoder().decode(yield* Connection.readAll(connection)))
})

NodeRuntime.runMain(Effect.provide(Effect.scoped(program), NodeNetwork.layer))
