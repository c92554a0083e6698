import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Lending from "@sluice/core/Lending"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Transport from "@sluice/core/Transport"
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { MemoryPlatform, type MemoryStream } from "./memoryPlatform.ts"

/** Something whose cost is measured. */
export interface Scenario {
  readonly name: string
  /** Whether it is measured what an operation leaves behind, or else what it allocates. */
  readonly isRetained: boolean
  /** Gives an operation, to be run again and again, and what it must have done by then. */
  readonly prepare: Effect.Effect<Operation, unknown, Scope.Scope>
}

export interface Operation {
  readonly run: () => void
  /** How often it has done what it is for. */
  readonly done: () => number
}

const line = new TextEncoder().encode(`${"x".repeat(63)}\n`)
const bulk = new Uint8Array(16 * 1024).fill(120)

const readAndWrite = Effect.fnUntraced(function*(connection: Connection.Connection) {
  while (true) {
    const chunk = yield* Connection.read(connection)
    if (Option.isNone(chunk)) return
    yield* Connection.write(connection, chunk.value)
  }
})

type Handler = Server.Handler<unknown, Network.Network | Scope.Scope>

const handlers: Readonly<Record<string, Handler>> = {
  "pipe": (connection) => Connection.pipeTo(connection, connection),
  "Stream": (connection) => Stream.run(Connection.bytes(connection), Connection.sink(connection)),
  "lent Stream": (connection) => Stream.run(Lending.bytes(connection), Connection.sink(connection)),
  "read, write": readAndWrite,
  "Framed.serve": Framed.serve(Framing.lines(), (message) => Effect.succeed(message)),
  "Framed.serve, Effect.gen": Framed.serve(Framing.lines(), (message) =>
    Effect.gen(function*() {
      return yield* Effect.succeed(message)
    }))
}

const options: Server.Options = { listen: "tcp://127.0.0.1:7", drain: 0 }

const serve = (handler: Handler) =>
  Effect.gen(function*() {
    const platform = new MemoryPlatform()
    const network = yield* Transport.makeNetwork(platform)
    yield* Effect.provideService(Server.make(options, handler), Network.Network, network)
    return platform
  })

const close = (stream: MemoryStream): void => {
  stream.receiver!.onEnd()
  if (!stream.isClosed) throw new Error("the connection is not closed")
  stream.receiver!.onClose()
}

const messages = (kind: string, chunk: Uint8Array, size: string): Scenario => ({
  name: `a message of ${size}, ${kind}`,
  isRetained: false,
  prepare: Effect.map(serve(handlers[kind]!), (platform) => {
    const stream = platform.open()
    return {
      run: () => void stream.receiver!.onData(chunk),
      done: () => stream.written / chunk.length
    }
  })
})

const connections = (kind: string): Scenario => ({
  name: `a connection with a message, ${kind}`,
  isRetained: false,
  prepare: Effect.map(serve(handlers[kind]!), (platform) => {
    let done = 0
    return {
      run: () => {
        const stream = platform.open()
        stream.receiver!.onData(line)
        close(stream)
        done += stream.written / line.length
      },
      done: () => done
    }
  })
})

const relayed: Scenario = {
  name: "a connection with a message, relayed",
  isRetained: false,
  prepare: Effect.map(
    serve((near) => Effect.flatMap(Network.connect("tcp://127.0.0.1:8"), (far) => Connection.relay(near, far))),
    (platform) => {
      let done = 0
      // This connection is never accepted: the others share its timer, as they do on a busy server.
      platform.open()
      return {
        run: () => {
          const near = platform.open()
          const far = platform.accept()
          near.receiver!.onData(line)
          far.receiver!.onData(line)
          near.receiver!.onEnd()
          close(far)
          if (!near.isClosed) throw new Error("the connection is not closed")
          near.receiver!.onClose()
          done += (near.written + far.written) / line.length / 2
        },
        done: () => done
      }
    }
  )
}

const idle = (kind: string): Scenario => ({
  name: `an idle connection, ${kind}`,
  isRetained: true,
  prepare: Effect.map(serve(handlers[kind]!), (platform) => {
    const streams: Array<MemoryStream> = []
    let done = 0
    return {
      run: () => {
        const stream = platform.open()
        stream.receiver!.onData(line)
        done += stream.written / line.length
        streams.push(stream)
      },
      done: () => done
    }
  })
})

const echoDatagram: UdpServer.Handler = (datagram, socket) => UdpSocket.reply(socket, datagram, datagram.payload)

const datagrams = (
  name: string,
  serveOn: Effect.Effect<unknown, unknown, Network.Network | Scope.Scope>
): Scenario => ({
  name: `a datagram, ${name}`,
  isRetained: false,
  prepare: Effect.gen(function*() {
    const platform = new MemoryPlatform()
    const network = yield* Transport.makeNetwork(platform)
    yield* Effect.provideService(serveOn, Network.Network, network)
    return { run: () => platform.receive(line), done: () => platform.sent }
  })
})

const kinds = Object.keys(handlers)

export const scenarios: ReadonlyArray<Scenario> = [
  ...kinds.map((kind) => messages(kind, line, "64 B")),
  ...kinds.slice(0, 4).map((kind) => messages(kind, bulk, "16 KiB")),
  ...kinds.map(connections),
  relayed,
  ...kinds.map(idle),
  datagrams(
    "receive, reply",
    Effect.gen(function*() {
      const socket = yield* Network.bind("udp://127.0.0.1:7")
      const loop = Effect.gen(function*() {
        while (true) yield* echoDatagram(yield* UdpSocket.receive(socket), socket)
      })
      yield* Effect.forkScoped(loop, { startImmediately: true })
    })
  ),
  datagrams("UdpServer", UdpServer.make({ bind: "udp://127.0.0.1:7", drain: 0 }, echoDatagram))
]
