/** What a `Reconnecting` client does about the loss of a connection whose messages nobody takes. */
import { assert, describe } from "@effect/vitest"
import * as Reconnecting from "@sluice/client/Reconnecting"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as SubscriptionRef from "effect/SubscriptionRef"

const lines = Framing.lines()
const connect = Effect.flatMap(Network.connect("server:7"), Framed.make(lines))
const schedule = Schedule.spaced("100 millis")

/** A server that greets with many lines that nobody takes, and is restarted. */
const restarted = Effect.fnUntraced(function*(greetings: number, how: "reset" | "end") {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  const open: Array<Connection.Connection> = []
  let received = 0
  yield* Host.serve(
    server,
    Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
      Effect.gen(function*() {
        open.push(connection)
        const framed = yield* Framed.make(connection, lines)
        for (let i = 0; i < greetings; i++) yield* Framed.send(framed, `ack ${i}`)
        while (Option.isSome(yield* Framed.receive(framed))) received++
      }))
  )
  yield* Host.run(
    client,
    Effect.gen(function*() {
      const self = yield* Reconnecting.make({ connect, schedule, whileAway: { queue: 10 } })
      yield* Reconnecting.connected(self)
      yield* Reconnecting.send(self, "one")
      yield* Effect.sleep("300 millis")
      yield* how === "reset" ? Connection.abort(open[0]!) : Connection.end(open[0]!)
      yield* Effect.sleep("1 second")
      assert.strictEqual(open.length, 2, "it has connected again")
      for (let i = 0; i < 3; i++) yield* Reconnecting.send(self, `later ${i}`)
      yield* Effect.sleep("1 second")
      assert.strictEqual((yield* SubscriptionRef.get(self.state))._tag, "Connected")
      assert.strictEqual(received, 4)
    }).pipe(Effect.scoped)
  )
})

describe("Reconnecting", () => {
  for (const how of ["reset", "end"] as const) {
    for (const greetings of [10, 40, 5000]) {
      VitestSimulation.it(
        `comes back after a ${how}, with ${greetings} messages that nobody takes`,
        restarted(greetings, how).pipe(Effect.provide(Logger.layer([])))
      )
    }
  }

  const perConnection = (undelivered: "drop" | "keep" | undefined) =>
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      let connections = 0
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
          Effect.gen(function*() {
            const n = ++connections
            const framed = yield* Framed.make(connection, lines)
            while (true) {
              const line = yield* Framed.receive(framed)
              if (Option.isNone(line)) return
              yield* Framed.send(framed, `${n}: ${line.value}`)
              if (line.value === "c") return
            }
          }))
      )
      return yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const self = yield* Reconnecting.make({ connect, schedule, undelivered })
          yield* Reconnecting.connected(self)
          for (const each of ["a", "b", "c"]) yield* Reconnecting.send(self, each)
          yield* Effect.sleep("3 seconds")
          yield* Reconnecting.connected(self)
          for (const each of ["x", "y"]) yield* Reconnecting.send(self, each)
          const got: Array<string> = []
          while (got.at(-1) !== "2: y") got.push(Option.getOrThrow(yield* Reconnecting.receive(self)))
          return got
        }))
      )
    })

  VitestSimulation.it(
    "gives nobody the messages of the last connection once there is another, and says how many",
    Effect.gen(function*() {
      const logged: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void logged.push(String(message)))
      const got = yield* perConnection(undefined).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(got, ["2: x", "2: y"])
      assert.include(logged.join("\n"), "dropped 3 messages of the last connection, not received in time")
    })
  )

  VitestSimulation.it(
    "keeps them when it is told to",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* perConnection("keep"), ["1: a", "1: b", "1: c", "2: x", "2: y"])
    })
  )
})
