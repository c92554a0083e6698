import { describe, expect, it } from "@effect/vitest"
import * as CertificateName from "@sluice/core/CertificateName"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import type * as Tls from "@sluice/core/Tls"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { connect, exchange, hosts, listen, pairOn } from "../fixtures/handshake.ts"

const second = 1000
const authority = SimCertificate.authority("Test CA")
const stranger = SimCertificate.authority("Stranger CA")
const between = authority.intermediate("Between")
const names = ["server", "10.0.0.1"]
const good = authority.issue({ names })
const selfSigned = SimCertificate.selfSigned({ names })
const client = authority.issue({ commonName: "a client" })
const trusting: Tls.ClientOptions = { authorities: authority.certificate }

const showing = (certificate: Tls.Certificate, options: Partial<Tls.ServerOptions> = {}): Tls.ServerOptions => ({
  certificates: [certificate],
  ...options
})

const asking = (
  clientCertificates: "wanted" | "required",
  options: Partial<Tls.ServerOptions> = {}
): Tls.ServerOptions => showing(good, { clientCertificates, authorities: authority.certificate, ...options })

const simulated = (
  name: string,
  program: Effect.Effect<unknown, unknown, SimNetwork.SimNetwork | Scope.Scope>,
  options: Simulation.Options = {}
) =>
  it.effect(
    name,
    () => Effect.flatMap(Simulation.checkDeterminism(program, { schedule: "random", ...options }), ({ exit }) => exit)
  )

