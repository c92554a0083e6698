import { describe, expect, it } from "@effect/vitest"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeTls from "node:tls"
import * as NodeNetwork from "../src/NodeNetwork.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { missing, start } from "./fixtures/programs.ts"

const fixture = (name: string) => Path.join(import.meta.dirname, "fixtures", name)

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const run = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), NodeNetwork.layer)

/** Connects, has three lines answered, and ends; gives what went wrong, if anything did. */
const visit = (dial: () => Net.Socket) =>
  Effect.callback<string | undefined>((resume) => {
    const socket = dial()
    let answered = 0
    let received = ""
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString()
      while (received.includes("\n")) {
        received = received.slice(received.indexOf("\n") + 1)
        if (++answered < 3) socket.write("hello\n")
        else socket.end()
      }
    })
    socket.once("connect", () => socket.write("hello\n"))
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.message)))
    socket.on("close", () => resume(Effect.succeed(answered === 3 ? undefined : `${answered} of 3 answers`)))
    return Effect.sync(() => socket.destroy())
  })

describe.skipIf(missing("python3", "--version") !== undefined)("an inherited socket", () => {
  const kinds = ["tcp", "tls", "unix"] as const
  for (const kind of kinds) {
    it.live(`is restarted on under load, and no client notices: ${kind}`, () =>
      run(Effect.gen(function*() {
        const at = yield* folder
        const authority = yield* Certificates.authority("Test CA")
        const { chain, key } = yield* authority.issue({ names: ["localhost"] })
        Fs.writeFileSync(`${at}/chain.pem`, chain)
        Fs.writeFileSync(`${at}/key.pem`, key, { mode: 0o600 })
        const launcher = yield* start("python3", [
          fixture("launcher.py"),
          kind,
          `${at}/web.sock`,
          process.execPath,
          fixture("inheritedServer.ts"),
          "systemd://web",
          ...(kind === "tls" ? [`${at}/chain.pem`, `${at}/key.pem`] : [])
        ])
        const [, where = ""] = yield* launcher.says(/bound (\S+)/)
        launcher.process.stdin.write("gap\n")
        yield* launcher.says(/started 1\n/)
        const dial = () =>
          kind === "unix"
            ? Net.connect(where)
            : kind === "tcp"
            ? Net.connect(Number(where), "127.0.0.1")
            : NodeTls.connect({
              port: Number(where),
              host: "127.0.0.1",
              ca: authority.certificate,
              servername: "localhost"
            })
        const problems: Array<string> = []
        let visits = 0
        const load = Effect.forever(Effect.map(visit(dial), (problem) => {
          visits++
          if (problem !== undefined) problems.push(problem)
        }))
        const clients = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.forkScoped(load))
        for (const [index, mode] of ["overlap", "gap", "overlap"].entries()) {
          launcher.process.stdin.write(`${mode}\n`)
          yield* launcher.says(new RegExp(`started ${index + 2}\n`))
        }
        // The last generation serves all who are there still.
        const before = visits
        yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => visits >= Math.max(before + 20, 50) })
        for (const client of clients) yield* Fiber.interrupt(client)
        launcher.process.stdin.end()
        expect(yield* launcher.ended).toBe(0)
        expect(problems).toEqual([])
      })))
  }
})

describe("listening on an inherited socket", () => {
  it.live("takes the fallback where there is none, and says so without one", () =>
    run(Effect.gen(function*() {
      const listener = yield* Network.listen(Endpoint.inherited("tcp://127.0.0.1:0", "web"))
      expect(NetAddress.formatSocketAddress(listener.address)).toMatch(/^127\.0\.0\.1:\d+$/)
      for (const endpoint of ["systemd://web", "systemd://", "fd://900"]) {
        const error = yield* Effect.flip(Network.listen(endpoint))
        expect(error).toMatchObject({ operation: "listen", address: endpoint, reason: { _tag: "NoInheritedSocket" } })
      }
      const dialled = yield* Effect.flip(Network.connect("fd://3"))
      expect(dialled.reason).toMatchObject({ _tag: "InvalidEndpoint", part: "scheme" })
    })))

  it.live("takes a descriptor once", () =>
    run(Effect.gen(function*() {
      // A socket of this process, bound and nothing else, stands for one that was inherited.
      const { _createServerHandle: bind } = Net as unknown as {
        readonly _createServerHandle: (host: string, port: number, family: number) => { readonly fd: number }
      }
      const { fd } = bind("127.0.0.1", 0, 4)
      const listener = yield* Network.listen(`fd://${fd}`)
      expect(NetAddress.formatSocketAddress(listener.address)).toMatch(/^127\.0\.0\.1:[1-9]\d*$/)
      const again = yield* Effect.flip(Network.listen(`fd://${fd}`))
      expect(again.reason).toMatchObject({ _tag: "NoInheritedSocket" })
    })))
})

describe.skipIf(missing("systemd-socket-activate", "--version") !== undefined)("systemd-socket-activate", () => {
  it.live(
    "starts a server, which answers the connection that it was started for",
    () =>
      run(Effect.gen(function*() {
        const path = Path.join(yield* folder, "web.sock")
        const program = [process.execPath, fixture("inheritedServer.ts"), "systemd://web"]
        const activator = yield* start("systemd-socket-activate", ["-l", path, "--fdname=web", ...program])
        yield* activator.says(/Listening on/)
        expect(yield* visit(() => Net.connect(path))).toBe(undefined)
        yield* activator.says(/listening/)
        activator.process.kill("SIGTERM")
        yield* activator.ended
        // The path belongs to the one who bound it.
        expect(Fs.existsSync(path)).toBe(true)
      }))
  )
})
