/** The chat in a simulated network, in virtual time. */
import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ChatClient from "../../src/chat/client/ChatClient.ts"
import * as Line from "../../src/chat/protocol/Line.ts"
import * as Wire from "../../src/chat/protocol/Wire.ts"
import * as ChatServer from "../../src/chat/server/ChatServer.ts"
import * as History from "../../src/chat/server/history/History.ts"
import { address, chat, connect, enter, hosts, unlimited } from "./person.ts"

const { it } = VitestSimulation

describe("a chat", () => {
  it(
    "has names, rooms, private messages and actions",
    Effect.gen(function*() {
      const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
      yield* Host.serve(server, chat({ rate: unlimited, greeting: ["Be kind."] }))
      const alice = yield* connect(a)
      yield* alice.say("/nick Alice", "hello?", "/rooms", "/join Lobby", "hello!")
      expect(yield* alice.settled).toEqual([
        "-- Be kind.",
        "-- you are the 1st here: /nick NAME, /join ROOM, /help",
        "-- you are now called guest1",
        "-- you are now called Alice",
        "!! you are in no room: /join ROOM enters one, /rooms shows which there are",
        "-- there is no room yet: /join ROOM makes one",
        "-- in Lobby: Alice",
        "<Alice> hello!",
        "-- pong settled"
      ])
      alice.heard.length = 0

      const bob = yield* connect(b!)
      yield* bob.say(
        "/nick aLICE",
        "/nick bob",
        "/join lobby",
        "/me waves",
        "/msg ALICE psst",
        "/msg nobody psst",
        "/who"
      )
      expect((yield* bob.settled).slice(2)).toEqual([
        "-- you are now called guest2",
        "!! the name aLICE is taken",
        "-- you are now called bob",
        "[1970-01-01 00:00] <Alice> hello!",
        "-- in Lobby: Alice, bob",
        "* bob waves",
        "[to Alice] psst",
        "!! nobody is called nobody",
        "-- in Lobby: Alice, bob",
        "-- pong settled"
      ])
      yield* bob.say("/nick Bob", "/join den", "/rooms", "/leave", "/leave", "/quit")
      expect(Exit.isSuccess(yield* bob.over)).toBe(true)
      expect(bob.heard.slice(12).map(({ line }) => Line.format(line))).toEqual([
        "-- you are now called Bob",
        "-- in den: Bob",
        "-- rooms: Lobby (1), den (1)",
        "-- you have left den",
        "!! you are in no room: /join ROOM enters one, /rooms shows which there are",
        "-- goodbye"
      ])
      expect(yield* alice.settled).toEqual([
        "-- bob joined",
        "* bob waves",
        "[from bob] psst",
        "-- bob is now called Bob",
        "-- Bob left (to den)",
        "-- pong settled"
      ])
      // The name is free again, and the room that was empty is gone.
      const carol = yield* connect(c!)
      yield* carol.say("/nick bob", "/rooms")
      expect((yield* carol.settled).slice(3)).toEqual([
        "-- you are now called bob",
        "-- rooms: Lobby (1)",
        "-- pong settled"
      ])
    })
  )

  it(
    "shows the last lines of a room to who enters it",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ rate: unlimited, history: 3 }))
      const alice = yield* enter(a, "alice", "lobby")
      yield* alice.say("one", "/me two", "three", "four")
      yield* alice.settled
      const bob = yield* connect(b!)
      yield* bob.say("/join lobby")
      expect((yield* bob.settled).slice(2)).toEqual([
        "[1970-01-01 00:00] * alice two",
        "[1970-01-01 00:00] <alice> three",
        "[1970-01-01 00:00] <alice> four",
        "-- in lobby: alice, guest2",
        "-- pong settled"
      ])
    })
  )

  it(
    "keeps no room that a member could not enter",
    Effect.gen(function*() {
      const { server, others: [a] } = yield* hosts("a")
      const failed = new History.HistoryFailed({ what: "read it", cause: "a broken disk" })
      const broken = Layer.succeed(History.History, {
        last: () => Effect.fail(failed),
        open: () => Effect.succeed([]),
        keep: (_room, _entry, publish) => publish
      })
      const options = { listen: "tcp://0.0.0.0:7000" }
      yield* Host.serve(server, Layer.provide(ChatServer.layer(options, { rate: unlimited, history: 0 }), broken))
      const alice = yield* connect(a)
      yield* alice.say("/rejoin lobby 0", "/rooms", "/join lobby", "/rooms")
      expect((yield* alice.settled).slice(2)).toEqual([
        "!! that room cannot be read; the server's log says why",
        "-- there is no room yet: /join ROOM makes one",
        "-- in lobby: guest1",
        "-- rooms: lobby (1)",
        "-- pong settled"
      ])
    })
  )

  it(
    "answers what is too long and what is unknown, and cleans what is said",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ rate: unlimited }))
      const alice = yield* enter(a, "alice", "lobby")
      const bob = yield* enter(b!, "bob", "lobby")
      const raw = Buffer.concat([
        Buffer.from(`${"x".repeat(100_000)}\n${"y".repeat(1001)}\n/dance\n\n   \n`),
        Buffer.from("\x1b[31mred\x1b]0;x\x07 \x07half \xc3\n", "latin1"),
        Buffer.from("tel\xff\xfd\x06net\r\n", "latin1")
      ])
      yield* Connection.write(bob.connection, raw)
      expect(yield* bob.settled).toEqual([
        "!! that is too long: 1000 characters at most",
        "!! that is too long: 1000 characters at most",
        "!! there is no command /dance: /help lists them",
        "<bob> red half \ufffd",
        expect.stringContaining("<bob> telnet"),
        "-- pong settled"
      ])
      expect(yield* alice.settled).toEqual([
        "-- bob joined",
        "<bob> red half \ufffd",
        "<bob> telnet",
        "-- pong settled"
      ])
    })
  )

  it(
    "takes a number of clients in all and from one address, and tells the others why",
    Effect.gen(function*() {
      const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
      yield* Host.serve(server, chat({ clients: 3, clientsPerAddress: 2 }))
      const first = yield* connect(a)
      yield* connect(a)
      yield* first.until((line) => line._tag === "Called")
      const third = yield* connect(a)
      yield* third.untilSays("!! from 10.0.0.2, 2 are here already; try again later")
      expect(Exit.isSuccess(yield* third.over)).toBe(true)
      yield* connect(b!)
      const fifth = yield* connect(c!)
      yield* fifth.untilSays("!! the chat is full: 3 are here; try again later")
      expect(Exit.isSuccess(yield* fifth.over)).toBe(true)
      yield* first.say("/quit")
      yield* first.over
      const sixth = yield* connect(c!)
      yield* sixth.until((line) => line._tag === "Called")
    })
  )
})