describe("a connection over simulated TLS", () => {
  simulated(
    "knows what was negotiated and who the peer is",
    Effect.gen(function*() {
      const ends = yield* hosts()
      const { listener } = yield* listen(ends.server, {
        tls: asking("required", { applicationProtocols: ["one", "two"] })
      })
      const pair = yield* pairOn(listener, ends.client, {
        ...trusting,
        applicationProtocols: ["two"],
        certificate: client
      })
      expect(pair.client.tls).toEqual({
        protocol: "TLSv1.3",
        cipher: "TLS_SHA256_SHA256",
        applicationProtocol: "two",
        serverName: "server",
        resumed: false,
        verified: true,
        unverified: undefined,
        peerCertificate: {
          subject: [{ type: "CN", value: "server" }],
          issuer: [{ type: "CN", value: "Test CA" }],
          alternativeNames: ["DNS:server", "IP Address:10.0.0.1"],
          notBefore: new Date("1950-01-01T00:00:00Z"),
          notAfter: new Date("9999-12-31T23:59:59Z"),
          fingerprint256: good.fingerprint256
        }
      })
      expect(pair.server.tls).toEqual({ ...pair.client.tls, peerCertificate: expect.anything() })
      expect(pair.server.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "a client" }])
      expect(good.fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    })
  )

  simulated(
    "takes one round trip for the handshake in TLS 1.3, and two in TLS 1.2 but for resumed sessions",
    Effect.gen(function*() {
      for (const [versions, full, resumed] of [[undefined, 1, 1], [["TLSv1.2"], 2, 1]] as const) {
        const name = `client of ${String(versions)}`
        const server = yield* SimNetwork.host("server")
        const old = yield* SimNetwork.host(name, { tls: { versions } })
        yield* SimNetwork.link(server, old, { latency: "50 millis", segmentation: 0 })
        const tls = { ...trusting }
        for (const roundTrips of [full, resumed]) {
          yield* Effect.scoped(Effect.gen(function*() {
            const { listener } = yield* listen(server, { tls: serving })
            const began = yield* Clock.currentTimeMillis
            const connection = yield* connect(old, tls)
            // And one for TCP.
            expect((yield* Clock.currentTimeMillis) - began).toBe(100 * (roundTrips + 1))
            yield* exchange(connection, yield* Listener.accept(listener))
            expect(connection.tls!.protocol).toBe(versions === undefined ? "TLSv1.3" : "TLSv1.2")
          }))
        }
      }
    })
  )
  const serving = showing(good)

  simulated(
    "is verified through an authority in between, by name, by IP address, and by those that the network trusts",
    Effect.gen(function*() {
      const ends = yield* hosts()
      const { listener } = yield* listen(ends.server, { tls: showing(between.issue({ names })) })
      for (
        const tls of [trusting, {}, { ...trusting, serverName: "SERVER" }, { authorities: [between.certificate] }, {
          ...trusting,
          serverName: "server."
        }]
      ) {
        const { client } = yield* pairOn(listener, ends.client, tls)
        expect(client.tls!.verified).toBe(true)
      }
      const byAddress = yield* pairOn(listener, ends.client, trusting, "tls://10.0.0.1:443")
      expect(byAddress.server.tls!.serverName).toBe(undefined)
      expect(byAddress.client.tls!.verified).toBe(true)
    }),
    { authorities: authority.certificate }
  )

  simulated(
    "is verified by the peer's own certificate, which must be good all the same",
    Effect.gen(function*() {
      const ends = yield* hosts()
      const authorities = good.chain
      const { listener } = yield* listen(ends.server, { tls: showing(good) })
      expect((yield* pairOn(listener, ends.client, { authorities })).client.tls!.verified).toBe(true)
      const error = yield* Effect.flip(pairOn(listener, ends.client, { authorities, serverName: "elsewhere" }))
      expect(error.reason._tag).toBe("HostNameMismatch")
    })
  )

  simulated(
    "may be unverified, if that is asked for, and says why",
    Effect.gen(function*() {
      const ends = yield* hosts()
      const { listener } = yield* listen(ends.server, { tls: showing(selfSigned) })
      const pair = yield* pairOn(listener, ends.client, { dangerouslySkipVerification: true })
      expect(pair.client.tls).toMatchObject({ verified: false, unverified: { _tag: "SelfSignedCertificate" } })
    })
  )

  simulated(
    "is shown the certificate for the name that was asked for",
    Effect.gen(function*() {
      const ends = yield* hosts()
      const issue = (name: string) => authority.issue({ names: [name] })
      yield* listen(ends.server, {
        tls: { certificates: [issue("first.example"), issue("*.wild.example"), issue("a.wild.example")] }
      })
      const shownFor = (serverName: string) =>
        Effect.map(
          connect(ends.client, { serverName, dangerouslySkipVerification: true }),
          ({ tls }) => CertificateName.format(tls!.peerCertificate!.subject)
        )
      expect(yield* shownFor("a.wild.example")).toBe("CN=a.wild.example")
      expect(yield* shownFor("b.wild.example")).toBe("CN=*.wild.example")
      expect(yield* shownFor("unknown.example")).toBe("CN=first.example")
    })
  )

  simulated(
    "asks for certificates that may be missing or bad, and says of each whether it is good",
    Effect.gen(function*() {
      const ends = yield* hosts()
      const { listener } = yield* listen(ends.server, { tls: asking("wanted") })
      const seen = (certificate?: Tls.Certificate) =>
        Effect.map(pairOn(listener, ends.client, { ...trusting, certificate }), ({ server }) => server.tls!)
      expect(yield* seen()).toMatchObject({ peerCertificate: undefined, verified: false, unverified: undefined })
      expect(yield* seen(client)).toMatchObject({ verified: true, unverified: undefined })
      expect(yield* seen(stranger.issue())).toMatchObject({ verified: false, unverified: { _tag: "UnknownIssuer" } })
    })
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Failures
// ---------------------------------------------------------------------------------------------------------------------

interface Failure {
  readonly server: Tls.ServerOptions
  readonly client: Tls.ClientOptions
  readonly hosts?: Parameters<typeof hosts>[1]
  /** How far the client's clock is ahead. */
  readonly skew?: number
  readonly fault?: { readonly of: "server" | "client"; readonly is: Fault.TlsFault }
  /** The reasons that both ends get. */
  readonly reasons: readonly [client: object, server: object]
}

const alert = (alert: string) => ({ _tag: "PeerAlert", alert })
const untilNoon = authority.issue({ names, notAfter: new Date(12 * 3_600_000) })
const fromNoon = authority.issue({ names, notBefore: new Date(12 * 3_600_000) })

const failures: Record<string, Failure> = {
  "an expired certificate": {
    server: showing(untilNoon),
    client: trusting,
    skew: 13 * 3_600_000,
    reasons: [
      { _tag: "CertificateExpired", subject: "CN=server", notAfter: new Date(12 * 3_600_000) },
      alert("certificate_expired")
    ]
  },
  "a certificate that is not valid yet": {
    server: showing(fromNoon),
    client: trusting,
    reasons: [{ _tag: "CertificateNotYetValid", notBefore: new Date(12 * 3_600_000) }, alert("bad_certificate")]
  },
  "an authority that has expired": {
    server: showing(authority.intermediate("Old", { notAfter: new Date(0) }).issue({ names })),
    client: trusting,
    skew: second,
    reasons: [{ _tag: "CertificateExpired", subject: "CN=Old" }, alert("certificate_expired")]
  },
  "a certificate that vouches for itself": {
    server: showing(selfSigned),
    client: trusting,
    reasons: [{ _tag: "SelfSignedCertificate", subject: "CN=server" }, alert("unknown_ca")]
  },
  "an authority that is not trusted": {
    server: showing(stranger.issue({ names })),
    client: trusting,
    reasons: [{ _tag: "UnknownIssuer", issuer: "CN=Stranger CA" }, alert("unknown_ca")]
  },
  "an authority of a trusted one's name": {
    server: showing(SimCertificate.authority("Test CA", { serialNumber: 2 }).issue({ names })),
    client: trusting,
    reasons: [{ _tag: "UnknownIssuer", issuer: "CN=Test CA" }, alert("unknown_ca")]
  },
  "a missing link in the chain": {
    server: showing({
      ...between.issue({ names }),
      chain: between.issue({ names }).chain.split(/(?<=END.*-----\n)/)[0]!
    }),
    client: trusting,
    reasons: [{ _tag: "UnknownIssuer", issuer: "CN=Between" }, alert("unknown_ca")]
  },
  "nobody who is trusted": {
    server: showing(good),
    client: {},
    reasons: [{ _tag: "UnknownIssuer" }, alert("unknown_ca")]
  },
  "another name": {
    server: showing(authority.issue({ names: ["elsewhere.example", "192.0.2.1"] })),
    client: trusting,
    reasons: [
      { _tag: "HostNameMismatch", expected: "server", names: ["elsewhere.example", "192.0.2.1"] },
      alert("bad_certificate")
    ]
  },
  "another IP address": {
    server: showing(good),
    client: { ...trusting, serverName: "10.0.0.2" },
    reasons: [{ _tag: "HostNameMismatch", expected: "10.0.0.2" }, alert("bad_certificate")]
  },
  "a certificate that was revoked": {
    server: showing(good),
    client: { ...trusting, revocationLists: authority.revoke(good) },
    reasons: [{ _tag: "CertificateRevoked", subject: "CN=server" }, alert("certificate_revoked")]
  },
  "an authority without its list": {
    server: showing(good),
    client: { ...trusting, revocationLists: stranger.revoke() },
    reasons: [{ _tag: "CertificateRejected", code: "UNABLE_TO_GET_CRL" }, alert("bad_certificate")]
  },
  "a certificate that is not pinned": {
    server: showing(good),
    client: { ...trusting, fingerprints: [client.fingerprint256] },
    reasons: [{ _tag: "PinMismatch", actual: good.fingerprint256 }, alert("bad_certificate")]
  },
  "no certificate of the client": {
    server: asking("required"),
    client: trusting,
    reasons: [alert("certificate_required"), { _tag: "NoCertificate" }]
  },
  "no certificate of the client, in TLS 1.2": {
    server: asking("required"),
    client: trusting,
    hosts: { client: { tls: { versions: ["TLSv1.2"] } } },
    reasons: [alert("handshake_failure"), { _tag: "NoCertificate" }]
  },
  "a client that nobody knows": {
    server: asking("required"),
    client: { ...trusting, certificate: stranger.issue({ commonName: "a stranger" }) },
    reasons: [alert("unknown_ca"), { _tag: "UnknownIssuer", subject: "CN=a stranger" }]
  },
  "a client that was revoked": {
    server: asking("required", { revocationLists: authority.revoke(client) }),
    client: { ...trusting, certificate: client },
    reasons: [alert("certificate_revoked"), { _tag: "CertificateRevoked" }]
  },
  "no version in common": {
    server: showing(good, { minimumVersion: "TLSv1.3" }),
    client: trusting,
    hosts: { client: { tls: { versions: ["TLSv1.2"] } } },
    reasons: [{ _tag: "NoSharedProtocol" }, { _tag: "NoSharedProtocol" }]
  },
  "no cipher in common": {
    server: showing(good),
    client: trusting,
    hosts: { server: { tls: { ciphers: ["TLS_SHA384_SHA384"] } } },
    reasons: [alert("handshake_failure"), { _tag: "NoSharedCipher" }]
  },
  "no application protocol in common": {
    server: showing(good, { applicationProtocols: ["h2"] }),
    client: { ...trusting, applicationProtocols: ["smtp"] },
    reasons: [
      { _tag: "NoSharedApplicationProtocol", supported: ["smtp"] },
      { _tag: "NoSharedApplicationProtocol", supported: ["h2"] }
    ]
  },
  "a server that refuses on command": {
    server: showing(good),
    client: trusting,
    fault: { of: "server", is: { alert: "internal_error" } },
    reasons: [alert("internal_error"), { _tag: "ProtocolViolation", code: "fault" }]
  },
  "a client that refuses on command": {
    server: showing(good),
    client: trusting,
    fault: { of: "client", is: { alert: "user_canceled" } },
    reasons: [{ _tag: "ProtocolViolation", code: "fault" }, { _tag: "HandshakeCut" }]
  },
  "a server that is cut on command": {
    server: showing(good),
    client: trusting,
    fault: { of: "server", is: "cut" },
    reasons: [{ _tag: "HandshakeCut" }, { _tag: "ProtocolViolation", code: "fault" }]
  },
  "a client that is cut on command": {
    server: showing(good),
    client: trusting,
    fault: { of: "client", is: "cut" },
    reasons: [{ _tag: "ProtocolViolation", code: "fault" }, { _tag: "HandshakeCut" }]
  },
  "a server that stalls on command": {
    server: showing(good),
    client: trusting,
    fault: { of: "server", is: "stall" },
    reasons: [
      { _tag: "TimedOut", deadline: "handshake", after: 5 * second },
      // It hears of the client's reset.
      { _tag: "ConnectionReset" }
    ]
  }
}

/** What both ends get to know: of a client, also after its handshake. */
const attempt = (failure: Failure, loss: number) =>
  Effect.gen(function*() {
    const ends = yield* hosts({ latency: "5 millis", loss }, failure.hosts)
    const { fault, skew } = failure
    if (skew !== undefined) yield* Fault.skew(ends.client, skew)
    if (fault !== undefined) yield* Fault.breakTls(ends[fault.of], fault.is)
    const { failed } = yield* listen(ends.server, { tls: failure.server, handshakeTimeout: "1 minute" })
    const connection = Network.connect("tls://server:443", { tls: failure.client, connectTimeout: "5 seconds" })
    const near = yield* Effect.flip(Host.run(ends.client, Effect.scoped(Effect.flatMap(connection, Connection.read))))
    const far = yield* failed
    expect([near.reason, far.reason]).toMatchObject(failure.reasons)
    expect(near.message).not.toContain("\n")
    return near as NetworkError.NetworkError
  })

describe("both ends know of", () => {
  for (const [name, failure] of Object.entries(failures)) {
    VitestSimulation.it(`${name}`, attempt(failure, 0), { seeds: 3 })
    if (failure.fault === undefined) {
      VitestSimulation.it(`${name}, on a bad link`, attempt(failure, 0.15), { seeds: 20 })
    }
  }
})

describe("faults after the handshake", () => {
  const established = Effect.fnUntraced(function*(fault: Fault.TlsFault) {
    const ends = yield* hosts({ latency: "5 millis" })
    const { listener } = yield* listen(ends.server, { tls: showing(good) })
    const pair = yield* pairOn(listener, ends.client, trusting)
    yield* Fault.breakTls(ends.server, fault)
    return { ...pair, host: ends.server }
  })

  VitestSimulation.it(
    "a damaged record is found by its peer, which says so",
    Effect.gen(function*() {
      const { client, server } = yield* established("corrupt")
      yield* Connection.writeText(server, "damaged")
      const near = yield* Effect.flip(Connection.read(client))
      expect(near.reason).toMatchObject({ _tag: "CorruptRecord", code: "bad_record_mac" })
      const far = yield* Effect.flip(Connection.read(server))
      expect(far.reason).toMatchObject(alert("bad_record_mac"))
      expect((yield* Connection.closed(client))._tag).toBe("Failed")
      expect((yield* Connection.closed(server))._tag).toBe("Failed")
    }),
    { seeds: 20 }
  )

  VitestSimulation.it(
    "an end without close_notify is Truncated, behind what came before it",
    Effect.gen(function*() {
      const { client, server } = yield* established("truncate")
      yield* Connection.writeText(server, "half")
      yield* Connection.end(server)
      expect(new TextDecoder().decode(yield* Connection.readExactly(client, 4))).toBe("half")
      const error = yield* Effect.flip(Connection.read(client))
      expect(error.reason._tag).toBe("Truncated")
    }),
    { seeds: 20 }
  )

  VitestSimulation.it(
    "they end with their Scope, or when they are mended",
    Effect.gen(function*() {
      const { client, host, server } = yield* established("corrupt")
      yield* Effect.scoped(Fault.breakTls(host, "truncate"))
      yield* exchange(client, server)
      yield* Fault.breakTls(host, "truncate")
      yield* Fault.heal(host)
      yield* Connection.end(server)
      expect((yield* Connection.read(client))._tag).toBe("None")
    })
  )
})

VitestSimulation.it(
  "a PROXY header goes before simulated TLS, however both are split",
  Effect.gen(function*() {
    const ends = yield* hosts({ latency: "1 milli", segmentation: yield* Random.next })
    const { listener } = yield* listen(ends.server, {
      tls: showing(good),
      proxyProtocol: { trusted: ["10.0.0.0/8"] }
    })
    const proxyProtocol = ProxyProtocol.make({
      source: NetAddress.inetAddressFromIpStringUnsafe("192.0.2.7", 1000),
      destination: NetAddress.inetAddressFromIpStringUnsafe("192.0.2.8", 443)
    })
    const near = yield* Effect.provide(
      Network.connect("tls://server:443", { tls: trusting, proxyProtocol }),
      Host.layer(ends.client)
    )
    const far = yield* Listener.accept(listener)
    yield* exchange(near, far)
    expect(Connection.formatPeer(far)).toBe("192.0.2.7:1000")
    expect(far.tls!.serverName).toBe("server")
  }),
  { seeds: 100 }
)

describe("with buffers that hold less than a record, or than the handshake sends", () => {
  const bytes = new Uint8Array(40_000).map((_, index) => index % 251)

  for (const [sendBuffer, receiveBuffer] of [[64, 65_536], [5000, 128], [65_536, 128]] as const) {
    VitestSimulation.it(
      `all arrives, and the end behind it: ${sendBuffer} and ${receiveBuffer} bytes`,
      Effect.gen(function*() {
        const ends = yield* hosts({ latency: "100 micros" })
        const { listener } = yield* listen(ends.server, { tls: showing(good), closeTimeout: "1 minute" })
        const tls = { ...trusting }
        for (const first of ["client", "server"] as const) {
          const scope = yield* Scope.make()
          const near = yield* Scope.provide(connect(ends.client, tls), scope)
          const far = yield* Scope.provide(Listener.accept(listener), scope)
          const [from, to] = first === "client" ? [near, far] : [far, near]
          const [, got] = yield* Effect.all([
            Effect.andThen(Connection.write(from, bytes), Connection.end(from)),
            Connection.readAll(to)
          ], { concurrency: 2 })
          expect(Buffer.compare(got, bytes)).toBe(0)
          // The answer is still in flight when both are closed.
          yield* Effect.forkScoped(Connection.write(to, bytes), { startImmediately: true })
          const reading = yield* Effect.forkScoped(Connection.readAll(from), { startImmediately: true })
          yield* Effect.sleep("1 milli")
          yield* Connection.end(to)
          expect(Buffer.compare(yield* Fiber.join(reading), bytes)).toBe(0)
          yield* Scope.close(scope, Exit.void)
          expect((yield* Connection.closed(near))._tag).toBe("Ended")
          expect((yield* Connection.closed(far))._tag).toBe("Ended")
        }
      }),
      { seeds: 10, tcp: { sendBuffer, receiveBuffer } }
    )
  }

  VitestSimulation.it(
    "a Scope that closes with an answer written sends all of it, and close_notify",
    Effect.gen(function*() {
      const ends = yield* hosts({ latency: "100 micros" })
      const serving = Server.layer(
        { listen: "tls://0.0.0.0:443", tls: showing(good), closeTimeout: "10 minutes" },
        (connection) => Effect.andThen(Connection.readAll(connection), Connection.write(connection, bytes))
      )
      yield* Host.serve(ends.server, serving)
      const client = yield* connect(ends.client, trusting)
      yield* Connection.writeText(client, "question")
      yield* Connection.end(client)
      expect(Buffer.compare(yield* Connection.readAll(client), bytes)).toBe(0)
    }),
    { seeds: 20, tcp: { sendBuffer: 64, receiveBuffer: 4096 } }
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Sessions
// ---------------------------------------------------------------------------------------------------------------------

describe("simulated sessions", () => {
  const resumes = (server: Tls.ServerOptions, client: Tls.ClientOptions, options?: Parameters<typeof hosts>[1]) =>
    Effect.gen(function*() {
      const ends = yield* hosts({}, options)
      const { listener } = yield* listen(ends.server, { tls: server })
      yield* pairOn(listener, ends.client, client)
      const second = yield* pairOn(listener, ends.client, client)
      expect(second.server.tls!.resumed).toBe(second.client.tls!.resumed)
      return { ...second, listener, host: ends.client, other: ends.server }
    })

  for (const versions of [["TLSv1.3"], ["TLSv1.2"]] as const) {
    simulated(
      `are resumed in ${versions[0]}, with what is known of both sides`,
      Effect.gen(function*() {
        const tls = { ...trusting, certificate: client }
        const { client: near, server: far } = yield* resumes(asking("required"), tls, { server: { tls: { versions } } })
        expect(near.tls).toMatchObject({ protocol: versions[0], resumed: true, verified: true })
        expect(near.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "server" }])
        expect(far.tls).toMatchObject({ resumed: true, verified: true })
        expect(far.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "a client" }])
      })
    )
  }

  simulated(
    "are not kept, or not given, by those that do not want it, nor resumed by other options or too late",
    Effect.gen(function*() {
      const kept = yield* resumes(showing(good), { ...trusting, sessions: 0 })
      expect(kept.client.tls!.resumed).toBe(false)
    }).pipe(Effect.andThen(Effect.gen(function*() {
      const server = yield* SimNetwork.host("another")
      const host = yield* SimNetwork.host("client")
      const { listener } = yield* listen(server, { tls: showing(authority.issue({ names: ["another"] })) })
      const tls = { ...trusting }
      const resumed = (options: Tls.ClientOptions) =>
        Effect.map(pairOn(listener, host, options, "tls://another:443"), ({ client }) => client.tls!.resumed)
      expect([yield* resumed(tls), yield* resumed(tls), yield* resumed({ ...trusting })]).toEqual([false, true, false])
      yield* Effect.sleep("10 minutes")
      expect(yield* resumed(tls)).toBe(false)
    })))
  )

  simulated(
    "are not resumed when the certificate is good no longer",
    Effect.gen(function*() {
      const tls = { ...trusting }
      const certificate = authority.issue({ names, notAfter: new Date(60 * second) })
      const { client: near, host, listener } = yield* resumes(showing(certificate), tls)
      expect(near.tls!.resumed).toBe(true)
      yield* Effect.sleep("2 minutes")
      const error = yield* Effect.flip(pairOn(listener, host, tls))
      expect(error.reason._tag).toBe("CertificateExpired")
    })
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// Options
// ---------------------------------------------------------------------------------------------------------------------

describe("what a simulation cannot use fails at once", () => {
  const real = (label: string) => `-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`
  const bad: ReadonlyArray<readonly [string, Tls.ServerOptions, string, string]> = [
    ["a key of another certificate", showing({ ...good, key: client.key }), "KeyMismatch", "tls.certificates[0]"],
    [
      "a real certificate",
      showing({ ...good, chain: real("CERTIFICATE") }),
      "UnusableCertificate",
      "a simulation has no cryptography, and cannot use a real certificate: make a simulated one"
    ],
    ["a real key", showing({ ...good, key: real("PRIVATE KEY") }), "UnusableCertificate", "tls.certificates[0].key"],
    [
      "PEM of something else",
      showing({ ...good, key: good.chain }),
      "UnusableCertificate",
      "there is a simulated certificate in it, and it should be a simulated private key"
    ],
    [
      "a private key as chain",
      showing({ ...good, chain: good.key }),
      "UnusableCertificate",
      "it is a private key; give the certificate as chain"
    ],
    [
      "a broken certificate",
      showing({ ...good, chain: good.chain.replace(/^.{10}$/m, "").replace("ey", "@@") }),
      "UnusableCertificate",
      "is not Base64"
    ],
    [
      "a list that is none",
      showing(good, { revocationLists: good.chain }),
      "UnusableCertificate",
      "tls.revocationLists"
    ],
    ["no authorities", asking("required", { authorities: good.key }), "UnusableCertificate", "tls.authorities"]
  ]
  for (const [what, tls, tag, said] of bad) {
    simulated(
      `${what}: ${tag}`,
      Effect.gen(function*() {
        const ends = yield* hosts()
        const error = yield* Effect.flip(listen(ends.server, { tls }))
        expect(error.reason._tag).toBe(tag)
        expect(error.message).toContain(said)
      })
    )
  }

  it.effect("a host without versions or ciphers, and a network that trusts what is none", () =>
    Effect.gen(function*() {
      for (const tls of [{ versions: [] }, { ciphers: [] }, { versions: ["TLSv1.1" as never] }]) {
        const error = yield* Effect.flip(Simulation.run(SimNetwork.host("server", { tls })))
        expect(error).toMatchObject({ reason: { _tag: "InvalidOption" } })
      }
      const error = yield* Effect.flip(Simulation.run(Effect.void, { authorities: good.key }))
      expect(error).toMatchObject({ reason: { _tag: "UnusableCertificate", option: "authorities" } })
    }))

  it("certificates are the same for the same words, and differ in everything else", () => {
    expect(authority.issue({ names })).toEqual(good)
    const others = [
      authority.issue({ names: ["server"] }),
      authority.issue({ names, serialNumber: 2 }),
      authority.issue({ names, notAfter: new Date(0) }),
      stranger.issue({ names }),
      selfSigned
    ]
    const all = [good, ...others].flatMap(({ fingerprint256, key }) => [fingerprint256, key])
    expect(new Set(all).size).toBe(all.length)
  })
})
