import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as SocketBridge from "@sluice/core/SocketBridge"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { checks } from "./sockets.ts"

let paths = 0
const subjects = {
  "TCP": { listen: () => "tcp://127.0.0.1:0", nobody: "tcp://127.0.0.1:1", resets: true },
  "Unix-domain": { listen: () => `unix:///run/${++paths}`, nobody: "unix:///run/nobody", resets: false }
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(`Socket and SocketServer over ${name}, in a simulation`, () => {
    for (const [what, check] of Object.entries(checks(subject))) {
      VitestSimulation.it(
        what,
        Effect.flatMap(
          SimNetwork.host("host"),
          (host) => Host.run(host, Effect.provide(Effect.scoped(check), Logger.layer([])))
        ),
        { seeds: 5 }
      )
    }
  })
}

VitestSimulation.it(
  "a Socket whose endpoint does not answer says that it timed out",
  Effect.gen(function*() {
    const [here, there] = yield* SimNetwork.hosts("here", "there")
    yield* Fault.partition(here, there)
    const socket = yield* Host.run(here, SocketBridge.make("there:7", { connectTimeout: "3 seconds" }))
    const error = yield* Host.run(here, Effect.flip(Effect.scoped(socket.reader)))
    expect(error.reason).toMatchObject({ _tag: "SocketOpenError", kind: "Timeout", cause: { _tag: "NetworkError" } })
    expect(yield* Clock.currentTimeMillis).toBe(3_000)
  })
)

VitestSimulation.it(
  "a SocketServer lets clients wait that come before a handler does, or between two",
  Effect.gen(function*() {
    const server = yield* SocketServerBridge.make({ listen: "tcp://127.0.0.1:0" })
    for (const text of ["early", "between"]) {
      const client = yield* Network.connect(Endpoint.fromAddress(server.address))
      yield* Effect.sleep("1 second")
      const running = yield* Effect.forkScoped(
        server.run((socket) => Effect.scoped(Effect.flatMap(socket.writer, ({ write }) => write(text)))),
        { startImmediately: true }
      )
      expect(new TextDecoder().decode(yield* Connection.readAll(client))).toBe(text)
      yield* Fiber.interrupt(running)
    }
  }).pipe(Effect.scoped, (program) => Effect.flatMap(SimNetwork.host("host"), (host) => Host.run(host, program)))
)
