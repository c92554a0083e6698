/** R4, S2 and what else a server owes its clients on any network. */
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import {
  type Body,
  bounded,
  broken,
  type Check,
  check,
  expect,
  expectBytes,
  expectEqual,
  expectFailure,
  found
} from "../Check.ts"
import { elsewhere, mebibyte, randomBytes, readBytes, type Side, side, type StreamSubject, utf8 } from "./pair.ts"

export const serverLaws = (subject: StreamSubject): ReadonlyArray<Check> => [
  ...Object.entries(misbehaviors).map(([how, { handler, reset, said }]) =>
    check(
      "R4",
      `a handler that ${how} affects its own connection only`,
      Effect.gen(function*() {
        const log = capturedLog()
        const gate = yield* Deferred.make<void>()
        const behindGate: Handler = (connection) => Effect.flatMap(Deferred.await(gate), () => handler(connection))
        const server = yield* serve(subject, [echo, behindGate]).pipe(Effect.provide(log.layer))
        const bystander = yield* dial(server)
        yield* exchange(bystander, "before")
        const client = yield* dial(server)
        const peer = Connection.formatPeer((yield* untilOpen(server, 2, bystander))[1]!.connection)
        yield* Connection.writeText(client.connection, "hello")
        yield* exchange(bystander, "meanwhile")
        yield* Deferred.succeed(gate, undefined)
        const got = yield* bounded("the connection's end", "10 seconds", Effect.exit(readBytes(client.connection)))
        if (Exit.isFailure(got)) yield* expectFailure("reading to the end", got, "ConnectionReset")
        else if (reset && subject.resets) return yield* found("its peer saw an end, as if all were well")
        yield* client.close
        yield* untilOpen(server, 1, bystander)
        yield* exchange(bystander, "after")
        const late = yield* dial(server)
        yield* exchange(late, "a new connection")
        if (said === undefined) return yield* expectEqual("log lines", log.lines.join(), "")
        yield* expectEqual("log lines", log.lines.length, 1)
        yield* expect(log.lines[0]!.includes(said), `the log says ${log.lines[0]}, not ${said}`)
        yield* expect(log.lines[0]!.includes(`peer=${peer}`), `the log does not name the peer ${peer}: ${log.lines[0]}`)
        yield* expectEqual("connections counted as failed", yield* failures(server), 1)
      })
    )
  ),

  check(
    "R4",
    "a handler that never reads ends with its client's megabyte unread",
    Effect.gen(function*() {
      const done = yield* Deferred.make<void>()
      const server = yield* serve(subject, [echo, () => Deferred.await(done)], { closeTimeout: "20 millis" })
      const bystander = yield* dial(server)
      yield* exchange(bystander, "before")
      const client = yield* dial(server)
      const flooding = yield* Effect.forkScoped(
        Effect.forever(Connection.write(client.connection, new Uint8Array(mebibyte))),
        { startImmediately: true }
      )
      yield* untilOpen(server, 2, bystander)
      yield* exchange(bystander, "meanwhile")
      yield* Deferred.succeed(done, undefined)
      yield* bounded("the client's failure", "10 seconds", expectFailure("its write", Fiber.join(flooding), ...broken))
      yield* untilOpen(server, 1, bystander)
      yield* exchange(bystander, "after")
    })
  ),

  check(
    "B2",
    "a client that half-closes gets the whole answer",
    Effect.gen(function*() {
      const answer = yield* randomBytes(mebibyte)
      const server = yield* serve(subject, [
        (connection) => Effect.andThen(Connection.readAll(connection), Connection.write(connection, answer))
      ])
      const client = yield* dial(server)
      yield* Connection.writeText(client.connection, "question")
      yield* Connection.end(client.connection)
      yield* expectBytes("the answer", yield* readBytes(client.connection), answer)
    })
  ),

  check(
    "B3",
    "a clean disconnect logs nothing",
    Effect.gen(function*() {
      const log = capturedLog()
      const server = yield* serve(subject, [echo, echo, echo]).pipe(Effect.provide(log.layer))
      const bystander = yield* dial(server)
      yield* exchange(bystander, "before")
      const silent = yield* dial(server)
      yield* untilOpen(server, 2, bystander)
      yield* silent.close
      const talking = yield* dial(server)
      yield* exchange(talking, "hello")
      yield* talking.close
      yield* untilOpen(server, 1, bystander)
      yield* expectEqual("the log", log.lines.join(), "")
      yield* expectEqual("connections counted as failed", yield* failures(server), 0)
    })
  ),

  check(
    "O",
    "a handler learns its peer's address, and the handle lists its connection",
    Effect.gen(function*() {
      const seen = yield* Deferred.make<Connection.Connection>()
      const server = yield* serve(subject, [
        (connection) => Effect.andThen(Deferred.succeed(seen, connection), Connection.pipeTo(connection, connection))
      ])
      const client = yield* dial(server)
      yield* exchange(client, "hello")
      const connection = yield* Deferred.await(seen)
      if (!NetAddress.isUnixPathAddress(connection.remoteAddress)) {
        yield* expectEqual(
          "the peer's address",
          NetAddress.formatSocketAddress(connection.remoteAddress),
          NetAddress.formatSocketAddress(client.connection.localAddress)
        )
      }
      const listed = yield* server.connections
      yield* expectEqual("connections listed", listed.length, 1)
      yield* expectEqual("the connection listed", listed[0]!.id, connection.id)
    })
  ),

  check(
    "O",
    "a second server on the same address is AddressInUse",
    Effect.gen(function*() {
      const server = yield* serve(subject, [echo])
      const second = Server.make({ listen: Endpoint.fromAddress(server.address) }, echo)
      yield* expectFailure("listening", Effect.scoped(second), "AddressInUse")
      const client = yield* dial(server)
      yield* exchange(client, "the first is unaffected")
    })
  ),

  check(
    "S2",
    "draining loses no answer that is finished within the grace period",
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const asked = yield* Deferred.make<void>()
      const answer = yield* randomBytes(mebibyte)
      const server = yield* Scope.provide(
        serve(subject, [
          Effect.fnUntraced(function*(connection) {
            yield* Connection.readUntil(connection, "\n")
            yield* Deferred.succeed(asked, undefined)
            yield* Server.draining
            yield* Connection.write(connection, answer)
          })
        ], { drain: "20 seconds" }),
        scope
      )
      const client = yield* dial(server)
      yield* Connection.writeText(client.connection, "question\n")
      yield* Deferred.await(asked)
      const closing = yield* Effect.forkScoped(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* expectBytes("the answer", yield* readBytes(client.connection), answer)
      yield* client.close
      yield* bounded("closing", "10 seconds", Fiber.join(closing))
      yield* expectFailure("a new connection", dial(server), "ConnectionRefused", "PathNotFound")
      const drained = yield* server.drain
      yield* expectEqual("connections that ended", drained.ended, 1)
      yield* expectEqual("connections that were cut", drained.cut, 0)
    })
  ),

  check(
    "R2",
    "closing a server's Scope is bounded, whatever its handlers and their peers do",
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const writing = (connection: Connection.Connection) =>
        Effect.forever(Connection.write(connection, new Uint8Array(mebibyte)))
      const server = yield* Scope.provide(
        serve(subject, [
          () => Effect.never,
          writing,
          (connection) => Connection.readAll(connection),
          (connection) => Effect.uninterruptible(Connection.read(connection)),
          (connection) => Effect.ensuring(Effect.never, Effect.ignore(writing(connection)))
        ], { drain: "50 millis", closeTimeout: "100 millis" }),
        scope
      )
      const moment = yield* elsewhere(subject)
      const clients: Array<Side> = []
      for (let count = 1; count <= 5; count++) {
        clients.push(yield* dial(server))
        while ((yield* server.connections).length < count) yield* moment
      }
      yield* bounded("closing", "10 seconds", Scope.close(scope, Exit.void))
      const { cut, ended } = yield* server.drain
      yield* expectEqual("connections accounted for", cut + ended, 5)
      yield* expectEqual("connections left", (yield* server.connections).length, 0)
      for (const client of clients) {
        yield* bounded("a client's end", "10 seconds", Effect.exit(readBytes(client.connection)))
      }
    })
  ),

  check(
    "R2",
    "a server that is closed while it accepts leaves no connection behind",
    Effect.gen(function*() {
      for (let round = 0; round < 10; round++) {
        const scope = yield* Scope.make()
        const server = yield* Scope.provide(serve(subject, [], { drain: 0 }), scope)
        const dialling = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.forkScoped(Effect.exit(dial(server))))
        for (let turn = 0; turn < round; turn++) yield* Effect.yieldNow
        yield* bounded("closing", "10 seconds", Scope.close(scope, Exit.void))
        for (const fiber of dialling) {
          const exit = yield* Fiber.join(fiber)
          if (Exit.isFailure(exit)) {
            yield* expectFailure(
              "a connection that came too late",
              exit,
              ...broken,
              "ConnectionRefused",
              "PathNotFound"
            )
          } else {
            yield* bounded("a connection's end", "10 seconds", Effect.exit(readBytes(exit.value.connection)))
          }
        }
      }
    })
  )
]

