import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as Tls from "@sluice/core/Tls"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Net from "node:net"
import { goesOn, isCheckedAtStart, letsWait, line, upgrade } from "../../core/test/startTls.ts"
import { NodeStream } from "../src/internal/stream.ts"
import { secure } from "../src/internal/tls/context.ts"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { networkReading } from "./fixtures/reading.ts"

const authority = await Effect.runPromise(Certificates.authority("Test CA"))
const certificate = await Effect.runPromise(authority.issue({ names: ["localhost"] }))
const tls: Tls.ServerOptions = { certificates: [certificate] }
const asServer: Connection.UpgradeOptions = { role: "server", tls }
const asClient: Connection.UpgradeOptions = { role: "client", tls: { authorities: authority.certificate } }

const pair = Effect.gen(function*() {
  const listener = yield* Network.listen("tcp://127.0.0.1:0", { closeTimeout: 0 })
  const endpoint = Endpoint.format(Endpoint.fromAddress(listener.address)).replace("127.0.0.1", "localhost")
  const client = yield* Network.connect(endpoint, { closeTimeout: 0 })
  return { client, server: yield* Listener.accept(listener) }
})

const onBoth = (
  how: string,
  test: (reuseReadBuffer: boolean) => Effect.Effect<void, unknown, Network.Network | Scope.Scope>
) => {
  for (const reuseReadBuffer of [true, false]) {
    it.live(`${how}, ${reuseReadBuffer ? "one read buffer" : "data events"}`, () =>
      test(reuseReadBuffer).pipe(Effect.scoped, Effect.provide(networks[reuseReadBuffer ? "shared" : "events"])))
  }
}

const networks = {
  shared: NodeNetwork.layer,
  events: networkReading({ reuseReadBuffer: false })
}

const subject = { pair, asClient, asServer, serverName: "localhost" }

