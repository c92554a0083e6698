import { describe, it } from "@effect/vitest"
import * as Conformance from "@sluice/conformance/Conformance"
import * as Network from "@sluice/core/Network"
import * as Toxics from "@sluice/node/Toxics"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import { overTls } from "../../simulation/test/fixtures/overTls.ts"

// A line holds a mebibyte, and each of two directions has two of them.
const bufferLimit = 8 * 1024 * 1024
const tcp = Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true, bufferLimit })

const suite = (name: string, options: Toxics.Options, through = identity as typeof overTls) =>
  describe(`over ${name}`, () => {
    for (const check of tcp) {
      it.effect(`${check.law}: ${check.name}`, () =>
        Simulation.run(
          Effect.gen(function*() {
            const host = yield* SimNetwork.host("host")
            const toxic = Toxics.layer(yield* Toxics.make(options))
            const network = Layer.effect(Network.Network, Effect.map(Effect.service(Network.Network), through))
            yield* check.run.pipe(
              Effect.provide(Layer.provide(network, toxic)),
              Effect.provideService(Network.Network, Host.network(host))
            )
          })
        ))
    }
  })

suite("a network with latency, jitter and slices", { latency: 2, jitter: 3, slice: 4000 })
if (process.env["SLUICE_SCALE"] === "full") {
  suite("a network without toxics", {})
  suite("TLS over a network with latency", { latency: 2 }, overTls)
}