type Handler = Server.Handler<unknown, Scope.Scope>

const echo: Handler = (connection) => Connection.pipeTo(connection, connection)

const misbehaviors: Record<string, {
  readonly handler: Handler
  /** Whether the peer must be able to tell it from a success. */
  readonly reset: boolean
  /** What the log says. */
  readonly said?: string
}> = {
  fails: { handler: () => Effect.fail(new Error("no good")), reset: true, said: "no good" },
  dies: { handler: () => Effect.die(new Error("a defect")), reset: true, said: "a defect" },
  throws: {
    handler: () => {
      throw new Error("thrown")
    },
    reset: true,
    said: "thrown"
  },
  "fails in its finalizer": {
    handler: () => Effect.addFinalizer(() => Effect.die(new Error("finally"))),
    reset: false,
    said: "finally"
  },
  "interrupts itself": { handler: () => Effect.interrupt, reset: true },
  "returns at once": { handler: () => Effect.void, reset: false },
  "writes, and returns early": {
    handler: (connection) => Connection.writeText(connection, "that was quick"),
    reset: false
  },
  "aborts": { handler: (connection) => Connection.abort(connection), reset: true }
}

/** A server that gives each connection the next of the handlers, and echoes when there are no more. */
const serve = (subject: StreamSubject, handlers: ReadonlyArray<Handler>, options?: Omit<Server.Options, "listen">) => {
  const left = [...handlers]
  return Server.make({ listen: subject.endpoint(), ...options }, (connection) => (left.shift() ?? echo)(connection))
}

