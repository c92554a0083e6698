import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Host from "@sluice/core/simulation/Host"
import * as SimNetwork from "@sluice/core/simulation/SimNetwork"
import * as Simulation from "@sluice/core/simulation/Simulation"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const decoder = new TextDecoder()
const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipe(connection, connection))

const echoed = (loss: number) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* SimNetwork.link(server, client, { latency: "20 millis", loss })
    yield* Host.serve(server, Echo)
    return yield* Host.run(
      client,
      Effect.scoped(Effect.gen(function*() {
        const connection = yield* Network.connect("server:7")
        yield* Connection.writeText(connection, "hello")
        const answer = decoder.decode(yield* Connection.readExactly(connection, 5))
        return [answer, yield* Clock.currentTimeMillis] as const
      }))
    )
  })

describe("Simulation", () => {
  it.effect("a round trip takes twice the latency, and so does the handshake", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(echoed(0), { seed: 1 })
      const [answer, at] = yield* run.exit
      expect(answer).toBe("hello")
      expect(at).toBe(80)
    }))
  it.effect("echo through loss", () =>
    Effect.gen(function*() {
      const [answer, at] = yield* Simulation.run(echoed(0.3), { seed: 1 })
      expect(answer).toBe("hello")
    }))
})
