import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Framing from "@sluice/framing/Framing"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import { goesOn, isCheckedAtStart, letsWait, line, upgrade } from "../../../core/test/startTls.ts"
import { hosts } from "../fixtures/handshake.ts"

const authority = SimCertificate.authority("Test CA")
const asServer: Connection.UpgradeOptions = {
  role: "server",
  tls: { certificates: [authority.issue({ names: ["server"] })] }
}
const asClient: Connection.UpgradeOptions = { role: "client", tls: { authorities: authority.certificate } }

/** Both ends of a connection in the clear. */
const pair = Effect.gen(function*() {
  const ends = yield* hosts({ latency: "3 millis", jitter: "2 millis" })
  const listener = yield* Effect.provide(Network.listen("tcp://0.0.0.0:0"), Host.layer(ends.server))
  const { port } = listener.address as NetAddress.InetAddress
  const client = yield* Effect.provide(Network.connect(Endpoint.tcp("server", port)), Host.layer(ends.client))
  return { client, server: yield* Listener.accept(listener), host: ends.server }
})

const subject = { pair, asClient, asServer, serverName: "server" }

const seeds = { seeds: 50 }

describe("an upgrade to simulated TLS", () => {
  VitestSimulation.it("continues with the same connection, protected, whichever side asks", goesOn(subject), seeds)

  VitestSimulation.it(
    "lets the side that accepted the connection be the client of TLS, if it says whom it wants",
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const error = yield* Effect.flip(Connection.upgradeTls(server, asClient))
      expect(error.reason).toMatchObject({ _tag: "InvalidOption", option: "tls.serverName" })
      const upgrading = yield* Effect.forkScoped(Connection.upgradeTls(client, asServer))
      const session = yield* Connection.upgradeTls(server, {
        role: "client",
        tls: { authorities: authority.certificate, serverName: "server" }
      })
      expect(session.verified).toBe(true)
      yield* Fiber.join(upgrading)
    }),
    seeds
  )

  VitestSimulation.it("lets what is written meanwhile wait until it is protected", letsWait(subject), seeds)

  VitestSimulation.it(
    "refuses plaintext behind the request that a framing has read already, and continues with a framing that has not",
    Effect.gen(function*() {
      for (const injected of ["", "RCPT TO:<victim@example.org>\n", "RC"]) {
        const { client, server } = yield* pair
        const commands = yield* Framed.make(server, Framing.lines())
        const asking = yield* Effect.forkScoped(Effect.gen(function*() {
          yield* Connection.writeText(client, `STARTTLS\n${injected}`)
          yield* line(client)
          yield* Connection.upgradeTls(client, asClient)
          yield* Connection.writeText(client, "NOOP\n")
        }))
        expect(yield* Framed.receive(commands)).toEqual(Option.some("STARTTLS"))
        yield* Connection.writeText(server, "220 go ahead\n")
        const upgraded = yield* Effect.exit(Connection.upgradeTls(server, asServer))
        if (injected === "") {
          yield* Fiber.join(asking)
          expect(yield* Framed.receive(commands)).toEqual(Option.some("NOOP"))
        } else {
          expect(Exit.isFailure(upgraded)).toBe(true)
          expect((yield* Connection.closed(server))._tag).toBe("Failed")
          yield* Fiber.await(asking)
        }
      }
    }),
    seeds
  )

  // CVE-2011-0411: what an attacker in between puts behind the request must not be taken for protected.
  VitestSimulation.it(
    "never takes for protected what came in the clear: behind the request, behind the consent, or meanwhile",
    Effect.gen(function*() {
      const injected = "RCPT TO:<victim@example.org>\n"
      const refused = ["ClearTextBeforeUpgrade", "NotTls"]
      for (const [from, to, how] of [["client", "server", asServer], ["server", "client", asClient]] as const) {
        const ends = yield* pair
        yield* Connection.writeText(ends[from], `STARTTLS\n${injected}`)
        yield* line(ends[to])
        const error = yield* Effect.flip(Connection.upgradeTls(ends[to], how))
        // Whether it has come by then is chance.
        expect(refused).toContain(error.reason._tag)
        expect((yield* Connection.closed(ends[to]))._tag).toBe("Failed")
        expect(Exit.isFailure(yield* Effect.exit(Connection.readAll(ends[from])))).toBe(true)
      }
      const { client, server } = yield* pair
      const upgrading = yield* Effect.forkScoped(Connection.upgradeTls(server, asServer), { startImmediately: true })
      yield* Connection.writeText(client, injected)
      expect((yield* Effect.flip(Fiber.join(upgrading))).reason._tag).toBe("NotTls")
      expect(Connection.bytesIn(server)).toBe(0)
    }),
    seeds
  )

  VitestSimulation.it(
    "is refused while a fiber reads, twice, and on a connection that has ended",
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const reading = yield* Effect.forkScoped(line(server), { startImmediately: true })
      expect((yield* Effect.flip(Connection.upgradeTls(server, asServer))).reason._tag).toBe("Busy")
      yield* Connection.writeText(client, "unharmed\n")
      expect(yield* Fiber.join(reading)).toBe("unharmed\n")
      const upgraded = yield* upgrade(subject)
      expect((yield* Effect.flip(Connection.upgradeTls(upgraded.client, asClient))).reason._tag).toBe("Busy")
      yield* Connection.end(client)
      expect((yield* Effect.flip(Connection.upgradeTls(client, asClient))).reason._tag).toBe("BrokenPipe")
      yield* Connection.read(server)
      expect((yield* Effect.flip(Connection.upgradeTls(server, asServer))).reason._tag).toBe("HandshakeCut")
    }),
    seeds
  )

  VitestSimulation.it(
    "has its certificates checked when the server starts",
    Effect.gen(function*() {
      const { server } = yield* hosts({})
      const good = authority.issue({ names: ["server"] })
      const mismatched = { chain: good.chain, key: authority.issue().key }
      const connect = (port: number) => `tcp://server:${port}`
      yield* Effect.provide(
        isCheckedAtStart({ listen: "tcp://0.0.0.0:0", connect, good, mismatched, asClient }),
        Host.layer(server)
      )
    }),
    seeds
  )

  VitestSimulation.it(
    "that fails closes the connection, and both ends know why",
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const serving = yield* Effect.forkScoped(Effect.flip(Connection.upgradeTls(server, asServer)))
      const error = yield* Effect.flip(Connection.upgradeTls(client, { role: "client" }))
      expect(error.reason._tag).toBe("UnknownIssuer")
      expect((yield* Fiber.join(serving)).reason).toMatchObject({ _tag: "PeerAlert", alert: "unknown_ca" })
      expect(yield* Connection.closed(client)).toMatchObject({ error: { reason: { _tag: "UnknownIssuer" } } })
      expect((yield* Effect.flip(Connection.writeText(client, "x"))).reason._tag).toBe("UnknownIssuer")
      expect((yield* Connection.closed(server))._tag).toBe("Failed")
    }),
    seeds
  )

  VitestSimulation.it(
    "that is interrupted, aborted or stalled closes it",
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
      const { client, host, server } = yield* pair
      yield* Fault.breakTls(host, "stall")
      yield* Effect.forkScoped(Effect.exit(Connection.upgradeTls(server, { ...asServer, timeout: "1 hour" })))
      const error = yield* Effect.flip(Connection.upgradeTls(client, { ...asClient, timeout: "1 minute" }))
      expect(error.reason).toMatchObject({ _tag: "TimedOut", deadline: "handshake", after: 60_000 })
      expect((yield* Connection.closed(client))._tag).toBe("Failed")
    }),
    seeds
  )
})
