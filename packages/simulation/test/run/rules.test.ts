import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as Rule from "@sluice/simulation/Rule"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

const lines = Framing.lines()
const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** An echo of lines, and a client that has connected to it. */
const talk = <A, E>(
  use: (parts: {
    readonly server: Host.Host
    readonly client: Host.Host
    readonly say: (line: string) => Effect.Effect<string, unknown>
    readonly connection: Connection.Connection
  }) => Effect.Effect<A, E, SimNetwork.SimNetwork | Scope.Scope>,
  options: { readonly answer?: ((line: string) => string) | undefined } = {}
) =>
  Simulation.record(
    Effect.scoped(Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* SimNetwork.link(server, client, { latency: 10, segmentation: 0 })
      const { answer = (line: string) => line.toUpperCase() } = options
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, Framed.serve(lines, (line) => Effect.succeed(answer(line))))
      )
      const connection = yield* Effect.provide(Network.connect("server:7"), Host.layer(client))
      const framed = yield* Framed.make(connection, lines)
      const say = (line: string) => Host.run(client, Framed.request(framed, line))
      return yield* use({ server, client, say, connection })
    }))
  )

const fates = (run: Simulation.Run<unknown, unknown>, fate: string) =>
  run.trace.records.filter((record) => "fate" in record && record.fate === fate)

/** A rule that acts on datagrams to port 9, and what arrives there and when, in milliseconds. */
const datagrams = (action: Rule.Action, options?: Rule.Options) =>
  Simulation.record(Effect.scoped(Effect.gen(function*() {
    const [a, b] = yield* SimNetwork.hosts("a", "b")
    const rule = yield* Fault.rule(({ destination }) => destination.port === 9, action, options)
    const receiver = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(b))
    const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(a))
    const arrived: Array<readonly [string, number]> = []
    yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
      const { payload } = yield* UdpSocket.receive(receiver)
      arrived.push([new TextDecoder().decode(payload), yield* millis])
    })))
    for (const text of ["one", "two", "three"]) {
      yield* UdpSocket.send(sender, text, "10.0.0.2:9")
      yield* Effect.sleep(10)
    }
    yield* Effect.sleep("1 second")
    const before = [...arrived]
    yield* rule.release
    yield* Effect.sleep("1 second")
    return { arrived, before, count: yield* rule.count }
  })))

