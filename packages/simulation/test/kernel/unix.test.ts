import { expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"

/** Twenty clients at once, of a server with a backlog of 2: what becomes of each. */
const burst = (connectTimeout: number) =>
  Effect.runPromise(Simulation.run(Effect.gen(function*() {
    const host = yield* SimNetwork.host("one")
    return yield* Host.run(
      host,
      Effect.scoped(Effect.gen(function*() {
        const endpoint = "unix:///run/app.sock"
        yield* Network.listen(endpoint, { backlog: 2 })
        return yield* Effect.forEach(Array.from({ length: 20 }), () =>
          Effect.scoped(Network.connect(endpoint, { connectTimeout })).pipe(
            Effect.match({
              onSuccess: () =>
                "connected",
              onFailure: ({ reason }) => reason._tag
            })
          ), { concurrency: "unbounded" })
      }))
    )
  })))

it("a Unix-domain backlog takes one more than its size at once, and the other clients wait until connectTimeout", async () => {
  const impatient = await burst(1)
  expect(impatient.filter((outcome) => outcome === "connected").length).toBe(3)
  expect(impatient.filter((outcome) => outcome === "TimedOut").length).toBe(17)
  const patient = await burst(1000)
  expect(patient.filter((outcome) => outcome === "connected").length).toBe(20)
})
