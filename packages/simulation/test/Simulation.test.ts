import { assert, describe, expect, it } from "@effect/vitest"
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
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

const decoder = new TextDecoder()
const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))

const ask = Effect.scoped(Effect.gen(function*() {
  const connection = yield* Network.connect("server:7")
  yield* Connection.writeText(connection, "hello")
  return decoder.decode(yield* Connection.readExactly(connection, 5))
}))

const echoed = Effect.gen(function*() {
  const [server, client] = yield* SimNetwork.hosts("server", "client")
  yield* SimNetwork.link(server, client, { latency: "20 millis", loss: 0.3 })
  yield* Host.serve(server, Echo)
  return yield* Host.run(client, ask)
})

const failure = <A, E>(exit: Exit.Exit<A, E>): E => {
  assert(Exit.isFailure(exit))
  const reason = exit.cause.reasons[0]!
  assert(reason._tag === "Fail")
  return reason.error
}

describe("Simulation.run", () => {
  it.effect("M1: one seed gives one trace, byte for byte, and another seed another", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.checkDeterminism(echoed, { seed: 1, schedule: "random" })
      const other = yield* Simulation.record(echoed, { seed: 2, schedule: "random" })
      expect(yield* run.exit).toBe("hello")
      expect(run.trace.hash).toMatch(/^[0-9a-f]{16}$/)
      expect(other.trace.hash).not.toBe(run.trace.hash)
      const again = yield* Simulation.record(echoed, { seed: 1, schedule: "random" })
      expect(Trace.toText(again.trace)).toBe(Trace.toText(run.trace))
    }))

  it.effect("M1: what travels in messages is the seed's too: identifiers of spans and of fibers", () =>
    Effect.gen(function*() {
      const identifiers = Effect.gen(function*() {
        const span = yield* Effect.currentSpan
        const interrupted = yield* Effect.forkChild(Effect.never, { startImmediately: true })
        yield* Fiber.interrupt(interrupted)
        return [span.traceId, span.spanId, JSON.stringify(yield* Fiber.await(interrupted))]
      }).pipe(Effect.withSpan("inner"), Effect.withSpan("outer"))
      const first = yield* Simulation.run(identifiers, { seed: 1 })
      expect(first[0]).toMatch(/^[\da-f]{32}$/)
      expect(first[1]).toMatch(/^[\da-f]{16}$/)
      expect(yield* Simulation.run(identifiers, { seed: 1 })).toEqual(first)
      const [otherTrace, otherSpan] = yield* Simulation.run(identifiers, { seed: 2 })
      expect([otherTrace === first[0], otherSpan === first[1]]).toEqual([false, false])
    }))

  it("is synchronous", () => {
    expect(Effect.runSync(Simulation.run(echoed))).toBe("hello")
  })

  it.effect("M3: a year of waiting takes no time", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.sleep("365 days"), { limit: { time: "400 days" } })
      expect(Duration.toMillis(run.elapsed)).toBe(365 * 86_400_000)
      expect(run.steps).toBeLessThan(20)
    }))

  it.effect("a deadlock names the fibers and what the sockets wait for", () =>
    Effect.gen(function*() {
      const stuck = Effect.gen(function*() {
        const [server, client] = yield* SimNetwork.hosts("server", "client")
        yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, Connection.readAll))
        yield* Host.run(client, ask.pipe(Effect.withSpan("asking"), Effect.withSpan("visiting")))
      })
      const run = yield* Simulation.record(stuck)
      const error = failure(run.exit)
      assert(error._tag === "SimulationDeadlock")
      expect(error.fibers.map(({ name }) => name)).toContain("visiting > asking")
      expect(error.message).toMatch(
        /client: tcp 10\.0\.0\.2:\d+ -> 10\.0\.0\.1:7, ESTABLISHED: waits for bytes from its peer/
      )
      expect(error.message).toMatch(/server: tcp 0\.0\.0\.0:7, LISTEN: waits for connections/)
    }))

  it.effect("a program that awaits a promise in a synchronous run is told so", () =>
    Effect.gen(function*() {
      const program = Effect.promise(() => Promise.resolve(1)).pipe(Effect.withSpan("reading a file"))
      expect(yield* Simulation.run(program)).toBe(1)
      // Effect.runSync cannot wait, and neither can a run without the event loop.
      const run = Effect.runSync(Simulation.record(program))
      expect((yield* Simulation.record(program, { eventLoop: false })).exit).toEqual(run.exit)
      const error = failure(run.exit)
      assert(error._tag === "SimulationDeadlock")
      expect(error.fibers.filter(({ awaitsPromise }) => awaitsPromise).map(({ name }) => name)).toEqual([
        "reading a file"
      ])
      expect(error.message).toContain("awaits a promise")
      expect(yield* Effect.promise(() => Promise.resolve("as ever outside"))).toBe("as ever outside")
    }))

  it.effect("limits end what would run forever", () =>
    Effect.gen(function*() {
      const ticking = yield* Simulation.record(Effect.forever(Effect.sleep("1 second")), { limit: { time: "1 hour" } })
      expect(failure(ticking.exit)).toMatchObject({ _tag: "SimulationLimitExceeded", limit: "time", at: 3_600_000 })
      expect(failure(ticking.exit)).toMatchObject({ message: expect.stringContaining("sleeps until 3601000 ms") })
      const spinning = yield* Simulation.record(Effect.forever(Effect.void), { limit: { steps: 100 } })
      expect(failure(spinning.exit)).toMatchObject({ _tag: "SimulationLimitExceeded", limit: "steps", steps: 100 })
      const mistaken = yield* Effect.flip(Simulation.run(Effect.void, { defaults: { loss: 2 } }))
      expect(mistaken).toMatchObject({ reason: { _tag: "InvalidOption", option: "loss" } })
    }))

  it.effect("a program that polls lets time advance", () =>
    Simulation.run(Effect.gen(function*() {
      while ((yield* Clock.currentTimeMillis) < 5) yield* Effect.yieldNow
    })))

  it.effect("what the seed does not decide is detected", () =>
    Effect.gen(function*() {
      let runs = 0
      const changing = Effect.suspend(() => Effect.sleep(++runs * 1000))
      const error = yield* Effect.flip(Simulation.checkDeterminism(changing))
      expect(error._tag).toBe("SimulationNotDeterministic")
      const random = Effect.flatMap(Random.next, (next) => Effect.sleep(next * 1000))
      yield* Simulation.checkDeterminism(random, { seed: "any" })
    }))

  it.effect("explore finds the order of tasks that fails, and the seed repeats it", () =>
    Effect.gen(function*() {
      const racy = Effect.gen(function*() {
        let value = 0
        const add = Effect.gen(function*() {
          const before = value
          yield* Effect.yieldNow
          value = before + 1
        })
        yield* Effect.all([add, Effect.andThen(Effect.yieldNow, add)], { concurrency: 2 })
        if (value !== 2) return yield* Effect.fail("lost update")
      })
      const { failures, runs } = yield* Simulation.explore(racy, { seeds: 100 })
      expect(failures).toHaveLength(1)
      expect(runs).toBeLessThan(100)
      const again = yield* Simulation.record(racy, { seed: failures[0]!.seed, schedule: "random" })
      expect(failure(again.exit)).toBe("lost update")
      const all = yield* Simulation.explore(racy, { seeds: 100, until: "end" })
      expect(all.runs).toBe(100)
      expect(all.failures.length).toBeGreaterThan(10)
      expect(all.failures.length).toBeLessThan(100)
    }))
})

