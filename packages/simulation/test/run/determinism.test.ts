import { assert, describe, expect, it } from "@effect/vitest"
import * as Broadcast from "@sluice/core/Broadcast"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Subscription from "@sluice/core/Subscription"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Fs from "node:fs"
import type { HostState } from "../../src/internal/kernel/host.ts"
import type { VirtualTime } from "../../src/internal/time/virtualTime.ts"
import { World } from "../../src/internal/world/world.ts"

const failure = <A, E>(exit: Exit.Exit<A, E>): unknown => {
  assert(Exit.isFailure(exit))
  return Cause.squash(exit.cause)
}

describe("what the platform would decide", () => {
  it.effect("Date, Math.random, performance.now and crypto are the seed's and virtual time's", () =>
    Effect.gen(function*() {
      const before = [Date, Math.random, performance.now, crypto.randomUUID]
      const draws = Effect.andThen(
        Effect.sleep("1 second"),
        Effect.sync(() => [
          Date.now(),
          new Date().getTime(),
          new Date(5).getTime(),
          performance.now(),
          Math.random(),
          crypto.randomUUID(),
          String(crypto.getRandomValues(new Uint8Array(4)))
        ])
      )
      const first = yield* Simulation.run(draws, { seed: 1 })
      expect(first.slice(0, 4)).toEqual([1000, 1000, 5, 1000])
      expect(first[5]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
      expect(yield* Simulation.run(draws, { seed: 1 })).toEqual(first)
      expect((yield* Simulation.run(draws, { seed: 2 })).slice(4)).not.toEqual(first.slice(4))
      expect([Date, Math.random, performance.now, crypto.randomUUID]).toEqual(before)
      expect(Date.now()).toBeGreaterThan(1e12)
    }))

  it.effect("a promise under a deadline is an error of a synchronous run, and not a deadline that passes", () =>
    Effect.gen(function*() {
      const raced = Effect.promise(() => Promise.resolve("done")).pipe(
        Effect.withSpan("asking the disk"),
        Effect.timeoutOption("5 seconds")
      )
      const error = failure(
        (yield* Simulation.record(raced, { eventLoop: false })).exit
      ) as Simulation.SimulationDeadlock
      expect(error._tag).toBe("SimulationDeadlock")
      expect(error.at).toBe(0)
      expect(error.message).toContain("awaits a promise")
      expect(error.message).toContain("asking the disk: waits for a promise")
    }))

  it.effect("a promise that nobody waits for is none of its business", () =>
    Effect.gen(function*() {
      const forgotten = Effect.sync(() => void Promise.resolve(1).then(() => 2))
      const program = Effect.andThen(forgotten, Effect.sleep("1 second"))
      yield* Simulation.run(program)
      Effect.runSync(Simulation.run(program))
    }))

  it.effect("what a synchronous run cannot wait for is named, with the line that started it", () =>
    Effect.gen(function*() {
      const late = Effect.callback<number>((resume) => {
        const timer = setTimeout(() => resume(Effect.succeed(1)), 1)
        return Effect.sync(() => clearTimeout(timer))
      })
      const error = failure(Effect.runSync(Simulation.record(late)).exit) as Simulation.SimulationDeadlock
      expect(error.message).toMatch(/never come in a synchronous run:\n {2}setTimeout at .*determinism\.test\.ts/)
    }))
})

/** Everything in a program that is numbered: connections, subscriptions, metrics, timers. */
const numbered = Effect.gen(function*() {
  const connections = Effect.scoped(Effect.gen(function*() {
    const server = yield* Server.make({ listen: "tcp://127.0.0.1:7" }, (c) => Connection.pipeTo(c, c))
    const client = yield* Network.connect(Endpoint.fromAddress(server.address))
    yield* Effect.exit(Connection.readExactly(client, 1).pipe(Effect.timeout("1 second")))
    return [client.id, ...(yield* server.connections).map(({ connection }) => connection.id)]
  }))
  const subscriptions = Effect.scoped(Effect.gen(function*() {
    const room = yield* Broadcast.make<string>({ capacity: 1 })
    const mine = yield* Broadcast.subscribe(room)
    yield* Broadcast.publish(room, "a")
    yield* Broadcast.publish(room, "b")
    return (yield* Effect.flip(Subscription.receive(mine))).message
  }))
  const metric = Metric.counter("determinism_runs", { incremental: true })
  const host = yield* SimNetwork.host("node")
  const facts = [
    yield* Host.run(host, connections),
    yield* Host.run(host, subscriptions),
    yield* subscriptions,
    yield* Effect.andThen(Metric.update(metric, 1), Metric.value(metric)),
    yield* Effect.sync(() => {
      const timer = setTimeout(() => {}, 1)
      clearTimeout(Number(timer))
      return Number(timer)
    })
  ]
  yield* Effect.logInfo(facts)
  return facts
})

describe("what is numbered", () => {
  it.effect("counts from the start of each run", () =>
    Effect.gen(function*() {
      const first = yield* Simulation.run(numbered, { seed: 1 })
      const overflow = (name: string) =>
        `subscriber ${name} too slow: 1 message waiting when another was published; ` +
        "read faster, raise capacity or choose another overflow"
      expect(first).toEqual([[1, 2], overflow("#1"), overflow("#2"), { count: 1, incremental: true }, -1])
      yield* Simulation.checkDeterminism(numbered, { seed: 1 })
    }))

  it.effect("counts from the start of each network under another clock", () => {
    const names = Effect.scoped(Effect.map(Subscription.make(), ({ name }) => name)).pipe(
      Effect.provide(SimNetwork.layer())
    )
    return Effect.map(Effect.all([names, names]), (names) => expect(names).toEqual(["#1", "#1"]))
  })

  it.effect("keeps the metrics of the caller who provides a registry", () => {
    const runs = Metric.counter("determinism_outside")
    return Simulation.run(Metric.update(runs, 1)).pipe(
      Effect.andThen(Metric.value(runs)),
      Effect.map(({ count }) => expect(count).toBe(1)),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  })
})

describe("Simulation.checkDeterminism", () => {
  const check = (program: Effect.Effect<unknown, unknown, SimNetwork.SimNetwork>, options?: Simulation.Options) =>
    Effect.map(Effect.flip(Simulation.checkDeterminism(program, options)), (error) => {
      assert(error._tag === "SimulationNotDeterministic")
      return error
    })
  let count = 0

  it.effect("compares the value and the error", () =>
    Effect.gen(function*() {
      expect((yield* check(Effect.sync(() => ({ count: ++count }))))._tag).toBe("SimulationNotDeterministic")
      expect((yield* check(Effect.suspend(() => Effect.fail(`at ${++count}`))))._tag).toBe("SimulationNotDeterministic")
    }))

  /** A client sends a text that no seed decides, which the server sends back. */
  const calls = (textOf: (count: number) => string) =>
    Effect.gen(function*() {
      const [a, b] = yield* SimNetwork.hosts("a", "b")
      yield* Host.serve(a, Server.layer({ listen: "tcp://0.0.0.0:7" }, (c) => Connection.pipeTo(c, c)))
      const text = textOf(++count)
      yield* Host.run(
        b,
        Effect.scoped(Effect.flatMap(Network.connect("a:7"), (c) =>
          Effect.andThen(Connection.writeText(c, text), Connection.readExactly(c, text.length))))
      )
    })

  it.effect.each(
    [
      ["all of the trace", undefined],
      ["none", false],
      ["the last record", { records: 1 }]
    ] as const
  )("shows the first record that differs, when %s is kept", ([_, trace]) =>
    Effect.gen(function*() {
      const { message, report } = yield* check(calls((count) => `call ${count % 2}`), { trace })
      // After the three segments of the handshake.
      expect(message).toMatch(
        new RegExp(
          [
            "^the seed 0 gave two different runs: record 4 of the trace differs; remove .*",
            "  both   .* b .* > a .*: Flags \\[S\\], .*",
            "  both   .* a .* > b .*: Flags \\[S\\.\\], .*",
            "  both   .* b .* > a .*: Flags \\[\\.\\], .*",
            "  first  .* b .* > a .*: Flags \\[P\\.\\], .*: \"call (\\d)\"",
            "  second .* b .* > a .*: Flags \\[P\\.\\], .*: \"call (?!\\1)\\d\"",
            "the page that shows both runs side by side: .*\\.html$"
          ].join("\n")
        )
      )
      // After the first record that differs there are others.
      const page = Fs.readFileSync(report!, "utf8")
      expect(page).toMatch(/<tr id="first" class="differs"><th scope="row">4<.*call (\d)".*<\/td><td>.*call (?!\1)\d"/)
      expect(page.match(/id="first"/g)).toHaveLength(1)
      expect(page).toMatch(/63 61 6c 6c 20 <mark>3[01]<\/mark><\/pre>/)
      expect(page).toMatch(/<tr><th scope="row">3<\/th><td>(.*)<\/td><td>\1<\/td><\/tr>/)
    }))

  it.effect("shows the ends of runs that differ in nothing else", () =>
    Effect.gen(function*() {
      const { report } = yield* check(Effect.sync(() => `<b>${++count}</b>`))
      const page = Fs.readFileSync(report!, "utf8")
      expect(page).toMatch(/<tr id="first" class="differs"><th scope="row">end<.*"&lt;b>\d+&lt;\/b>"<\/td><\/tr>/)
    }))

  it.effect("shows the byte of a long payload, and the run that ends before the other", () =>
    Effect.gen(function*() {
      const long = yield* check(calls((count) => `${"-".repeat(30)}${count % 2}`))
      expect(long.message).toMatch(/first .* length 31, byte 30 of the payload: 4[89]\n.*second .*payload: 4[89]\n/)
      const marks = Effect.suspend(() => Effect.repeat(Trace.mark("again"), { times: ++count % 2 }))
      const ends = yield* check(marks)
      expect(ends.message).toMatch(/record 2 of the trace differs;(.|\n)*(first|second) *the run ends/)
    }))
})

describe("the trace", () => {
  it.effect("has what is printed to the Console, once, which an exploration does not print", () =>
    Effect.gen(function*() {
      const printed: Array<string> = []
      const console = { ...globalThis.console, log: (...parts: Array<unknown>) => void printed.push(parts.join(" ")) }
      const loggers = new Set([Logger.withConsoleLog(Logger.make(({ message }) => String(message)))])
      const withOutput = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(
          Effect.provideService(Console.Console, console),
          Effect.provideService(Logger.CurrentLoggers, loggers)
        )
      const program = Effect.gen(function*() {
        yield* Host.run(yield* SimNetwork.host("node"), Console.log("port", 7))
        yield* Effect.logInfo("up")
      })
      const { trace } = yield* withOutput(Simulation.record(program))
      expect(Trace.toText(trace)).toBe("0.000000 node: log: port 7\n0.000000 log: INFO up")
      expect(printed).toEqual(["port 7", "up"])
      const { runs } = yield* withOutput(Simulation.explore(program, { seeds: 2 }))
      expect(runs).toBe(2)
      expect(printed).toEqual(["port 7", "up"])
    }))

  it.effect("has log lines and marks, with their hosts", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.gen(function*() {
        const node = yield* SimNetwork.host("node")
        yield* Effect.sleep("1 second")
        yield* Host.run(node, Effect.andThen(Effect.logInfo("leader of term", 7), Trace.mark("elected")))
        yield* Trace.mark("here")
      }))
      expect(Trace.toText(run.trace)).toBe(
        "1.000000 node: log: INFO leader of term 7\n1.000000 node: mark: elected\n1.000000 mark: here"
      )
      expect(Trace.toSvg(run.trace)).toContain("elected")
      expect(Trace.toMermaid(run.trace)).toContain("elected")
      yield* Trace.mark("outside of a simulation")
    }))

  it.effect("is drawn up to its end, and around a moment", () =>
    Effect.gen(function*() {
      const { trace } = yield* Simulation.record(Effect.gen(function*() {
        yield* SimNetwork.host("node")
        for (let index = 0; index < 1500; index++) yield* Effect.andThen(Effect.sleep(10), Trace.mark(`mark ${index};`))
      }))
      expect(Trace.toSvg(trace)).toContain("mark 1499;")
      expect(Trace.toMermaid(trace)).toContain("mark 1499")
      const part = Trace.around(trace, 5_000_000, { before: 2, after: 1 })
      expect(part.records.map((record) => record.at)).toEqual([4_990_000, 5_000_000, 5_010_000])
      expect(part.dropped).toBe(498)
    }))
})

