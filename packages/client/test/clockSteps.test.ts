import { describe, expect } from "@effect/vitest"
import * as Reconnecting from "@sluice/client/Reconnecting"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SubscriptionRef from "effect/SubscriptionRef"

describe.each(["1 hour", "-1 hour"] as const)("a wall clock that steps by %s", (by) => {
  VitestSimulation.it(
    "leaves the schedule of a reconnecting client as it was",
    Effect.gen(function*() {
      const [host, clients] = yield* SimNetwork.hosts("server", "clients")
      const server = yield* Host.run(
        host,
        Server.make({ listen: "tcp://0.0.0.0:7", drain: 0 }, (connection) => Connection.pipeTo(connection, connection))
      )
      const client = yield* Reconnecting.make({
        connect: Effect.flatMap(Network.connect("tcp://server:7"), (c) => Framed.make(c, Framing.lines())),
        // A second after the first failure, then two, and fresh again after a connection of five seconds.
        schedule: Schedule.exponential("1 second"),
        resetAfter: "5 seconds"
      }).pipe((effect) => Host.run(clients, effect))
      yield* Effect.sleep("1 second")
      yield* Fault.skew([host, clients], by)
      const [open] = yield* server.connections
      yield* Connection.abort(open!.connection)
      yield* Effect.sleep("500 millis")
      const state = yield* SubscriptionRef.get(client.state)
      // Not reset: the connection was shorter than five seconds.
      expect(state).toMatchObject({ _tag: "Waiting", attempt: 2 })
      yield* Effect.sleep("1 second")
      expect((yield* SubscriptionRef.get(client.state))._tag).toBe("Connected")
    })
  )
})
