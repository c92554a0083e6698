import { expect, it } from "@effect/vitest"
import * as Fault from "@sluice/core/simulation/Fault"
import * as Host from "@sluice/core/simulation/Host"
import * as SimNetwork from "@sluice/core/simulation/SimNetwork"
import * as Simulation from "@sluice/core/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Cluster from "./Cluster.ts"

const program = Effect.gen(function*() {
  const hosts = yield* SimNetwork.hosts("a", "b", "c")
  const { clients, table } = yield* Cluster.start(hosts)
  yield* Effect.sleep("30 seconds")
  console.log(table.owners())
  const answers = yield* Effect.forEach([1,2,3,4,5,6,7,8,9,10], (n) => Host.run(hosts[0], clients.get("a")!(`entity-${n}`).Double({ number: n })))
  console.log(answers)
  yield* Fault.crash(hosts[2])
  for (let i = 0; i < 10; i++) { yield* Effect.sleep("10 seconds"); console.log(i, table.owners()) }
  const again = yield* Effect.forEach([1,2,3,4,5,6,7,8,9,10], (n) => Host.run(hosts[0], clients.get("a")!(`entity-${n}`).Double({ number: n })))
  console.log(again)
})

it.effect("cluster", () => Effect.gen(function*() {
  const run = yield* Simulation.record(program, { seed: 1 })
  console.log(run.exit, run.elapsed, run.steps)
}), 60000)
