import { assert, describe, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Tls from "@sluice/core/Tls"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import { type Prepare, settingsOf } from "../src/internal/tls/serverSettings.ts"

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`

const notFound = (pathOrDescriptor: string) =>
  PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "read", pathOrDescriptor })

/** The files of a server, on a disk that a test writes to, and the lines that are logged about them. */
const scene = Effect.fnUntraced(function*(mode = 0o600) {
  const disk = new Map([["chain", pem("one")], ["key", pem("key")]])
  const logged: Array<string> = []
  const found = <A>(path: string, value: (text: string) => A) =>
    Effect.suspend(() => {
      const text = disk.get(path)
      return text === undefined ? Effect.fail(notFound(path)) : Effect.succeed(value(text))
    })
  const files = FileSystem.makeNoop({
    readFileString: (path) => found(path, (text) => text),
    realPath: (path) => found(path, () => `/real/${path}`),
    stat: (path) => found(path, () => ({ mode, mtime: Option.some(new Date(0)) }) as FileSystem.File.Info)
  })
  const logger = Logger.layer([Logger.make(({ logLevel, message }) => void logged.push(`${logLevel} ${message}`))])
  const tls = yield* Tls.reloading(
    { certificates: [{ chain: "chain", key: "key" }] },
    Schedule.spaced("1 minute")
  ).pipe(Effect.provideService(FileSystem.FileSystem, files), Effect.provide(logger))
  const settings = settingsOf(tls)
  const chain = () => /\n(\w+)\n/.exec(settings.current.certificates[0]!.chain)![1]
  const write = (text: string | undefined) => text === undefined ? disk.delete("chain") : disk.set("chain", text)
  const reload = Effect.provide(tls.reload, logger)
  return { tls, settings, chain, write, reload, logged, state: SubscriptionRef.get(tls.state) }
})

const refused = NetworkError.make("listen", "nowhere", new NetworkError.Closed())

describe("certificates that are reloaded", () => {
  it.effect("are current since the last change of what is used, also when files are repaired to what they were", () =>
    Effect.gen(function*() {
      const { chain, reload, state, write } = yield* scene()
      const looks: Array<readonly [string | undefined, string, number, number]> = []
      for (const text of [pem("one"), "half", "half", pem("one"), pem("one"), pem("two"), undefined, pem("three")]) {
        yield* TestClock.adjust("1 second")
        write(text)
        yield* reload
        const { _tag, lookedAt, since } = yield* state
        looks.push([chain(), _tag, since, lookedAt])
      }
      assert.deepStrictEqual(looks, [
        ["one", "Current", 0, 1000],
        ["one", "Kept", 0, 2000],
        ["one", "Kept", 0, 3000],
        ["one", "Current", 4000, 4000],
        ["one", "Current", 4000, 5000],
        ["two", "Current", 6000, 6000],
        ["two", "Kept", 6000, 7000],
        ["three", "Current", 8000, 8000]
      ])
    }))

  it.effect("tell what was seen, by a schedule", () =>
    Effect.gen(function*() {
      const { chain, state, write } = yield* scene()
      const seen = (path: string, isThere = true) => ({
        path,
        realPath: isThere ? `/real/${path}` : undefined,
        modifiedAt: isThere ? new Date(0) : undefined
      })
      write(undefined)
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual((yield* state).saw, [seen("chain"), seen("key")])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* state).saw, [seen("chain", false), seen("key")])
      write(pem("two"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(chain(), "two")
    }))

  it.effect("log each change and each new reason to keep what is used, once", () =>
    Effect.gen(function*() {
      const { logged, reload, write } = yield* scene()
      for (const text of ["half", "half", undefined, undefined, pem("one"), undefined, pem("two"), pem("two")]) {
        write(text)
        yield* reload
      }
      const lines = logged.map((line) => line.replace(/(chain).*(; the certificates)/, "$1$2"))
      const kept = (where: string) => `Warn cannot set up chain: ${where}; the certificates from before stay in use`
      const missing = kept("the file is not usable: it does not exist; check the path")
      assert.strictEqual(logged.length, 4)
      assert.match(logged[0]!, /^Warn .*tls\.certificates\[0\]\.chain is not usable: it has no PEM block/)
      assert.deepStrictEqual([logged[1], logged[2], lines[3]], [
        missing,
        missing,
        "Info the certificates were reloaded"
      ])
    }))

  it.effect("warn of keys that every user can read, at first and when they change", () =>
    Effect.gen(function*() {
      for (const [mode, isOpen] of [[0o600, false], [0o640, false], [0o644, true], [0o604, true]] as const) {
        const { logged, reload, write } = yield* scene(mode)
        const warnings = () => logged.filter((line) => line.includes("every user of this machine")).length
        assert.strictEqual(warnings(), isOpen ? 1 : 0)
        yield* reload
        assert.strictEqual(warnings(), isOpen ? 1 : 0)
        write(pem("two"))
        yield* reload
        assert.strictEqual(warnings(), isOpen ? 2 : 0)
      }
    }))

  it.effect("are refused when a listener cannot use them, and the ones before stay", () =>
    Effect.gen(function*() {
      const { chain, reload, settings, state, write } = yield* scene()
      const prepared: Array<string> = []
      const prepare: Prepare = ({ certificates: [certificate] }) => {
        prepared.push(certificate!.chain)
        return certificate!.chain === pem("bad") ? Effect.fail(refused) : Effect.void
      }
      const scope = yield* Scope.make()
      yield* Scope.provide(settings.use(prepare), scope)
      write(pem("bad"))
      yield* reload
      assert.deepStrictEqual([chain(), (yield* state)._tag], ["one", "Kept"])
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* reload
      assert.deepStrictEqual([chain(), (yield* state)._tag], ["bad", "Current"])
      assert.deepStrictEqual(prepared, [pem("one"), pem("bad")])
    }))

  it.effect("that prove unusable only for an upgrade give way to the last that were usable, or fail at first", () =>
    Effect.gen(function*() {
      const prepare: Prepare = ({ certificates: [certificate] }) =>
        certificate!.chain.includes("bad") ? Effect.fail(refused) : Effect.void
      const { chain, reload, settings, state, write } = yield* scene()
      for (const text of ["bad", "worse, bad"]) {
        write(pem(text))
        yield* reload
      }
      const used = yield* settings.prepared(prepare)
      assert.deepStrictEqual([used.certificates[0]!.chain, chain()], [pem("one"), "one"])
      assert.deepStrictEqual((yield* state)._tag, "Kept")
      // From now on it is known beforehand.
      write(pem("worst, bad"))
      yield* reload
      assert.strictEqual(chain(), "one")

      const others = yield* scene()
      assert.strictEqual(yield* Effect.flip(others.settings.prepared(() => Effect.fail(refused))), refused)
      assert.strictEqual((yield* others.state)._tag, "Current")
    }))
})