describe("limits", () => {
  it(
    "on the rate are exact to the millisecond, and answered",
    Effect.gen(function*() {
      const { server, others: [a] } = yield* hosts("a")
      yield* Host.serve(server, chat({ rate: { burst: 3, refill: 100 } }))
      const alice = yield* enter(a, "alice", "lobby")
      yield* Effect.sleep("1 second")
      yield* alice.say("1", "2", "3", "4")
      yield* Effect.sleep("99 millis")
      yield* alice.say("5")
      yield* Effect.sleep("1 millis")
      yield* alice.say("6", "7")
      yield* Effect.sleep("1 second")
      expect(yield* alice.settled).toEqual([
        "<alice> 1",
        "<alice> 2",
        "<alice> 3",
        "!! too fast, and so not sent: wait 100 ms",
        "!! too fast, and so not sent: wait 1 ms",
        "<alice> 6",
        "!! too fast, and so not sent: wait 100 ms",
        "-- pong settled"
      ])
    })
  )

  it(
    "on the rate end it when it continues",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ rate: { burst: 10, refill: 500 }, patience: 5 }))
      const alice = yield* enter(a, "alice", "lobby")
      const bob = yield* enter(b!, "bob", "lobby")
      yield* Effect.sleep("10 seconds")
      yield* alice.say(...Array.from({ length: 17 }, (_, index) => `${index}`))
      yield* alice.over
      const texts = alice.heard.map(({ line }) => Line.format(line))
      expect(texts.filter((text) => text.startsWith("<alice>"))).toHaveLength(10)
      expect(texts.filter((text) => text.startsWith("!!"))).toHaveLength(5)
      expect(texts.at(-1)).toBe("-- far too fast: goodbye")
      yield* bob.untilSays("-- alice left (flooding)")
    })
  )

  it(
    "on the rate hold for an address, however many connections it makes",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ rate: { burst: 10, refill: 500 } }))
      const bob = yield* enter(b!, "bob", "lobby")
      for (let round = 0; round < 20; round++) {
        const mallory = yield* connect(a)
        yield* mallory.say("/join lobby", ...Array.from({ length: 10 }, (_, index) => `spam ${index}`))
        yield* mallory.until((line) => line._tag === "Refusal")
        yield* Connection.end(mallory.connection)
      }
      yield* bob.settled
      expect(bob.heard.filter(({ line }) => line._tag === "Said").length).toBeLessThan(12)
    })
  )

  it(
    "on introductions end connections with neither a name nor a room, to the millisecond",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ introduction: "1 minute" }))
      const bob = yield* enter(b!, "bob", "lobby")
      const nobody = yield* connect(a)
      const called = yield* nobody.until((line) => line._tag === "Called")
      yield* Effect.sleep("50 seconds")
      yield* nobody.say("/help")
      const end = yield* nobody.untilSays("-- you took neither a name nor a room in time: goodbye")
      expect(end.at - called.at).toBe(60_000)
      expect(Exit.isSuccess(yield* nobody.over)).toBe(true)
      yield* Effect.sleep("5 minutes")
      yield* bob.settled
    })
  )

  it(
    "on silence are exact to the millisecond: a question, and then the end",
    Effect.gen(function*() {
      const { server, others: [a] } = yield* hosts("a")
      yield* Host.serve(server, chat({ idle: "10 minutes", idleGrace: "1 minute" }))
      const alice = yield* enter(a, "alice", "lobby")
      yield* Effect.sleep("3 seconds")
      yield* alice.say("hello")
      const said = yield* Clock.currentTimeMillis
      // One millisecond there, and one back.
      const asked = yield* alice.until((line) => line._tag === "Ping")
      expect(asked.at - said).toBe(600_000 + 2)
      expect(asked.line).toEqual(Line.Ping({ seconds: 60 }))
      yield* Effect.sleep("59 seconds")
      yield* alice.say("/pong")
      const answered = yield* Clock.currentTimeMillis
      const again = yield* alice.until((line) => line._tag === "Ping")
      expect(again.at - answered).toBe(600_000 + 2)
      const end = yield* alice.untilSays("-- nothing was heard of you: goodbye")
      expect(end.at - again.at).toBe(60_000)
      expect(Exit.isSuccess(yield* alice.over)).toBe(true)
    })
  )

  it(
    "on silence are those of each client, though all are watched together",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ idle: "10 minutes", idleGrace: "1 minute" }))
      const alice = yield* enter(a, "alice", "lobby")
      yield* Effect.sleep("3 seconds")
      const bob = yield* enter(b!, "bob", "lobby")
      const isPing = (line: Line.Line) => line._tag === "Ping"
      const first = yield* alice.until(isPing)
      const second = yield* bob.until(isPing)
      // A millisecond until alice has an answer, and three until the line of bob arrives.
      expect(second.at - first.at).toBe(3_004)
      yield* bob.say("/pong")
      const end = yield* alice.untilSays("-- nothing was heard of you: goodbye")
      expect(end.at - first.at).toBe(60_000)
      const left = yield* bob.untilSays("-- alice left (silent)")
      const again = yield* bob.until(isPing)
      expect(left.at).toBe(end.at)
      expect(again.at - second.at).toBe(600_000 + 2)
    })
  )

  it(
    "may be none: a client that has no time to answer is disconnected as soon as it is silent",
    Effect.gen(function*() {
      const { server, others: [a] } = yield* hosts("a")
      yield* Host.serve(server, chat({ idle: "10 minutes", idleGrace: 0 }))
      const alice = yield* enter(a, "alice", "lobby")
      const asked = yield* alice.until((line) => line._tag === "Ping")
      const end = yield* alice.untilSays("-- nothing was heard of you: goodbye")
      expect(end.at).toBe(asked.at)
    })
  )

  it(
    "on the last words reset a client that does not read them",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat({ rate: unlimited, idle: "1 minute", idleGrace: "1 minute", queue: 10_000 }))
      const alice = yield* enter(a, "alice", "lobby")
      const deaf = yield* Host.network(b!).connect(address)
      yield* Connection.writeText(deaf, "/nick deaf\n/join lobby\n")
      yield* alice.untilSays("-- deaf joined")
      for (let said = 0; said < 1000; said++) yield* alice.say("x".repeat(1000))
      yield* Effect.forkChild(Effect.forever(Effect.delay(alice.say("/pong"), "30 seconds")))
      yield* alice.untilSays("-- deaf left (silent)")
      // It has its name as long as it may read them.
      yield* Effect.sleep("4900 millis")
      yield* alice.say("/nick deaf")
      yield* alice.untilSays("!! the name deaf is taken")
      yield* Effect.sleep("200 millis")
      yield* alice.say("/nick deaf")
      yield* alice.untilSays("-- you are now called deaf")
      const all = yield* Effect.exit(Connection.readAll(deaf, { limit: 1e8 }))
      expect(Exit.isFailure(all)).toBe(true)
    })
  )

  it(
    "on a defect are those of its client, which is reset",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      const decode = (incoming: Wire.Incoming): Wire.Incoming => {
        if (Result.isSuccess(incoming) && incoming.success.text === "boom") throw new Error("boom")
        return incoming
      }
      const wire = { ...Wire.text, framing: Framing.map(Wire.server, { decode, encode: (line: Line.Line) => line }) }
      yield* Host.serve(
        server,
        Layer.unwrap(Effect.map(
          ChatServer.make({}, [wire]),
          (serve) => Server.layer({ listen: "tcp://0.0.0.0:7000" }, serve(wire))
        )).pipe(Layer.provide(History.layerMemory))
      )
      const alice = yield* enter(a, "alice", "lobby")
      const bob = yield* enter(b!, "bob", "lobby")
      yield* bob.say("boom")
      expect(Exit.isFailure(yield* bob.over)).toBe(true)
      yield* alice.untilSays("-- bob left (connection lost)")
    })
  )

  it(
    "on what waits for a client drop one that does not read, and hurt no one",
    Effect.gen(function*() {
      const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
      yield* Host.serve(server, chat({ rate: unlimited, queue: 100 }))
      const alice = yield* enter(a, "alice", "lobby")
      const bob = yield* enter(b!, "bob", "lobby")
      const deaf = yield* Host.network(c!).connect(address)
      yield* Connection.writeText(deaf, "/nick deaf\n/join lobby\n")
      yield* bob.untilSays("-- deaf joined")
      const text = "x".repeat(1000)
      const began = yield* Clock.currentTimeMillis
      let said = 0
      while (!bob.heard.some(({ line }) => line._tag === "Left") && said < 10_000) {
        yield* alice.say(`${said++} ${text.slice(10)}`)
        yield* Effect.sleep("1 millis")
      }
      yield* alice.settled
      yield* bob.settled
      expect(bob.heard.find(({ line }) => line._tag === "Left")?.line).toEqual(
        Line.Left({ name: "deaf", why: "too slow" })
      )
      for (const { heard } of [alice, bob]) {
        const numbers = heard.flatMap(({ at, line }) =>
          line._tag === "Said" ? [{ number: Number(line.text.split(" ")[0]), late: at - began }] : []
        )
        expect(numbers.map(({ number }) => number)).toEqual(Array.from({ length: said }, (_, index) => index))
        for (const { late, number } of numbers) expect(late - number).toBeLessThan(10)
      }
      // It is told why, behind what it had not read.
      const all = yield* Connection.readAll(deaf, { limit: 1e8 })
      expect(new TextDecoder().decode(all)).toMatch(/\n!! you read too slowly: more than 100 lines .*\n$/)
    })
  )

  it(
    "on the time it takes to close let all be told",
    Effect.gen(function*() {
      const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
      const scope = yield* Scope.make()
      yield* Effect.provide(Layer.buildWithScope(chat(), scope), Host.layer(server))
      const people = [yield* enter(a, "alice", "lobby"), yield* enter(b!, "bob", "lobby"), yield* connect(c!)]
      yield* Effect.sleep("1 second")
      for (const person of people) person.heard.length = 0
      const began = yield* Clock.currentTimeMillis
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      for (const person of people) {
        expect(Exit.isSuccess(yield* person.over)).toBe(true)
        expect(person.heard.map(({ line }) => Line.format(line))).toEqual(["-- the server closes: goodbye"])
        yield* Connection.end(person.connection)
      }
      yield* Fiber.join(closing)
      expect((yield* Clock.currentTimeMillis) - began).toBeLessThan(100)
    })
  )
})

