import { assert, describe } from "@effect/vitest"
import * as FramedClient from "@sluice/client/FramedClient"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 20)
const lines = Framing.lines()
const connect = Effect.flatMap(Network.connect("server:7", { connectTimeout: "1 second" }), Framed.make(lines))
const schedule = Schedule.spaced("100 millis")

/** Answers in order, and takes as many milliseconds for it as the line says. */
const inOrder = Framed.serve(lines, (line) => {
  const [, millis] = line.split(" ")
  return Effect.delay(Effect.succeed(`re: ${line}`), `${Number(millis ?? 1)} millis`)
}, { concurrency: 64 })

const start = (serve: Parameters<typeof Server.layer>[1] = inOrder as never) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    let connections = 0
    yield* Host.serve(
      server,
      Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) =>
        Effect.suspend(() => {
          connections++
          return serve(connection) as Effect.Effect<void, unknown>
        }))
    )
    return { client, server, connections: () => connections }
  })

const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, Logger.layer([]))

describe("FramedClient", () => {
  VitestSimulation.it(
    "gives every request its own answer, over one connection and over several",
    Effect.gen(function*() {
      const { client, connections } = yield* start()
      yield* Host.run(
        client,
        Effect.gen(function*() {
          for (const count of [1, 3]) {
            const self = yield* FramedClient.make({ connect, connections: count })
            yield* FramedClient.connected(self)
            yield* Effect.sleep("100 millis")
            assert.strictEqual(yield* FramedClient.size(self), count)
            const names = Array.from({ length: 60 }, (_, i) => `q${i} ${(i * 37) % 50}`)
            const answers = yield* Effect.forEach(names, (name) => FramedClient.request(self, name), {
              concurrency: "unbounded"
            })
            assert.deepStrictEqual(answers, names.map((name) => `re: ${name}`))
          }
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(connections(), 4)
    })
  )

  VitestSimulation.it(
    "a caller that times out neither gets nor gives away another's answer",
    Effect.gen(function*() {
      const { client } = yield* start()
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({ connect })
          const slow = yield* Effect.timeoutOption(FramedClient.request(self, "slow 500"), "100 millis")
          assert.isTrue(Option.isNone(slow))
          assert.strictEqual(yield* FramedClient.request(self, "fast 1"), "re: fast 1")
        }).pipe(Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "finds requests by id, and hands on what answers none",
    Effect.gen(function*() {
      // Answers the second of two requests first, and speaks without being asked.
      const { client } = yield* start(
        ((connection: never) =>
          Effect.gen(function*() {
            const framed = yield* Framed.make(connection, lines)
            yield* Framed.send(framed, "hello, unasked")
            while (true) {
              const first = yield* Framed.receive(framed)
              const second = yield* Framed.receive(framed)
              if (Option.isNone(first) || Option.isNone(second)) return
              yield* Framed.sendAll(framed, [`${second.value} b`, `${first.value} a`, `${first.value} again`])
            }
          })) as never
      )
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const pushed: Array<string> = []
          const id = (line: string) => line.split(" ")[0]
          const self = yield* FramedClient.make({
            connect,
            correlate: { request: id, answer: id },
            onPush: (line) => Effect.sync(() => pushed.push(line))
          })
          const answers = yield* Effect.forEach(["1", "2", "3", "4"], (each) => FramedClient.request(self, each), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(answers, ["1 a", "2 b", "3 a", "4 b"])
          // An answer that came before is none, and its id is free again.
          const more = yield* Effect.forEach(["1", "2"], (each) => FramedClient.request(self, each), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(more, ["1 a", "2 b"])
          yield* Effect.sleep("1 second")
          assert.deepStrictEqual(pushed, ["hello, unasked", "1 again", "3 again", "1 again"])
        }).pipe(Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "lets no more wait than maxPending, and continues when answers come",
    Effect.gen(function*() {
      let most = 0
      let running = 0
      const { client } = yield* start(Framed.serve(lines, (line) =>
        Effect.gen(function*() {
          most = Math.max(most, ++running)
          yield* Effect.sleep("10 millis")
          running--
          return line
        }), { concurrency: "unbounded" }) as never)
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({ connect, maxPending: 5 })
          const names = Array.from({ length: 40 }, (_, i) => String(i))
          // Callers that are interrupted while they wait for room leave it to others.
          const leaving = yield* Effect.forkChild(
            Effect.forEach(names, (name) => FramedClient.request(self, name), { concurrency: "unbounded" }),
            { startImmediately: true }
          )
          yield* Effect.sleep("15 millis")
          yield* Fiber.interrupt(leaving)
          const answers = yield* Effect.forEach(names, (name) => FramedClient.request(self, name), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(answers, names)
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(most, 5)
    })
  )

  VitestSimulation.it(
    "says whether a lost request was sent, and connects again",
    Effect.gen(function*() {
      const { client, server } = yield* start()
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({ connect, schedule, answerTimeout: "2 seconds" })
          assert.strictEqual(yield* FramedClient.request(self, "one"), "re: one")
          yield* Fault.partition(server, client)
          const lost = yield* Effect.flip(FramedClient.request(self, "two"))
          assert.deepInclude(lost, { _tag: "RequestFailed", sent: true })
          assert.include(lost.message, "request failed after it was sent")
          const waiting = yield* Effect.forkChild(FramedClient.request(self, "three"))
          yield* Effect.sleep("10 seconds")
          yield* Fault.heal(server, client)
          assert.strictEqual(yield* Fiber.join(waiting), "re: three")
          const refused = yield* Effect.flip(FramedClient.request(self, "two\nlines"))
          assert.strictEqual(refused._tag, "FramingError")
        }).pipe(Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "a request that the framing refuses leaves its room to others",
    Effect.gen(function*() {
      const { client } = yield* start()
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({ connect, maxPending: 1 })
          for (let round = 0; round < 3; round++) {
            const refused = yield* Effect.flip(FramedClient.request(self, "two\nlines"))
            assert.strictEqual(refused._tag, "FramingError")
          }
          assert.strictEqual(yield* FramedClient.request(self, "one"), "re: one")
        }).pipe(Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "gives a connection up when the oldest request has waited for answerTimeout, to the microsecond",
    Effect.gen(function*() {
      const { client } = yield* start(() => Effect.never as never)
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({ connect, answerTimeout: "2 seconds" })
          yield* FramedClient.connected(self)
          for (const pause of [500, 2000, 3500]) {
            yield* Effect.sleep(pause)
            yield* FramedClient.connected(self)
            const begun = yield* Clock.monotonicTimeNanos
            const waiting = yield* Effect.forkChild(Effect.flip(FramedClient.request(self, "one")))
            yield* Effect.sleep("1 second")
            const later = yield* Effect.flip(FramedClient.request(self, "two"))
            assert.deepInclude(later, { _tag: "RequestFailed", sent: true })
            assert.strictEqual((yield* Clock.monotonicTimeNanos) - begun, 2_000_000_000n)
            assert.deepInclude(yield* Fiber.join(waiting), { sent: true })
          }
        }).pipe(Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "fails what was not sent when the schedule has ended",
    Effect.gen(function*() {
      const [, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.run(
        client,
        Effect.gen(function*() {
          const self = yield* FramedClient.make({ connect, schedule: Schedule.recurs(2) })
          const lost = yield* Effect.flip(FramedClient.request(self, "one"))
          assert.deepInclude(lost, { _tag: "RequestFailed", sent: false })
          assert.include(lost.message, "request failed before it was sent: cannot connect to tcp://server:7")
          assert.deepInclude(yield* Effect.flip(FramedClient.request(self, "two")), { sent: false })
        }).pipe(Effect.scoped)
      )
    })
  )

  VitestSimulation.it(
    "every answer belongs to its request, whatever happens to the network",
    quietly(
      Effect.gen(function*() {
        const { client, server } = yield* start()
        const random = yield* Random.Random
        yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
          yield* Effect.sleep(`${200 + Math.floor(random.nextDoubleUnsafe() * 400)} millis`)
          yield* Fault.partition(server, client)
          yield* Effect.sleep(`${1000 + Math.floor(random.nextDoubleUnsafe() * 900)} millis`)
          yield* Fault.heal(server, client)
        })))
        yield* Host.run(
          client,
          Effect.gen(function*() {
            const self = yield* FramedClient.make({
              connect,
              connections: 2,
              schedule,
              answerTimeout: "700 millis",
              maxPending: 16
            })
            let right = 0
            let failed = 0
            yield* Effect.forEach(Array.from({ length: 200 }, (_, i) => i), (i) =>
              Effect.gen(function*() {
                yield* Effect.sleep(`${i * 30} millis`)
                const name = `q${i} ${(i * 13) % 120}`
                const exit = yield* Effect.exit(
                  Effect.timeoutOption(FramedClient.request(self, name), `${50 + (i * 7) % 400} millis`)
                )
                if (Exit.isFailure(exit)) failed++
                else if (Option.isSome(exit.value)) {
                  assert.strictEqual(exit.value.value, `re: ${name}`)
                  right++
                }
              }), { concurrency: "unbounded" })
            assert.isAbove(right, 3)
            assert.isAbove(failed, 0)
          }).pipe(Effect.scoped)
        )
      }).pipe(Effect.scoped)
    ),
    { seeds, timeout: 600_000 }
  )
})
