import { describe, expect, it, vi } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createPrivateKey, X509Certificate } from "node:crypto"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { connect, listen, pair, pairOn } from "./fixtures/handshake.ts"

const day = 24 * 3_600_000
const ago = (days: number) => new Date(Date.now() - days * day)

const made = await Effect.runPromise(Effect.gen(function*() {
  const authority = yield* Certificates.authority("Test CA")
  const stranger = yield* Certificates.authority("Stranger CA")
  const between = yield* authority.intermediate("Between")
  const names = ["localhost", "127.0.0.1"]
  const good = yield* authority.issue({ names })
  return {
    authority,
    stranger,
    between,
    good,
    chained: yield* between.issue({ names }),
    rsa: yield* authority.issue({ names, key: "rsa" }),
    expired: yield* authority.issue({ names, notBefore: ago(3), notAfter: ago(2) }),
    early: yield* authority.issue({ names, notBefore: ago(-2), notAfter: ago(-3) }),
    elsewhere: yield* authority.issue({ names: ["elsewhere.example", "192.0.2.1"] }),
    strange: yield* stranger.issue({ names }),
    selfSigned: yield* Certificates.selfSigned({ names }),
    client: yield* authority.issue({ commonName: "a client" }),
    lists: [yield* authority.revoke(), yield* authority.revoke(good)]
  }
}))
const { authority } = made
const trusting: Tls.ClientOptions = { authorities: authority.certificate }
const showing = (certificate: Tls.Certificate, options: Partial<Tls.ServerOptions> = {}): Tls.ServerOptions => ({
  certificates: [certificate],
  ...options
})

const onNetwork = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), NodeNetwork.layer)

/** Why a client does not connect. */
const refusal = Effect.fnUntraced(function*(server: Tls.ServerOptions, client: Tls.ClientOptions) {
  const { port } = yield* listen(server)
  return yield* Effect.flip(connect(port, client))
})

describe("a connection over TLS", () => {
  it.live("knows what was negotiated and who the peer is", () =>
    onNetwork(Effect.gen(function*() {
      const { client, server } = yield* pair(
        showing(made.good, {
          applicationProtocols: ["one", "two"],
          authorities: authority.certificate,
          clientCertificates: "required"
        }),
        { ...trusting, applicationProtocols: ["two"], certificate: made.client }
      )
      expect(client.tls).toMatchObject({
        protocol: "TLSv1.3",
        applicationProtocol: "two",
        serverName: "localhost",
        resumed: false,
        verified: true,
        unverified: undefined
      })
      expect(server.tls).toMatchObject({ ...client.tls, peerCertificate: expect.anything() })
      expect(client.tls!.cipher).toMatch(/^TLS_/)
      const { peerCertificate } = client.tls!
      const original = new X509Certificate(made.good.chain)
      expect(peerCertificate!.subject).toEqual([{ type: "CN", value: "localhost" }])
      expect(peerCertificate!.issuer).toEqual([{ type: "CN", value: "Test CA" }])
      expect(peerCertificate!.alternativeNames).toEqual(["DNS:localhost", "IP Address:127.0.0.1"])
      expect(peerCertificate!.notBefore).toEqual(new Date(original.validFrom))
      expect(peerCertificate!.notAfter).toEqual(new Date(original.validTo))
      expect(peerCertificate!.fingerprint256).toBe(original.fingerprint256)
      expect(server.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "a client" }])
      yield* Connection.abort(client)
      yield* Connection.closed(client)
      expect(client.tls!.peerCertificate!.fingerprint256).toBe(original.fingerprint256)
    })))

  it.live("is verified through an authority in between, with either kind of key", () =>
    onNetwork(Effect.gen(function*() {
      for (const certificate of [made.chained, made.rsa]) {
        const { client } = yield* pair(showing(certificate), trusting)
        expect(client.tls!.verified).toBe(true)
      }
    })))

  it.live("speaks TLS 1.2 with those who must, and only 1.3 if told so", () =>
    onNetwork(Effect.gen(function*() {
      const { listener, port } = yield* listen(showing(made.good))
      const old = NodeTls.connect({ port, ca: authority.certificate, host: "localhost", maxVersion: "TLSv1.2" })
      old.on("error", () => {})
      const server = yield* Listener.accept(listener)
      expect(server.tls!.protocol).toBe("TLSv1.2")
      yield* Effect.promise(() => old.destroy() && Promise.resolve())

      const strict = yield* listen(showing(made.good, { minimumVersion: "TLSv1.3" }))
      const refused = NodeTls.connect({ port: strict.port, ca: authority.certificate, maxVersion: "TLSv1.2" })
      refused.on("error", () => {})
      expect((yield* strict.failed).reason._tag).toBe("NoSharedProtocol")
    })))

  it.live("tells the client, too, that there is no version in common", () =>
    onNetwork(Effect.gen(function*() {
      const server = NodeTls.createServer({ cert: made.good.chain, key: made.good.key, maxVersion: "TLSv1.2" })
      yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { port } = server.address() as Net.AddressInfo
      const error = yield* Effect.flip(connect(port, { ...trusting, minimumVersion: "TLSv1.3" }))
      expect(error.reason._tag).toBe("NoSharedProtocol")
      server.close()
    })))

  it.live("may be unverified, if that is asked for, and says why", () =>
    onNetwork(Effect.gen(function*() {
      const { client } = yield* pair(showing(made.selfSigned), { dangerouslySkipVerification: true })
      expect(client.tls!.verified).toBe(false)
      expect(client.tls!.unverified?._tag).toBe("SelfSignedCertificate")
      const other = yield* pair(showing(made.elsewhere), { ...trusting, dangerouslySkipVerification: true })
      expect(other.client.tls!.unverified?._tag).toBe("HostNameMismatch")
    })))
})

