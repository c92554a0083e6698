/** What a simulated network is good for: six tests of distributed programs, each short enough to read. */
import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Fs from "node:fs"
import * as LockService from "./LockService.ts"

const decoder = new TextDecoder()
const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))

describe("echo", () => {
  VitestSimulation.it(
    "through 30 % loss",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { latency: "20 millis", loss: 0.3 })
      yield* Host.serve(server, Echo)
      const answer = yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* Network.connect("server:7", { connectTimeout: "10 minutes" })
          yield* Connection.writeText(connection, "hello")
          return yield* Connection.readExactly(connection, 5)
        }))
      )
      expect(decoder.decode(answer)).toBe("hello")
    }),
    { seeds: 50 }
  )
})

describe("reconnecting", () => {
  VitestSimulation.it(
    "with exponential backoff, through an hour's partition",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.serve(server, Echo)
      yield* Effect.forkChild(Effect.scoped(Effect.andThen(Fault.partition(server, client), Effect.sleep("1 hour"))))
      yield* Effect.yieldNow
      const attempts: Array<number> = []
      const attempt = Effect.gen(function*() {
        attempts.push((yield* Clock.currentTimeMillis) / 1000)
        yield* Network.connect("tcp://10.0.0.1:7", { connectTimeout: "1 second" })
      })
      yield* Host.run(client, Effect.scoped(Effect.retry(attempt, Schedule.exponential("1 second"))))
      // One second until it gives up, and then a pause that doubles.
      expect(attempts).toEqual([0, 2, 5, 10, 19, 36, 69, 134, 263, 520, 1033, 2058, 4107])
    })
  )
})

describe("heartbeats", () => {
  VitestSimulation.it(
    "keep a connection for a day, and the idle timeout ends it when they stop",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7", idleTimeout: "1 minute" }, Connection.readAll)
      )
      yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* Network.connect("server:7")
          const beat = Effect.andThen(Connection.writeText(connection, "beat\n"), Effect.sleep("30 seconds"))
          yield* Effect.repeat(beat, { times: 2 * 60 * 24 - 1 })
          const stopped = yield* Clock.currentTimeMillis
          expect(stopped / 1000).toBeCloseTo(24 * 3600, 1)
          const ended = yield* Effect.exit(Connection.read(connection))
          expect(Exit.isFailure(ended)).toBe(true)
          // The last beat was half a minute before.
          expect((yield* Clock.currentTimeMillis) - stopped).toBeCloseTo(30_000, -2)
        }))
      )
    }),
    { limit: { time: "2 days" } }
  )
})

describe("draining", () => {
  VitestSimulation.it(
    "loses no answer while the network is slow",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { latency: "5 millis" })
      const running = yield* Server.make(
        { listen: "tcp://0.0.0.0:7", drain: { grace: "10 seconds" } },
        (connection) =>
          Effect.gen(function*() {
            yield* Connection.readUntil(connection, "\n")
            yield* Effect.sleep("2 seconds")
            yield* Connection.writeText(connection, "answer\n")
          })
      ).pipe(Effect.provide(Host.layer(server)))
      const ask = Effect.scoped(Effect.gen(function*() {
        const connection = yield* Network.connect("server:7")
        yield* Connection.writeText(connection, "question\n")
        return decoder.decode(yield* Connection.readUntil(connection, "\n"))
      }))
      const asking = yield* Effect.forkChild(Host.run(
        client,
        Effect.all(Array.from({ length: 5 }, () => ask), {
          concurrency: "unbounded"
        })
      ))
      yield* Effect.sleep("1 second")
      yield* Fault.slow(server, client, 100)
      expect(yield* running.drain).toEqual({ ended: 5, cut: 0 })
      expect(yield* Fiber.join(asking)).toEqual(Array.from({ length: 5 }, () => "answer\n"))
    }),
    { seeds: 10 }
  )
})

describe("requests over UDP", () => {
  VitestSimulation.it(
    "are answered, and done once, however much is lost and doubled",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { latency: "10 millis", loss: 0.3, duplication: 0.3, reordering: 0.3 })
      const done: Array<string> = []
      const answers = new Map<string, string>()
      yield* Host.start(
        server,
        Effect.gen(function*() {
          const socket = yield* Network.bind("udp://0.0.0.0:53")
          while (true) {
            const request = yield* UdpSocket.receive(socket)
            const id = decoder.decode(request.payload)
            if (!answers.has(id)) {
              done.push(id)
              answers.set(id, `${id}: done`)
            }
            yield* UdpSocket.reply(socket, request, answers.get(id)!)
          }
        })
      )
      yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const socket = yield* Network.bind("udp://0.0.0.0:0")
          for (let id = 1; id <= 50; id++) {
            const answer: Effect.Effect<void, unknown> = Effect.flatMap(
              UdpSocket.receive(socket),
              ({ payload }) => decoder.decode(payload) === `${id}: done` ? Effect.void : answer
            )
            const request = Effect.andThen(
              UdpSocket.send(socket, `${id}`, "10.0.0.1:53"),
              Effect.timeout(answer, "100 millis")
            )
            yield* Effect.retry(request, { times: 100 })
          }
        }))
      )
      expect(done).toEqual(Array.from({ length: 50 }, (_, index) => `${index + 1}`))
    }),
    { seeds: 20 }
  )
})

const page = Fs.readFileSync(new URL("../../../../docs/simulation.md", import.meta.url), "utf8")

it("the first test of the documentation is one that runs here", () => {
  expect(page).toContain(Fs.readFileSync(new URL("first.test.ts", import.meta.url), "utf8"))
})

describe("a lock service with a race", () => {
  it.effect("explore finds the seed that shows it", () =>
    Effect.gen(function*() {
      const { failures, runs } = yield* Simulation.explore(LockService.program(false), { seeds: 200 })
      expect(runs).toBeGreaterThan(1)
      const [failed] = failures
      expect(failed?.exit).toEqual(Exit.fail(new LockService.BothHoldIt({ clients: ["alice", "bob"] })))
      const again = yield* Simulation.record(LockService.program(false), { seed: failed!.seed, schedule: "random" })
      expect(again.trace.hash).toBe(failed!.trace.hash)
      // The picture in the documentation is of this very run.
      expect(page).toContain(picture(failed!.trace))
    }))

  VitestSimulation.it("the repaired one bears every seed", LockService.program(true), { seeds: 200 })
})

/** What the two clients and the lock say to each other, without empty segments. */
const picture = (trace: Trace.Trace): string =>
  Trace.toMermaid(Trace.filter(trace, (record) => record._tag === "Segment" && record.payload.length > 0))
