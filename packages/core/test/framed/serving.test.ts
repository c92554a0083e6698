import { assert, describe } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Conversation from "@sluice/core/Conversation"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

const lines = Framing.lines()
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

type Handler = (connection: Connection.Connection) => Effect.Effect<void, unknown>

/** Serves on one host, and talks to the server from another. */
const talk = <A, E, R>(
  handler: Handler,
  talking: (connection: Connection.Connection) => Effect.Effect<A, E, R>,
  port = 7
) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(server, Server.layer({ listen: `tcp://0.0.0.0:${port}` }, handler))
    return yield* Host.run(client, Effect.scoped(Effect.flatMap(Network.connect(`server:${port}`), talking)))
  })

/** What arrives of the answers to these lines, by the millisecond: one for each write, since all are small. */
const writes = (handler: Handler, sent: ReadonlyArray<string>, port = 7) =>
  talk(handler, (connection) =>
    Effect.gen(function*() {
      yield* Connection.writeText(connection, sent.map((line) => `${line}\n`).join(""))
      yield* Connection.end(connection)
      const arrived = new Map<number, string>()
      while (true) {
        const chunk = yield* Connection.read(connection)
        if (Option.isNone(chunk)) return [...arrived.values()]
        const now = yield* Clock.currentTimeMillis
        arrived.set(now, (arrived.get(now) ?? "") + text(chunk.value))
      }
    }), port)

const sixteen = Array.from({ length: 16 }, (_, i) => `line ${i}`)
const answers = (sent: ReadonlyArray<string>): string => sent.map((line) => `${line.toUpperCase()}\n`).join("")

const styles: Record<string, Handler> = {
  succeed: Framed.serve(lines, (line) => Effect.succeed(line.toUpperCase())),
  sync: Framed.serve(lines, (line) => Effect.sync(() => line.toUpperCase())),
  gen: Framed.serve(lines, (line) =>
    Effect.gen(function*() {
      return (yield* Effect.succeed(line)).toUpperCase()
    })),
  "gen, concurrently": Framed.serve(lines, (line) =>
    Effect.gen(function*() {
      return (yield* Effect.succeed(line)).toUpperCase()
    }), { concurrency: 16 }),
  "gen, concurrently, four at a time": Framed.serve(lines, (line) => Effect.sync(() => line.toUpperCase()), {
    concurrency: 4
  }),
  mixed: Framed.serve(
    lines,
    (line) => line.endsWith("3") ? Effect.sync(() => line.toUpperCase()) : Effect.succeed(line.toUpperCase())
  ),
  "a conversation": Conversation.handler(() =>
    Conversation.state({ framing: lines, onMessage: (line, peer) => peer.send(line.toUpperCase()) })
  ),
  "a conversation of replies": Conversation.handler(() =>
    Conversation.state({ framing: lines, onMessage: (line) => Effect.succeed(Conversation.reply(line.toUpperCase())) })
  ),
  "a conversation of replies and more": Conversation.handler(() =>
    Conversation.state({
      framing: lines,
      onMessage: (line, peer) =>
        line.endsWith("3")
          ? peer.send(line.toUpperCase())
          : line.endsWith("5")
          ? Effect.sync(() => Conversation.reply(line.toUpperCase()))
          : Effect.succeed(Conversation.reply(line.toUpperCase()))
    })
  )
}

