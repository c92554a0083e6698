/** Effect's upgrade to TLS on Sluice's Sockets, on any network. */
import { expect } from "@effect/vitest"
import * as Endpoint from "@sluice/core/Endpoint"
import type * as Network from "@sluice/core/Network"
import * as SocketBridge from "@sluice/core/SocketBridge"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import type * as Tls from "@sluice/core/Tls"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { Identities, Identity } from "./identities.ts"

export interface Subject extends Identities {
  /** Where to listen: for each call an endpoint that nobody uses. */
  readonly listen: () => string
}

type Check = Effect.Effect<void, unknown, Network.Network | Scope.Scope>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** One end of a connection in the clear, with what is done on it after both have agreed to upgrade. */
interface Side {
  readonly pull: Effect.Effect<string, Socket.SocketError>
  readonly write: (text: string) => Effect.Effect<void, Socket.SocketError>
  readonly upgrade: Socket.Reader["upgrade"]
  /** What was negotiated. */
  readonly tls: () => Tls.Session | undefined
}

const opened = Effect.fnUntraced(function*(socket: Socket.Socket): Effect.fn.Return<Side, never, Scope.Scope> {
  const { pull, upgrade } = yield* Effect.orDie(socket.reader)
  const { write } = yield* socket.writer
  const connection = Option.getOrThrow(SocketBridge.connection(socket))
  return {
    pull: Effect.map(pull, (frames) => frames.map((frame) => decoder.decode(frame as Uint8Array)).join("")),
    write,
    upgrade,
    tls: () => connection.tls
  }
})

/** Both ends of a connection: one of a Socket, and one that a SocketServer has accepted. */
const pair = Effect.fnUntraced(function*({ listen }: Subject) {
  const accepted = yield* Deferred.make<Side>()
  const server = yield* SocketServerBridge.make({ listen: listen(), drain: 0, closeTimeout: 0 })
  const handler = (socket: Socket.Socket) =>
    Effect.scoped(
      Effect.andThen(Effect.flatMap(opened(socket), (side) => Deferred.succeed(accepted, side)), Effect.never)
    )
  yield* Effect.forkScoped(server.run(handler), { startImmediately: true })
  const socket = yield* SocketBridge.make(Endpoint.fromAddress(server.address), { closeTimeout: 0 })
  const near = yield* opened(socket)
  return { near, far: yield* Deferred.await(accepted) }
})

const identity = ({ chain, key }: Identity): Socket.TlsUpgradeOptions => ({ cert: chain, key: Redacted.make(key) })

/** Upgrades both, at once, and gives how each side ended. */
const upgradeBoth = (
  { far, near }: Effect.Success<ReturnType<typeof pair>>,
  options: { readonly near: Socket.TlsUpgradeOptions; readonly far: Socket.TlsUpgradeOptions }
) =>
  Effect.all([Effect.result(near.upgrade(options.near)), Effect.result(far.upgrade(options.far))], { concurrency: 2 })

/** The reason of the `NetworkError` that an upgrade failed with. */
const causeOf = (error: Socket.SocketError) => {
  expect(error.reason).toMatchObject({ _tag: "SocketUpgradeError", cause: { _tag: "NetworkError" } })
  return (error.reason as unknown as { readonly cause: { readonly reason: object } }).cause.reason
}

