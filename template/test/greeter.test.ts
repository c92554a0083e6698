import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { greetings } from "../src/client.ts"
import { greeter } from "../src/greeter.ts"

VitestSimulation.it(
  "greets through packet loss and a partition of ten seconds",
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, { latency: "30 millis", loss: 0.2 })
    yield* Host.serve(server, greeter("tcp://0.0.0.0:12345"))

    yield* Fault.partition(server, client)
    yield* Effect.forkChild(Effect.andThen(Effect.sleep("10 seconds"), Fault.heal(server, client)))

    const answers = yield* Host.run(client, Effect.retry(greetings("server:12345", ["Ada", "Grace"]), { times: 3 }))
    expect(answers).toEqual(["Hello, Ada!", "Hello, Grace!"])
  }),
  { seeds: 20 }
)