describe("a rule", () => {
  it.effect.each<[Rule.Action, Rule.Options, ReadonlyArray<readonly [string, number]>]>([
    ["drop", { skip: 1, times: 1 }, [["one", 1], ["three", 21]]],
    ["drop", {}, []],
    ["drop", { times: 0 }, [["one", 1], ["two", 11], ["three", 21]]],
    ["duplicate", { times: 1 }, [["one", 1], ["one", 1], ["two", 11], ["three", 21]]],
    [{ delay: 15 }, { times: 1 }, [["two", 11], ["one", 16], ["three", 21]]],
    ["reset", { skip: 2 }, [["one", 1], ["two", 11]]],
    ["hold", { times: 2 }, [["three", 21], ["one", 1031], ["two", 1031]]]
  ])("%o %o acts on datagrams", ([action, options, expected]) =>
    Effect.gen(function*() {
      const run = yield* datagrams(action, options)
      const { arrived } = yield* run.exit
      expect(arrived).toEqual(expected)
    }))

  it.effect("flips one bit of a datagram, and counts what it acts on", () =>
    Effect.gen(function*() {
      const { arrived, count } = yield* (yield* datagrams("corrupt", { skip: 1 })).exit
      expect(arrived.map(([text]) => text)[0]).toBe("one")
      expect(arrived.map(([text]) => text)[1]).not.toBe("two")
      expect(arrived).toHaveLength(3)
      expect(count).toBe(2)
    }))

  it.effect("is in the trace from its beginning to its end, and not in the data of the faults", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.scoped(Effect.andThen(
        Fault.rule(() => true, { delay: "2 seconds" }),
        Fault.rule(() => true, "drop", { name: "no votes" })
      )))
      yield* run.exit
      const notes = run.trace.records.flatMap((record) => record._tag === "Fault" ? [record.name] : [])
      expect(notes).toEqual([
        "rule: delay by 2000 ms",
        "rule: no votes",
        "end of rule: no votes",
        "end of rule: delay by 2000 ms"
      ])
      expect(run.faults).toEqual([])
    }))

  it.effect("ends with its Scope, or when everything is healed, and sends what it holds", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ say }) =>
        Effect.gen(function*() {
          yield* Fault.rule(({ from }) => from === "client", "hold")
          const answer = yield* Effect.forkChild(say("hi"))
          yield* Effect.sleep("5 seconds")
          const before = answer.pollUnsafe() === undefined
          yield* Fault.healAll
          return [before, yield* Fiber.join(answer)]
        })
      )
      expect(yield* run.exit).toEqual([true, "HI"])
    }))

  it.effect("loses a message once, which TCP sends again; the others are unaffected", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ say }) =>
        Effect.gen(function*() {
          yield* Fault.rule(Rule.frames(lines, (line) => line === "two"), "drop", { times: 1 })
          const times: Array<number> = []
          for (const line of ["one", "two", "three"]) {
            const before = yield* millis
            yield* say(line)
            times.push((yield* millis) - before)
          }
          return times
        })
      )
      const [one, two, three] = yield* run.exit
      expect([one, three]).toEqual([20, 20])
      expect(two).toBeGreaterThan(200)
      expect(fates(run, "dropped")).toHaveLength(1)
    }))

  it.effect("loses a message each time it is sent, until it ends", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ say }) =>
        Effect.gen(function*() {
          const rule = yield* Fault.rule(Rule.frames(lines, (line) => line === "TWO"), "drop")
          yield* say("one")
          const answer = yield* Effect.timeoutOption(say("two"), "10 seconds")
          return [answer._tag, (yield* rule.count) > 3]
        })
      )
      expect(yield* run.exit).toEqual(["None", true])
    }))

  it.effect("finds a message in pieces, in the packet in which it ends", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ connection }) =>
        Effect.gen(function*() {
          const seen: Array<string> = []
          yield* Fault.rule(
            Rule.frames(lines, (line, { flow }) => {
              if (flow.startsWith("tcp 10.0.0.2")) seen.push(line)
              return line === "second"
            }),
            { delay: 100 }
          )
          const start = yield* millis
          for (const part of ["fir", "st\nsec", "ond", "\nthird\n"]) {
            yield* Connection.writeText(connection, part)
            yield* Effect.sleep(1)
          }
          yield* Effect.sleep("1 second")
          return [seen, start] as const
        })
      )
      const [seen, start] = yield* run.exit
      expect(seen).toEqual(["first", "second", "third"])
      const held = fates(run, "held").length + run.trace.records.filter((record) =>
        record._tag === "Segment" && record.payload.length > 0 && record.from === "client" &&
        record.arrival !== undefined && record.arrival - record.at > 100_000
      ).length
      expect(held).toBe(1)
      expect(start).toBeGreaterThan(0)
    }))

  it.effect("resets both ends of a connection, and refuses one that is opened", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ client, connection, say }) =>
        Effect.gen(function*() {
          yield* say("one")
          yield* Fault.rule(({ from }) => from === "client", "reset")
          const broken = yield* Effect.flip(say("two"))
          const closed = yield* Connection.closed(connection)
          const connect = Host.run(client, Effect.scoped(Network.connect("server:7")))
          return [String(broken), closed._tag, (yield* Effect.flip(connect)).reason._tag]
        })
      )
      const [broken, closed, refused] = yield* run.exit
      expect(broken).toContain("ECONNRESET")
      expect([closed, refused]).toEqual(["Failed", "ConnectionRefused"])
      const resets = run.trace.records.filter((record) => record._tag === "Segment" && (record.flags & 4) !== 0)
      expect(new Set(resets.map((reset) => "from" in reset && reset.from))).toEqual(new Set(["server", "client"]))
    }))

  it.effect("decides in the order in which rules began, and all of them see each packet", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ say }) =>
        Effect.gen(function*() {
          const seen: Array<string> = []
          yield* Fault.rule(({ from }) => from === "client", { delay: 30 })
          const second = yield* Fault.rule(
            Rule.frames(lines, (line) => {
              seen.push(line)
              return line === "two"
            }),
            "drop"
          )
          for (const line of ["one", "two"]) yield* say(line)
          return [seen, yield* second.count] as const
        })
      )
      const [seen, count] = yield* run.exit
      expect(seen).toEqual(["one", "ONE", "two", "TWO"])
      expect(count).toBe(0)
    }))

  it.effect("is invalid with an unknown action or option", () =>
    Effect.gen(function*() {
      const bad: ReadonlyArray<Effect.Effect<unknown, never, SimNetwork.SimNetwork | Scope.Scope>> = [
        Fault.rule(() => true, "explode" as "drop"),
        Fault.rule(() => true, { delay: -1 }),
        Fault.rule(() => true, "drop", { times: -1 }),
        Fault.rule(() => true, "drop", { skip: 0.5 }),
        Fault.barrier(() => true, { times: NaN })
      ]
      const run = yield* Simulation.record(Effect.forEach(bad, (fault) => Effect.exit(Effect.scoped(fault))))
      expect((yield* run.exit).map((exit) => String(exit)).filter((text) => text.includes("InvalidOption")))
        .toHaveLength(bad.length)
    }))
})

