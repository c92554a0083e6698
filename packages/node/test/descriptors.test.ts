import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { spawn } from "node:child_process"
import * as Net from "node:net"
import { fileURLToPath } from "node:url"

interface Said {
  readonly tag: string
  readonly port?: number
  readonly count?: number
  readonly reason?: string
  readonly needed?: number
  readonly limit?: number
}

const fixture = fileURLToPath(new URL("fixtures/descriptors.ts", import.meta.url))

/** A server in a process that may open `count` descriptors, and its output. */
const server = Effect.fnUntraced(function*(descriptors: number, maxConnections: number) {
  const said = yield* Queue.unbounded<Said>()
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn("bash", ["-c", `ulimit -n ${descriptors}; exec "$0" "$1" ${maxConnections}`, process.execPath, fixture], {
        stdio: ["pipe", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (text + chunk).split("\n")
    text = lines.pop()!
    for (const line of lines) Queue.offerUnsafe(said, JSON.parse(line) as Said)
  })
  const hear = (tag: string): Effect.Effect<Said> =>
    Effect.flatMap(Queue.take(said), (each) => each.tag === tag ? Effect.succeed(each) : hear(tag))
  const command = (what: "hold" | "release") =>
    Effect.andThen(Effect.sync(() => void child.stdin.write(`${what}\n`)), hear("done"))
  return { said, hear, command }
})

/** A connection; `closed` tells when the server has closed it. */
const dial = (port: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = Net.connect(port, "127.0.0.1")
      const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()))
      socket.on("error", () => {}).resume()
      return { socket, closed }
    }),
    ({ socket }) => Effect.sync(() => void socket.destroy())
  )

const isServed = (port: number) =>
  Effect.scoped(Effect.flatMap(dial(port), ({ closed, socket }) =>
    Effect.promise(() => {
      socket.write("x")
      return Promise.race([
        new Promise((resolve) => socket.once("data", () => resolve(true))),
        closed.then(() => false)
      ])
    })))

describe.skipIf(process.platform !== "linux")("a process that is out of descriptors", () => {
  it.live("closes the connections it cannot serve, and reports every one", () =>
    Effect.gen(function*() {
      const { hear, said } = yield* server(64, 60)
      const { port } = yield* hear("port")
      const clients = yield* Effect.forEach(Array.from({ length: 100 }), () => dial(port!))
      let accepted = 0
      let failed = 0
      while (accepted + failed < 100) {
        const each = yield* Queue.take(said)
        if (each.tag === "Accepted") accepted++
        if (each.tag !== "AcceptFailed") continue
        expect(each.reason).toBe("TooManyOpenFiles")
        failed += each.count!
      }
      expect(accepted).toBeGreaterThan(20)
      expect(accepted).toBeLessThan(60)
      expect(accepted + failed).toBe(100)
      // The clients that are not served know it.
      yield* Effect.promise(() => Promise.race(clients.map(({ closed }) => closed)))
      for (const { socket } of clients) socket.destroy()
      while (!(yield* isServed(port!))) yield* Effect.sleep("10 millis")
    }).pipe(Effect.scoped))

  it.live(
    "reports it within two seconds when files have taken the last one, and serves again after that",
    () =>
      Effect.gen(function*() {
        const { command, hear } = yield* server(64, 60)
        const { port } = yield* hear("port")
        expect(yield* isServed(port!)).toBe(true)
        // Else the descriptor of that connection would be free again.
        yield* hear("Closed")
        yield* command("hold")
        expect((yield* hear("AcceptFailed")).reason).toBe("TooManyOpenFiles")
        expect(yield* isServed(port!)).toBe(false)
        yield* command("release")
        while (!(yield* isServed(port!))) yield* Effect.sleep("10 millis")
      }).pipe(Effect.scoped)
  )

  it.live("says at its start that its limits need more", () =>
    Effect.gen(function*() {
      const { hear } = yield* server(64, 1000)
      expect(yield* hear("DescriptorsShort")).toMatchObject({ needed: 1100, limit: 64 })
    }).pipe(Effect.scoped))
})
