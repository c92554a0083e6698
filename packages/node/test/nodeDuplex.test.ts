import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Https from "node:https"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"
import { buffer, text } from "node:stream/consumers"
import type { TLSSocket } from "node:tls"
import * as NodeDuplex from "../src/NodeDuplex.ts"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as TestCertificates from "../src/TestCertificates.ts"

const networks: Record<string, Layer.Layer<Network.Network>> = {
  "the kernel": NodeNetwork.layer,
  "the simulated network": SimNetwork.layerNetwork() as Layer.Layer<Network.Network>
}

const listen = (handler: Server.Handler<unknown, never>) =>
  Effect.map(
    Server.make({ listen: "tcp://127.0.0.1:0", drain: 0 }, handler),
    ({ address }) => (address as NetAddress.InetAddress).port
  )

const onBoth = <A, E>(
  name: string,
  body: Effect.Effect<A, E, Network.Network | Scope.Scope>
) => {
  for (const [network, layer] of Object.entries(networks)) {
    it.live(`${name}, over ${network}`, () => Effect.provide(Effect.scoped(body), layer))
  }
}

const bytes = new Uint8Array(1024 * 1024).map((_, index) => index % 251)

describe("node:http", () => {
  onBoth(
    "serves requests on connections that are kept, and streams bodies both ways",
    Effect.gen(function*() {
      const http = Http.createServer(async (request, response) => {
        const body = await buffer(request)
        response.setHeader("port", request.socket.remotePort!)
        response.end(body)
      })
      const port = yield* listen(NodeDuplex.serve(http))
      const agent = yield* NodeDuplex.agent({ agent: { maxSockets: 1 } })
      const ports = new Set<unknown>()
      for (let round = 0; round < 3; round++) {
        const answer = yield* Effect.promise(async () => {
          const request = Http.request({ host: "127.0.0.1", port, method: "POST", agent })
          request.end(bytes)
          const [response] = await once(request, "response") as [Http.IncomingMessage]
          ports.add(response.headers.port)
          return await buffer(response)
        })
        expect(Buffer.compare(answer, bytes)).toBe(0)
      }
      expect(ports.size).toBe(1)
    })
  )

  onBoth(
    "serves a connection whose first bytes were peeked",
    Effect.gen(function*() {
      const http = Http.createServer((request, response) => response.end(request.url))
      const port = yield* listen(Server.sniff({
        protocols: [{ begins: "GET ", handler: NodeDuplex.serve(http) }],
        otherwise: Connection.abort
      }))
      const { connect } = yield* NodeDuplex.connector()
      const answer = yield* Effect.promise(async () => {
        const request = Http.get({ host: "127.0.0.1", port, path: "/peeked", createConnection: connect })
        const [response] = await once(request, "response") as [Http.IncomingMessage]
        return await text(response)
      })
      expect(answer).toBe("/peeked")
    })
  )

  onBoth(
    "upgrades a connection",
    Effect.gen(function*() {
      const http = Http.createServer()
      http.on("upgrade", (_, socket: Duplex) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        socket.pipe(socket)
      })
      const port = yield* listen(NodeDuplex.serve(http))
      const { connect } = yield* NodeDuplex.connector()
      const answer = yield* Effect.promise(async () => {
        const headers = { Connection: "Upgrade", Upgrade: "echo" }
        const request = Http.get({ host: "127.0.0.1", port, headers, createConnection: connect })
        const [, socket, head] = await once(request, "upgrade") as [unknown, Duplex, Buffer]
        socket.unshift(head)
        socket.end("hello")
        return await text(socket)
      })
      expect(answer).toBe("hello")
    })
  )

  onBoth(
    "tells a client in Node's words what is wrong",
    Effect.gen(function*() {
      const { connect } = yield* NodeDuplex.connector()
      const failed = (port: number) =>
        Effect.promise(async () => {
          const [error] = await once(Http.get({ host: "127.0.0.1", port, createConnection: connect }), "error")
          return error as NodeJS.ErrnoException
        })
      const resetting = yield* listen(Connection.abort)
      expect((yield* failed(resetting)).code).toBe("ECONNRESET")
      expect(yield* failed(1)).toMatchObject({ code: "ECONNREFUSED", syscall: "connect" })
    })
  )
})