describe("a barrier", () => {
  it.effect("holds a message until the test releases it, however often TCP sends it again", () =>
    Effect.gen(function*() {
      const run = yield* talk(({ say }) =>
        Effect.gen(function*() {
          const barrier = yield* Fault.barrier(Rule.frames(lines, (line) => line === "TWO"))
          const first = yield* say("one")
          const answer = yield* Effect.forkChild(say("two"))
          const held = yield* barrier.wait
          const at = yield* millis
          yield* Effect.sleep("7 seconds")
          const isWaiting = answer.pollUnsafe() === undefined
          yield* held.release
          yield* held.release
          return [first, yield* Fiber.join(answer), isWaiting, (yield* millis) - at, held.packet.from]
        })
      )
      expect(yield* run.exit).toEqual(["ONE", "TWO", true, 7010, "server"])
    }))

  it.effect("stops a test between an answer and its arrival: the server has done it, and the client does not know", () =>
    Effect.gen(function*() {
      let done = 0
      const run = yield* talk(({ say, server }) =>
        Effect.gen(function*() {
          const barrier = yield* Fault.barrier(Rule.frames(lines, (line) => line === "done"))
          const answer = yield* Effect.forkChild(Effect.flip(say("do it")))
          const { drop } = yield* barrier.wait
          yield* drop
          yield* Fault.crash(server)
          yield* Fault.restart(server)
          return String(yield* Fiber.join(answer))
        }), {
        answer: () => {
          done++
          return "done"
        }
      })
      const error = yield* run.exit
      expect(error).toMatch(/ECONNRESET|ETIMEDOUT|TruncatedFrame|closed/i)
      expect(done).toBe(1)
    }))

  it.effect("tells of each packet once, in order, and sends what is left when it ends", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.scoped(Effect.gen(function*() {
        const [a, b] = yield* SimNetwork.hosts("a", "b")
        const receiver = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(b))
        const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(a))
        const told = yield* Effect.scoped(Effect.gen(function*() {
          const barrier = yield* Fault.barrier(({ protocol }) => protocol === "udp", { times: 3 })
          for (const text of ["1", "2", "3", "4"]) yield* UdpSocket.send(sender, text, "10.0.0.2:9")
          const [one, two] = [yield* barrier.wait, yield* barrier.wait]
          yield* one.drop
          yield* Effect.sleep("1 second")
          return [one, two].map(({ packet }) => new TextDecoder().decode(packet.payload))
        }))
        yield* Effect.sleep("1 second")
        const received = yield* UdpSocket.receiveAll(receiver)
        return [told, received.map(({ payload }) => new TextDecoder().decode(payload))]
      })))
      expect(yield* run.exit).toEqual([["1", "2"], ["4", "2", "3"]])
    }))
})

describe("a rule for frames", () => {
  it.effect("matches datagrams that hold such a frame, the first or another, and no others", () =>
    Simulation.run(Effect.scoped(Effect.gen(function*() {
      const [a, b] = yield* SimNetwork.hosts("a", "b")
      yield* Fault.rule(Rule.frames(lines, (line) => line === "two"), "drop")
      const receiver = yield* Effect.provide(Network.bind("udp://0.0.0.0:9"), Host.layer(b))
      const sender = yield* Effect.provide(Network.bind("udp://0.0.0.0:0"), Host.layer(a))
      const sent = ["one\n", "two\n", "one\ntwo\n", "one\ntwo", "", "twofold\n", "two\nthree\n", "three\nfour\n"]
      for (const text of sent) {
        yield* UdpSocket.send(sender, text, "10.0.0.2:9")
        yield* Effect.sleep("1 second")
      }
      const arrived: Array<string> = []
      for (let count = 0; count < 5; count++) {
        const { payload } = yield* UdpSocket.receive(receiver)
        arrived.push(new TextDecoder().decode(payload))
      }
      expect(arrived).toEqual(["one\n", "one\ntwo", "", "twofold\n", "three\nfour\n"])
    }))))
})
