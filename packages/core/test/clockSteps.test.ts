import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Heartbeat from "@sluice/core/Heartbeat"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** A server on a host whose wall clock can be stepped, and a client elsewhere. */
const scene = (options: Omit<Server.Options, "listen">, handler: Server.Handler<unknown, Scope.Scope> = echo) =>
  Effect.gen(function*() {
    const [host, clients] = yield* SimNetwork.hosts("server", "clients")
    const listen = options.tls === undefined ? "tcp://0.0.0.0:7" : "tls://0.0.0.0:7"
    const server = yield* Host.run(host, Server.make({ listen, drain: 0, ...options }, handler))
    const dial = Effect.provide(Network.connect("tcp://server:7"), Host.layer(clients))
    return { server, dial, clients, step: (by: Duration.Input) => Fault.skew([host, clients], by) }
  })

const certificate = SimCertificate.authority("Test CA").issue({ names: ["server"] })

const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)

const outcome = (connection: Connection.Connection) =>
  Effect.match(Connection.read(connection), { onFailure: ({ reason }) => reason._tag, onSuccess: () => "ended" })

const steps: ReadonlyArray<readonly [string, Duration.Input]> = [["back", "-1 hour"], ["forward", "1 hour"]]

for (const [where, by] of steps) {
  describe(`a wall clock that steps an hour ${where}`, () => {
    VitestSimulation.it(
      "leaves accept rates as they were",
      Effect.gen(function*() {
        const { dial, server, step } = yield* scene({ acceptRate: { perSecond: 1, burst: 2 } })
        yield* dial
        yield* dial
        yield* step(by)
        // Nothing more than before, and no less a second later.
        expect(yield* Effect.flatMap(dial, outcome)).toBe("ConnectionReset")
        yield* Effect.sleep("1100 millis")
        yield* dial
        yield* Effect.sleep("10 millis")
        expect((yield* server.connections).length).toBe(3)
      })
    )

    VitestSimulation.it(
      "closes idle connections in time, and no busy one",
      Effect.gen(function*() {
        const { dial, server, step } = yield* scene({ idleTimeout: "2 seconds" })
        const idle = yield* dial
        const busy = yield* dial
        const exchange = Effect.andThen(Connection.writeText(busy, "x"), Connection.readExactly(busy, 1))
        yield* Effect.sleep("1 second")
        yield* exchange
        yield* step(by)
        yield* Effect.sleep("900 millis")
        expect((yield* server.connections).length).toBe(2)
        yield* Effect.sleep("500 millis")
        expect((yield* server.connections).length).toBe(1)
        yield* exchange
        expect(yield* outcome(idle)).toBe("ConnectionReset")
        const [open] = yield* server.connections
        expect(Duration.toMillis(open!.idle)).toBeLessThan(100)
      })
    )

    VitestSimulation.it(
      "gives up handshakes that stall in time",
      Effect.gen(function*() {
        const { dial, server, step } = yield* scene({
          tls: { certificates: [certificate] },
          handshakeTimeout: "10 seconds"
        })
        const failed = yield* Effect.forkChild(
          Stream.runHead(Stream.filter(server.events, ({ _tag }) => _tag === "HandshakeFailed")),
          { startImmediately: true }
        )
        yield* dial
        yield* Effect.sleep("5 seconds")
        yield* step(by)
        yield* Effect.sleep("4 seconds")
        expect(failed.pollUnsafe()).toBeUndefined()
        yield* Effect.sleep("1100 millis")
        expect(failed.pollUnsafe()).toBeDefined()
      })
    )

    VitestSimulation.it(
      "ends a drain when its grace period is over",
      Effect.gen(function*() {
        const { dial, server, step } = yield* scene({ drain: { grace: "10 seconds", idle: "2 seconds" } })
        yield* dial
        yield* Effect.sleep("10 millis")
        const drained = yield* Effect.forkChild(server.drain, { startImmediately: true })
        yield* Effect.sleep("1 second")
        yield* step(by)
        yield* Effect.sleep("900 millis")
        expect(drained.pollUnsafe()).toBeUndefined()
        yield* Effect.sleep("1200 millis")
        expect(drained.pollUnsafe()).toBeDefined()
      })
    )

    VitestSimulation.it(
      "finds a peer that answers no heartbeat in time, and no other",
      Effect.gen(function*() {
        const answering = Effect.fnUntraced(function*(connection: Connection.Connection) {
          const framed = yield* Framed.make(connection, Framing.lines())
          const first = yield* Framed.receive(framed)
          if (first._tag === "Some" && first.value === "mute") return yield* Effect.never
          while ((yield* Framed.receive(framed))._tag === "Some") yield* Framed.send(framed, "PONG")
        })
        const { clients, step } = yield* scene({}, answering)
        const watched = (name: string) =>
          Effect.gen(function*() {
            const framed = yield* Framed.make(yield* Network.connect("tcp://server:7"), Framing.lines())
            yield* Framed.send(framed, name)
            const options = {
              isPong: (line: string) => line === "PONG",
              interval: "1 second",
              timeout: "1 second"
            } as const
            return yield* Framed.receive(yield* Heartbeat.make(framed, { ...options, ping: () => "PING" }))
          }).pipe(
            (effect) => Host.run(clients, effect),
            (effect) => Effect.forkChild(effect, { startImmediately: true })
          )
        const alive = yield* watched("alive")
        const mute = yield* watched("mute")
        yield* Effect.sleep("500 millis")
        yield* step(by)
        yield* Effect.sleep("1 second")
        expect(mute.pollUnsafe()).toBeUndefined()
        yield* Effect.sleep("1 second")
        expect(mute.pollUnsafe()).toBeDefined()
        yield* Effect.sleep("10 seconds")
        expect(alive.pollUnsafe()).toBeUndefined()
      })
    )
  })
}