export const checks = (subject: Subject): Record<string, Check> => {
  const showing = identity(subject.server)
  const trusting: Socket.TlsUpgradeOptions = { ca: subject.authority, servername: "localhost" }

  /** Sends a word each way. */
  const exchange = Effect.fnUntraced(function*(near: Side, far: Side) {
    yield* near.write("question")
    expect(yield* far.pull).toBe("question")
    yield* far.write("answer")
    expect(yield* near.pull).toBe("answer")
  })

  return {
    "an upgrade makes the side that connected the client, and continues protected": Effect.gen(function*() {
      const both = yield* pair(subject)
      yield* exchange(both.near, both.far)
      const results = yield* upgradeBoth(both, {
        near: { ...trusting, alpnProtocols: ["one", "two"] },
        far: { ...showing, alpnProtocols: ["two"], servername: "ignored" }
      })
      expect(results).toMatchObject([{ _tag: "Success" }, { _tag: "Success" }])
      const tls = { applicationProtocol: "two", serverName: "localhost" }
      expect(both.near.tls()).toMatchObject({
        ...tls,
        verified: true,
        peerCertificate: { subject: [{ type: "CN", value: "localhost" }] }
      })
      expect(both.far.tls()).toMatchObject({ ...tls, verified: false, peerCertificate: undefined })
      yield* exchange(both.near, both.far)
      expect(causeOf(yield* Effect.flip(both.near.upgrade(trusting)))).toMatchObject({ _tag: "Busy" })
      yield* exchange(both.near, both.far)
    }),

    "options may be bytes, and lists": Effect.gen(function*() {
      const both = yield* pair(subject)
      const far: Socket.TlsUpgradeOptions = {
        cert: [encoder.encode(subject.client.chain), subject.server.chain],
        key: [Redacted.make(encoder.encode(subject.client.key)), Redacted.make(subject.server.key)]
      }
      const near = { ...trusting, ca: [encoder.encode(subject.authority)] }
      expect(yield* upgradeBoth(both, { near, far })).toMatchObject([{ _tag: "Success" }, { _tag: "Success" }])
      // By its name, of the two.
      expect(both.near.tls()).toMatchObject({ peerCertificate: { subject: [{ type: "CN", value: "localhost" }] } })
    }),

    "a server may ask for a certificate, and require one": Effect.gen(function*() {
      const asking = { ...showing, ca: subject.authority, requestCert: true }
      const shown = yield* pair(subject)
      yield* upgradeBoth(shown, { near: { ...trusting, ...identity(subject.client) }, far: asking })
      expect(shown.far.tls()).toMatchObject({
        verified: true,
        peerCertificate: { subject: [{ type: "CN", value: "a client" }] }
      })

      const missing = yield* pair(subject)
      const [, refused] = yield* upgradeBoth(missing, { near: trusting, far: asking })
      expect(causeOf(yield* Effect.flip(Effect.fromResult(refused)))).toMatchObject({ _tag: "NoCertificate" })

      const wanted = yield* pair(subject)
      yield* upgradeBoth(wanted, { near: trusting, far: { ...asking, rejectUnauthorized: false } })
      expect(wanted.far.tls()).toMatchObject({ verified: false, peerCertificate: undefined })
      yield* exchange(wanted.near, wanted.far)
    }),

    "a client verifies, unless it is told not to": Effect.gen(function*() {
      const refused = yield* pair(subject)
      const [result] = yield* upgradeBoth(refused, { near: { servername: "localhost" }, far: showing })
      expect(causeOf(yield* Effect.flip(Effect.fromResult(result)))).toMatchObject({ _tag: "UnknownIssuer" })
      expect((yield* Effect.flip(refused.near.pull)).reason._tag).toBe("SocketReadError")

      const elsewhere = yield* pair(subject)
      const [mismatch] = yield* upgradeBoth(elsewhere, { near: { ...trusting, servername: "elsewhere" }, far: showing })
      expect(causeOf(yield* Effect.flip(Effect.fromResult(mismatch)))).toMatchObject({ _tag: "HostNameMismatch" })

      const trusted = yield* pair(subject)
      const near = { servername: "localhost", rejectUnauthorized: false }
      expect(yield* upgradeBoth(trusted, { near, far: showing })).toMatchObject([
        { _tag: "Success" },
        { _tag: "Success" }
      ])
      expect(trusted.near.tls()).toMatchObject({ verified: false, unverified: { _tag: "UnknownIssuer" } })
    }),

    "options that cannot be used leave the connection as it was": Effect.gen(function*() {
      const { far, near } = yield* pair(subject)
      const { cert, key } = showing as { readonly cert: string; readonly key: Redacted.Redacted<string> }
      const refusals: ReadonlyArray<readonly [Side, Socket.TlsUpgradeOptions | undefined, object]> = [
        [far, undefined, { _tag: "InvalidOption", option: "cert" }],
        [far, { cert }, { _tag: "InvalidOption", option: "key.length", value: 0 }],
        [far, { ...showing, requestCert: true }, { _tag: "InvalidOption", option: "tls.authorities" }],
        [far, { cert: "no PEM", key }, { _tag: "UnusableCertificate" }],
        [near, { ...trusting, key }, { _tag: "InvalidOption", option: "key.length", value: 1 }],
        [near, { ...trusting, cert: [cert, cert], key: [key, key] }, {
          _tag: "InvalidOption",
          option: "cert.length",
          value: 2
        }],
        [near, { ...trusting, servername: "a b" }, { _tag: "InvalidOption", option: "tls.serverName" }]
      ]
      for (const [side, options, reason] of refusals) {
        expect(causeOf(yield* Effect.flip(side.upgrade(options)))).toMatchObject(reason)
      }
      yield* exchange(near, far)
      expect(yield* upgradeBoth({ near, far }, { near: trusting, far: showing })).toMatchObject([
        { _tag: "Success" },
        { _tag: "Success" }
      ])
    }),

    "a pull that waits keeps an upgrade from beginning": Effect.gen(function*() {
      const { far, near } = yield* pair(subject)
      const pulling = yield* Effect.forkChild(near.pull, { startImmediately: true })
      expect(causeOf(yield* Effect.flip(near.upgrade(trusting)))).toMatchObject({ _tag: "Busy" })
      yield* far.write("in the clear")
      expect(yield* Fiber.join(pulling)).toBe("in the clear")
    })
  }
}
