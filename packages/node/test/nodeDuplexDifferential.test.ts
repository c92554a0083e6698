import { expect, it } from "@effect/vitest"
import type * as Network from "@sluice/core/Network"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { describe } from "vitest"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import { scenarios } from "./duplex/scenarios.ts"
import { nodeStage, sluiceStage } from "./duplex/stage.ts"
import { withoutItsSockets } from "./fixtures/duplexPlatform.ts"

const networks: Record<string, Layer.Layer<Network.Network>> = {
  "the kernel": NodeNetwork.layer,
  "Duplexes on the kernel": withoutItsSockets,
  "the simulated network": SimNetwork.layerNetwork() as Layer.Layer<Network.Network>
}

describe("a socket of NodeDuplex, compared with one of node:net", () => {
  for (const [name, play] of Object.entries(scenarios)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const expected = yield* Effect.flatMap(nodeStage, (stage) => Effect.promise(() => play(stage)))
        for (const [network, layer] of Object.entries(networks)) {
          const seen = Effect.flatMap(sluiceStage, (stage) => Effect.promise(() => play(stage)))
          expect({ network, seen: yield* Effect.scoped(Effect.provide(seen, layer)) }).toEqual({
            network,
            seen: expected
          })
        }
      }).pipe(Effect.scoped))
  }
})
