/** Several chat servers over our own Redis server, in virtual time. */
import { describe, expect } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ChatClient from "../../src/chat/client/ChatClient.ts"
import * as Line from "../../src/chat/protocol/Line.ts"
import * as ChatServer from "../../src/chat/server/ChatServer.ts"
import * as overRedis from "../../src/chat/server/elsewhere/overRedis.ts"
import * as RedisServer from "../../src/redis/server/RedisServer.ts"
import * as faults from "../faults.ts"
import { enter, unlimited } from "./person.ts"

const seeds = Number(process.env["SLUICE_ROOM_SEEDS"] ?? 3)

const engineAt = "10.0.0.100"
const addressOf = (index: number) => `10.0.0.${index + 1}`

const Chat = ChatServer.layerShared({ listen: "tcp://0.0.0.0:7000" }, { rate: unlimited, history: 5 }).pipe(
  Layer.provide(overRedis.layer({ endpoint: `tcp://${engineAt}:6379` }))
)

/** An engine, `count` servers, and a host for people. */
const servers = Effect.fnUntraced(function*(count: number) {
  const engine = yield* SimNetwork.host("engine", { addresses: [engineAt] })
  const people = yield* SimNetwork.host("people", { addresses: ["10.0.1.1"] })
  yield* Host.serve(engine, RedisServer.layer({ listen: "tcp://0.0.0.0:6379" }))
  const all = yield* Effect.forEach(Array.from({ length: count }), (_, index) =>
    Effect.gen(function*() {
      const host = yield* SimNetwork.host(`server${index}`, { addresses: [addressOf(index)] })
      yield* SimNetwork.link(host, engine, { latency: "1 millis" })
      yield* SimNetwork.link(host, people, { latency: "1 millis", segmentation: 0 })
      yield* Host.serve(host, Chat)
      return host
    }))
  yield* Effect.sleep("3 seconds")
  const join = (name: string, index: number) => enter(people, name, "lobby", `tcp://${addressOf(index)}:7000`)
  return { engine, people, servers: all, join }
})

type Person = Effect.Success<ReturnType<typeof enter>>

const saidTo = (person: Person) => person.heard.flatMap(({ line }) => line._tag === "Said" ? [Line.format(line)] : [])

const during = (fault: Effect.Effect<void, never, Scope.Scope>) =>
  faults.during(fault, { before: 3_000, lasting: 9_000 })