describe("a client verifies", () => {
  const cases: ReadonlyArray<
    readonly [string, Tls.ServerOptions, Tls.ClientOptions, NetworkError.Reason["_tag"], string]
  > = [
    ["that it has not expired", showing(made.expired), trusting, "CertificateExpired", "expired on"],
    ["that it is valid by now", showing(made.early), trusting, "CertificateNotYetValid", "is not valid before"],
    [
      "the name",
      showing(made.elsewhere),
      trusting,
      "HostNameMismatch",
      "the certificate is valid for elsewhere.example, 192.0.2.1, and not for localhost"
    ],
    [
      "the name it was told",
      showing(made.good),
      { ...trusting, serverName: "a.example" },
      "HostNameMismatch",
      "a.example"
    ],
    ["the authority", showing(made.strange), trusting, "UnknownIssuer", "was issued by CN=Stranger CA"],
    [
      "the whole chain",
      showing({ ...made.chained, chain: made.chained.chain.slice(0, made.chained.chain.indexOf("-----END") + 25) }),
      trusting,
      "UnknownIssuer",
      "was issued by CN=Between"
    ],
    [
      "that it is not its own authority",
      showing(made.selfSigned),
      trusting,
      "SelfSignedCertificate",
      "self-signed and not trusted"
    ],
    [
      "that it was not revoked",
      showing(made.good),
      { ...trusting, revocationLists: made.lists[1] },
      "CertificateRevoked",
      "was revoked"
    ],
    [
      "that it is pinned",
      showing(made.good),
      { ...trusting, fingerprints: [new X509Certificate(made.rsa.chain).fingerprint256] },
      "PinMismatch",
      "is not pinned"
    ],
    [
      "by the authorities of the platform if it has none of its own",
      showing(made.good),
      {},
      "UnknownIssuer",
      "was issued by CN=Test CA"
    ]
  ]
  for (const [what, server, client, tag, said] of cases) {
    it.live(`${what}: ${tag}`, () =>
      onNetwork(Effect.gen(function*() {
        const error = yield* refusal(server, client)
        expect(error.reason._tag).toBe(tag)
        expect(error.operation).toBe("secure")
        expect(error.message).toContain(said)
        expect(error.message).toMatch(/^cannot set up TLS with tls:\/\/localhost:\d+: /)
        expect(error.message).not.toContain("\n")
      })))
  }

  it.live("with the certificates of single peers, or of authorities in between, as with those of roots", () =>
    onNetwork(Effect.gen(function*() {
      const expired = { authorities: made.expired.chain }
      expect((yield* refusal(showing(made.expired), expired)).reason._tag).toBe("CertificateExpired")
      const elsewhere = { authorities: made.elsewhere.chain }
      expect((yield* refusal(showing(made.elsewhere), elsewhere)).reason._tag).toBe("HostNameMismatch")
      expect((yield* refusal(showing(made.rsa), { authorities: made.good.chain })).reason._tag).toBe("UnknownIssuer")

      const required = { clientCertificates: "required", authorities: made.client.chain } as const
      for (const authorities of [made.good.chain, [made.rsa.chain, made.good.chain]]) {
        const { client, server } = yield* pair(showing(made.good, required), { authorities, certificate: made.client })
        expect(client.tls!.verified).toBe(true)
        expect(server.tls!.verified).toBe(true)
      }
      const { client } = yield* pair(showing(made.chained), { authorities: made.between.certificate })
      expect(client.tls!.verified).toBe(true)
    })))

  it.live("names with a dot at the end as those without", () =>
    onNetwork(Effect.gen(function*() {
      const { client, server } = yield* pair(showing(made.good), { ...trusting, serverName: "localhost." })
      expect(client.tls!.verified).toBe(true)
      expect(server.tls!.serverName).toBe("localhost")
      const error = yield* refusal(showing(made.good), { ...trusting, serverName: ".example" })
      expect(error.reason._tag).toBe("InvalidOption")
    })))

  it.live("and accepts what is in order: pins with and without colons, lists without it, IP addresses", () =>
    onNetwork(Effect.gen(function*() {
      const fingerprint = new X509Certificate(made.good.chain).fingerprint256
      for (
        const client of [
          { fingerprints: [fingerprint] },
          { fingerprints: ["00".repeat(32), fingerprint.replaceAll(":", "").toLowerCase()] },
          { revocationLists: made.lists[0] },
          { serverName: "127.0.0.1" }
        ]
      ) {
        const { client: { tls } } = yield* pair(showing(made.good), { ...trusting, ...client })
        expect(tls!.verified).toBe(true)
      }
      const { listener, port } = yield* listen(showing(made.good))
      yield* Network.connect(`tls://127.0.0.1:${port}`, { tls: trusting, closeTimeout: 0 })
      expect((yield* Listener.accept(listener)).tls!.serverName).toBe(undefined)
    })))
})