describe("SimNetwork under a test clock", () => {
  it.effect("TestClock.adjust moves it", () =>
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { latency: "20 millis" })
      yield* Host.serve(server, Echo)
      const asking = yield* Effect.forkChild(Host.run(client, ask))
      yield* TestClock.adjust("79 millis")
      expect(asking.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(
        yield* Fiber.join(asking).pipe(
          Effect.raceFirst(TestClock.adjust("1 minute").pipe(Effect.andThen(Effect.never)))
        )
      ).toBe("hello")
    }).pipe(Effect.provide(SimNetwork.layer())))
})

describe("hosts and faults", () => {
  VitestSimulation.it(
    "M4: a crash stops what runs there, without finalizers, and a restart runs it again",
    Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      const log: Array<string> = []
      yield* Host.start(
        host,
        Effect.andThen(Effect.sync(() => log.push("begun")), Effect.never).pipe(
          Effect.onInterrupt(() => Effect.sync(() => log.push("interrupted")))
        )
      )
      yield* Effect.sleep("1 second")
      yield* Effect.scoped(Effect.andThen(Fault.crash(host), Effect.sleep("1 second")))
      yield* Effect.sleep("1 second")
      expect(log).toEqual(["begun", "begun"])
    }),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "a clock is ahead by its skew, and sleeps as long as any",
    Effect.gen(function*() {
      const [host, other] = yield* SimNetwork.hosts("host", "other")
      yield* Fault.skew(host, "1 hour")
      expect(yield* Host.run(host, Clock.currentTimeMillis)).toBe(3_600_000)
      expect(yield* Host.run(other, Clock.currentTimeMillis)).toBe(0)
      yield* Host.run(host, Effect.sleep("1 second"))
      expect(yield* Clock.currentTimeMillis).toBe(1000)
    })
  )

  const receiver = Effect.fnUntraced(function*(host: Host.Host) {
    return yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(host))
  })

  VitestSimulation.it(
    "one way cut, held and released, by groups",
    Effect.gen(function*() {
      const [a, b, c] = yield* SimNetwork.hosts("a", "b", "c")
      const sockets = { a: yield* receiver(a), b: yield* receiver(b), c: yield* receiver(c) }
      const got = (socket: UdpSocket.UdpSocket) =>
        Effect.map(Effect.timeoutOption(UdpSocket.receive(socket), "1 second"), ({ _tag }) => _tag)
      yield* Fault.partitionOneWay(a, b)
      yield* UdpSocket.send(sockets.a, "x", "10.0.0.2:9")
      yield* UdpSocket.send(sockets.b, "x", "10.0.0.1:9")
      expect([yield* got(sockets.b), yield* got(sockets.a)]).toEqual(["None", "Some"])
      yield* Fault.heal(a, b)
      yield* Fault.hold(a, b)
      yield* UdpSocket.send(sockets.a, "x", "10.0.0.2:9")
      expect(yield* got(sockets.b)).toBe("None")
      yield* Fault.heal(a, b)
      expect(yield* got(sockets.b)).toBe("Some")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.partition([a, b], c)
        yield* UdpSocket.send(sockets.a, "x", "10.0.0.3:9")
        yield* UdpSocket.send(sockets.a, "x", "10.0.0.2:9")
        expect([yield* got(sockets.c), yield* got(sockets.b)]).toEqual(["None", "Some"])
      }))
      yield* UdpSocket.send(sockets.a, "x", "10.0.0.3:9")
      expect(yield* got(sockets.c)).toBe("Some")
    })
  )

  VitestSimulation.it(
    "an answer that a port is unreachable is lost, held and cut off as any packet is",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const heard = (fault: Effect.Effect<unknown, unknown, Scope.Scope>) =>
        Host.run(
          client,
          Effect.scoped(Effect.gen(function*() {
            const socket = yield* Network.bind("udp://0.0.0.0:0", { peer: "udp://server:9" })
            yield* UdpSocket.send(socket, "hello")
            yield* fault
            const answer = yield* Effect.timeoutOption(Effect.flip(UdpSocket.receive(socket)), "5 seconds")
            return Option.map(answer, (error) => error.reason._tag)
          }))
        )
      expect(yield* heard(Effect.void)).toEqual(Option.some("ConnectionRefused"))
      expect(yield* heard(Fault.hold(server, client))).toEqual(Option.none())
      expect(yield* heard(Fault.partitionOneWay(server, client))).toEqual(Option.none())
      expect(yield* heard(SimNetwork.linkOneWay(server, client, { loss: 1 }))).toEqual(Option.none())
    })
  )

  VitestSimulation.it(
    "a group is heard by who joined it, and a broadcast by all",
    Effect.gen(function*() {
      const [a, b, c] = yield* SimNetwork.hosts("a", "b", "c")
      const [atB, atC] = [yield* receiver(b), yield* receiver(c)]
      const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0", { broadcast: true }), Host.layer(a))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* UdpSocket.join(atB, { group: "239.1.2.3" })
        yield* UdpSocket.send(sender, "group", "239.1.2.3:9")
        yield* Effect.sleep("10 millis")
      }))
      yield* UdpSocket.send(sender, "left", "239.1.2.3:9")
      yield* UdpSocket.send(sender, "all", "255.255.255.255:9")
      yield* Effect.sleep("10 millis")
      const texts = (socket: UdpSocket.UdpSocket) =>
        Effect.map(UdpSocket.receiveAll(socket), (all) => all.map(({ payload }) => decoder.decode(payload)))
      expect(yield* texts(atB)).toEqual(["group", "all"])
      expect(yield* texts(atC)).toEqual(["all"])
    })
  )
})
