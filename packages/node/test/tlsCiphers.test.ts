import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import type * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"

const authority = await Effect.runPromise(Certificates.authority("Test CA"))
const rsa = await Effect.runPromise(authority.issue({ names: ["localhost"], key: "rsa" }))
const ec = await Effect.runPromise(authority.issue({ names: ["localhost"] }))

const run = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), [NodeNetwork.layer, Logger.layer([])])

const serve = (tls: Tls.ServerOptions) =>
  Effect.map(
    Server.make({ listen: "tls://127.0.0.1:0", tls, drain: "10 millis" }, (connection) =>
      Connection.pipeTo(connection, connection)),
    ({ address }) =>
      (address as NetAddress.InetAddress).port
  )

/** The cipher suite that Node's own client gets of those that it offers, or why it gets none. */
const offer = (port: number, options: NodeTls.ConnectionOptions) =>
  Effect.callback<string>((resume) => {
    const socket = NodeTls.connect({
      port,
      host: "127.0.0.1",
      ca: authority.certificate,
      servername: "localhost",
      ...options
    })
    socket.on("secureConnect", () => resume(Effect.succeed(socket.getCipher().standardName)))
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code!)))
    return Effect.sync(() => socket.destroy())
  })

// By the names of this OpenSSL and those before it.
const refused: unknown = expect.stringMatching(/^ERR_SSL_(SSLV3|SSL\/TLS)_ALERT_HANDSHAKE_FAILURE$/)