describe("a server", () => {
  it.live("shows the certificate for the name that is asked for, exact before wildcard, or the first", () =>
    onNetwork(Effect.gen(function*() {
      const issue = (...names: ReadonlyArray<string>) => authority.issue({ names })
      const certificates = [
        yield* issue("first.example"),
        yield* issue("*.wild.example"),
        yield* issue("a.wild.example", "second.example")
      ] as const
      const { port } = yield* listen({ certificates: [...certificates] })
      const subjectFor = (serverName: string) =>
        Effect.map(
          connect(port, { serverName, dangerouslySkipVerification: true }),
          ({ tls }) => tls!.peerCertificate!.alternativeNames[0]
        )
      expect(yield* subjectFor("first.example")).toBe("DNS:first.example")
      expect(yield* subjectFor("A.wild.example")).toBe("DNS:a.wild.example")
      expect(yield* subjectFor("b.wild.example")).toBe("DNS:*.wild.example")
      expect(yield* subjectFor("b.b.wild.example")).toBe("DNS:first.example")
      expect(yield* subjectFor("unknown.example")).toBe("DNS:first.example")
      const verified = yield* connect(port, { ...trusting, serverName: "b.wild.example" })
      expect(verified.tls!.verified).toBe(true)
    })))

  it.live("rejects clients that speak none of its protocols, and both know why", () =>
    onNetwork(Effect.gen(function*() {
      const { failed, port } = yield* listen(showing(made.good, { applicationProtocols: ["h2"] }))
      const error = yield* Effect.flip(connect(port, { ...trusting, applicationProtocols: ["smtp"] }))
      expect(error.reason).toMatchObject({ _tag: "NoSharedApplicationProtocol", supported: ["smtp"] })
      expect((yield* failed).reason).toMatchObject({ _tag: "NoSharedApplicationProtocol", supported: ["h2"] })
      // Clients that do not ask are welcome.
      expect((yield* connect(port, trusting)).tls!.applicationProtocol).toBe(undefined)
    })))

  const asking = (clientCertificates: "wanted" | "required", options: Partial<Tls.ServerOptions> = {}) =>
    showing(made.good, { clientCertificates, authorities: authority.certificate, ...options })

  it.live("requires certificates of its clients: none, and both know why", () =>
    onNetwork(Effect.gen(function*() {
      const { failed, port } = yield* listen(asking("required"))
      const late = yield* connect(port, trusting)
      // By then a client of TLS 1.3 has done its part, and hears of it when it reads.
      const error = yield* Effect.flip(Connection.read(late))
      expect(error.reason).toMatchObject({ _tag: "PeerAlert", alert: "certificate_required" })
      expect(error.message).toContain("certificate_required; set `certificate`")
      expect((yield* failed).reason._tag).toBe("NoCertificate")
    })))

  it.live("requires certificates that are good", () =>
    onNetwork(Effect.gen(function*() {
      const cases = [
        [made.strange, {}, "UnknownIssuer"],
        [made.expired, {}, "CertificateExpired"],
        [made.good, { revocationLists: made.lists[1] }, "CertificateRevoked"]
      ] as const
      for (const [certificate, options, tag] of cases) {
        const { failed, port } = yield* listen(asking("required", options))
        const client = yield* connect(port, { ...trusting, certificate })
        expect((yield* failed).reason._tag).toBe(tag)
        // Node cannot send an alert by then: it closes.
        const error = yield* Effect.flip(Connection.read(client))
        expect(["Truncated", "ConnectionReset"]).toContain(error.reason._tag)
      }
    })))

  it.live("wants certificates, and says of each whether it is good", () =>
    onNetwork(Effect.gen(function*() {
      const { listener, port } = yield* listen(asking("wanted"))
      const seen = Effect.fnUntraced(function*(certificate?: Tls.Certificate) {
        const { server } = yield* pairOn(listener, port, { ...trusting, certificate })
        return server.tls!
      })
      expect(yield* seen()).toMatchObject({ peerCertificate: undefined, verified: false, unverified: undefined })
      expect(yield* seen(made.client)).toMatchObject({ verified: true, unverified: undefined })
      expect(yield* seen(made.strange)).toMatchObject({ verified: false, unverified: { _tag: "UnknownIssuer" } })
    })))
})