describe("several chat servers", () => {
  VitestSimulation.it(
    "share rooms, names, private messages and the history",
    Effect.gen(function*() {
      const { join } = yield* servers(2)
      const alice = yield* join("alice", 0)
      const bob = yield* join("bob", 1)
      yield* bob.say("/nick Alice", "/who", "/rooms", "hello", "/msg ALICE psst", "/nick Bobby")
      expect(yield* bob.settled).toEqual([
        "!! the name Alice is taken",
        "-- in lobby: bob, alice",
        "-- rooms: lobby (2)",
        "<bob> hello",
        "[to alice] psst",
        "-- you are now called Bobby",
        "-- pong settled"
      ])
      yield* Effect.sleep("1 second")
      yield* alice.say("/msg bobby hi")
      expect(yield* alice.settled).toEqual([
        "-- bob joined",
        "<bob> hello",
        "[from bob] psst",
        "-- bob is now called Bobby",
        "[to Bobby] hi",
        "-- pong settled"
      ])
      yield* alice.say("/quit")
      yield* Effect.sleep("1 second")
      // The name is free for others, wherever they are, and the room knows what was said.
      const carol = yield* join("carol", 0)
      yield* carol.say("/nick alice", "/who")
      expect((yield* carol.settled).slice(-3)).toEqual([
        "-- you are now called alice",
        "-- in lobby: alice, Bobby",
        "-- pong settled"
      ])
      expect((yield* bob.settled).slice(-4, -1)).toEqual([
        "-- alice left (quit)",
        "-- carol joined",
        "-- carol is now called alice"
      ])
    })
  )

  VitestSimulation.it(
    "give a client its name at once after a crash of its server, and what it missed",
    Effect.gen(function*() {
      const { join, people, servers: [server] } = yield* servers(2)
      const client = yield* Effect.provide(
        ChatClient.make({ server: `tcp://${addressOf(0)}:7000`, nick: "alice", room: "lobby" }),
        Host.layer(people)
      )
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(client.lines, (line) => Effect.sync(() => seen.push(Line.format(line))))
      )
      yield* client.greeted
      const bob = yield* join("bob", 1)
      yield* Fault.crash(server!)
      yield* Effect.sleep("1 second")
      yield* Fault.restart(server!)
      // The lease of the name has seven seconds left.
      yield* Effect.sleep("2 seconds")
      expect((yield* client.whereabouts).name).toBe("alice")

      yield* Fault.crash(server!)
      yield* Effect.sleep("10 seconds")
      yield* bob.say("/msg alice psst")
      expect((yield* bob.settled).slice(-3)).toEqual([
        "[to alice] psst",
        "-- alice is away, and gets that on return",
        "-- pong settled"
      ])
      yield* Fault.restart(server!)
      yield* Effect.sleep("20 seconds")
      expect(seen.filter((text) => text.startsWith("[from"))).toEqual(["[from bob at 1970-01-01 00:00] psst"])
      expect(seen.filter((text) => text.startsWith("!!"))).toEqual([])
    }),
    { seeds, timeout: 180_000 + seeds * 10_000 }
  )

  VitestSimulation.it(
    "tell all people the same, in one order and once, through partitions and pauses",
    Effect.gen(function*() {
      const { engine, join, servers: all } = yield* servers(3)
      const people = yield* Effect.forEach(
        ["a0", "b0", "a1", "b1", "a2", "b2"],
        (name) => join(name, Number(name[1]))
      )
      const lines = 12
      const talking = yield* Effect.forEach(people, (person, index) =>
        Effect.forkChild(Effect.gen(function*() {
          for (let line = 0; line < lines; line++) {
            yield* person.say(`${index} ${line}`)
            yield* Effect.sleep(yield* Random.nextIntBetween(0, 2_500))
          }
        })))
      yield* during(Fault.partition(engine, yield* faults.some(all)))
      yield* during(Fault.pause(engine))
      yield* during(Fault.partition(engine, all))
      for (const fiber of talking) yield* Fiber.join(fiber)
      yield* Effect.sleep("30 seconds")
      const [first = [], ...others] = people.map(saidTo)
      expect(first.length).toBe(lines * people.length)
      expect(new Set(first).size).toBe(first.length)
      for (const other of others) expect(other).toEqual(first)
      // Each person's lines are in the order in which they were said.
      for (const index of people.keys()) {
        expect(first.filter((line) => line.includes(`> ${index} `)).map((line) => Number(line.split(" ").at(-1))))
          .toEqual(Array.from({ length: lines }, (_, line) => line))
      }
    }),
    { seeds, limit: { time: "1 hour" }, timeout: 180_000 + seeds * 10_000 }
  )

  VitestSimulation.it(
    "survive an engine that comes back empty, and notice a server that is gone",
    Effect.gen(function*() {
      const { engine, join, servers: all } = yield* servers(2)
      const alice = yield* join("alice", 0)
      const bob = yield* join("bob", 1)
      const carol = yield* join("carol", 0)
      yield* carol.say("/token 0123456789abcdef", "/nick carol", "/leave")
      yield* Effect.sleep("1 second")
      yield* Fault.crash(engine)
      yield* Effect.sleep("5 seconds")
      yield* alice.say("still there?")
      yield* Effect.sleep("4 seconds")
      expect(alice.heard.slice(-2).map(({ line }) => Line.format(line))).toEqual([
        "-- the other servers cannot be reached: what you say is said when they can",
        "-- that is not said yet: the other servers cannot be reached; it is said when they can"
      ])
      yield* Fault.restart(engine)
      yield* Effect.sleep("5 seconds")
      yield* bob.say("yes", "/nick ALICE")
      yield* bob.settled
      expect(bob.heard.slice(-5).map(({ line }) => Line.format(line))).toEqual([
        "-- the other servers can be reached again",
        "<alice> still there?",
        "<bob> yes",
        "!! the name ALICE is taken",
        "-- pong settled"
      ])
      expect(saidTo(alice)).toEqual(saidTo(bob))
      bob.heard.length = 0
      yield* Fault.crash(all[0]!)
      // With the token, the name is there at once for the same user, and for nobody else.
      const returned = yield* join("guest", 1)
      yield* returned.say("/token wrong-0123456789", "/nick Carol", "/token 0123456789abcdef", "/nick carol")
      expect(yield* returned.settled).toEqual([
        "!! the name Carol is taken",
        "-- you are now called carol",
        "-- pong settled"
      ])
      yield* returned.say("/quit")
      yield* returned.over
      yield* Effect.sleep("100 millis")
      bob.heard.length = 0
      // Its people are gone at once for the others; its names are free when their leases are over.
      yield* Effect.sleep("15 seconds")
      yield* bob.say("/nick alice", "/who")
      expect(yield* bob.settled).toEqual([
        "-- alice left (its server is gone)",
        "-- you are now called alice",
        "-- in lobby: alice",
        "-- pong settled"
      ])
    }),
    { seeds, timeout: 180_000 + seeds * 10_000 }
  )
})
