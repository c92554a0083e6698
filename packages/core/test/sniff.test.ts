import { assert, describe } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Tls from "@sluice/core/Tls"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { it } from "vitest"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** Says which handler it is, and then all that came. */
const says = (name: string): Server.Handler<unknown, never> => (connection) =>
  Effect.gen(function*() {
    yield* Connection.writeText(connection, `${name}: `)
    yield* Connection.write(connection, yield* Connection.readAll(connection))
  })

const authority = SimCertificate.authority("Test CA")

const protocols = [
  {
    begins: Tls.isClientHello,
    handler: (connection: Connection.Connection) =>
      Effect.andThen(Connection.upgradeTls(connection, { role: "server" }), says("tls")(connection))
  },
  { begins: Uint8Array.of(5), handler: says("socks") },
  { begins: "GET ", handler: says("http") },
  // Decides with its fourth byte only.
  { begins: (first: Uint8Array) => first.length < 4 ? undefined : first[3] === 33, handler: says("loud") },
  { begins: "GE", handler: says("ge") }
]

const start = (options: { readonly limit?: number } = {}) =>
  Effect.gen(function*() {
    const [server, client] = yield* SimNetwork.hosts("server", "client")
    yield* Host.serve(
      server,
      Server.layer(
        { listen: "tcp://0.0.0.0:7", upgradeTls: { certificates: [authority.issue({ names: ["server"] })] } },
        Server.sniff({ protocols, otherwise: says("otherwise"), timeout: "2 seconds", ...options })
      )
    )
    return client
  })

const ask = (
  pieces: ReadonlyArray<string>,
  { end = true, endpoint = "tcp://server:7", pause = 0 }: {
    readonly end?: boolean
    readonly endpoint?: string
    readonly pause?: number
  } = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const tls = { authorities: authority.certificate }
    const connection = yield* Network.connect(endpoint, endpoint.startsWith("tls:") ? { tls } : {})
    for (const piece of pieces) {
      yield* Connection.writeText(connection, piece)
      yield* Effect.sleep(pause)
    }
    if (end) yield* Connection.end(connection)
    const name = yield* Connection.readUntil(connection, " ")
    if (!end) yield* Connection.end(connection)
    return text(name) + text(yield* Connection.readAll(connection))
  }))

describe("Server.sniff", () => {
  VitestSimulation.it(
    "chooses by the first bytes, however they are split, and leaves them to the handler",
    Effect.gen(function*() {
      const client = yield* start()
      yield* Host.run(
        client,
        Effect.gen(function*() {
          assert.strictEqual(yield* ask(["\u0005\u0001"]), "socks: \u0005\u0001")
          assert.strictEqual(yield* ask(["G", "E", "T", " / HTTP/1.1"], { pause: 20 }), "http: GET / HTTP/1.1")
          assert.strictEqual(yield* ask(["GEM!"]), "loud: GEM!")
          assert.strictEqual(yield* ask(["GEMS"]), "ge: GEMS")
          assert.strictEqual(yield* ask(["HELLO"]), "otherwise: HELLO")
          assert.strictEqual(yield* ask(["\u0016\u0003\u0001HTTP"]), "otherwise: \u0016\u0003\u0001HTTP")
          assert.strictEqual(yield* ask(["secret"], { endpoint: "tls://server:7" }), "tls: secret")
        })
      )
    }),
    { seeds: 5 }
  )

  VitestSimulation.it(
    "decides at the peer's end, after the timeout and at the limit, by what there is",
    Effect.gen(function*() {
      const client = yield* start()
      yield* Host.run(
        client,
        Effect.gen(function*() {
          assert.strictEqual(yield* ask([]), "otherwise: ")
          assert.strictEqual(yield* ask(["GE"]), "ge: GE")
          const [took, answer] = yield* Effect.timed(ask(["GE"], { end: false }))
          assert.strictEqual(answer, "ge: GE")
          assert.closeTo(Duration.toMillis(took), 2000, 100)
          assert.strictEqual(yield* ask([], { end: false }), "otherwise: ")
        })
      )
    })
  )

  VitestSimulation.it(
    "looks at no more than the limit",
    Effect.gen(function*() {
      const client = yield* start({ limit: 3 })
      yield* Host.run(
        client,
        Effect.gen(function*() {
          assert.strictEqual(yield* ask(["HEL!O"], { end: false }), "otherwise: HEL!O")
          assert.strictEqual(yield* ask(["GET /"], { end: false }), "ge: GET /")
        })
      )
    })
  )

  it("refuses invalid options on each use", () => {
    const handler = Server.sniff({ protocols: [], otherwise: () => Effect.void, limit: 0 })
    const error = Effect.runSync(Effect.flip(handler(undefined as never)))
    assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "limit" })
  })
})

describe("Tls.isClientHello", () => {
  it("tells by the content type, the version and the type of the message", () => {
    const hello = [22, 3, 1, 0, 200, 1, 0, 0, 196]
    for (let count = 0; count < 6; count++) {
      assert.isUndefined(Tls.isClientHello(Uint8Array.from(hello.slice(0, count))), `${count} bytes`)
    }
    for (const minor of [0, 1, 3, 4]) assert.isTrue(Tls.isClientHello(Uint8Array.from(hello.with(2, minor))))
    for (const [at, byte] of [[0, 21], [1, 2], [2, 5], [5, 2]] as const) {
      assert.isFalse(Tls.isClientHello(Uint8Array.from(hello.with(at, byte))), `byte ${at} is ${byte}`)
    }
  })
})