describe("sessions", () => {
  it.live("are resumed by clients that use the same options, client certificates included", () =>
    onNetwork(Effect.gen(function*() {
      const { listener, port } = yield* listen(
        showing(made.good, { authorities: authority.certificate, clientCertificates: "required" })
      )
      const client = { ...trusting, certificate: made.client }
      const first = yield* pairOn(listener, port, client)
      expect(first.client.tls!.resumed).toBe(false)
      const second = yield* pairOn(listener, port, client)
      expect(second.client.tls!.resumed).toBe(true)
      expect(second.server.tls!.resumed).toBe(true)
      expect(second.client.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "localhost" }])
      expect(second.client.tls!.verified).toBe(true)
      expect(second.server.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "a client" }])
      // Other options, other sessions: these may trust others.
      const other = yield* pairOn(listener, port, { ...client })
      expect(other.client.tls!.resumed).toBe(false)
      // Another name is another server.
      const elsewhere = Network.connect(Endpoint.tls("127.0.0.1", port), { tls: client, closeTimeout: 0 })
      expect((yield* elsewhere).tls!.resumed).toBe(false)
    })))

  it.live("do not outlive the certificate of the client", () =>
    onNetwork(Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      const certificate = yield* authority.issue({ commonName: "a client", notAfter: ago(-1) })
      for (const clientCertificates of ["wanted", "required"] as const) {
        const { failed, listener, port } = yield* listen(
          showing(made.good, { authorities: authority.certificate, clientCertificates })
        )
        const client = { ...trusting, certificate }
        yield* pairOn(listener, port, client)
        vi.useFakeTimers({ toFake: ["Date"], now: ago(-2) })
        if (clientCertificates === "wanted") {
          const { server: { tls } } = yield* pairOn(listener, port, client)
          expect(tls).toMatchObject({ resumed: true, verified: false, unverified: { _tag: "CertificateExpired" } })
        } else {
          yield* Effect.exit(connect(port, client))
          expect((yield* failed).reason._tag).toBe("CertificateExpired")
        }
        vi.useRealTimers()
      }
    })))

  it.live("are not kept, or not given, by those that do not want it", () =>
    onNetwork(Effect.gen(function*() {
      for (
        const [server, client] of [
          [showing(made.good), { ...trusting, sessions: 0 }],
          [showing(made.good, { resumption: false }), { ...trusting }]
        ] as const
      ) {
        const { listener, port } = yield* listen(server)
        yield* pairOn(listener, port, client)
        const second = yield* pairOn(listener, port, client)
        expect(second.client.tls!.resumed).toBe(false)
      }
    })))

  it.live("are kept for the servers used last, and no more of them than asked for", () =>
    onNetwork(Effect.gen(function*() {
      const client = { ...trusting, sessions: 2 }
      const servers = yield* Effect.forEach([1, 2, 3], () => listen(showing(made.good)))
      for (const { listener, port } of servers) yield* pairOn(listener, port, client)
      const resumed: Array<boolean> = []
      for (const { listener, port } of servers.toReversed()) {
        resumed.push((yield* pairOn(listener, port, client)).client.tls!.resumed)
      }
      expect(resumed).toEqual([true, true, false])
    })))
})

