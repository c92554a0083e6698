import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Lending from "@sluice/core/Lending"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Http from "node:http"
import * as Net from "node:net"
import * as NodeDuplex from "../src/NodeDuplex.ts"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import { withoutItsSockets } from "./fixtures/duplexPlatform.ts"
import { resets } from "./fixtures/resets.ts"

interface Place {
  readonly layer: Layer.Layer<Network.Network>
  readonly serve: typeof NodeDuplex.serve
  /** Whether what is sent arrives only when the test's clock is adjusted. */
  readonly isSimulated?: true
}

// A turn of the event loop, in which the kernel's events come in.
const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const serveLater: typeof NodeDuplex.serve = (server) => (connection) =>
  Effect.andThen(turn, NodeDuplex.serve(server)(connection))

const places: Record<string, Place> = {
  "Node's own sockets": { layer: NodeNetwork.layer, serve: NodeDuplex.serve },
  "Node's own sockets, some time after they were accepted": { layer: NodeNetwork.layer, serve: serveLater },
  "Duplexes on the kernel": { layer: withoutItsSockets, serve: NodeDuplex.serve },
  "the simulated network": {
    layer: SimNetwork.layerNetwork() as Layer.Layer<Network.Network>,
    serve: NodeDuplex.serve,
    isSimulated: true
  }
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const megabytes = new Uint8Array(16 * 1024 * 1024)

const until = <E, R>(isTrue: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isTrue, (is) => is ? Effect.void : Effect.andThen(turn, until(isTrue)))

interface Play {
  readonly server: (socket: Net.Socket) => void
  readonly client: (connection: Connection.Connection) => Effect.Effect<unknown, unknown>
  readonly options?: Omit<Server.Options, "listen">
  readonly resetsAfterData?: true
  /** What the client sees, why and with how many bytes the server's connection ends, and the errors of the socket. */
  readonly seen: readonly [client: unknown, reason: string, bytes: string, ...errors: ReadonlyArray<string>]
}

const plays: Record<string, Play> = {
  "counts what the library moves": {
    server: (socket) => socket.pipe(socket),
    client: (connection) =>
      Effect.gen(function*() {
        yield* Connection.writeText(connection, "hello")
        const answer = yield* Connection.readExactly(connection, 5)
        yield* Connection.end(connection)
        return [decode(answer), decode(yield* Connection.readAll(connection))]
      }),
    seen: [["hello", ""], "ended", "5 in, 5 out"]
  },
  "sends the whole answer when the socket is destroyed and input is unread": {
    server: (socket) => {
      socket.once("readable", () => {
        socket.write("answer")
        socket.destroy()
      })
    },
    client: (connection) =>
      Effect.gen(function*() {
        yield* Connection.write(connection, new Uint8Array(300_000))
        const answer = yield* Connection.readAll(connection)
        return decode(answer)
      }),
    seen: ["answer", "ended", "300000 in, 6 out"]
  },
  "sends the whole answer of node:http to a request whose body is not read": {
    server: (socket) => {
      const http = Http.createServer({ keepAlive: false }, (_, response) => {
        response.sendDate = false
        response.writeHead(413, { Connection: "close" }).end()
      })
      http.emit("connection", socket)
    },
    client: (connection) =>
      Effect.gen(function*() {
        yield* Connection.writeText(connection, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        yield* Effect.ignore(Connection.write(connection, new Uint8Array(300_000)))
        return decode(yield* Connection.readAll(connection)).split("\r\n")[0]
      }),
    seen: ["HTTP/1.1 413 Payload Too Large", "ended", "300053 in, 86 out"]
  },
  "resets the connection when the socket is destroyed during a write": {
    server: (socket) => {
      socket.once("data", () => {
        socket.write(megabytes)
        socket.destroy()
      })
    },
    client: (connection) =>
      Effect.andThen(Connection.writeText(connection, "hello"), Connection.readAll(connection, { limit: 1e8 })),
    resetsAfterData: true,
    seen: ["ConnectionReset", "aborted", "5 in, some out"]
  },
  "resets the connection when the socket is reset": {
    server: (socket) => socket.once("data", () => socket.resetAndDestroy()),
    client: (connection) => Effect.andThen(Connection.writeText(connection, "hello"), Connection.readAll(connection)),
    seen: ["ConnectionReset", "aborted", "5 in, 0 out"]
  },
  "closes a socket that is reset while its FIN is on the way": {
    server: (socket) => {
      socket.once("data", () => {
        socket.end("bye")
        socket.resetAndDestroy()
      })
    },
    client: (connection) =>
      Effect.andThen(Connection.writeText(connection, "hello"), Effect.ignore(Connection.readAll(connection))),
    seen: [undefined, "aborted", "5 in, 3 out"]
  },
  "fails the socket when the peer resets": {
    server: (socket) => socket.resume().write("hello"),
    client: (connection) => Effect.andThen(Connection.readExactly(connection, 5), Connection.abort(connection)),
    seen: [undefined, "broken", "0 in, 5 out", "ECONNRESET, with NetworkError"]
  },
  "takes an error of another connection for the end of this one": {
    server: (socket) => {
      socket.once("data", () => {
        socket.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" }))
      })
    },
    client: (connection) =>
      Effect.andThen(Connection.writeText(connection, "hello"), Effect.map(Connection.readAll(connection), decode)),
    seen: ["", "ended", "5 in, 0 out", "ECONNRESET"]
  },
  "fails the socket when a timeout has passed": {
    options: { readTimeout: 20 },
    server: (socket) => socket.resume(),
    client: (connection) => Connection.readAll(connection),
    seen: ["ConnectionReset", "broken", "0 in, 0 out", "ETIMEDOUT, with NetworkError"]
  }
}

const run = Effect.fnUntraced(function*({ client, options, server: act }: Play, serve: typeof NodeDuplex.serve) {
  const errors: Array<string> = []
  const node = new Net.Server()
  node.on("connection", (socket) => {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const { _tag } = (error.cause ?? {}) as { readonly _tag?: string }
      errors.push(_tag === undefined ? error.code! : `${error.code}, with ${_tag}`)
    })
    act(socket)
  })
  const server = yield* Server.make({ ...options, listen: "tcp://127.0.0.1:0" }, serve(node))
  const closed = yield* server.events.pipe(
    Stream.filter((event): event is ServerEvent.Closed => event._tag === "Closed"),
    Stream.runHead,
    Effect.flatMap(Effect.fromOption),
    Effect.forkScoped({ startImmediately: true })
  )
  const outcome = yield* Effect.scoped(
    Effect.flatMap(
      Network.connect(Endpoint.fromAddress(server.address)),
      (connection) => Effect.result(client(connection))
    )
  )
  const { bytesIn, bytesOut, reason } = yield* Fiber.join(closed)
  const seen = Result.isSuccess(outcome)
    ? outcome.success
    : (outcome.failure as { readonly reason: { readonly _tag: string } }).reason._tag
  return [seen, reason, `${bytesIn} in, ${bytesOut > 1000 ? "some" : bytesOut} out`, ...errors]
})

