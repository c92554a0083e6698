import { assert, describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"

const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("M4: nothing of a dead process runs, sends or writes again", () => {
  type Say = (what: string) => Effect.Effect<void, never, Network.Network>
  const forever = (say: Say) => Effect.forever(Effect.andThen(say("alive"), Effect.sleep("1 second")))
  const kinds: Record<string, (say: Say) => Effect.Effect<unknown, never, Network.Network | Scope>> = {
    "an interruptible loop": forever,
    "an uninterruptible region": (say) => Effect.uninterruptible(forever(say)),
    "an acquisition": (say) =>
      Effect.andThen(
        Effect.acquireRelease(Effect.andThen(Effect.sleep("5 seconds"), say("registered")), () => Effect.void),
        Effect.never
      ),
    "a detached fiber": (say) => Effect.andThen(Effect.forkDetach(forever(say)), Effect.never),
    "a fiber of runFork": (say) =>
      Effect.flatMap(
        Effect.context<Network.Network>(),
        (context) => Effect.andThen(Effect.sync(() => Effect.runForkWith(context)(forever(say))), Effect.never)
      ),
    "a finalizer": (say) =>
      Effect.andThen(
        Effect.addFinalizer(() => Effect.andThen(Effect.sleep("3 seconds"), say("goodbye"))),
        Effect.never
      )
  }
  const stops = { crash: Fault.crash, kill: Fault.kill }
  for (const [how, fault] of Object.entries(stops)) {
    for (const [name, kind] of Object.entries(kinds)) {
      VitestSimulation.it(
        `${how}: ${name}`,
        Effect.gen(function*() {
          const [sink, node] = yield* SimNetwork.hosts("sink", "node")
          const heard: Array<string> = []
          const done: Array<string> = []
          yield* Host.start(
            sink,
            Effect.gen(function*() {
              const socket = yield* Network.bind("udp://0.0.0.0:9")
              yield* Stream.runForEach(
                UdpSocket.datagrams(socket),
                ({ payload }) => Effect.sync(() => heard.push(text(payload)))
              )
            })
          )
          let incarnation = 0
          yield* Host.start(
            node,
            Effect.suspend(() => {
              const me = ++incarnation
              return kind((what) => {
                const say = Effect.scoped(
                  Effect.flatMap(
                    Network.bind("udp://0.0.0.0:0"),
                    (socket) => UdpSocket.send(socket, `${what} ${me}`, "udp://sink:9")
                  )
                )
                return Effect.andThen(Effect.sync(() => done.push(`${what} ${me}`)), Effect.ignore(say))
              })
            })
          )
          yield* Effect.sleep("3500 millis")
          yield* Effect.scoped(Effect.andThen(fault(node), Effect.sleep("1 second")))
          heard.length = done.length = 0
          yield* Effect.sleep("6 seconds")
          const ofTheDead = (line: string) => line.endsWith(" 1")
          expect([incarnation, heard.filter(ofTheDead), done.filter(ofTheDead)]).toEqual([2, [], []])
        })
      )
    }
  }

  VitestSimulation.it(
    "a Deferred that is completed from outside wakes nothing there",
    Effect.gen(function*() {
      const node = yield* SimNetwork.host("node")
      const signal = yield* Deferred.make<void>()
      let woken = 0
      yield* Host.start(node, Effect.andThen(Deferred.await(signal), Effect.sync(() => woken++)))
      yield* Effect.sleep("1 second")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.crash(node)
        yield* Deferred.succeed(signal, undefined)
        yield* Effect.sleep("1 second")
        expect(woken).toBe(0)
      }))
      yield* Effect.sleep("1 second")
      expect(woken).toBe(1)
    })
  )

  VitestSimulation.it(
    "who waits for Host.run is interrupted",
    Effect.gen(function*() {
      const node = yield* SimNetwork.host("node")
      const running = yield* Effect.forkChild(Host.run(node, Effect.never))
      yield* Effect.sleep("1 second")
      yield* Fault.kill(node)
      const exit = yield* Fiber.await(running)
      assert(Exit.isFailure(exit))
      expect(Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      expect(Host.isUp(node)).toBe(false)
    })
  )
})