describe("options that cannot be used fail at once", () => {
  const encrypted = createPrivateKey(made.good.key).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret"
  }) as string

  const bad: ReadonlyArray<readonly [string, Tls.ServerOptions, NetworkError.Reason["_tag"], string]> = [
    [
      "a key of another certificate",
      showing({ ...made.good, key: made.rsa.key }),
      "KeyMismatch",
      "tls.certificates[0]"
    ],
    ["no PEM", showing({ ...made.good, chain: "certificate" }), "UnusableCertificate", "tls.certificates[0].chain"],
    [
      "PEM of something else",
      showing({ ...made.good, chain: made.good.key }),
      "UnusableCertificate",
      "tls.certificates[0].chain"
    ],
    ["a broken key", showing({ ...made.good, key: made.good.chain }), "UnusableCertificate", "tls.certificates[0].key"],
    ["a key without its passphrase", showing({ ...made.good, key: encrypted }), "UnusableCertificate", "key"],
    [
      "a broken authority",
      showing(made.good, { authorities: made.good.key }),
      "UnusableCertificate",
      "tls.authorities"
    ],
    [
      "nobody to verify clients with",
      showing(made.good, { clientCertificates: "required" }),
      "InvalidOption",
      "tls.authorities"
    ],
    [
      "an old version",
      showing(made.good, { minimumVersion: "TLSv1.1" as never }),
      "InvalidOption",
      "tls.minimumVersion"
    ],
    [
      "an empty protocol",
      showing(made.good, { applicationProtocols: [""] }),
      "InvalidOption",
      "tls.applicationProtocols"
    ],
    ["no certificate", { certificates: [] as never }, "InvalidOption", "tls.certificates"]
  ]
  for (const [what, options, tag, said] of bad) {
    it.live(`${what}: ${tag}`, () =>
      onNetwork(Effect.gen(function*() {
        const error = yield* Effect.flip(Network.listen("tls://127.0.0.1:0", { tls: options }))
        expect(error.reason._tag).toBe(tag)
        expect(error.message).toContain(said)
        expect(error.message).not.toContain("PRIVATE KEY")
      })))
  }

  it.live("a client's: pins, names, certificates, and TLS where there is none", () =>
    onNetwork(Effect.gen(function*() {
      const tagOf = (endpoint: string, tls: Tls.ClientOptions) =>
        Effect.map(Effect.flip(Network.connect(endpoint, { tls })), ({ reason }) => reason._tag)
      expect(yield* tagOf("tls://127.0.0.1:9", { fingerprints: ["AB:CD"] })).toBe("InvalidOption")
      const pinned = { fingerprints: ["00".repeat(32)], dangerouslySkipVerification: true }
      expect(yield* tagOf("tls://127.0.0.1:9", pinned)).toBe("InvalidOption")
      expect(yield* tagOf("tls://127.0.0.1:9", { serverName: "a b" })).toBe("InvalidOption")
      expect(yield* tagOf("tls://127.0.0.1:9", { certificate: { ...made.good, key: made.rsa.key } })).toBe(
        "KeyMismatch"
      )
      expect(yield* tagOf("tcp://127.0.0.1:9", {})).toBe("InvalidOption")
      const missing = yield* Effect.flip(Network.listen("tls://127.0.0.1:0"))
      expect(missing.message).toContain("the certificates to show")
    })))

  it.live("and an encrypted key is fine with its passphrase", () =>
    onNetwork(Effect.gen(function*() {
      const key = Redacted.make(encrypted)
      const certificate = { chain: made.good.chain, key, passphrase: Redacted.make("secret") }
      const { client } = yield* pair(showing(certificate), trusting)
      expect(client.tls!.verified).toBe(true)
    })))
})