describe("an upgrade to TLS", () => {
  onBoth("continues with the same connection, protected", () => goesOn(subject))

  onBoth("lets what is written meanwhile wait until it is protected", () => letsWait(subject))

  it.live("has its certificates checked when the server starts", () =>
    Effect.gen(function*() {
      const { key } = yield* authority.issue()
      const mismatched = { chain: certificate.chain, key }
      const connect = (port: number) => `tcp://localhost:${port}`
      yield* isCheckedAtStart({ listen: "tcp://127.0.0.1:0", connect, good: certificate, mismatched, asClient })
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))

  // CVE-2011-0411: what an attacker in between puts behind the request must not be taken for protected.
  onBoth("refuses clear text behind the request", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      yield* Connection.writeText(client, "STARTTLS\nRCPT TO:<victim@example.org>\n")
      yield* line(server)
      const error = yield* Effect.flip(Connection.upgradeTls(server, asServer))
      expect(error.reason).toMatchObject({ _tag: "ClearTextBeforeUpgrade", received: 29 })
      expect(error.message).toContain("received 29 bytes of clear text before the upgrade to TLS")
      expect((yield* Connection.closed(server))._tag).toBe("Failed")
      expect(Exit.isFailure(yield* Effect.exit(Connection.read(client)))).toBe(true)
    }))

  onBoth("refuses clear text behind the server's consent, too", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      yield* Connection.writeText(server, "220 go ahead\n250 an injected answer\n")
      yield* line(client)
      const error = yield* Effect.flip(Connection.upgradeTls(client, asClient))
      expect(error.reason._tag).toBe("ClearTextBeforeUpgrade")
    }))

  onBoth("takes nothing for protected that comes in the clear while it shakes hands", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const upgrading = yield* Effect.forkScoped(Connection.upgradeTls(server, asServer), { startImmediately: true })
      yield* Connection.writeText(client, "RCPT TO:<victim@example.org>\n")
      const error = yield* Effect.flip(Fiber.join(upgrading))
      expect(error.reason._tag).toBe("NotTls")
      expect((yield* Connection.closed(server))._tag).toBe("Failed")
      expect(Connection.bytesIn(server)).toBe(0)
    }))

  onBoth("is refused while a fiber reads or writes, and the connection is as it was", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const reading = yield* Effect.forkScoped(line(server), { startImmediately: true })
      expect((yield* Effect.flip(Connection.upgradeTls(server, asServer))).reason._tag).toBe("Busy")
      yield* Connection.writeText(client, "unharmed\n")
      expect(yield* Fiber.join(reading)).toBe("unharmed\n")
      const writing = yield* Effect.forkScoped(Connection.write(server, new Uint8Array(64 * 1024 * 1024)), {
        startImmediately: true
      })
      expect((yield* Effect.flip(Connection.upgradeTls(server, asServer))).reason._tag).toBe("Busy")
      yield* Fiber.interrupt(writing)
    }))

  onBoth("cannot be made twice, nor on a connection that has ended", () =>
    Effect.gen(function*() {
      const { client } = yield* upgrade(subject)
      expect((yield* Effect.flip(Connection.upgradeTls(client, asClient))).reason._tag).toBe("Busy")
      const other = yield* pair
      yield* Connection.end(other.client)
      expect((yield* Effect.flip(Connection.upgradeTls(other.client, asClient))).reason._tag).toBe("BrokenPipe")
      yield* Connection.read(other.server)
      expect((yield* Effect.flip(Connection.upgradeTls(other.server, asServer))).reason._tag).toBe("HandshakeCut")
    }))

  onBoth("that fails closes the connection, and tells why", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      yield* Effect.forkScoped(Effect.exit(Connection.upgradeTls(server, asServer)))
      const error = yield* Effect.flip(Connection.upgradeTls(client, { role: "client" }))
      expect(error.reason._tag).toBe("UnknownIssuer")
      const closing = yield* Connection.closed(client)
      expect(closing).toMatchObject({ _tag: "Failed", error: { reason: { _tag: "UnknownIssuer" } } })
      expect((yield* Effect.flip(Connection.writeText(client, "x"))).reason._tag).toBe("UnknownIssuer")
      expect((yield* Connection.closed(server))._tag).toBe("Failed")
    }))

  onBoth("needs a name on a connection that came in", () =>
    Effect.gen(function*() {
      const { server } = yield* pair
      const error = yield* Effect.flip(Connection.upgradeTls(server, asClient))
      expect(error.reason).toMatchObject({ _tag: "InvalidOption", option: "tls.serverName" })
    }))

  onBoth("that is interrupted, or whose connection is aborted, closes it", () =>
    Effect.gen(function*() {
      for (const how of ["interrupt", "abort"] as const) {
        const { client, server } = yield* pair
        const upgrading = yield* Effect.forkScoped(Connection.upgradeTls(server, asServer), { startImmediately: true })
        if (how === "interrupt") yield* Fiber.interrupt(upgrading)
        else yield* Connection.abort(server)
        expect((yield* Connection.closed(server))._tag).toBe("Aborted")
        expect(Exit.isFailure(yield* Fiber.await(upgrading))).toBe(true)
        expect((yield* Effect.flip(Connection.read(client))).reason._tag).toBe("ConnectionReset")
      }
    }))

  it.effect("is given up when its time is over", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const upgrading = yield* Effect.forkScoped(
        Effect.flip(Connection.upgradeTls(server, { ...asServer, timeout: "1 minute" })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(upgrading)).reason).toMatchObject({ _tag: "TimedOut", deadline: "handshake" })
      expect((yield* Connection.closed(server))._tag).toBe("Failed")
      yield* Connection.abort(client)
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))

  it.live("that dies closes the connection", () =>
    Effect.gen(function*() {
      const { server } = yield* pair
      type WithTls = { readonly options: { readonly security: { context: () => Effect.Effect<never> } } }
      const { security } = (server as unknown as WithTls).options
      security.context = () => Effect.die("a defect")
      expect(Exit.isFailure(yield* Effect.exit(Connection.upgradeTls(server, asServer)))).toBe(true)
      expect((yield* Connection.closed(server))._tag).toBe("Aborted")
    }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer)))

  it.live("of a socket that breaks at that moment fails", () =>
    Effect.gen(function*() {
      const settings: Transport.TlsServer = {
        _tag: "Server",
        certificates: [{
          option: "tls.certificates[0]",
          chain: certificate.chain,
          key: Redacted.make(certificate.key),
          passphrase: undefined
        }],
        clientCertificates: "off",
        resumption: false,
        authorities: undefined,
        revocationLists: [],
        applicationProtocols: [],
        minimumVersion: "TLSv1.2",
        ciphers: undefined
      }
      const context = yield* secure(settings, "a server")
      const socket = new Net.Socket()
      const ends = { host: "127.0.0.1", port: 1 }
      const stream = new NodeStream(socket, { local: ends, remote: ends, reuseReadBuffer: false })
      // Node tells of it later.
      socket.destroy(new Error("broken"))
      const error = yield* Effect.flip(context.handshake(stream, { address: "a client" }))
      expect(error.reason._tag).toBe("HandshakeCut")
      yield* Effect.callback<void>((resume) => {
        if (socket.closed) return resume(Effect.void)
        socket.on("close", () => resume(Effect.void))
      })
    }))
})
