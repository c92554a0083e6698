import * as NodeWS from "@effect/platform-node/NodeWS"
import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Trace from "@sluice/simulation/Trace"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import { execFile } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import * as NodeDuplex from "../src/NodeDuplex.ts"
import * as NodeHttp from "../src/NodeHttp.ts"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as TestCertificates from "../src/TestCertificates.ts"

const networks: Record<string, Layer.Layer<Network.Network>> = {
  "the kernel": NodeNetwork.layer,
  "the simulated network": SimNetwork.layerNetwork() as Layer.Layer<Network.Network>
}

const megabyte = new Uint8Array(1024 * 1024).map((_, index) => index % 251)

const inet = NetAddress.inetAddressFromIpStringUnsafe

const portOf = ({ address }: NodeHttp.HttpServer) => (address as NetAddress.InetAddress).port

// Answers with the body, the client's address, or 16 MB in chunks.
const app = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (request.url === "/who") return HttpServerResponse.text(Option.getOrElse(request.remoteAddress, () => "nobody"))
  if (request.url === "/big") {
    return HttpServerResponse.stream(Stream.take(Stream.forever(Stream.succeed(megabyte)), 16))
  }
  return HttpServerResponse.uint8Array(new Uint8Array(yield* request.arrayBuffer))
}).pipe(Effect.provideService(HttpServerRequest.MaxBodySize, undefined))

const curl = (...args: ReadonlyArray<string>) =>
  Effect.callback<string>((resume) => {
    const child = execFile("curl", ["--silent", "--max-time", "120", ...args], (error, stdout) => {
      resume(Effect.succeed(error === null ? stdout : `curl failed with ${error.code}: ${stdout}`))
    })
    return Effect.sync(() => void child.kill())
  })

const hasCurl = await new Promise<boolean>((resolve) =>
  execFile("curl", ["--version"], (error, stdout) => resolve(error === null && stdout.includes("HTTP2")))
)

const folder = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "http-"))),
  (path) => Effect.promise(() => Fs.rm(path, { recursive: true }))
)

