/** What the Sockets and the SocketServer of Sluice must do, on whatever network. */
import { expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as ConnectionBridge from "@sluice/core/ConnectionBridge"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as Server from "@sluice/core/Server"
import * as SocketBridge from "@sluice/core/SocketBridge"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type * as SocketServer from "effect/socket/SocketServer"
import * as Stream from "effect/Stream"

export interface Subject {
  /** Where to listen: for each call an endpoint that nobody uses. */
  readonly listen: () => string
  /** An endpoint where nobody listens. */
  readonly nobody: string
  /** Whether a peer can tell a reset from an end. */
  readonly resets: boolean
}

type Check = Effect.Effect<void, unknown, Network.Network | Scope.Scope>
type Handler<E, R> = (socket: Socket.Socket) => Effect.Effect<unknown, E, R>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const serve = Effect.fnUntraced(function*<E, R>(
  subject: Subject,
  handler: Handler<E, R>,
  options: Partial<Server.Options> = {}
) {
  const server = yield* SocketServerBridge.make({ listen: subject.listen(), ...options })
  const running = yield* Effect.forkScoped(server.run(handler), { startImmediately: true })
  return { server, running }
})

/** Answers all that it was told, in capitals, once the peer has ended. */
const shout = (socket: Socket.Socket) =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    const { text } = yield* pullAll(reader)
    yield* writer.write(text.toUpperCase())
  }))

const dial = (server: SocketServer.SocketServer["Service"]) =>
  SocketBridge.make(Endpoint.fromAddress(server.address), { closeTimeout: "1 second" })

const connect = (server: SocketServer.SocketServer["Service"]) =>
  Network.connect(Endpoint.fromAddress(server.address), { closeTimeout: "1 second" })

/** Pulls all there is as text, and how it ended. */
const pullAll = Effect.fnUntraced(function*(reader: Socket.Reader) {
  let text = ""
  while (true) {
    const exit = yield* Effect.exit(reader.pull)
    if (Exit.isFailure(exit)) return { text, reason: yield* Effect.map(Effect.flip(exit), (error) => error.reason) }
    for (const frame of exit.value) text += typeof frame === "string" ? frame : decoder.decode(frame)
  }
})

const echo = Effect.fnUntraced(function*(socket: Socket.Socket) {
  const { pull } = yield* socket.reader
  const { writeAll } = yield* socket.writer
  while (true) yield* writeAll(yield* pull)
}, Effect.scoped)

const closed = (code: number) => ({ _tag: "SocketCloseError", code })

const reasonOf = <A, R>(effect: Effect.Effect<A, Socket.SocketError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

/** Keeps what is logged. */
const recorded = () => {
  const lines: Array<{ readonly level: string; readonly message: string; readonly annotations: object }> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push({
      level: logLevel,
      message: String(Array.isArray(message) ? message[0] : message),
      annotations: { ...fiber.getRef(References.CurrentLogAnnotations) }
    })
  })
  return { lines, layer: Logger.layer([logger]) }
}

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

