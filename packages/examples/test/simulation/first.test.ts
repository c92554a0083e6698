import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { expect } from "vitest"

VitestSimulation.it(
  "echo through 30 % loss",
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, { latency: "20 millis", loss: 0.3 })
    yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, (c) => Connection.pipeTo(c, c)))
    yield* Host.run(
      client,
      Effect.scoped(Effect.gen(function*() {
        const connection = yield* Network.connect("server:7")
        yield* Connection.writeText(connection, "hello")
        expect(new TextDecoder().decode(yield* Connection.readExactly(connection, 5))).toBe("hello")
      }))
    )
  }),
  { seeds: 20 }
)