describe("replies that are ready together leave with one write", () => {
  for (const [name, handler] of Object.entries(styles)) {
    VitestSimulation.it(
      name,
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* writes(handler, sixteen), [answers(sixteen)])
      })
    )
  }

  const slow = (line: string) =>
    line === "slow" ? Effect.delay(Effect.succeed("SLOW"), "1 second") : Effect.sync(() => line.toUpperCase())

  VitestSimulation.it(
    "a handler that waits holds up none of those before it",
    Effect.gen(function*() {
      for (const concurrency of [1, 16]) {
        const chunks = yield* writes(
          Framed.serve(lines, slow, { concurrency }),
          ["a", "b", "slow", "c", "d"],
          concurrency
        )
        assert.deepStrictEqual(chunks, ["A\nB\n", "SLOW\nC\nD\n"], `concurrency ${concurrency}`)
      }
    })
  )

  VitestSimulation.it(
    "handles as many at once as it is told, and answers in order",
    Effect.gen(function*() {
      let running = 0
      let most = 0
      const handler = Framed.serve(lines, (line) =>
        Effect.gen(function*() {
          most = Math.max(most, ++running)
          yield* Effect.sleep(`${(7 * Number(line)) % 5 + 1} seconds`)
          running--
          return line
        }), { concurrency: 3 })
      const sent = Array.from({ length: 10 }, (_, i) => String(i))
      assert.strictEqual((yield* writes(handler, sent)).join(""), sent.map((line) => `${line}\n`).join(""))
      assert.strictEqual(most, 3)
    })
  )

  VitestSimulation.it(
    "sends what was answered before a handler failed, and interrupts those beside it",
    Effect.gen(function*() {
      let interrupted = 0
      const handle = (line: string) =>
        line === "bad"
          ? Effect.fail("bad" as const)
          : line === "never"
          ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
          : Effect.sync(() => line.toUpperCase())
      for (const concurrency of [1, 16]) {
        const got = yield* talk(
          (connection) => Effect.ignore(Framed.serve(lines, handle, { concurrency })(connection)),
          (connection) =>
            Effect.andThen(
              Connection.writeText(connection, "a\nb\nbad\nnever\n"),
              Effect.map(Connection.readAll(connection), text)
            ),
          concurrency
        )
        assert.strictEqual(got, "A\nB\n", `concurrency ${concurrency}`)
      }
      assert.strictEqual(interrupted, 1)
    })
  )

  VitestSimulation.it(
    "answers all before a bad message, and ends in order",
    Effect.gen(function*() {
      for (const [index, handler] of Object.values(styles).entries()) {
        const got = yield* talk(handler, (connection) =>
          Effect.andThen(
            Connection.write(connection, Uint8Array.of(97, 10, 98, 10, 255, 10)),
            Effect.map(Connection.readAll(connection), text)
          ), index + 1)
        assert.strictEqual(got, "A\nB\n")
      }
    })
  )

  VitestSimulation.it(
    "lets a peer that still sends finish after a bad message, for up to closeTimeout",
    Effect.gen(function*() {
      const [server, client] = yield* SimNetwork.hosts("server", "client")
      yield* Host.serve(
        server,
        Server.layer({ listen: "tcp://0.0.0.0:7", closeTimeout: "10 seconds" }, styles.succeed!)
      )
      yield* Host.run(
        client,
        Effect.scoped(Effect.gen(function*() {
          const connection = yield* Network.connect("server:7")
          yield* Connection.write(connection, Uint8Array.of(97, 10, 255, 10))
          // A reset would lose the answer. A second without a byte is the end of the peer.
          const more = Effect.andThen(Effect.sleep("900 millis"), Connection.writeText(connection, "more"))
          yield* Effect.repeat(more, { times: 9 })
          assert.strictEqual(text(yield* Connection.readAll(connection)), "A\n")
          yield* Effect.sleep("2 seconds")
          yield* Connection.writeText(connection, "too late")
          yield* Effect.sleep("1 second")
          yield* Effect.exit(Connection.writeText(connection, "gone"))
          yield* Effect.sleep("1 second")
          const { reason } = yield* Effect.flip(Connection.writeText(connection, "gone"))
          assert.strictEqual(reason._tag, "BrokenPipe")
        }))
      )
    })
  )
})

