import { assert, describe } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as ServerLog from "@sluice/core/ServerLog"
import * as Framing from "@sluice/framing/Framing"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"

const lines = Framing.lines()

/** A server, what it reports of failures and ends, and a client's way to it. */
const serve = (handler: Server.Handler<unknown, Scope.Scope>, options: Omit<Server.Options, "listen"> = {}) =>
  Effect.gen(function*() {
    const events: Array<ServerEvent.HandlerFailed | ServerEvent.Closed> = []
    const log = ServerLog.make(["HandlerFailed", "Closed"], (event) => Effect.sync(() => void events.push(event)))
    const [host, client] = yield* SimNetwork.hosts("server", "client")
    const server = yield* Server.make({ listen: "tcp://0.0.0.0:7", ...options }, handler).pipe(
      Effect.provideService(ServerLog.CurrentServerLog, log),
      Effect.provide(Host.layer(host))
    )
    const dial = Effect.provide(Network.connect("server:7"), Host.layer(client))
    return { server, dial, events }
  })

const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)

const exchange = Effect.fnUntraced(function*(client: Connection.Connection) {
  yield* Connection.writeText(client, "hello")
  assert.strictEqual(new TextDecoder().decode(yield* Connection.readExactly(client, 5)), "hello")
})

describe("a handler that waits in callbacks", () => {
  const broken = [
    ["throws", "not today", () => {
      throw new Error("not today")
    }],
    // As JavaScript can.
    ["returns nothing", "Not a valid effect: undefined", () => undefined as never]
  ] as const

  for (const [what, why, handle] of broken) {
    VitestSimulation.it(
      `ends its connection if it ${what}, and others are served`,
      Effect.gen(function*() {
        let calls = 0
        const { dial, events } = yield* serve((connection) => calls++ === 0 ? handle() : echo(connection))
        assert.strictEqual((yield* Connection.closed(yield* dial))._tag, "Failed")
        yield* exchange(yield* dial)
        assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["HandlerFailed", "Closed"])
        assert.include(Cause.pretty((events[0] as ServerEvent.HandlerFailed).cause), why)
        assert.strictEqual((events[1] as ServerEvent.Closed).reason, "handlerFailed")
      })
    )
  }

  for (const [reason, end] of [["closed", "Ended"], ["cut", "Failed"]] as const) {
    VitestSimulation.it(
      `is interrupted by the server: ${reason}`,
      Effect.gen(function*() {
        const { dial, events, server } = yield* serve(echo, { drain: "1 second" })
        const client = yield* dial
        yield* exchange(client)
        const [open] = yield* server.connections
        assert.strictEqual(open!.doing, "reading")
        if (reason === "closed") assert.isTrue(yield* server.close(open!.id))
        else assert.deepStrictEqual(yield* server.drain, { ended: 0, cut: 1 })
        const input = yield* Effect.exit(Connection.read(client))
        assert.strictEqual(input._tag, end === "Ended" ? "Success" : "Failure")
        yield* Connection.end(client).pipe(Effect.ignore)
        yield* Connection.closed(client)
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(events.map((event) => [event._tag, (event as ServerEvent.Closed).reason]), [
          ["Closed", reason]
        ])
        assert.deepStrictEqual(yield* server.connections, [])
      })
    )
  }

  VitestSimulation.it(
    "ends when its time is over",
    Effect.gen(function*() {
      const { dial, events } = yield* serve(echo, { maxLifetime: "1 minute" })
      const client = yield* dial
      yield* exchange(client)
      assert.strictEqual((yield* Connection.closed(client))._tag, "Failed")
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["HandlerFailed", "Closed"])
      assert.strictEqual((events[1] as ServerEvent.Closed).reason, "broken")
    })
  )

  VitestSimulation.it(
    "gets a fiber for a message that waits: with its Scope, annotations and the peer, up to the end",
    Effect.gen(function*() {
      const happened: Array<string> = []
      const answer = Framed.serve(lines, (line) =>
        line === "now" ? Effect.succeed(line) : Effect.gen(function*() {
          yield* Effect.addFinalizer(() => Effect.sync(() => void happened.push(`after ${line}`)))
          yield* Server.annotate("last", line)
          const { peer } = yield* References.CurrentLogAnnotations
          happened.push(String(peer).replace(/:\d+$/, ""))
          yield* Effect.sleep("1 second")
          return line.toUpperCase()
        }))
      const { dial, events, server } = yield* serve(answer)
      const client = yield* dial
      const framed = yield* Framed.make(client, lines)
      yield* Framed.sendAll(framed, ["now", "later", "now"])
      for (const expected of ["now", "LATER", "now"]) {
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.some(expected))
      }
      const [open] = yield* server.connections
      assert.deepStrictEqual(Array.from(open!.annotations), [["last", "later"]])
      assert.strictEqual(happened.length, 1)
      yield* Framed.end(framed)
      yield* Connection.closed(client)
      assert.deepStrictEqual(happened.slice(1), ["after later"])
      assert.include(Connection.formatPeer(client), ":7")
      assert.deepStrictEqual(events.map((event) => [event._tag, (event as ServerEvent.Closed).reason]), [
        ["Closed", "ended"]
      ])
    })
  )

  VitestSimulation.it(
    "writes the replies before a failure",
    Effect.gen(function*() {
      const answer = Framed.serve(
        lines,
        (line) =>
          line === "bad" ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("refused")) : Effect.succeed(line)
      )
      const { dial, events } = yield* serve((connection) =>
        Effect.catch(answer(connection), () => Connection.end(connection))
      )
      const framed = yield* Framed.make(yield* dial, lines)
      yield* Framed.sendAll(framed, ["one", "bad", "two"])
      assert.deepStrictEqual(yield* Framed.receive(framed), Option.some("one"))
      assert.deepStrictEqual(yield* Framed.receive(framed), Option.none())
      assert.deepStrictEqual(events, [])
    })
  )

  for (const [how, isWrapped] of [["with no fiber", false], ["within a fiber", true]] as const) {
    VitestSimulation.it(
      `writes the replies before the message whose handler has the connection closed, ${how}`,
      Effect.gen(function*() {
        const { dial, events, server } = yield* serve((connection) => {
          const answer = Framed.serve(lines, (line) => {
            if (line === "quit") Effect.runSync(server.close(connection.id))
            return Effect.succeed(line)
          })
          return isWrapped ? Effect.asVoid(answer(connection)) : answer(connection)
        })
        const framed = yield* Framed.make(yield* dial, lines)
        yield* Framed.sendAll(framed, ["one", "two", "quit"])
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.some("one"))
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.some("two"))
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.none())
        yield* Framed.end(framed)
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(events.map((event) => [event._tag, (event as ServerEvent.Closed).reason]), [
          ["Closed", "closed"]
        ])
      })
    )
  }

  for (const pause of ["0 millis", "1 second"] as const) {
    VitestSimulation.it(
      `answers what was there before it began, after ${pause}`,
      Effect.gen(function*() {
        const answer = Framed.serve(lines, (line) => Effect.as(Effect.sleep(pause), line.toUpperCase()))
        const { dial } = yield* serve((connection) => {
          Effect.runSync(Connection.unread(connection, new TextEncoder().encode("early\n")))
          return answer(connection)
        })
        const framed = yield* Framed.make(yield* dial, lines)
        assert.deepStrictEqual(yield* Framed.receive(framed), Option.some("EARLY"))
        assert.strictEqual(yield* Framed.request(framed, "next"), "NEXT")
      })
    )
  }

  VitestSimulation.it(
    "begins anew each time that its effect runs, and leaves the input to others when interrupted",
    Effect.gen(function*() {
      const { dial } = yield* serve((connection) => {
        const once = Effect.timeoutOption(echo(connection), "1 second")
        return Effect.andThen(
          Effect.andThen(once, once),
          Effect.flatMap(
            Connection.readExactly(connection, 3),
            (bytes) => Connection.write(connection, bytes.toReversed())
          )
        )
      })
      const client = yield* dial
      yield* exchange(client)
      yield* Effect.sleep("1500 millis")
      yield* exchange(client)
      yield* Effect.sleep("1 second")
      yield* Connection.writeText(client, "abc")
      assert.strictEqual(new TextDecoder().decode(yield* Connection.readExactly(client, 3)), "cba")
    })
  )
})
