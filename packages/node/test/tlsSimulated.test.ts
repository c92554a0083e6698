import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import type * as Network from "@sluice/core/Network"
import type * as Tls from "@sluice/core/Tls"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { connect, listen } from "./fixtures/handshake.ts"

// The same certificates twice: for the sockets of Node, and for simulated ones.

interface Options {
  readonly names?: ReadonlyArray<string>
  readonly commonName?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
}

interface Issued {
  readonly chain: string
  readonly key: string
}

interface Maker {
  readonly authority: (name: string) => Effect.Effect<{
    readonly certificate: string
    readonly issue: (options?: Options) => Effect.Effect<Issued>
    readonly intermediate: (name: string) => Effect.Effect<{
      readonly issue: (options?: Options) => Effect.Effect<Issued>
    }>
    readonly revoke: (...certificates: ReadonlyArray<never>) => Effect.Effect<string>
  }>
  readonly selfSigned: (options?: Options) => Effect.Effect<Issued>
}

const simulated: Maker = {
  authority: (name) =>
    Effect.sync(() => {
      const made = SimCertificate.authority(name)
      return {
        certificate: made.certificate,
        issue: (options) => Effect.sync(() => made.issue(options)),
        intermediate: (name) =>
          Effect.sync(() => {
            const below = made.intermediate(name)
            return { issue: (options) => Effect.sync(() => below.issue(options)) }
          }),
        revoke: (...certificates) => Effect.sync(() => made.revoke(...certificates))
      }
    }),
  selfSigned: (options) => Effect.sync(() => SimCertificate.selfSigned(options))
}

const day = 24 * 3_600_000
const inDays = (days: number) => new Date(Date.now() + days * day)

const make = (maker: Maker) =>
  Effect.gen(function*() {
    const authority = yield* maker.authority("Test CA")
    const stranger = yield* maker.authority("Stranger CA")
    const between = yield* authority.intermediate("Between")
    const names = ["localhost", "127.0.0.1"]
    const good = yield* authority.issue({ names })
    return {
      trusting: { authorities: authority.certificate },
      good,
      chained: yield* between.issue({ names }),
      expired: yield* authority.issue({ names, notBefore: inDays(-3), notAfter: inDays(-2) }),
      early: yield* authority.issue({ names, notBefore: inDays(2), notAfter: inDays(3) }),
      elsewhere: yield* authority.issue({ names: ["elsewhere.example", "192.0.2.1"] }),
      wild: yield* authority.issue({ names: ["*.localhost"] }),
      strange: yield* stranger.issue({ names }),
      selfSigned: yield* maker.selfSigned({ names }),
      client: yield* authority.issue({ commonName: "a client" }),
      revoked: yield* authority.revoke(good as never),
      unrelated: yield* stranger.revoke()
    }
  })

type Made = Effect.Success<ReturnType<typeof make>>

const networks = {
  node: { made: await Effect.runPromise(make(Certificates)), layer: NodeNetwork.layer },
  simulated: { made: await Effect.runPromise(make(simulated)), layer: SimNetwork.layerNetwork() }
}

interface Scenario {
  readonly server: (made: Made) => Partial<Tls.ServerOptions>
  readonly client: (made: Made) => Partial<Tls.ClientOptions>
}

const asking = (clientCertificates: "wanted" | "required") => ({ trusting }: Made) => ({
  clientCertificates,
  ...trusting
})
const showing = (name: keyof Made) => (made: Made): Partial<Tls.ServerOptions> => ({
  certificates: [made[name] as Tls.Certificate]
})
const nothing = () => ({})

