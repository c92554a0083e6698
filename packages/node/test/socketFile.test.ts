import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeNetwork from "../src/NodeNetwork.ts"

const hasPython = spawnSync("python3", ["--version"]).status === 0

/** A folder of its own for each test, removed with everything in it. */
const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const serve = (name: string, path: string) =>
  Server.make({ listen: `unix://${path}`, drain: 0 }, (connection) => Connection.writeText(connection, name))

const ask = (path: string) =>
  Effect.scoped(Effect.flatMap(Network.connect(`unix://${path}`), Connection.readAll)).pipe(
    Effect.map((bytes) => new TextDecoder().decode(bytes))
  )

/** Leaves a socket file that no process has bound, as a crash does. */
const leaveStale = (path: string) =>
  Effect.callback<void>((resume) => {
    const server = Net.createServer().listen(`${path}.before`, () => {
      Fs.renameSync(`${path}.before`, path)
      server.close(() => resume(Effect.void))
    })
  })

const onKernel = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), [NodeNetwork.layer, Logger.layer([])])

describe("the file of a Unix-domain listener", () => {
  it.live("is left alone when another has taken its place: a server's, by rm or by mv, or a plain one", () =>
    onKernel(Effect.gen(function*() {
      const path = `${yield* folder}/app.sock`
      for (const how of ["rm", "mv"]) {
        const first = yield* Scope.make()
        const second = yield* Scope.make()
        yield* Scope.provide(serve("first", path), first)
        if (how === "rm") {
          Fs.unlinkSync(path)
          yield* Scope.provide(serve("second", path), second)
        } else {
          yield* Scope.provide(serve("second", `${path}.new`), second)
          Fs.renameSync(`${path}.new`, path)
        }
        yield* Scope.close(first, Exit.void)
        expect(yield* ask(path)).toBe("second")
        yield* Scope.close(second, Exit.void)
        Fs.rmSync(path, { force: true })
      }
      const scope = yield* Scope.make()
      yield* Scope.provide(serve("first", path), scope)
      Fs.unlinkSync(path)
      Fs.writeFileSync(path, "notes")
      yield* Scope.close(scope, Exit.void)
      expect(Fs.readFileSync(path, "utf8")).toBe("notes")
    })))

  it.live("is taken over from a crashed server by one of those that start at once", () =>
    onKernel(Effect.gen(function*() {
      const path = `${yield* folder}/app.sock`
      for (let round = 0; round < 10; round++) {
        yield* leaveStale(path)
        const scope = yield* Scope.make()
        const results = yield* Effect.all(
          ["0", "1", "2", "3"].map((name) => Effect.result(Scope.provide(serve(name, path), scope))),
          { concurrency: "unbounded" }
        )
        const listening = results.findIndex(Result.isSuccess)
        expect(results.filter(Result.isSuccess).length).toBe(1)
        for (const result of results.filter(Result.isFailure)) {
          expect(result.failure).toMatchObject({ reason: { _tag: "AddressInUse" }, code: "EADDRINUSE" })
        }
        expect(yield* ask(path)).toBe(String(listening))
        expect(Fs.readdirSync(Path.dirname(path))).toEqual(["app.sock"])
        yield* Scope.close(scope, Exit.void)
        expect(Fs.readdirSync(Path.dirname(path))).toEqual([])
      }
    })))

  it.live("is taken over although a server crashed while it took it over", () =>
    onKernel(Effect.gen(function*() {
      const path = `${yield* folder}/app.sock`
      yield* leaveStale(path)
      const { ino, mtimeNs } = Fs.lstatSync(path, { bigint: true })
      yield* leaveStale(Path.join(Path.dirname(path), `.${ino.toString(36)}-${mtimeNs.toString(36)}-0`))
      expect(Fs.readdirSync(Path.dirname(path)).length).toBe(2)
      yield* serve("second", path)
      expect(yield* ask(path)).toBe("second")
      expect(Fs.readdirSync(Path.dirname(path))).toEqual(["app.sock"])
    })))

  it.live.skipIf(!hasPython || process.platform !== "linux")(
    "is not taken from a server that has bound it and not listened yet (needs python3)",
    () =>
      onKernel(Effect.gen(function*() {
        const path = `${yield* folder}/app.sock`
        const script =
          "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); print('bound', flush=True);"
          + " sys.stdin.read(1)"
        yield* Effect.acquireRelease(
          Effect.callback<ChildProcess>((resume) => {
            const child = spawn("python3", ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] })
            child.stdout.once("data", () => resume(Effect.succeed(child)))
          }),
          (child) =>
            Effect.callback<void>((resume) => {
              child.once("close", () => resume(Effect.void))
              child.kill()
            })
        )
        const error = yield* Effect.flip(serve("second", path))
        expect(error.reason._tag).toBe("AddressInUse")
        expect(Fs.lstatSync(path).isSocket()).toBe(true)
      }))
  )

  it.live("has the mode of the option `mode`", () =>
    onKernel(Effect.gen(function*() {
      const path = `${yield* folder}/app.sock`
      for (const mode of [0o600, 0o660, 0o666]) {
        yield* Effect.scoped(Effect.andThen(
          Network.listen(`unix://${path}`, { mode }),
          Effect.sync(() => expect(Fs.statSync(path).mode & 0o777).toBe(mode))
        ))
      }
    })))

  it.live.skipIf(process.platform !== "linux")(
    "may have a path as long as the system allows",
    () =>
      onKernel(Effect.gen(function*() {
        const parent = yield* folder
        const path = `${parent}/${"long".repeat(30).slice(0, 107 - parent.length - 3)}/a`
        Fs.mkdirSync(Path.dirname(path))
        expect(Buffer.byteLength(path)).toBe(107)
        const scope = yield* Scope.make()
        yield* Scope.provide(serve("long", path), scope)
        expect(yield* ask(path)).toBe("long")
        expect((yield* Effect.flip(serve("second", path))).reason._tag).toBe("AddressInUse")
        yield* Scope.close(scope, Exit.void)
        expect(Fs.readdirSync(Path.dirname(path))).toEqual([])
      }))
  )
})