describe("the end of the program", () => {
  it.effect("is the end of the run: nothing happens anywhere after it", () =>
    Effect.gen(function*() {
      let finalized = 0
      let beats = 0
      const program = Effect.gen(function*() {
        const [a, b] = yield* SimNetwork.hosts("a", "b")
        yield* Host.serve(a, Echo)
        yield* Host.start(
          b,
          Effect.gen(function*() {
            yield* Effect.addFinalizer(() => Effect.sync(() => finalized++))
            const connection = yield* Network.connect("a:7")
            while (true) {
              yield* Connection.writeText(connection, "hello")
              yield* Connection.readExactly(connection, 5)
              beats++
              yield* Effect.sleep("100 millis")
            }
          })
        )
        yield* Effect.forkChild(Effect.andThen(Effect.sleep("3 seconds"), Fault.crash(a)))
        yield* Effect.sleep("950 millis")
        return yield* Effect.fail("found")
      })
      const run = yield* Simulation.record(program)
      expect(run.exit).toEqual(Exit.fail("found"))
      expect(run.elapsed.toString()).toContain("950")
      expect([finalized, beats]).toEqual([0, 10])
      expect(run.trace.records.every(({ at }) => at <= 950_000)).toBe(true)
      expect(run.faults).toEqual([])
    }))

  it.effect("a program that fails on a host fails the run there and then", () =>
    Effect.gen(function*() {
      const failing = (options?: Host.StartOptions) =>
        Simulation.record(Effect.gen(function*() {
          const node = yield* SimNetwork.host("node")
          yield* Host.start(node, Effect.andThen(Effect.sleep("1 second"), Effect.die(new TypeError("no x"))), options)
          yield* Effect.sleep("1 minute")
          return "unnoticed"
        }))
      const run = yield* failing()
      const error = yield* Effect.flip(run.exit)
      expect(error).toMatchObject({ _tag: "SimulationHostFailed", host: "node", at: 1000 })
      expect(error.message).toContain("TypeError: no x")
      expect(run.elapsed.toString()).toContain("1000")
      expect(yield* (yield* failing({ onFailure: "log" })).exit).toBe("unnoticed")
    }))
})

describe("Fault.kill, stop and pause", () => {
  const peer = Effect.fnUntraced(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(server, Echo)
    const connection = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
    yield* Connection.writeText(connection, "hello")
    yield* Connection.readExactly(connection, 5)
    return { client, connection, server }
  })

  VitestSimulation.it(
    "a killed process says FIN, and its port refuses",
    Effect.gen(function*() {
      const { client, connection, server } = yield* peer()
      yield* Fault.kill(server)
      expect(Option.isNone(yield* Connection.read(connection))).toBe(true)
      const again = yield* Effect.flip(Host.run(client, Effect.scoped(Network.connect("server:7"))))
      expect(again.reason._tag).toBe("ConnectionRefused")
      yield* Fault.restart(server)
      yield* Effect.sleep("1 second")
      yield* Host.run(client, Effect.scoped(Network.connect("server:7")))
    })
  )

  VitestSimulation.it(
    "a killed process with something unread says RST",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.serve(server, Server.layer({ listen: "tcp://0.0.0.0:7" }, () => Effect.never))
      const connection = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
      yield* Fault.pause(server)
      yield* Connection.writeText(connection, "unread")
      yield* Effect.sleep("1 second")
      yield* Fault.kill(server)
      expect((yield* Effect.flip(Connection.read(connection))).code).toBe("ECONNRESET")
    })
  )

  VitestSimulation.it(
    "stop interrupts and drains: answers in progress arrive",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      const log: Array<string> = []
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7", drain: "10 seconds" }, (c) =>
          Effect.gen(function*() {
            yield* Connection.readExactly(c, 1)
            yield* Effect.sleep("3 seconds")
            yield* Connection.writeText(c, "answer")
          }))
      )
      yield* Host.start(server, Effect.onInterrupt(Effect.never, () => Effect.sync(() => log.push("interrupted"))))
      const answer = yield* Effect.forkChild(Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const c = yield* Network.connect("server:7")
          yield* Connection.writeText(c, "?")
          return text(yield* Connection.readAll(c))
        }))
      ))
      yield* Effect.sleep("1 second")
      yield* Fault.stop(server)
      expect(yield* Fiber.join(answer)).toBe("answer")
      yield* Effect.sleep("1 second")
      expect([log, Host.isUp(server)]).toEqual([["interrupted"], false])
    })
  )

  VitestSimulation.it(
    "stop kills after the grace period",
    Effect.gen(function*() {
      const node = yield* SimNetwork.host("node")
      yield* Host.start(node, Effect.uninterruptible(Effect.sleep("1 hour")))
      yield* Effect.sleep("1 second")
      yield* Fault.stop(node, { grace: "5 seconds" })
      yield* Effect.sleep("4 seconds")
      expect(Host.isUp(node)).toBe(true)
      yield* Effect.sleep("2 seconds")
      expect(Host.isUp(node)).toBe(false)
    })
  )

  VitestSimulation.it(
    "a process that is started again while it stops is gone first",
    Effect.gen(function*() {
      const node = yield* SimNetwork.host("node")
      let starts = 0
      const beats: Array<number> = []
      yield* Host.start(
        node,
        Effect.suspend(() => {
          const me = ++starts
          const beat = Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => beats.push(me)))
          return Effect.uninterruptible(Effect.forever(beat))
        })
      )
      yield* Effect.scoped(Effect.andThen(Fault.stop(node, { grace: "1 minute" }), Effect.sleep("2500 millis")))
      yield* Effect.sleep("2500 millis")
      expect(beats).toEqual([1, 1, 2, 2])
    })
  )

  VitestSimulation.it(
    "a paused process runs nothing, while its kernel acknowledges",
    Effect.gen(function*() {
      const { connection, server } = yield* peer()
      let beats = 0
      yield* Host.start(server, Effect.forever(Effect.andThen(Effect.sync(() => beats++), Effect.sleep("1 second"))))
      yield* Effect.sleep("1500 millis")
      const before = (yield* SimNetwork.traffic).segments
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.pause(server)
        yield* Connection.writeText(connection, "hello")
        yield* Effect.sleep("10 seconds")
      }))
      expect(beats).toBe(2)
      expect((yield* SimNetwork.traffic).segments).toBe(before + 2)
      expect(text(yield* Connection.readExactly(connection, 5))).toBe("hello")
      expect(beats).toBe(3)
    })
  )
})