describe("a conversation", () => {
  const smtp = (mails: Array<string>, tls: SimCertificate.Issued | undefined): Conversation.State => {
    const crlf = Framing.lines({ ending: "crlf" })
    const block = Framing.delimited("\r\n.\r\n").pipe(Framing.text())
    const ready: Conversation.State = Conversation.state({
      framing: crlf,
      onEnter: (peer) =>
        Effect.orDie(peer.send(peer.connection.tls === undefined ? "220 ready" : "220 ready, protected")),
      onMessage: Effect.fnUntraced(function*(line: string, peer: Conversation.Peer<string>) {
        if (line.startsWith("NOOP")) return
        if (line === "DATA") {
          yield* peer.send("354 go ahead")
          return Conversation.become(data)
        }
        if (line === "STARTTLS" && tls !== undefined) {
          yield* peer.send("220 go ahead")
          return Conversation.secure({ certificates: [tls] }, ready)
        }
        if (line === "HELP") { for (const each of ["214-one", "214 two"]) yield* peer.send(each) }
        else yield* peer.send(line === "QUIT" ? "221 bye" : "500 what?")
        return line === "QUIT" ? Conversation.finish : undefined
      }, Effect.orDie)
    })
    const data: Conversation.State = Conversation.state({
      framing: block,
      onMessage: (mail) => Effect.as(Effect.sync(() => mails.push(mail)), Conversation.become(ready))
    })
    return ready
  }

  VitestSimulation.it(
    "goes from state to state and from framing to framing, with one write for what is ready together",
    Effect.gen(function*() {
      const mails: Array<string> = []
      const sent = "NOOP\r\nHELP\r\nDATA\r\nDear\r\n\r\nyou\r\n.\r\nWHAT\r\nQUIT\r\nnever seen\r\n"
      const got = yield* talk(
        Conversation.handler(() => smtp(mails, undefined)),
        (connection) =>
          Effect.andThen(Connection.writeText(connection, sent), Effect.map(Connection.readAll(connection), text))
      )
      assert.strictEqual(
        got,
        ["220 ready", "214-one", "214 two", "354 go ahead", "220 ready", "500 what?", "221 bye", ""].join("\r\n")
      )
      assert.deepStrictEqual(mails, ["Dear\r\n\r\nyou"])
    })
  )

  VitestSimulation.it(
    "continues over TLS",
    Effect.gen(function*() {
      const authority = SimCertificate.authority("Test CA")
      const tls = authority.issue({ names: ["server"] })
      const got = yield* talk(Conversation.handler(() => smtp([], tls)), (connection) =>
        Effect.gen(function*() {
          yield* Connection.writeText(connection, "STARTTLS\r\n")
          const greeting = text(yield* Connection.readUntil(connection, "220 go ahead\r\n"))
          yield* Connection.upgradeTls(connection, { role: "client", tls: { authorities: authority.certificate } })
          yield* Connection.writeText(connection, "QUIT\r\n")
          return greeting + text(yield* Connection.readAll(connection))
        }))
      assert.strictEqual(got, "220 ready\r\n220 go ahead\r\n220 ready, protected\r\n221 bye\r\n")
    })
  )

  VitestSimulation.it(
    "pushes at any time, and hears of the peer's end",
    Effect.gen(function*() {
      const handler = Conversation.handler(() => {
        let ticking: Fiber.Fiber<unknown, unknown> | undefined
        return Conversation.state({
          framing: lines,
          onEnter: (peer) =>
            Effect.map(Effect.forkDetach(Effect.forever(Effect.delay(peer.send("tick"), "1 second"))), (fiber) => {
              ticking = fiber
            }),
          onMessage: (line, peer) => peer.send(line),
          onEnd: (peer) => Effect.andThen(Fiber.interrupt(ticking!), peer.send("bye"))
        })
      })
      const got = yield* talk(handler, (connection) =>
        Effect.gen(function*() {
          yield* Effect.sleep("2500 millis")
          yield* Connection.writeText(connection, "hello\n")
          yield* Effect.sleep("1 second")
          yield* Connection.end(connection)
          return text(yield* Connection.readAll(connection))
        }))
      assert.strictEqual(got, "tick\ntick\nhello\ntick\nbye\n")
    })
  )

  VitestSimulation.it(
    "answers those before one that waits, and stops waiting when the peer ends behind unread messages",
    Effect.gen(function*() {
      let waited = ""
      const handler = Conversation.handler(() =>
        Conversation.state({
          framing: lines,
          onMessage: (line, peer) =>
            line !== "wait"
              ? Effect.succeed(Conversation.reply(line.toUpperCase()))
              : Effect.raceFirst(
                Effect.as(Effect.delay(Effect.sync(() => waited += "long "), "1 hour"), Conversation.reply("late")),
                Effect.as(Effect.andThen(peer.ended, Effect.sync(() => waited += "ended ")), Conversation.finish)
              )
        })
      )
      const got = yield* talk(handler, (connection) =>
        Effect.gen(function*() {
          yield* Connection.writeText(connection, "a\nb\nwait\nunread\n")
          yield* Effect.sleep("10 seconds")
          const before = text(yield* Connection.readExactly(connection, 4))
          yield* Connection.end(connection)
          return before + text(yield* Connection.readAll(connection))
        }))
      assert.strictEqual(got, "A\nB\n")
      assert.strictEqual(waited, "ended ")
    })
  )

  VitestSimulation.it(
    "fails in the state that fails",
    Effect.gen(function*() {
      const failing = Conversation.handler(() =>
        Conversation.state({ framing: lines, onMessage: () => Effect.fail("no") })
      )
      const invalid = Conversation.handler(() =>
        Conversation.state({ framing: Framing.fixedLength(-1), onMessage: () => Effect.void })
      )
      for (const [handler, tag, port] of [[failing, "no", 1], [invalid, "FramingError", 2]] as const) {
        let failure: unknown
        yield* talk(
          (connection) =>
            Effect.tapError(
              handler(connection),
              (error) => Effect.sync(() => failure = typeof error === "string" ? error : error._tag)
            ).pipe(Effect.ignore),
          (connection) => Effect.andThen(Connection.writeText(connection, "x\n"), Connection.readAll(connection)),
          port
        )
        assert.strictEqual(failure, tag)
      }
    })
  )
})
