import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"

/** Hosts, and how a client gets to the server. */
const hosts = Effect.gen(function*() {
  const host = yield* SimNetwork.host("server", { addresses: ["10.0.0.1"] })
  const clients = yield* SimNetwork.host("clients", { addresses: ["10.0.0.2"] })
  yield* SimNetwork.link(host, clients, { latency: "1 millis" })
  return { host, dial: Effect.provide(Network.connect("tcp://10.0.0.1:7"), Host.layer(clients)) }
})

describe("Server.connections", () => {
  VitestSimulation.it(
    "says what each handler waits for, and for how long",
    Effect.gen(function*() {
      const { dial, host } = yield* hosts
      const handler = Effect.fnUntraced(function*(connection: Connection.Connection) {
        yield* Connection.readExactly(connection, 1)
        yield* Effect.sleep("10 seconds")
        // More than all buffers hold, for a peer that does not read.
        yield* Connection.write(connection, new Uint8Array(8_000_000))
      })
      const server = yield* Effect.provide(
        Server.make({ listen: "tcp://[::]:7", closeTimeout: "1 second" }, handler),
        Host.layer(host)
      )
      const client = yield* dial
      const look = Effect.map(server.connections, ([open]) => [open!.doing, Duration.toSeconds(open!.doingFor)])
      yield* Effect.sleep("3 seconds")
      expect((yield* look)[0]).toBe("reading")
      expect((yield* look)[1]).toBeCloseTo(3, 1)
      yield* Connection.writeText(client, "x")
      yield* Effect.sleep("4 seconds")
      expect((yield* look)[0]).toBe("running")
      expect((yield* look)[1]).toBeCloseTo(4, 1)
      yield* Effect.sleep("8 seconds")
      expect((yield* look)[0]).toBe("writing")
      expect((yield* look)[1]).toBeCloseTo(2, 0)
      yield* Connection.abort(client)
    })
  )
})

describe("Server.onStart", () => {
  VitestSimulation.it(
    "gets the handle of each server, before its first connection is served",
    Effect.gen(function*() {
      const { dial, host } = yield* hosts
      const started: Array<Server.Server> = []
      const limit: Server.OnStart = (server, options) => {
        started.push(server)
        expect(options.maxConnections).toBe(10)
        return server.update({ maxConnections: 1, whenFull: "refuse" })
      }
      yield* Layer.build(
        Server.layer({ listen: "tcp://[::]:7", maxConnections: 10 }, (c) => Connection.pipeTo(c, c)).pipe(
          Layer.provide([Host.layer(host), Layer.succeed(Server.onStart, limit)])
        )
      )
      yield* dial
      yield* Effect.sleep("10 millis")
      const second = yield* dial
      const outcome = yield* Effect.flip(Connection.read(second))
      expect(outcome.reason._tag).toBe("ConnectionReset")
      expect(started.length).toBe(1)
      expect((yield* started[0]!.connections).length).toBe(1)
    })
  )

  VitestSimulation.it(
    "fails the server with its error, which frees the port",
    Effect.gen(function*() {
      const { host } = yield* hosts
      const make = Effect.scoped(Server.make({ listen: "tcp://[::]:7" }, () => Effect.never))
      const refuse: Server.OnStart = (server) => server.update({ maxConnections: -1 })
      const error = yield* Effect.flip(make).pipe(
        Effect.provideService(Server.onStart, refuse),
        Effect.provide(Host.layer(host))
      )
      expect(error.reason._tag).toBe("InvalidOption")
      const again = yield* Effect.forkChild(Effect.provide(make, Host.layer(host)))
      yield* Fiber.join(again)
    })
  )
})