describe("the end of a stream over TLS", () => {
  it.live("without close_notify is Truncated, whatever came before it", () =>
    onNetwork(Effect.gen(function*() {
      for (const before of ["", "half"]) {
        const { listener, port } = yield* listen(showing(made.good))
        const raw = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true })
        const socket = NodeTls.connect({ socket: raw, ca: authority.certificate, host: "localhost" })
        socket.on("error", () => {})
        const server = yield* Listener.accept(listener)
        if (before !== "") {
          socket.write(before)
          yield* Connection.readExactly(server, before.length)
        }
        // The FIN of TCP, without that of TLS.
        raw.end()
        const error = yield* Effect.flip(Connection.read(server))
        expect(error.reason._tag).toBe("Truncated")
        expect((yield* Connection.closed(server))._tag).toBe("Failed")
      }
    })))

  it.live("with close_notify is an end, also right behind the handshake", () =>
    onNetwork(Effect.gen(function*() {
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        const { listener, port } = yield* listen(showing(made.good))
        const socket = NodeTls.connect({ port, host: "localhost", ca: authority.certificate, maxVersion })
        socket.on("error", () => {})
        socket.once("secureConnect", () => socket.end())
        const server = yield* Listener.accept(listener)
        expect((yield* Connection.read(server))._tag).toBe("None")
        yield* Connection.end(server)
        expect((yield* Connection.closed(server))._tag).toBe("Ended")
      }
    })))

  it.live("comes behind all that arrived with the handshake, however slowly that is read", () =>
    onNetwork(Effect.gen(function*() {
      const { listener, port } = yield* listen(showing(made.good))
      const sent = Buffer.alloc(300_000, "0123456789")
      const socket = NodeTls.connect({ port, host: "localhost", ca: authority.certificate })
      socket.on("error", () => {})
      socket.end(sent)
      const server = yield* Listener.accept(listener)
      const received: Array<Uint8Array> = []
      while (true) {
        const chunk = yield* Connection.read(server)
        if (chunk._tag === "None") break
        received.push(chunk.value)
        // What comes meanwhile is not read by anyone.
        yield* Effect.promise(() => new Promise(setImmediate))
      }
      expect(Buffer.compare(Buffer.concat(received), sent)).toBe(0)
    })))

  it.live("comes behind all that arrived with it, also in a pipe whose writes wait", () =>
    onNetwork(Effect.gen(function*() {
      const { listener, port } = yield* listen(showing(made.good))
      const onward = yield* Network.listen("tcp://127.0.0.1:0")
      const to = yield* Network.connect(Endpoint.fromAddress(onward.address))
      const far = yield* Listener.accept(onward)
      const before = 16_000_000
      const filling = yield* Effect.forkChild(Connection.write(to, new Uint8Array(before)))
      yield* Effect.yieldNow
      const socket = NodeTls.connect({ port, host: "localhost", ca: authority.certificate })
      socket.on("error", () => {})
      const sent = 40_000
      socket.end(Buffer.alloc(sent))
      const from = yield* Listener.accept(listener)
      const piping = yield* Effect.forkChild(
        Effect.andThen(Connection.pipeTo(from, to), Connection.end(to)),
        { startImmediately: true }
      )
      yield* Effect.sleep("50 millis")
      const received = yield* Connection.readAll(far, { limit: 2 * before })
      expect(received.length).toBe(before + sent)
      yield* Fiber.join(filling)
      yield* Fiber.join(piping)
    })))

  it.live("is told by close_notify to the peer, whichever side ended first", () =>
    onNetwork(Effect.gen(function*() {
      for (const first of ["client", "server"] as const) {
        const ends = yield* pair(showing(made.good), trusting)
        const near = ends[first]
        const far = ends[first === "client" ? "server" : "client"]
        yield* Connection.end(near)
        expect((yield* Connection.read(far))._tag).toBe("None")
        yield* Connection.writeText(far, "an answer")
        yield* Connection.end(far)
        expect(new TextDecoder().decode(yield* Connection.readAll(near))).toBe("an answer")
        expect((yield* Connection.closed(near))._tag).toBe("Ended")
      }
    })))
})

describe("input that comes with the last flight of a handshake", () => {
  it.live("is answered at once, together with the session tickets", () =>
    onNetwork(Effect.gen(function*() {
      const { listener, port } = yield* listen(showing(made.good))
      yield* Effect.forkChild(
        Effect.flatMap(Listener.accept(listener), (connection) => Connection.pipeTo(connection, connection)),
        { startImmediately: true }
      )
      // The turn of the event loop that a stream without input waits for does not come.
      const waiting: Array<() => void> = []
      const immediate = vi.spyOn(globalThis, "setImmediate").mockImplementation(
        ((run: () => void) => void waiting.push(run)) as never
      )
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          immediate.mockRestore()
          for (const run of waiting) run()
        })
      )
      const answer = yield* Effect.callback<string>((resume) => {
        const socket = NodeTls.connect({ port, host: "127.0.0.1", servername: "localhost", ca: authority.certificate })
        socket.write("hello")
        socket.once("data", (chunk) => {
          socket.destroy()
          resume(Effect.succeed(chunk.toString()))
        })
        return Effect.sync(() => socket.destroy())
      }).pipe(Effect.timeout("1 minute"))
      expect(answer).toBe("hello")
    })))
})