export const checks = (subject: Subject): Record<string, Check> => ({
  "a client that half-closes gets the whole answer": Effect.gen(function*() {
    const answer = "x".repeat(300_000)
    const { server } = yield* serve(subject, (socket) =>
      Effect.scoped(Effect.gen(function*() {
        const reader = yield* socket.reader
        const writer = yield* socket.writer
        const { reason, text } = yield* pullAll(reader)
        expect(reason).toMatchObject(closed(1000))
        yield* writer.write(`${text}:${answer}`)
      })))
    const socket = yield* dial(server)
    const reader = yield* socket.reader
    yield* Effect.scoped(Effect.flatMap(socket.writer, (writer) => writer.write("question")))
    const { reason, text } = yield* pullAll(reader)
    expect(reason).toMatchObject(closed(1000))
    expect(text === `question:${answer}`).toBe(true)
  }),

  "each reader connects anew, and writing waits in between": Effect.gen(function*() {
    const ports: Array<string> = []
    const { server } = yield* serve(subject, (socket) => {
      ports.push(String(Option.getOrThrow(SocketBridge.connection(socket)).id))
      return echo(socket)
    })
    const socket = yield* dial(server)
    expect(Option.isNone(SocketBridge.connection(socket))).toBe(true)
    const writer = yield* socket.writer
    for (const word of ["one", "two"]) {
      const writing = yield* Effect.forkChild(writer.write(word), { startImmediately: true })
      expect(writing.pollUnsafe()).toBe(undefined)
      yield* Effect.scoped(Effect.gen(function*() {
        const { pull } = yield* socket.reader
        expect(Option.isSome(SocketBridge.connection(socket))).toBe(true)
        yield* Fiber.join(writing)
        expect(decoder.decode((yield* pull)[0] as Uint8Array)).toBe(word)
      }))
    }
    expect(new Set(ports).size).toBe(2)
  }),

  "a pull that waits fails when the reader's Scope is closed, and the connection is closed": Effect.gen(function*() {
    const ended = yield* Deferred.make<Socket.SocketErrorReason>()
    const { server } = yield* serve(subject, (socket) =>
      Effect.scoped(Effect.gen(function*() {
        const { reason } = yield* pullAll(yield* socket.reader)
        yield* Deferred.succeed(ended, reason)
      })))
    const socket = yield* dial(server)
    const scope = yield* Scope.make()
    const { pull } = yield* Scope.provide(socket.reader, scope)
    const pulling = yield* Effect.forkChild(reasonOf(pull), { startImmediately: true })
    yield* Scope.close(scope, Exit.interrupt())
    expect(yield* Fiber.join(pulling)).toMatchObject(closed(1006))
    // Interrupted or not: Effect's protocols end like this, and it is in order.
    expect(yield* Deferred.await(ended)).toMatchObject(closed(1000))
  }),

  "an interrupted pull loses nothing": Effect.gen(function*() {
    const { server } = yield* serve(subject, echo)
    const socket = yield* dial(server)
    const { pull } = yield* socket.reader
    const writer = yield* socket.writer
    const pulling = yield* Effect.forkChild(pull, { startImmediately: true })
    yield* Fiber.interrupt(pulling)
    yield* writer.write("still here")
    expect(decoder.decode((yield* pull)[0] as Uint8Array)).toBe("still here")
  }),

  "nobody there is a typed cause": Effect.gen(function*() {
    const socket = yield* SocketBridge.make(subject.nobody)
    const reason = yield* reasonOf(socket.reader)
    expect(reason).toMatchObject({ _tag: "SocketOpenError", kind: "Unknown", cause: { _tag: "NetworkError" } })
    const wrong = yield* Effect.flip(SocketBridge.make("nonsense://"))
    expect(wrong.reason._tag).toBe("InvalidEndpoint")
    const option = yield* Effect.flip(SocketBridge.make(subject.nobody, { connectTimeout: -1 }))
    expect(option.reason._tag).toBe("InvalidOption")
  }),

  "an address that is taken is a typed cause": Effect.gen(function*() {
    const server = yield* SocketServerBridge.make({ listen: subject.listen() })
    const listen = Endpoint.fromAddress(server.address)
    const error = yield* Effect.flip(SocketServerBridge.make({ listen }))
    expect(error.reason._tag).toBe("SocketServerOpenError")
    expect(error.reason.cause).toMatchObject({ _tag: "NetworkError", reason: { _tag: "AddressInUse" } })
  }),

  "CloseEvent 1000 sends what was written and ends; another code resets": Effect.gen(function*() {
    const { server } = yield* serve(subject, (socket) =>
      Effect.scoped(Effect.gen(function*() {
        const { pull } = yield* socket.reader
        const writer = yield* socket.writer
        const code = Number(decoder.decode((yield* pull)[0] as Uint8Array))
        yield* writer.write("x".repeat(100_000))
        yield* writer.write(new Socket.CloseEvent(code, "told"))
        expect(yield* reasonOf(pull)).toMatchObject({ ...closed(code), closeReason: "told" })
        expect((yield* reasonOf(writer.write("more")))._tag).toBe("SocketWriteError")
      })))
    const told = Effect.fnUntraced(function*(code: number) {
      const socket = yield* dial(server)
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      yield* writer.write(String(code))
      return yield* pullAll(reader)
    }, Effect.scoped)
    const { reason, text } = yield* told(1000)
    expect(reason).toMatchObject(closed(1000))
    expect(text.length).toBe(100_000)
    if (subject.resets) expect((yield* told(1011)).reason._tag).toBe("SocketReadError")
  }),

  "writing to a peer that is gone fails": Effect.gen(function*() {
    const failed = yield* Deferred.make<Socket.SocketErrorReason>()
    const { server } = yield* serve(subject, (socket) =>
      Effect.scoped(Effect.gen(function*() {
        yield* socket.reader
        const writer = yield* socket.writer
        yield* Deferred.succeed(failed, yield* reasonOf(Effect.forever(writer.write("x".repeat(10_000)))))
      })))
    const connection = yield* connect(server)
    yield* Connection.read(connection)
    yield* Connection.abort(connection)
    expect(yield* Deferred.await(failed)).toMatchObject({ _tag: "SocketWriteError", cause: { _tag: "NetworkError" } })
  }),

  "a handler that ends at once, without a reader, leaks nothing": Effect.gen(function*() {
    const { server } = yield* serve(subject, () => Effect.void)
    for (let round = 0; round < 3; round++) {
      const socket = yield* dial(server)
      expect((yield* Effect.scoped(Effect.flatMap(socket.reader, pullAll))).reason).toMatchObject(closed(1000))
    }
  }),

  "a clean disconnect and a reset warn of nothing; a failure logs a line with the peer": Effect.gen(function*() {
    const log = recorded()
    const handled = yield* Queue.unbounded<void>()
    const handler = (socket: Socket.Socket) =>
      Effect.ensuring(
        Effect.scoped(
          Effect.gen(function*() {
            const { pull } = yield* socket.reader
            while (true) {
              const [frame] = yield* pull
              if (decoder.decode(frame as Uint8Array) === "fail") yield* Effect.fail(new Error("as it was told"))
            }
          }).pipe(Effect.catchReason("SocketError", "SocketReadError", (_, error) => Effect.die(error)))
        ),
        Queue.offer(handled, undefined)
      )
    const scope = yield* Scope.make()
    const { server } = yield* serve(subject, handler).pipe(Scope.provide(scope), Effect.provide(log.layer))
    yield* Effect.scoped(Effect.gen(function*() {
      const socket = yield* dial(server)
      yield* socket.reader
      yield* (yield* socket.writer).write("hello")
    }))
    yield* Queue.take(handled)
    expect(log.lines).toEqual([])
    const connection = yield* connect(server)
    yield* Connection.writeText(connection, "fail")
    yield* Queue.take(handled)
    yield* Effect.ignore(Connection.readAll(connection))
    expect(log.lines).toMatchObject([{ level: "Warn", message: "as it was told" }])
    expect(log.lines[0]!.annotations).toHaveProperty("peer")
    if (subject.resets) {
      const broken = yield* connect(server)
      yield* Connection.writeText(broken, "hello")
      yield* Connection.abort(broken)
      yield* Queue.take(handled)
      // Not even if the handler makes a defect of it, as Effect's own does.
      expect(log.lines.slice(1).filter(({ level }) => level !== "Debug")).toEqual([])
    }
    yield* Effect.provide(Scope.close(scope, Exit.void), log.layer)
  }),

  "a handler that dies harms nobody else": Effect.gen(function*() {
    const { server } = yield* Effect.provide(
      serve(subject, (socket) =>
        Effect.scoped(Effect.gen(function*() {
          const { pull } = yield* socket.reader
          const writer = yield* socket.writer
          while (true) {
            const [frame] = yield* pull
            if (decoder.decode(frame as Uint8Array) === "die") return yield* Effect.die("as it was told")
            yield* writer.write(frame)
          }
        }))),
      recorded().layer
    )
    const good = yield* dial(server)
    const { pull } = yield* good.reader
    const writer = yield* good.writer
    const bad = yield* dial(server)
    const { reason } = yield* Effect.scoped(Effect.gen(function*() {
      const reader = yield* bad.reader
      yield* (yield* bad.writer).write("die")
      return yield* pullAll(reader)
    }))
    // Half an answer is not to be taken for a whole one.
    expect(reason).toMatchObject(subject.resets ? { _tag: "SocketReadError" } : { _tag: expect.any(String) })
    yield* writer.write("well")
    expect(decoder.decode((yield* pull)[0] as Uint8Array)).toBe("well")
  }),

  "handlers have the services of their caller, and the facts of their connection": Effect.gen(function*() {
    const seen = yield* Deferred.make<{ readonly greeting: string; readonly local: string }>()
    const { server } = yield* Effect.provideService(
      serve(subject, (socket) =>
        Effect.gen(function*() {
          const connection = Option.getOrThrow(SocketBridge.connection(socket))
          const local = NetAddress.formatSocketAddress(connection.localAddress)
          yield* Deferred.succeed(seen, { greeting: yield* Greeting, local })
        })),
      Greeting,
      "good day"
    )
    yield* connect(server)
    const local = NetAddress.formatSocketAddress(server.address)
    expect(yield* Deferred.await(seen)).toEqual({ greeting: "good day", local })
  }),

  "of two runs the later gets the connections, and the limits of the server hold": Effect.gen(function*() {
    const options = { maxConnections: 1, whenFull: "refuse" } as const
    const { server } = yield* serve(subject, () => Effect.die("not asked for"), options)
    yield* Effect.forkScoped(server.run(echo), { startImmediately: true })
    const connection = yield* connect(server)
    yield* Connection.writeText(connection, "hello")
    expect(decoder.decode(yield* Connection.readExactly(connection, 5))).toBe("hello")
    const refused = yield* dial(server)
    yield* Effect.flip(Effect.scoped(Effect.flatMap(refused.reader, ({ pull }) => pull)))
  }),

  "a span for each connection holds those of its handler": Effect.gen(function*() {
    const names = yield* Deferred.make<ReadonlyArray<string>>()
    const { server } = yield* Effect.withSpan(
      serve(
        subject,
        () =>
          Effect.gen(function*() {
            const span = yield* Effect.currentSpan
            const parent = Option.getOrUndefined(span.parent)
            yield* Deferred.succeed(names, [span.name, parent?._tag === "Span" ? parent.name : ""])
          }).pipe(Effect.withSpan("handler")),
        { span: true }
      ),
      "program"
    )
    yield* connect(server)
    expect(yield* Deferred.await(names)).toEqual(["handler", "Server.connection"])
  }),

  "connections wait for a run, and for the next one": Effect.gen(function*() {
    const server = yield* SocketServerBridge.make({ listen: subject.listen() })
    for (const word of ["early", "between"]) {
      const connection = yield* connect(server)
      yield* Connection.writeText(connection, word)
      const running = yield* Effect.forkChild(server.run(echo), { startImmediately: true })
      expect(decoder.decode(yield* Connection.readExactly(connection, word.length))).toBe(word)
      yield* Connection.end(connection)
      yield* Connection.readAll(connection)
      yield* Fiber.interrupt(running)
    }
    // Nobody runs it, and one waits: closing does not.
    yield* connect(server)
  }),

  "an interrupted run lets handlers finish what they have pulled": Effect.gen(function*() {
    const pulled = yield* Deferred.make<void>()
    const goOn = yield* Deferred.make<void>()
    const { running, server } = yield* serve(subject, (socket) =>
      Effect.scoped(Effect.gen(function*() {
        const { pull } = yield* socket.reader
        const writer = yield* socket.writer
        while (true) {
          const frames = yield* pull
          yield* Deferred.succeed(pulled, undefined)
          yield* Deferred.await(goOn)
          yield* writer.writeAll(frames)
        }
      })))
    const idle = yield* dial(server)
    const idleReader = yield* idle.reader
    const connection = yield* connect(server)
    yield* Connection.writeText(connection, "question")
    yield* Deferred.await(pulled)
    const stopping = yield* Effect.forkChild(Fiber.interrupt(running), { startImmediately: true })
    // A handler that waits for a question ends in order at once.
    expect((yield* pullAll(idleReader)).reason).toMatchObject(closed(1000))
    yield* Deferred.succeed(goOn, undefined)
    expect(decoder.decode(yield* Connection.readAll(connection))).toBe("question")
    yield* Fiber.join(stopping)
  }),

  "an interrupted run cuts handlers that do not end within the grace period": Effect.gen(function*() {
    const cut = yield* Deferred.make<void>()
    const { running, server } = yield* serve(
      subject,
      (socket) =>
        Effect.scoped(Effect.gen(function*() {
          yield* socket.reader
          yield* (yield* socket.writer).write("half")
          yield* Effect.onInterrupt(Effect.never, () => Deferred.succeed(cut, undefined))
        })),
      { drain: "100 millis" }
    )
    const socket = yield* dial(server)
    const reader = yield* socket.reader
    expect(decoder.decode((yield* reader.pull)[0] as Uint8Array)).toBe("half")
    yield* Effect.timeout(Fiber.interrupt(running), "5 seconds")
    expect(yield* Deferred.isDone(cut)).toBe(true)
    // Half an answer is not to be taken for a whole one.
    if (subject.resets) expect((yield* pullAll(reader)).reason._tag).toBe("SocketReadError")
  }),

  "closing is bounded, whatever the peer and the handlers do": Effect.gen(function*() {
    const begun = yield* Queue.unbounded<void>()
    const scope = yield* Scope.make()
    const options = { drain: "100 millis", closeTimeout: "200 millis" } as const
    const server = yield* Scope.provide(SocketServerBridge.make({ listen: subject.listen(), ...options }), scope)
    // It lives on after the server: in a Scope that closes later.
    yield* Effect.forkScoped(server.run((socket) =>
      Effect.scoped(Effect.gen(function*() {
        yield* socket.reader
        const writer = yield* socket.writer
        yield* Queue.offer(begun, undefined)
        yield* Effect.forever(writer.write("x".repeat(100_000)))
      }))
    ))
    // A peer that never reads.
    yield* connect(server)
    yield* Queue.take(begun)
    yield* Effect.timeout(Effect.provide(Scope.close(scope, Exit.void), recorded().layer), "10 seconds")
  }),

  "as a Stream it gives the last line too, without its end": Effect.gen(function*() {
    const { server } = yield* serve(subject, (socket) =>
      Effect.scoped(Effect.gen(function*() {
        yield* socket.reader
        yield* (yield* socket.writer).writeAll([encoder.encode("one\ntw"), "o\nthree"])
      })))
    const socket = yield* dial(server)
    const lines = yield* Socket.toStream(socket).pipe(
      Stream.catchReason("SocketError", "SocketCloseError", () => Stream.empty),
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runCollect
    )
    expect(lines).toEqual(["one", "two", "three"])
  }),

  "as a Channel it ends what it writes, and keeps reading": Effect.gen(function*() {
    const { server } = yield* serve(subject, shout)
    const answer = yield* Stream.make(encoder.encode("all "), encoder.encode("of it")).pipe(
      Stream.pipeThroughChannelOrFail(Socket.toChannel(yield* dial(server))),
      Stream.catchReason("SocketError", "SocketCloseError", () => Stream.empty),
      Stream.decodeText(),
      Stream.mkString
    )
    expect(answer).toBe("ALL OF IT")
  }),

  "as a connection again it knows its addresses, and half-closes": Effect.gen(function*() {
    const { server } = yield* serve(subject, shout)
    const connection = yield* ConnectionBridge.fromSocket(yield* dial(server), { closeTimeout: "1 second" })
    const remote = NetAddress.formatSocketAddress(connection.remoteAddress)
    expect(remote).toBe(NetAddress.formatSocketAddress(server.address))
    yield* Connection.writeText(connection, "all of it")
    yield* Connection.end(connection)
    expect(decoder.decode(yield* Connection.readAll(connection))).toBe("ALL OF IT")
    expect(yield* Connection.closed(connection)).toEqual({ _tag: "Ended" })
  }),

  "an open connection is a Socket once": Effect.gen(function*() {
    const { server } = yield* serve(subject, echo)
    const connection = yield* connect(server)
    const socket = SocketBridge.fromConnection(connection)
    yield* Effect.scoped(Effect.gen(function*() {
      const { pull } = yield* socket.reader
      yield* (yield* socket.writer).write("hello")
      expect(decoder.decode((yield* pull)[0] as Uint8Array)).toBe("hello")
    }))
    expect(yield* Connection.closed(connection)).toEqual({ _tag: "Ended" })
    expect((yield* Effect.scoped(reasonOf(socket.reader)))._tag).toBe("SocketOpenError")
    const writing = Effect.scoped(Effect.flatMap(socket.writer, (writer) => writer.write("late")))
    expect((yield* reasonOf(writing))._tag).toBe("SocketWriteError")
  })
})
