import { assert, describe } from "@effect/vitest"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

const lines = Framing.lines()

/** A server that takes its time for what begins with "slow", and a client of it. */
const withClient = <A, E, R>(use: (framed: Framed.Framed<string>) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    const answer = (line: string) =>
      Effect.delay(Effect.succeed(`re: ${line}`), line.startsWith("slow") ? "300 millis" : "10 millis")
    yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, Framed.serve(lines, answer)))
    const connect = Effect.flatMap(Network.connect("server:7"), Framed.make(lines))
    return yield* Host.run(client, Effect.scoped(Effect.flatMap(connect, use)))
  })

const failure = <A, E>(exit: Exit.Exit<A, E>): unknown =>
  Exit.isFailure(exit)
    ? (exit.cause.reasons[0] as { readonly error?: { readonly _tag: string } }).error?._tag
    : "succeeded"

describe("Framed.request", () => {
  VitestSimulation.it(
    "gives each of many requests in flight its own answer",
    withClient((framed) =>
      Effect.gen(function*() {
        const names = Array.from({ length: 50 }, (_, i) => i % 7 === 0 ? `slow ${i}` : `q${i}`)
        const answers = yield* Effect.forEach(names, (name) => Framed.request(framed, name), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(answers, names.map((name) => `re: ${name}`))
      })
    )
  )

  VitestSimulation.it(
    "gives nobody the answer to a request that timed out",
    withClient((framed) =>
      Effect.gen(function*() {
        const behind = yield* Effect.forkChild(Effect.exit(Effect.delay(Framed.request(framed, "behind"), "50 millis")))
        const timedOut = yield* Effect.timeoutOption(Framed.request(framed, "slow"), "100 millis")
        assert.isTrue(Option.isNone(timedOut))
        assert.strictEqual(failure(yield* Fiber.join(behind)), "OutOfStep")
        const refused = yield* Effect.flip(Framed.request(framed, "fast"))
        assert.strictEqual(refused._tag, "OutOfStep")
        assert.include(refused.message, "cannot match answers of 10.0.0.1:7 with requests")
        // Who counts messages and not requests still gets them all, in order.
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.some("re: slow"))
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.some("re: behind"))
      })
    )
  )

  VitestSimulation.it(
    "stays usable after a request that the framing refuses, and after one that is answered",
    withClient((framed) =>
      Effect.gen(function*() {
        const refused = yield* Effect.flip(Framed.request(framed, "two\nlines"))
        assert.strictEqual(refused._tag, "FramingError")
        assert.strictEqual(yield* Effect.timeout(Framed.request(framed, "one"), "1 second"), "re: one")
        assert.strictEqual(yield* Framed.request(framed, "two"), "re: two")
      })
    )
  )
})

describe("Framed.receive", () => {
  VitestSimulation.it(
    "gives the next message to each of those that wait, in order, and nothing to those that have left",
    withClient((framed) =>
      Effect.gen(function*() {
        const waiting = yield* Effect.forEach([1, 2, 3, 4], () =>
          Effect.forkChild(Framed.receive(framed), { startImmediately: true }))
        yield* Fiber.interrupt(waiting[1]!)
        yield* Framed.sendAll(framed, ["a", "b", "c"])
        const got = yield* Effect.forEach([0, 2, 3], (i) =>
          Fiber.join(waiting[i]!))
        assert.deepStrictEqual(got, ["a", "b", "c"].map((line) => Option.some(`re: ${line}`)))
        yield* Framed.end(framed)
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.none())
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.none())
      })
    )
  )
})