describe("the cipher suites of a server", () => {
  it.live("have forward secrecy and authenticated encryption", () =>
    run(Effect.gen(function*() {
      const port = yield* serve({ certificates: [rsa] })
      const old = { maxVersion: "TLSv1.2", minVersion: "TLSv1.2" } as const
      for (const ciphers of ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA256"]) {
        expect([ciphers, yield* offer(port, { ...old, ciphers })]).toEqual([ciphers, refused])
      }
      const good = {
        "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
      }
      for (const [ciphers, name] of Object.entries(good)) expect(yield* offer(port, { ...old, ciphers })).toBe(name)
    })))

  it.live("are chosen in the server's order, in both versions", () =>
    run(Effect.gen(function*() {
      const port = yield* serve({
        certificates: [ec],
        ciphers: [
          "TLS_CHACHA20_POLY1305_SHA256",
          "TLS_AES_128_GCM_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        ]
      })
      const late = { ciphers: "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256" }
      expect(yield* offer(port, late)).toBe("TLS_CHACHA20_POLY1305_SHA256")
      const old = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
      expect(yield* offer(port, { maxVersion: "TLSv1.2", ciphers: old })).toBe(
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
      )
    })))

  it.live("are those that an option says, old ones too, by their IANA names", () =>
    run(Effect.gen(function*() {
      const names = {
        "AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA",
        "AES256-SHA256": "TLS_RSA_WITH_AES_256_CBC_SHA256",
        "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        "DHE-RSA-AES128-GCM-SHA256": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "DHE-RSA-CHACHA20-POLY1305": "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
      }
      for (const [openSsl, name] of Object.entries(names)) {
        const port = yield* serve({ certificates: [rsa], ciphers: [name, "TLS_AES_256_GCM_SHA384"] })
        const got = yield* offer(port, { maxVersion: "TLSv1.2", ciphers: openSsl })
        // Node's server has no parameters for DHE unless it is given some; it knows the name all the same.
        expect(got).toEqual(name.includes("_DHE_") ? refused : name)
        expect(yield* offer(port, { ciphers: "TLS_AES_128_GCM_SHA256" })).toEqual(refused)
        expect(yield* offer(port, {})).toBe("TLS_AES_256_GCM_SHA384")
      }
    })))

  it.live("must be known", () =>
    run(Effect.gen(function*() {
      for (const name of ["TLS_NOBODY_WITH_NOTHING", "ECDHE-RSA-AES128-GCM-SHA256", "TLS_A:TLS_B", ""]) {
        const error = yield* Effect.flip(serve({ certificates: [rsa], ciphers: [name] }))
        expect(error.reason).toMatchObject({ _tag: "InvalidOption", option: "tls.ciphers", value: name })
      }
      const none = yield* Effect.flip(serve({ certificates: [rsa], ciphers: [] }))
      expect(none.reason).toMatchObject({ _tag: "InvalidOption", option: "tls.ciphers" })
      const tls = { authorities: authority.certificate, ciphers: ["TLS_NOBODY"] }
      const client = yield* Effect.flip(Network.connect("tls://localhost:1", { tls }))
      expect(client.reason).toMatchObject({ _tag: "InvalidOption", option: "tls.ciphers" })
    })))
})

/** Passes bytes on to a port, changed on their way from the server by `change`. */
const between = (port: number, change: (chunk: Buffer) => Buffer) =>
  Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer((near) => {
        const far = Net.connect(port, "127.0.0.1")
        for (const socket of [near, far]) socket.on("error", () => {})
        near.pipe(far)
        far.on("data", (chunk: Buffer) => near.write(change(chunk))).on("close", () => near.destroy())
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  )

describe("a record that is changed in the middle of a session", () => {
  const changes: Record<string, (chunk: Buffer) => Buffer> = {
    "its content": (chunk) => Buffer.concat([chunk.subarray(0, -1), Buffer.from([chunk.at(-1)! ^ 1])]),
    "its type": (chunk) => Buffer.concat([Buffer.from([0x47]), chunk.subarray(1)]),
    "its length": (chunk) => Buffer.concat([chunk.subarray(0, 3), Buffer.from([0xff, 0xff]), chunk.subarray(5)])
  }
  for (const minimumVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const [what, change] of Object.entries(changes)) {
      it.live(`is corrupt, and no failure of the handshake: ${what}, ${minimumVersion}`, () =>
        run(Effect.gen(function*() {
          const ciphers = minimumVersion === "TLSv1.3" ? undefined : ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
          const listener = yield* Network.listen("tls://127.0.0.1:0", { tls: { certificates: [ec], ciphers } })
          let isChanging = false
          const proxy = yield* between(
            (listener.address as NetAddress.InetAddress).port,
            (chunk) => isChanging ? change(chunk) : chunk
          )
          const { port } = proxy.address() as Net.AddressInfo
          const accepting = yield* Effect.forkScoped(Listener.accept(listener))
          const tls = { authorities: authority.certificate }
          const near = yield* Network.connect(`tls://localhost:${port}`, { tls })
          const far = yield* Fiber.join(accepting)
          yield* Connection.writeText(near, "hello")
          yield* Connection.readExactly(far, 5)
          yield* Connection.writeText(far, "hello")
          yield* Connection.readExactly(near, 5)
          isChanging = true
          yield* Connection.writeText(far, "hello")
          const error = yield* Effect.flip(Connection.readExactly(near, 5))
          expect(error).toMatchObject({ operation: "read", reason: { _tag: "CorruptRecord" } })
          expect(error.message).toContain("a TLS record of the peer is corrupt")
          // The other side hears of it by an alert.
          const told = yield* Effect.flip(Connection.read(far))
          expect(told.reason).toMatchObject({ _tag: "PeerAlert" })
        })))
    }
  }
})

describe("renegotiation", () => {
  it.live("is refused, and disturbs nobody", () =>
    run(Effect.gen(function*() {
      const port = yield* serve({ certificates: [ec] })
      const options = { port, host: "127.0.0.1", ca: authority.certificate, servername: "localhost" } as const
      const error = yield* Effect.callback<NodeJS.ErrnoException>((resume) => {
        const socket = NodeTls.connect({ ...options, maxVersion: "TLSv1.2" }, () => {
          socket.renegotiate({}, () => {})
        })
        socket.on("error", (error) => resume(Effect.succeed(error)))
        return Effect.sync(() => socket.destroy())
      })
      expect(error.code).toBe("ERR_SSL_NO_RENEGOTIATION")
      expect(yield* offer(port, {})).toBe("TLS_AES_256_GCM_SHA384")
    })))
})