const dial = (server: Server.Server): Body<Side> => side(Network.connect(Endpoint.fromAddress(server.address)))

/** Says something to an echo. */
const exchange = (client: Side, said: string): Body =>
  Effect.gen(function*() {
    yield* Connection.writeText(client.connection, said)
    const got = yield* Connection.readExactly(client.connection, utf8(said).length)
    yield* expectBytes(said, got, utf8(said))
  })

/** Exchanges words with a bystander until `count` connections are open. */
const untilOpen = Effect.fnUntraced(function*(server: Server.Server, count: number, bystander: Side) {
  while (true) {
    const open = yield* server.connections
    if (open.length === count) return open
    yield* exchange(bystander, ".")
  }
})

const capturedLog = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ cause, fiber, message }) => {
    const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
    lines.push([String(message), String(cause), ...annotations.map(([key, value]) => `${key}=${value}`)].join(" "))
  })
  return { lines, layer: Logger.layer([logger]) }
}

const failures = (server: Server.Server): Effect.Effect<number> =>
  Effect.map(Metric.snapshot, (snapshots) => {
    const address = NetAddress.formatSocketAddress(server.address)
    const failed = snapshots.find(({ attributes, id }) =>
      id === "sluice_connections_failed" && attributes?.address === address
    )
    return Number((failed?.state as { readonly count: number } | undefined)?.count ?? 0)
  })