describe("an HTTP server and client of Effect's", () => {
  for (const [network, layer] of Object.entries(networks)) {
    it.live(`exchange bodies on one connection, over ${network}`, () =>
      Effect.gen(function*() {
        const http = yield* NodeHttp.makeServer(() => Http.createServer(), { listen: "tcp://127.0.0.1:0", drain: 0 })
        yield* http.serve(app)
        const client = yield* NodeHttp.makeClient()
        const url = `http://127.0.0.1:${portOf(http)}/echo`
        for (
          const request of [
            HttpClientRequest.bodyUint8Array(megabyte),
            HttpClientRequest.bodyStream(Stream.make(megabyte))
          ]
        ) {
          const response = yield* client.execute(request(HttpClientRequest.post(url)))
          expect(Buffer.compare(Buffer.from(yield* response.arrayBuffer), megabyte)).toBe(0)
        }
        const [connection, ...others] = yield* http.server.connections
        expect(others).toEqual([])
        expect(connection!.bytesIn).toBeGreaterThan(2 * megabyte.length)
      }).pipe(Effect.scoped, Effect.provide(layer)))
  }

  it.live("tell why a connection failed", () =>
    Effect.gen(function*() {
      const client = yield* NodeHttp.makeClient()
      const error = yield* Effect.flip(client.get("http://127.0.0.1:1/"))
      expect(error.reason._tag).toBe("TransportError")
      expect(error.reason).toMatchObject({ cause: { code: "ECONNREFUSED", cause: { _tag: "NetworkError" } } })
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))

  it.live("hold the limits of the server, and see clients behind a proxy", () =>
    Effect.gen(function*() {
      const http = yield* NodeHttp.makeServer(() => Http.createServer(), {
        listen: "tcp://127.0.0.1:0",
        drain: 0,
        maxConnectionsPerAddress: 1,
        proxyProtocol: { trusted: ["127.0.0.1"] }
      })
      yield* http.serve(app)
      const client = yield* NodeHttp.makeClient({
        proxyProtocol: ProxyProtocol.make({ source: inet("192.0.2.1", 4000), destination: inet("192.0.2.2", 80) })
      })
      const response = yield* client.get(`http://127.0.0.1:${portOf(http)}/who`)
      expect(yield* response.text).toBe("192.0.2.1")
      const second = yield* NodeHttp.makeClient({
        proxyProtocol: ProxyProtocol.make({ source: inet("192.0.2.1", 4001), destination: inet("192.0.2.2", 80) })
      })
      const refused = yield* Effect.flip(second.get(`http://127.0.0.1:${portOf(http)}/who`))
      expect(refused.reason._tag).toBe("TransportError")
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})

/** A server that responds once `go` is done; `began` says that a request has arrived. */
const makeHeld = Effect.fnUntraced(function*(evaluate: () => NodeHttp.NodeServer) {
  const began = yield* Deferred.make<void>()
  const go = yield* Deferred.make<void>()
  const http = yield* NodeHttp.makeServer(evaluate, { listen: "tcp://127.0.0.1:0", drain: "20 seconds" })
  yield* http.serve(Effect.gen(function*() {
    yield* Deferred.succeed(began, undefined)
    yield* Deferred.await(go)
    return HttpServerResponse.text("answered")
  }))
  return { began, go, http }
})

describe("draining", () => {
  it.live("closes idle connections at once, and others after their responses", () =>
    Effect.gen(function*() {
      const { began, go, http } = yield* makeHeld(() => Http.createServer())
      const idle = Net.connect(portOf(http), "127.0.0.1")
      yield* Effect.promise(() => once(idle, "connect"))
      const request = Http.get({ port: portOf(http), host: "127.0.0.1", agent: new Http.Agent({ keepAlive: true }) })
      const responding = once(request, "response") as Promise<[Http.IncomingMessage]>
      yield* Deferred.await(began)
      const draining = yield* Effect.forkChild(http.server.drain)
      idle.resume()
      yield* Effect.promise(() => once(idle, "close"))
      yield* Deferred.succeed(go, undefined)
      const [response] = yield* Effect.promise(() => responding)
      expect(response.headers.connection).toBe("close")
      expect(yield* Effect.promise(() => text(response))).toBe("answered")
      expect(yield* Fiber.join(draining)).toEqual({ ended: 2, cut: 0 })
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})

// Lets Node's callbacks run between two steps of the clock.
const inVirtualTime = Effect.fnUntraced(function*<A, E, R>(program: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(program)
  while (fiber.pollUnsafe() === undefined) {
    for (let turn = 0; turn < 10; turn++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    yield* TestClock.adjust("100 millis")
  }
  return yield* Fiber.join(fiber)
})

describe("the end of an application", () => {
  it.live("finishes requests in flight before it interrupts them", () =>
    Effect.gen(function*() {
      const began = yield* Deferred.make<void>()
      const http = yield* NodeHttp.makeServer(() => Http.createServer(), {
        listen: "tcp://127.0.0.1:0",
        drain: "20 seconds"
      })
      const port = portOf(http)
      const response = yield* Effect.scoped(Effect.gen(function*() {
        yield* http.serve(Effect.gen(function*() {
          yield* Deferred.succeed(began, undefined)
          yield* http.server.state.pipe(
            SubscriptionRef.changes,
            Stream.filter((state) => state === "draining"),
            Stream.runHead
          )
          return HttpServerResponse.text("answered")
        }))
        const request = Http.get({ port, host: "127.0.0.1" })
        const responding = once(request, "response") as Promise<[Http.IncomingMessage]>
        yield* Deferred.await(began)
        return { responding }
      }))
      const [message] = yield* Effect.promise(() => response.responding)
      expect(yield* Effect.promise(() => text(message))).toBe("answered")
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))

  it.live("echoes a WebSocket until the grace period ends", () =>
    Effect.gen(function*() {
      const http = yield* NodeHttp.makeServer(() => Http.createServer(), { listen: "tcp://127.0.0.1:0", drain: 0 })
      yield* http.serve(Effect.gen(function*() {
        const socket = yield* Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ upgrade }) => upgrade)
        const { pull } = yield* socket.reader
        const { writeAll } = yield* socket.writer
        return yield* Effect.forever(Effect.flatMap(pull, writeAll))
      }))
      const { connect } = yield* NodeDuplex.connector()
      const client = new NodeWS.WebSocket(`ws://127.0.0.1:${portOf(http)}/`, { createConnection: connect as never })
      yield* Effect.promise(() => once(client, "open"))
      client.send("hello")
      const [answer] = yield* Effect.promise(() => once(client, "message"))
      expect(String(answer)).toBe("hello")
      const closed = once(client, "close")
      expect(yield* http.server.drain).toEqual({ ended: 0, cut: 1 })
      yield* Effect.promise(() => closed)
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})

describe("an upgrade", () => {
  it.live("takes the connection with all that came behind the request, and drains as its handler says", () =>
    Effect.gen(function*() {
      const upgrade: NodeHttp.Upgrade<unknown, never> = ({ headers, url }, connection) =>
        Effect.gen(function*() {
          yield* Connection.writeText(connection, `HTTP/1.1 101 Switching Protocols\r\n\r\n${headers.upgrade} ${url}\n`)
          for (let line = ""; line !== "bye";) {
            const next = Effect.orDie(Connection.readUntil(connection, "\n"))
            const bytes = yield* Effect.raceFirst(next, Effect.as(Server.draining, new TextEncoder().encode("bye\n")))
            line = new TextDecoder().decode(bytes).trim()
            yield* Connection.writeText(connection, `<${line}>\n`)
          }
        })
      const http = yield* NodeHttp.makeServer(() => Http.createServer(), { listen: "tcp://127.0.0.1:0", upgrade })
      // A request that waits when HTTP begins to read.
      const early = yield* Network.connect(`tcp://127.0.0.1:${portOf(http)}`)
      yield* Connection.writeText(
        early,
        "GET /early HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbye\n"
      )
      yield* Effect.repeat(Effect.delay(http.server.connections, "1 millis"), { until: ({ length }) => length === 1 })
      yield* http.serve(app)
      expect(new TextDecoder().decode(yield* Connection.readAll(early))).toMatch(
        / Protocols\r\n\r\nx \/early\n<bye>\n$/
      )

      const talk = Effect.gen(function*() {
        const connection = yield* Network.connect(`tcp://127.0.0.1:${portOf(http)}`)
        const read = Effect.map(
          Connection.readUntil(connection, "\n"),
          (bytes) => new TextDecoder().decode(bytes).trim()
        )
        const head = "GET /x HTTP/1.1\r\nHost: a\r\n"
        // A connection that has been used for a request before; and lines in the packet of the request.
        yield* Connection.writeText(connection, `${head}\r\n`)
        while ((yield* read) !== "") { /* the head of the response */ }
        yield* Connection.writeText(connection, `${head}Connection: Upgrade\r\nUpgrade: lines\r\n\r\none\nt`)
        expect([yield* read, yield* read, yield* read]).toEqual(["HTTP/1.1 101 Switching Protocols", "", "lines /x"])
        expect(yield* read).toBe("<one>")
        yield* Connection.writeText(connection, "wo\n")
        expect(yield* read).toBe("<two>")
        return { connection, read }
      })
      const first = yield* talk
      yield* Connection.writeText(first.connection, "bye\n")
      expect(yield* first.read).toBe("<bye>")
      expect(Option.isNone(yield* Connection.read(first.connection))).toBe(true)
      const second = yield* talk
      const draining = yield* Effect.forkChild(http.server.drain)
      expect(yield* second.read).toBe("<bye>")
      yield* Connection.end(second.connection)
      expect(yield* Fiber.join(draining)).toMatchObject({ cut: 0 })
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})

describe("draining HTTP/2", () => {
  it.live("finishes the streams of a session", () =>
    Effect.gen(function*() {
      const { began, go, http } = yield* makeHeld(() => Http2.createServer())
      const session = Http2.connect(`http://127.0.0.1:${portOf(http)}`)
      const answer = text(session.request({ ":path": "/" }))
      yield* Deferred.await(began)
      const goaway = once(session, "goaway")
      const draining = yield* Effect.forkChild(http.server.drain)
      yield* Effect.promise(() => goaway)
      yield* Deferred.succeed(go, undefined)
      expect(yield* Effect.promise(() => answer)).toBe("answered")
      expect(yield* Fiber.join(draining)).toEqual({ ended: 1, cut: 0 })
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})

describe("in simulation", () => {
  const scenario = Effect.gen(function*() {
    let served = 0
    const counting = Effect.sync(() => HttpServerResponse.text(`response ${++served}`))
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(
      server,
      Layer.provide(
        HttpServer.serve(counting),
        // Node's timeouts are real time.
        NodeHttp.layerServer(() => Http.createServer({ keepAliveTimeout: 0 }), { listen: "tcp://0.0.0.0:80" })
      )
    )
    yield* Effect.forkScoped(Effect.scoped(Effect.andThen(
      Effect.andThen(Effect.sleep("1 second"), Fault.partition(server, client)),
      Effect.sleep("1 minute")
    )))
    const asked = Effect.gen(function*() {
      const http = yield* NodeHttp.makeClient({ connectTimeout: "2 seconds" })
      let attempts = 0
      const ask = Effect.suspend(() => {
        attempts++
        return Effect.flatMap(http.get("http://server/"), ({ text }) => text)
      }).pipe(Effect.timeout("5 seconds"), Effect.retry(Schedule.spaced("1 second")))
      const first = yield* ask
      yield* Effect.sleep("2 seconds")
      const second = yield* ask
      return { first, second, attempts }
    })
    const outcome = yield* Host.run(client, Effect.scoped(asked))
    return { outcome, trace: Trace.toText(yield* SimNetwork.trace) }
  }).pipe(
    Effect.scoped,
    Effect.provide(SimNetwork.layer({ seed: 7 })),
    inVirtualTime,
    Effect.provide(TestClock.layer())
  )

  it.live("retries through a partition of a minute, twice with equal traces", () =>
    Effect.gen(function*() {
      const { outcome, trace } = yield* scenario
      expect(outcome).toMatchObject({ first: "response 1" })
      expect(outcome.second).toMatch(/^response \d$/)
      expect(outcome.attempts).toBeGreaterThan(5)
      expect(trace).toContain("partition")
      expect((yield* scenario).trace).toBe(trace)
    }))
})

describe.skipIf(!hasCurl)("curl", () => {
  it.live("keeps connections, streams large bodies both ways, and speaks HTTP/2 and TLS", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const file = (name: string) => Path.join(path, name)
      yield* Effect.promise(() => Fs.writeFile(file("body"), Buffer.concat(Array.from({ length: 8 }, () => megabyte))))
      const http = yield* NodeHttp.makeServer(() => Http.createServer(), { listen: "tcp://127.0.0.1:0", drain: 0 })
      yield* http.serve(app)
      const http2 = yield* NodeHttp.makeServer(() => Http2.createServer(), { listen: "tcp://127.0.0.1:0", drain: 0 })
      yield* http2.serve(app)
      const shown = "%{http_version} %{response_code} %{num_connects} %{size_download}\n"
      const show = ["--write-out", shown, "--output", file("1"), "--output", file("2")]
      const url = `http://127.0.0.1:${portOf(http)}`
      expect(yield* curl(...show, `${url}/who`, `${url}/big`)).toBe("1.1 200 1 9\n1.1 200 0 16777216\n")
      expect(yield* curl(...show, "--data-binary", `@${file("body")}`, url)).toBe("1.1 200 1 8388608\n")
      expect(yield* curl(...show, "--header", "Transfer-Encoding: chunked", "--upload-file", file("body"), url))
        .toBe("1.1 200 1 8388608\n")
      const [sent, got] = yield* Effect.promise(() => Promise.all([Fs.readFile(file("body")), Fs.readFile(file("1"))]))
      expect(Buffer.compare(sent, got)).toBe(0)
      const url2 = `http://127.0.0.1:${portOf(http2)}`
      // One request each: curl 7.88 fails to begin a second one on a connection of prior knowledge, with any server.
      expect(yield* curl(...show, "--http2-prior-knowledge", `${url2}/who`)).toBe("2 200 1 9\n")
      expect(yield* curl(...show, "--http2-prior-knowledge", `${url2}/big`)).toBe("2 200 1 16777216\n")

      const authority = yield* TestCertificates.authority("Test CA")
      const certificate = yield* authority.issue({ names: ["localhost"] })
      yield* Effect.promise(() => Fs.writeFile(file("ca"), authority.certificate))
      for (
        const [protocol, make, version] of [["http/1.1", () => Http.createServer(), "1.1"], [
          "h2",
          Http2.createServer,
          "2"
        ]] as const
      ) {
        const secure = yield* NodeHttp.makeServer(make, {
          listen: "tls://localhost:0",
          tls: { certificates: [certificate], applicationProtocols: [protocol] },
          drain: 0
        })
        yield* secure.serve(Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
          HttpServerResponse.text(Option.match(HttpServerRequest.toURL(request), {
            onNone: () =>
              "",
            onSome: (url) =>
              url.protocol
          }))))
        const url = `https://localhost:${portOf(secure)}/`
        const answer = yield* curl("--cacert", file("ca"), "--http2", "--write-out", " %{http_version}", url)
        expect(answer).toBe(`https: ${version}`)
        if (protocol === "h2") {
          continue
        }
        const client = yield* NodeHttp.makeClient({ tls: { authorities: authority.certificate } })
        expect(yield* (yield* client.get(url)).text).toBe("https:")
      }
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))
})