describe("50 clients in 5 rooms", () => {
  it(
    "through partitions and crashes: who stays sees all of its room, in one order, once",
    Effect.gen(function*() {
      const names = Array.from({ length: 50 }, (_, index) => `p${index}`)
      const { server, others } = yield* hosts(...names)
      for (const host of others) {
        yield* SimNetwork.link(server, host, {
          latency: "20 millis",
          jitter: "30 millis",
          loss: 0.02,
          segmentation: 0.1
        })
      }
      yield* Host.serve(server, chat({ rate: { burst: 10, refill: 100 }, queue: 1000 }))
      const people = yield* Effect.forEach(
        others,
        (host, index) => Host.run(host, enter(host, `p${index}`, `room${index % 5}`)),
        { concurrency: "unbounded" }
      )
      yield* Effect.forEach(people, (person) => person.settled, { concurrency: "unbounded" })
      for (const person of people) person.heard.length = 0

      const crashes = new Set([7, 18, 29, 33, 41])
      const talk = (index: number) =>
        Effect.gen(function*() {
          for (let number = 0; number < 10; number++) {
            yield* Effect.sleep(yield* Random.nextIntBetween(200, 2000))
            yield* people[index]!.say(`${index}:${number}`)
          }
        })
      const talking = yield* Effect.forEach(
        others,
        (host, index) => Effect.forkChild(Host.run(host, Effect.exit(talk(index))))
      )
      const faults = Effect.gen(function*() {
        for (let round = 0; round < 5; round++) {
          const from = yield* Random.nextIntBetween(0, 40)
          yield* Effect.scoped(Effect.andThen(
            Fault.partition(server, others.slice(from, from + 10)),
            Effect.sleep("2 seconds")
          ))
          yield* Fault.crash(others[Array.from(crashes)[round]!]!)
        }
      })
      yield* faults
      for (const [index, fiber] of talking.entries()) if (!crashes.has(index)) yield* Fiber.await(fiber)
      // What is lost on the way is sent again after a while.
      yield* Effect.sleep("2 minutes")

      for (let room = 0; room < 5; room++) {
        const stayed = names.flatMap((_, index) => index % 5 === room && !crashes.has(index) ? [index] : [])
        const [first, ...rest] = stayed.map((index) =>
          people[index]!.heard.flatMap(({ line }) => line._tag === "Said" ? [`${line.name} ${line.text}`] : [])
        )
        for (const seen of rest) expect(seen).toEqual(first)
        expect(new Set(first).size).toBe(first!.length)
        for (const index of stayed) {
          const own = first!.filter((each) => each.startsWith(`p${index} `))
          expect(own).toEqual(Array.from({ length: 10 }, (_, number) => `p${index} ${index}:${number}`))
        }
        // Users who crashed have said what they had said, from the beginning on.
        for (const index of crashes) {
          const own = first!.filter((each) => each.startsWith(`p${index} `))
          expect(own).toEqual(own.map((_, number) => `p${index} ${index}:${number}`))
        }
      }
    }),
    { seeds: 5 }
  )
})