describe("a host that is kept after its run", () => {
  let kept: Host.Host | undefined = undefined
  const keeping = Effect.gen(function*() {
    kept = undefined
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, () => Effect.never))
    yield* Host.start(client, Effect.sleep("1 hour"))
    yield* Effect.scoped(Effect.provide(Network.connect("server:7"), Host.layer(client)))
    kept = server
  })
  const expectNothing = () => {
    const world = World.of(kept as HostState)
    const engine = world.engine as VirtualTime
    expect([world.hasTrace, world.hosts.size, world.lookup("client")]).toEqual([false, 0, []])
    expect([engine.fibers, engine.sleepers.size]).toEqual([[], 0])
  }

  it.effect("keeps neither the trace, nor the other hosts, nor fibers and events that were left", () =>
    Effect.map(Simulation.run(keeping), expectNothing))

  it.effect("keeps none of them either when the caller of the run was interrupted", () =>
    Effect.gen(function*() {
      const endless = Effect.andThen(keeping, Effect.promise(() => new Promise<never>(() => {})))
      // It runs up to its promise before this continues.
      const fiber = yield* Effect.forkChild(Simulation.run(endless), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expectNothing()
    }))
})

describe("VitestSimulation.it", { shuffle: false }, () => {
  const drawn: Array<number> = []
  VitestSimulation.it("takes a number", Effect.map(Random.next, (number) => void drawn.push(number)), { seeds: 3 })

  it.effect("runs the seeds from 1, and the first of them twice", () =>
    Effect.gen(function*() {
      const [one, two, three] = yield* Effect.forEach([1, 2, 3], (seed) => Simulation.run(Random.next, { seed }))
      expect(drawn).toEqual([one, one, two, three])
    }))
})