for (const [place, { isSimulated, layer, serve }] of Object.entries(places)) {
  describe(`a server of Node's over ${place}`, () => {
    for (const [name, play] of Object.entries(plays)) {
      it.live.skipIf(play.resetsAfterData === true && !resets && isSimulated === undefined)(
        name,
        () =>
          Effect.gen(function*() {
            expect(yield* run(play, serve)).toEqual(play.seen)
          }).pipe(Effect.scoped, Effect.provide(layer))
      )
    }

    it.effect("keeps the idle timeout, counts as it goes, and has the input to itself", () =>
      Effect.gen(function*() {
        const node = new Net.Server()
        const sockets: Array<Net.Socket> = []
        node.on("connection", (socket) => {
          sockets.push(socket.on("data", (chunk) => socket.write(chunk)).on("error", () => {}))
        })
        const options = { listen: "tcp://127.0.0.1:0", idleTimeout: "1 second" } as const
        const server = yield* Server.make(options, serve(node))
        const connection = yield* Network.connect(Endpoint.fromAddress(server.address))
        const pass = isSimulated ? TestClock.adjust(1) : Effect.void
        const echo = Effect.fnUntraced(function*(text: string) {
          const answer = yield* Effect.forkChild(Connection.readExactly(connection, text.length))
          yield* Connection.writeText(connection, text)
          yield* until(Effect.map(pass, () => answer.pollUnsafe() !== undefined))
          expect(decode(yield* Fiber.join(answer))).toBe(text)
        })
        yield* echo("hello")
        yield* TestClock.adjust(800)
        yield* echo("again")
        yield* TestClock.adjust(800)
        const [open] = yield* server.connections
        expect(open).toMatchObject({ bytesIn: 10, bytesOut: 10, doing: "reading" })
        const { onChunk, onEnd, onError } = { onChunk: () => true, onEnd: () => {}, onError: () => {} }
        const taken = Lending.consume(open!.connection, { onChunk, onEnd, onError })
        expect(Result.isFailure(taken) && taken.failure.reason._tag).toBe("Busy")
        yield* TestClock.adjust(250)
        yield* until(Effect.map(Effect.andThen(TestClock.adjust(1), server.connections), ({ length }) => length === 0))
        expect(Connection.bytesIn(open!.connection)).toBe(10)
        expect(sockets.map(({ destroyed, remoteAddress }) => ({ destroyed, remoteAddress }))).toEqual([
          { destroyed: true, remoteAddress: "127.0.0.1" }
        ])
      }).pipe(Effect.scoped, Effect.provide(layer)))
  })
}

describe("a server of Node's reads", () => {
  // The buffer of the option `onread`, from which each chunk is copied.
  const bufferOf = (socket: Net.Socket): unknown => {
    const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "kBuffer")!
    return (socket as unknown as Record<symbol, unknown>)[symbol]
  }

  const bufferWith = (serve: typeof NodeDuplex.serve) =>
    Effect.gen(function*() {
      const node = new Net.Server()
      const accepted = new Promise<Net.Socket>((resolve) => node.on("connection", resolve))
      const server = yield* Server.make({ listen: "tcp://127.0.0.1:0" }, serve(node))
      yield* Network.connect(Endpoint.fromAddress(server.address))
      return bufferOf(yield* Effect.promise(() => accepted))
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))

  it.live("in Node's own way", () => Effect.map(bufferWith(NodeDuplex.serve), (buffer) => expect(buffer).toBeNull()))

  it.live("copies of chunks if the connection has been read before", () =>
    Effect.map(bufferWith(serveLater), (buffer) => expect(buffer).toBeInstanceOf(Uint8Array)))
})