describe("the client", () => {
  const follow = (client: ChatClient.ChatClient) =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(client.lines, (line) => Effect.sync(() => seen.push(Line.format(line))))
      )
      return seen
    })

  it(
    "comes back as who and where it was, and sends what was typed meanwhile",
    Effect.gen(function*() {
      const { server, others: [a, b] } = yield* hosts("a", "b")
      yield* Host.serve(server, chat())
      const client = yield* Effect.provide(
        ChatClient.make({ server: address, nick: "alice", room: "lobby" }),
        Host.layer(a)
      )
      const seen = yield* follow(client)
      yield* Effect.sleep("1 second")
      yield* client.send("/nick Alicia")
      yield* client.send("/join den")
      yield* Effect.sleep("1 second")
      yield* Fault.crash(server)
      yield* Effect.sleep("1 minute")
      yield* client.send("are you back?")
      yield* Fault.restart(server)
      yield* Effect.sleep("1 minute")
      const bob = yield* connect(b!)
      yield* bob.say("/nick bob", "/join den")
      expect((yield* bob.settled).slice(-3, -1)).toEqual([
        "[1970-01-01 00:01] <Alicia> are you back?",
        "-- in den: Alicia, bob"
      ])
      yield* Effect.sleep("1 second")
      expect(seen).toEqual([
        expect.stringContaining("1st here"),
        "-- you are now called alice",
        "-- in lobby: alice",
        "-- you are now called Alicia",
        "-- in den: Alicia",
        expect.stringContaining("1st here"),
        "-- you are now called Alicia",
        "-- in den: Alicia",
        "<Alicia> are you back?",
        "-- bob joined"
      ])
    })
  )

  it(
    "gets its name back from its own ghost",
    Effect.gen(function*() {
      const { server, others: [a] } = yield* hosts("a")
      yield* Host.serve(server, chat({ idle: "1 minute", idleGrace: "1 minute" }))
      const client = yield* Effect.provide(
        ChatClient.make({ server: address, nick: "alice", room: "lobby" }),
        Host.layer(a)
      )
      const seen = yield* follow(client)
      yield* Effect.sleep("1 second")
      // The client gives up the connection, and the server does not hear of it.
      yield* Effect.scoped(Effect.andThen(Fault.partition(server, a), Effect.sleep("1 minute")))
      yield* Effect.sleep("10 seconds")
      expect((yield* client.whereabouts).name).toBe("alice")
      expect(seen.filter((text) => text.startsWith("!!"))).toEqual([])
    })
  )

  it(
    "sends as fast as the server allows, whatever happens to its wall clock",
    Effect.gen(function*() {
      const { server, others: [a] } = yield* hosts("a")
      yield* Host.serve(server, chat({ rate: { burst: 10, refill: 100 } }))
      const client = yield* Effect.provide(
        ChatClient.make({ server: address, nick: "alice", room: "lobby" }),
        Host.layer(a)
      )
      const seen = yield* follow(client)
      yield* client.greeted
      const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`)
      const sending = (part: ReadonlyArray<string>) =>
        Host.run(a, Effect.forEach(part, client.send, { discard: true })).pipe(
          Effect.timed,
          Effect.map(([duration]) => Duration.toMillis(duration))
        )
      // Half of the burst, and then one line every 100 ms.
      expect(yield* sending(lines.slice(0, 25))).toBeCloseTo(2000, -1)
      yield* Fault.skew(a, "-1 hour")
      expect(yield* sending(lines.slice(25))).toBeCloseTo(1500, -1)
      yield* Effect.sleep("1 second")
      expect(seen.slice(-40)).toEqual(lines.map((line) => `<alice> ${line}`))
    })
  )
})
