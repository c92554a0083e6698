import { expect } from "@effect/vitest"
import * as Host from "@sluice/core/simulation/Host"
import * as SimNetwork from "@sluice/core/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/core/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Arithmetic from "./Arithmetic.ts"

VitestSimulation.it("calls and streams", Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    const journal = new Arithmetic.Journal()
    yield* Host.serve(server, Arithmetic.server(journal, { listen: "tcp://0.0.0.0:9000" }))
    yield* Host.run(client, Effect.scoped(Effect.gen(function*() {
      const client = yield* Arithmetic.client("tcp://server:9000")
      expect(yield* client.Double({ number: 21 })).toBe(42)
      expect(yield* Stream.runCollect(client.CountTo({ limit: 100 }))).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    })))
}), { seeds: 3 })
