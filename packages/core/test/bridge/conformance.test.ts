import { describe, it } from "@effect/vitest"
import * as Conformance from "@sluice/conformance/Conformance"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BridgedNetwork from "./BridgedNetwork.ts"

// Every connection is one of the simulated network's, as a Socket, as a connection again: whatever either direction of the
// bridge did wrong would show.
const bufferLimit = 1024 * 1024
let paths = 0
const suites = {
  "TCP": Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true, bufferLimit }),
  "Unix-domain": Conformance.streams({ endpoint: () => `unix:///run/${++paths}`, resets: false, bufferLimit })
}

for (const [name, checks] of Object.entries(suites)) {
  describe(`${name}, there and back over the bridge, in a simulation`, () => {
    for (const check of checks) {
      it.effect(`${check.law}: ${check.name}`, () =>
        Simulation.run(
          Effect.flatMap(SimNetwork.host("host"), (host) =>
            Effect.provide(check.run, Layer.provide(BridgedNetwork.layer, Host.layer(host)))),
          { seed: name, schedule: "random" }
        ))
    }
  })
}
