import { describe, expect, it } from "@effect/vitest"
import type * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Systemd from "../src/Systemd.ts"
import { missing, start } from "./fixtures/programs.ts"

// Prints each datagram in one line: what systemd would receive.
const manager = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(receiver.recv(4096).decode().replace("\\n", "|"), flush=True)
`

const withVariables = (variables: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]))
      Object.assign(process.env, variables)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        for (const [name, value] of Object.entries(before)) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      })
  )

const cannot = missing("systemd-notify", "--version") ?? missing("python3", "--version")

describe.skipIf(cannot !== undefined)("systemd", () => {
  it.live("hears that a server is ready, alive, reloading and stopping", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
      )
      const path = Path.join(folder, "notify.sock")
      const { says } = yield* start("python3", ["-c", manager, path])
      yield* says(/bound/)
      yield* withVariables({ NOTIFY_SOCKET: path, WATCHDOG_USEC: "400000", WATCHDOG_PID: String(process.pid) })
      const state = yield* SubscriptionRef.make<Server.State>("listening")
      yield* Systemd.follow({ state })
      yield* says(new RegExp(`READY=1\\|MAINPID=${process.pid}`))
      yield* says(/WATCHDOG=1[^]*WATCHDOG=1/)
      yield* Systemd.reloading(Systemd.notify("STATUS=reading the configuration"))
      yield* says(/RELOADING=1\|MONOTONIC_USEC=\d+\n[^]*STATUS=reading the configuration\n[^]*READY=1/)
      yield* SubscriptionRef.set(state, "draining")
      yield* says(/STOPPING=1/)
      // Draining may take long: systemd still hears that the process lives.
      yield* says(/STOPPING=1[^]*WATCHDOG=1/)
      yield* SubscriptionRef.set(state, "closed")
    }).pipe(Effect.scoped))

  it.live("that cannot be reached is a warning, and nothing more", () => {
    const lines: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => void lines.push(...[message].flat()))])
    return Effect.gen(function*() {
      yield* withVariables({ NOTIFY_SOCKET: "/nowhere/notify.sock" })
      yield* Systemd.ready
      expect(lines).toEqual([
        expect.stringMatching(/^cannot notify systemd of READY=1, MAINPID=\d+: .*NotifyAccess=all$/)
      ])
    }).pipe(Effect.scoped, Effect.provide(logger))
  })
})

describe("without systemd", () => {
  it.live("nothing is sent", () =>
    Effect.gen(function*() {
      const state = yield* SubscriptionRef.make<Server.State>("listening")
      yield* Systemd.follow({ state })
      yield* Systemd.stopping
      yield* SubscriptionRef.set(state, "closed")
      expect(yield* Systemd.reloading(Effect.succeed(1))).toBe(1)
    }))
})