describe("node:http over TLS", () => {
  it.live("knows that it is, and who the client is", () =>
    Effect.gen(function*() {
      const authority = yield* TestCertificates.authority("Test CA")
      const certificate = yield* authority.issue({ names: ["localhost"] })
      const client = yield* authority.issue({ names: ["a client"] })
      const http = Http.createServer((request, response) => {
        const socket = request.socket as TLSSocket
        const { authorized, encrypted } = socket
        response.end(JSON.stringify({ authorized, encrypted, subject: socket.getPeerCertificate().subject }))
      })
      const tls = {
        certificates: [certificate],
        authorities: authority.certificate,
        clientCertificates: "required",
        applicationProtocols: ["http/1.1"]
      } as const
      const server = yield* Server.make({ listen: "tls://localhost:0", tls, drain: 0 }, NodeDuplex.serve(http))
      const connection = yield* Network.connect(
        Endpoint.tls("localhost", (server.address as NetAddress.InetAddress).port),
        {
          tls: { authorities: authority.certificate, certificate: client, applicationProtocols: ["http/1.1"] }
        }
      )
      const socket = yield* NodeDuplex.fromConnection(connection)
      expect(socket).toMatchObject({ encrypted: true, authorized: true, alpnProtocol: "http/1.1" })
      const answer = yield* Effect.promise(async () => {
        const request = Http.get({ host: "localhost", createConnection: () => socket })
        const [response] = await once(request, "response") as [Http.IncomingMessage]
        return JSON.parse(await text(response))
      })
      expect(answer).toEqual({ authorized: true, encrypted: true, subject: { CN: "a client" } })

      const clientTls = { authorities: authority.certificate, certificate: client }
      const { port } = server.address as NetAddress.InetAddress
      const { connect } = yield* NodeDuplex.connector({ tls: clientTls })
      const direct = connect(port, "localhost") as TLSSocket
      yield* Effect.promise(() => once(direct, "connect"))
      expect(direct).toMatchObject({ encrypted: true, authorized: true })
      direct.destroy()

      const agent = yield* NodeDuplex.agent({ tls: clientTls })
      const again = yield* Effect.promise(async () => {
        const [response] = await once(Https.get({ host: "localhost", port, agent }), "response")
        return JSON.parse(await text(response))
      })
      expect(again).toEqual(answer)
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})

describe("node:http2", () => {
  onBoth(
    "carries streams at once",
    Effect.gen(function*() {
      const http = Http2.createServer()
      http.on("stream", (stream: Http2.ServerHttp2Stream) => {
        stream.respond({ ":status": 200 })
        stream.pipe(stream)
      })
      const port = yield* listen(NodeDuplex.serve(http))
      const { connect } = yield* NodeDuplex.connector()
      const answers = yield* Effect.promise(async () => {
        const session = Http2.connect("http://localhost", { createConnection: () => connect(port, "127.0.0.1") })
        const ask = async (part: Uint8Array) => {
          const stream = session.request({ ":method": "POST" })
          stream.end(part)
          return await buffer(stream)
        }
        const answers = await Promise.all([1000, 100_000, 300_000].map((size) => ask(bytes.subarray(0, size))))
        session.close()
        return answers
      })
      expect(answers.map(({ length }) => length)).toEqual([1000, 100_000, 300_000])
    })
  )
})

describe("a socket", () => {
  onBoth(
    "knows its addresses, counts its bytes, and stops a writer whose peer does not read",
    Effect.gen(function*() {
      const port = yield* listen((connection) =>
        Effect.andThen(Effect.sleep("50 millis"), Connection.readAll(connection))
      )
      const { create } = yield* NodeDuplex.connector()
      const socket = create() as unknown as Net.Socket
      expect(socket).toMatchObject({ pending: true, connecting: false })
      socket.connect(port, "127.0.0.1")
      expect(socket).toMatchObject({ pending: true, connecting: true, readyState: "opening" })
      yield* Effect.promise(() => once(socket, "connect"))
      expect(socket).toMatchObject({
        pending: false,
        remotePort: port,
        remoteAddress: "127.0.0.1",
        remoteFamily: "IPv4"
      })
      expect(socket.address()).toEqual({ address: "127.0.0.1", port: socket.localPort, family: "IPv4" })
      expect(socket.write(new Uint8Array(16 * 1024 * 1024))).toBe(false)
      yield* Effect.promise(() => once(socket, "drain"))
      expect(socket.bytesWritten).toBe(16 * 1024 * 1024)
      socket.destroy()
    })
  )

  onBoth(
    "gives chunks that stay as they are",
    Effect.gen(function*() {
      const port = yield* listen((connection) => Connection.write(connection, bytes))
      const { connect } = yield* NodeDuplex.connector()
      const received = yield* Effect.promise(() => buffer(connect(port, "127.0.0.1")))
      expect(Buffer.compare(received, bytes)).toBe(0)
    })
  )

  onBoth(
    "of an open connection ends with its Scope",
    Effect.gen(function*() {
      const port = yield* listen((connection) => Connection.pipeTo(connection, connection))
      const connection = yield* Network.connect(Endpoint.tcp("127.0.0.1", port))
      const socket = yield* Effect.scoped(Effect.gen(function*() {
        const socket = yield* NodeDuplex.fromConnection(connection)
        socket.write("hello")
        const [answer] = yield* Effect.promise(() => once(socket, "data"))
        expect(String(answer)).toBe("hello")
        return socket
      }))
      expect(socket.destroyed).toBe(true)
    })
  )
})