const scenarios: Record<string, Scenario> = {
  "a good certificate": { server: nothing, client: nothing },
  "one from an authority in between": { server: showing("chained"), client: nothing },
  "an expired one": { server: showing("expired"), client: nothing },
  "one of the future": { server: showing("early"), client: nothing },
  "one for another name": { server: showing("elsewhere"), client: nothing },
  "a wildcard for hosts of a single label": {
    server: showing("wild"),
    client: () => ({ serverName: "a.localhost" })
  },
  "another name than the host's": { server: nothing, client: () => ({ serverName: "other.example" }) },
  "an IP address": { server: nothing, client: () => ({ serverName: "127.0.0.1" }) },
  "another IP address": { server: nothing, client: () => ({ serverName: "127.0.0.2" }) },
  "a stranger's": { server: showing("strange"), client: nothing },
  "its own": { server: showing("selfSigned"), client: nothing },
  "its own, trusted": {
    server: showing("selfSigned"),
    client: ({ selfSigned }) => ({ authorities: selfSigned.chain })
  },
  "a revoked one": { server: nothing, client: ({ revoked }) => ({ revocationLists: revoked }) },
  "an authority without a list": { server: nothing, client: ({ unrelated }) => ({ revocationLists: unrelated }) },
  "a certificate that is not pinned": { server: nothing, client: () => ({ fingerprints: ["00".repeat(32)] }) },
  "an unverified one": { server: showing("expired"), client: () => ({ dangerouslySkipVerification: true }) },
  "an application protocol in common": {
    server: () => ({ applicationProtocols: ["a", "b"] }),
    client: () => ({ applicationProtocols: ["b", "a"] })
  },
  "no application protocol in common": {
    server: () => ({ applicationProtocols: ["a"] }),
    client: () => ({ applicationProtocols: ["b"] })
  },
  "protocols of one side only": { server: nothing, client: () => ({ applicationProtocols: ["b"] }) },
  "a client's certificate": { server: asking("required"), client: ({ client }) => ({ certificate: client }) },
  "no client's certificate": { server: asking("required"), client: nothing },
  "a stranger as a client": { server: asking("required"), client: ({ strange }) => ({ certificate: strange }) },
  "an expired client": { server: asking("required"), client: ({ expired }) => ({ certificate: expired }) },
  "no client's certificate where one is wanted": { server: asking("wanted"), client: nothing },
  "a stranger as a client where one is wanted": {
    server: asking("wanted"),
    client: ({ strange }) => ({ certificate: strange })
  }
}

const own: ReadonlySet<string> = new Set(["actual", "message", "notAfter", "notBefore", "why"])

/** What one side gets to know, without what differs from run to run. */
const facts = <R>(outcome: Effect.Effect<Connection.Connection, { readonly reason: object }, R>) =>
  Effect.match(outcome, {
    onSuccess: ({ tls }) => {
      const { applicationProtocol, peerCertificate, protocol, resumed, serverName, unverified, verified } = tls!
      const { alternativeNames, issuer, subject } = peerCertificate ?? {}
      return {
        applicationProtocol,
        protocol,
        resumed,
        serverName,
        verified,
        unverified: unverified?._tag,
        alternativeNames,
        issuer,
        subject
      }
    },
    onFailure: ({ reason }) => Object.fromEntries(Object.entries(reason).filter(([name]) => !own.has(name)))
  })

const perform = ({ client, server }: Scenario, { layer, made }: {
  readonly made: Made
  readonly layer: Layer.Layer<Network.Network, unknown>
}) =>
  Effect.gen(function*() {
    const { failed, listener, port } = yield* listen(
      { certificates: [made.good], ...server(made) } as Tls.ServerOptions
    )
    const accepting = Effect.raceFirst(Listener.accept(listener), Effect.flatMap(failed, Effect.fail))
    const serving = yield* Effect.forkScoped(facts(Effect.tap(accepting, (c) => Connection.writeText(c, "x"))))
    // Of a server's refusal a client of TLS 1.3 hears when it reads.
    const connecting = Effect.tap(
      connect(port, { ...made.trusting, ...client(made) } as Tls.ClientOptions),
      (connection) => Connection.readExactly(connection, 1)
    )
    const near = yield* facts(connecting)
    return { client: near, server: yield* Fiber.join(serving) }
  }).pipe(Effect.scoped, Effect.provide(layer))

const tagOf = (side: object): unknown => (side as { readonly _tag?: unknown })._tag

describe("TLS over Node and simulated TLS agree on", () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const real = yield* perform(scenario, networks.node)
        const simulation = yield* perform(scenario, networks.simulated)
        // A refused client hears it from a simulated peer, and from one on Node only what OpenSSL says by itself.
        for (const [side, other] of [["client", "server"], ["server", "client"]] as const) {
          if (tagOf(simulation[side]) === "PeerAlert" && tagOf(real[side]) !== "PeerAlert") {
            expect(tagOf(real[other])).toBeDefined()
            expect(["HandshakeCut", "Truncated", "ConnectionReset", undefined]).toContain(tagOf(real[side]))
          } else {
            expect(simulation[side]).toEqual(real[side])
          }
        }
      }))
  }
})
