import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as CertificateName from "@sluice/core/CertificateName"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as NetAddress from "effect/net/NetAddress"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { connect, listen } from "./fixtures/handshake.ts"

const authority = await Effect.runPromise(Certificates.authority("Test CA"))
const issue = (commonName: string) => authority.issue({ commonName, names: ["localhost"] })
const trusting = (): Tls.ClientOptions => ({ authorities: authority.certificate })

/** A folder with the files of a server; `write` puts others in their place. */
const files = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
  )
  const chain = Path.join(folder, "chain.pem")
  const key = Path.join(folder, "key.pem")
  const write = (certificate: { readonly chain: string; readonly key: string }) =>
    Effect.sync(() => {
      Fs.writeFileSync(chain, certificate.chain)
      Fs.writeFileSync(key, certificate.key, { mode: 0o600 })
    })
  return { chain, key, write, server: { certificates: [{ chain, key }] } satisfies Tls.ServerFiles }
})

const subjectNow = (port: number) =>
  Effect.scoped(
    Effect.map(connect(port, trusting()), ({ tls }) => CertificateName.format(tls!.peerCertificate!.subject))
  )

const run = <A, E>(effect: Effect.Effect<A, E, Network.Network | FileSystem.FileSystem | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), Layer.merge(NodeNetwork.layer, NodeFileSystem.layer))

describe("certificates that are reloaded", () => {
  it.live("serve new connections, and leave the open ones alone", () =>
    run(Effect.gen(function*() {
      const { server, write } = yield* files
      yield* write(yield* issue("first"))
      const tls = yield* Tls.reloading(server, Schedule.recurs(0))
      const { listener, port } = yield* listen(tls)
      const open = yield* connect(port, trusting())
      const served = yield* Listener.accept(listener)
      expect(open.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "first" }])
      yield* write(yield* issue("second"))
      expect(yield* subjectNow(port)).toBe("CN=first")
      yield* tls.reload
      expect(yield* subjectNow(port)).toBe("CN=second")
      yield* Connection.writeText(open, "still here")
      expect((yield* Connection.readExactly(served, 10)).length).toBe(10)
    })))

  it.live("are kept when the new ones cannot be used, which is logged and told once", () =>
    run(Effect.gen(function*() {
      const { chain, server, write } = yield* files
      const first = yield* issue("first")
      const second = yield* issue("second")
      yield* write(first)
      const lines: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
      const tls = yield* Tls.reloading(server, Schedule.recurs(0))
      const { port } = yield* listen(tls)
      const reload = Effect.provide(tls.reload, logger)
      const broken = [
        [{ chain: second.chain, key: first.key }, "KeyMismatch"],
        [{ chain: second.chain.slice(0, 200), key: second.key }, "UnusableCertificate"],
        [{ chain: second.chain, key: "" }, "UnusableCertificate"]
      ] as const
      for (const [certificate, tag] of broken) {
        yield* write(certificate)
        yield* reload
        yield* reload
        expect(yield* SubscriptionRef.get(tls.state)).toMatchObject({ _tag: "Kept", error: { reason: { _tag: tag } } })
        expect(yield* subjectNow(port)).toBe("CN=first")
      }
      Fs.rmSync(chain)
      yield* reload
      expect(yield* SubscriptionRef.get(tls.state)).toMatchObject({ _tag: "Kept", error: { address: chain } })
      yield* write(second)
      yield* reload
      expect((yield* SubscriptionRef.get(tls.state))._tag).toBe("Current")
      expect(yield* subjectNow(port)).toBe("CN=second")
      expect(lines).toEqual([
        expect.stringContaining("the key of tls.certificates[0] does not match its certificate"),
        expect.stringContaining("tls.certificates[0].chain"),
        expect.stringContaining("tls.certificates[0].key"),
        expect.stringContaining(chain),
        "the certificates were reloaded"
      ])
      expect(lines[0]).toContain("the certificates from before stay in use")
    })))

  it.live("are kept for connections that are upgraded, too, also if nobody was there to see that the new ones are bad", () =>
    run(Effect.gen(function*() {
      const { server, write } = yield* files
      const first = yield* issue("first")
      const second = yield* issue("second")
      yield* write(first)
      const tls = yield* Tls.reloading(server, Schedule.recurs(0))
      const listener = yield* Network.listen("tcp://127.0.0.1:0")
      const { port } = listener.address as NetAddress.InetAddress
      const subject = Effect.scoped(Effect.gen(function*() {
        const near = yield* Network.connect(`tcp://localhost:${port}`)
        const far = yield* Listener.accept(listener)
        const upgrading = yield* Effect.forkScoped(Connection.upgradeTls(far, { role: "server", tls }))
        const { peerCertificate } = yield* Connection.upgradeTls(near, { role: "client", tls: trusting() })
        yield* Fiber.join(upgrading)
        return CertificateName.format(peerCertificate!.subject)
      }))
      // Once before the first upgrade, and once after it.
      for (const certificate of [first, second]) {
        yield* write({ chain: second.chain, key: first.key })
        yield* tls.reload
        expect(yield* subject).toBe("CN=first")
        expect(yield* SubscriptionRef.get(tls.state)).toMatchObject({
          _tag: "Kept",
          error: { reason: { _tag: "KeyMismatch" } }
        })
        yield* write(certificate)
        yield* tls.reload
        expect((yield* SubscriptionRef.get(tls.state))._tag).toBe("Current")
      }
      expect(yield* subject).toBe("CN=second")
    })))

  it.live("must be good at first", () =>
    run(Effect.gen(function*() {
      const { chain, server, write } = yield* files
      const missing = yield* Effect.flip(Tls.reloading(server, "watch"))
      expect(missing.reason._tag).toBe("UnusableCertificate")
      expect(missing.message).toContain(chain)
      yield* write({ chain: (yield* issue("first")).chain, key: (yield* issue("second")).key })
      const tls = yield* Tls.reloading(server, "watch")
      expect((yield* Effect.flip(listen(tls))).reason._tag).toBe("KeyMismatch")
    })))

  it.effect("are looked at by a schedule, in the time of the Clock", () =>
    run(Effect.gen(function*() {
      const { server, write } = yield* files
      yield* write(yield* issue("first"))
      const tls = yield* Tls.reloading(server, Schedule.spaced("1 hour"))
      const { port } = yield* listen(tls)
      yield* write(yield* issue("second"))
      const changed = yield* Effect.forkScoped(
        Stream.runHead(Stream.filter(SubscriptionRef.changes(tls.state), ({ since }) => since > 0)),
        { startImmediately: true }
      )
      yield* TestClock.adjust("59 minutes")
      expect(changed.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust("1 minute")
      expect((yield* SubscriptionRef.get(tls.state))._tag).toBe("Current")
      yield* Fiber.join(changed)
      const client = yield* connect(port, trusting())
      expect(client.tls!.peerCertificate!.subject).toEqual([{ type: "CN", value: "second" }])
      yield* Connection.abort(client)
    })))

  it.live("are looked at when their files change", () =>
    run(Effect.gen(function*() {
      const { server, write } = yield* files
      yield* write(yield* issue("first"))
      const tls = yield* Tls.reloading(server, "watch")
      const { port } = yield* listen(tls)
      const before = yield* SubscriptionRef.get(tls.state)
      const changed = yield* Effect.forkScoped(
        Stream.runHead(Stream.filter(SubscriptionRef.changes(tls.state), (state) => state.since !== before.since)),
        { startImmediately: true }
      )
      yield* write(yield* issue("second"))
      yield* Fiber.join(changed)
      expect(yield* subjectNow(port)).toBe("CN=second")
    })))
})
