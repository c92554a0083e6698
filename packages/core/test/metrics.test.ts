import { assert } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/** What a metric says of each role. */
const byRole = (id: string) =>
  Effect.map(
    Metric.snapshot,
    (all) =>
      Object.fromEntries(
        all.filter((metric) => metric.id === id).map(({ attributes, state }) => [
          attributes!["role"],
          "count" in state ? Number(state.count) : "value" in state ? Number(state.value) : undefined
        ])
      )
  )

VitestSimulation.it(
  "the metrics of a network count bytes and connections of each side",
  Effect.gen(function*() {
    const [here, there] = yield* SimNetwork.hosts("here", "there")
    const server = yield* Host.run(
      there,
      Server.make({ listen: "tcp://0.0.0.0:7", drain: 0 }, (connection) =>
        Connection.readExactly(connection, 5).pipe(
          Effect.andThen(Connection.writeText(connection, "abc")),
          Effect.andThen(Effect.never)
        ))
    )
    yield* Effect.gen(function*() {
      const [first, second] = [yield* Network.connect("tcp://there:7"), yield* Network.connect("tcp://there:7")]
      for (const text of ["12", "345"]) yield* Connection.writeText(first, text)
      yield* Connection.readExactly(first, 3)
      assert.deepStrictEqual(yield* byRole("sluice_bytes_in"), { client: 3, server: 5 })
      assert.deepStrictEqual(yield* byRole("sluice_bytes_out"), { client: 5, server: 3 })
      assert.deepStrictEqual(yield* byRole("sluice_connections_open"), { client: 2, server: 2 })
      yield* Connection.abort(second)
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(yield* byRole("sluice_connections_open"), { client: 1, server: 1 })
      assert.deepStrictEqual(yield* byRole("sluice_connections_failed"), { client: 0, server: 1 })
    }).pipe(Effect.scoped, (program) => Host.run(here, program))
    yield* server.drain
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
)