describe("Fault.skew, drift and turns", () => {
  VitestSimulation.it(
    "skew moves the wall clock alone",
    Effect.gen(function*() {
      const node = yield* SimNetwork.host("node")
      const clocks = Host.run(node, Effect.all([Clock.currentTimeMillis, Clock.monotonicTimeNanos]))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Fault.skew(node, "-1 hour")
        expect(yield* clocks).toEqual([-3_600_000, 0n])
        yield* Host.run(node, Effect.sleep("1 second"))
      }))
      expect(yield* clocks).toEqual([1000, 1_000_000_000n])
    })
  )

  VitestSimulation.it(
    "drift makes both clocks and all timers run faster",
    Effect.gen(function*() {
      const node = yield* SimNetwork.host("node")
      yield* Fault.drift(node, 2)
      yield* Host.run(node, Effect.sleep("10 seconds"))
      expect(yield* Clock.currentTimeMillis).toBe(5000)
      expect(yield* Host.run(node, Effect.all([Clock.currentTimeMillis, Clock.monotonicTimeNanos]))).toEqual([
        10_000,
        10_000_000_000n
      ])
    })
  )

  // A lock that looks, gives up its turn, and takes.
  const race = (fault: (host: Host.Host) => Effect.Effect<void, never, Scope>) =>
    Effect.gen(function*() {
      const [server, alice, bob] = yield* SimNetwork.hosts("server", "alice", "bob")
      for (const client of [alice, bob]) {
        yield* SimNetwork.link(server, client, { latency: "10 millis", jitter: "2 millis" })
      }
      yield* fault(server)
      let isHeld = false
      const take = Effect.gen(function*() {
        if (isHeld) return "held"
        yield* Effect.yieldNow
        isHeld = true
        return "yours"
      })
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, (c) =>
          Effect.flatMap(Effect.andThen(Connection.readExactly(c, 1), take), (answer) =>
            Connection.writeText(c, answer)))
      )
      const ask = Effect.scoped(Effect.gen(function*() {
        const c = yield* Network.connect("server:7")
        yield* Connection.writeText(c, "?")
        return text(yield* Connection.readAll(c))
      }))
      const answers = yield* Effect.all([Host.run(alice, ask), Host.run(bob, ask)], { concurrency: 2 })
      if (
        answers.every((answer) =>
          answer === "yours"
        )
      ) return yield* Effect.fail("both have it")
    })

  it.effect("turns that take time find a race between a check and the act", () =>
    Effect.gen(function*() {
      const without = yield* Simulation.explore(race(() => Effect.void), { seeds: 50 })
      expect(without.failures).toHaveLength(0)
      const { failures } = yield* Simulation.explore(race((host) => Fault.turns(host, "1 millis")), { seeds: 200 })
      expect(failures).toHaveLength(1)
    }))
})
