import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeTls from "node:tls"
import { format } from "../src/internal/workers/metrics.ts"
import { shareOf } from "../src/internal/workers/share.ts"
import * as Certificates from "../src/TestCertificates.ts"
import type * as WorkerEvent from "../src/WorkerEvent.ts"
import * as Workers from "../src/Workers.ts"
import { missing, type Running, start } from "./fixtures/programs.ts"

const program = Path.join(import.meta.dirname, "fixtures", "workersServer.ts")
// What many processes import is compiled once.
const cache = `NODE_COMPILE_CACHE=${Path.join(import.meta.dirname, "../../../node_modules/.cache/compile")}`

const run = (variable: string, ...args: ReadonlyArray<string>) =>
  start("env", [cache, variable, process.execPath, program, ...args])

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

/** Starts workers, and gives the ports of their endpoints. */
const startWorkers = Effect.fnUntraced(function*(variable: string, ...args: ReadonlyArray<string>) {
  const running = yield* run(variable, ...args)
  yield* running.says(/^\{"listening":/m)
  const portOf = (endpoint: string) => Number(running.output().split(`{"${endpoint}":"127.0.0.1:`)[1]?.split("\"")[0])
  return { running, port: portOf("tcp://127.0.0.1:0"), tlsPort: portOf("tls://127.0.0.1:0") }
})

let questions = 0

/** Asks the supervisor. */
const ask = <A>(running: Running, command: string): Effect.Effect<A, Error> =>
  Effect.suspend(() => {
    const question = `${command} ${++questions}`
    running.process.stdin.write(`${question}\n`)
    return Effect.map(
      running.says(new RegExp(`^\\{"${question}":.*\n`, "m")),
      ([line]) => JSON.parse(line)[question] as A
    )
  })

const events = (running: Running): ReadonlyArray<WorkerEvent.WorkerEvent> =>
  Array.from(running.output().matchAll(/^\{"event":.*\}$/gm), ([line]) => JSON.parse(line).event)

/** A client that stays: it sends lines one by one, and learns of its worker. */
const stay = (dial: () => Net.Socket) =>
  Effect.callback<{ readonly socket: Net.Socket; readonly worker: string }, Error>((resume) => {
    const socket = dial()
    socket.write("hello\n")
    socket.on("error", () => {})
    socket.once("data", (chunk) => resume(Effect.succeed({ socket, worker: chunk.toString().split(" ")[0]! })))
    socket.once("close", () => resume(Effect.fail(new Error("closed before its answer"))))
  })

/** Says a line and gives the answer, or `undefined` if the connection is broken. */
const say = (socket: Net.Socket, line: string) =>
  Effect.callback<string | undefined>((resume) => {
    if (socket.destroyed) return resume(Effect.undefined)
    const onData = (chunk: Buffer) => {
      socket.off("close", onClose)
      resume(Effect.succeed(chunk.toString().trim()))
    }
    const onClose = () => {
      socket.off("data", onData)
      resume(Effect.undefined)
    }
    socket.once("data", onData)
    socket.once("close", onClose)
    socket.write(`${line}\n`)
  })

/** Connects, has two lines answered, and ends; gives what went wrong, if anything did. */
const visit = (dial: () => Net.Socket) =>
  Effect.callback<string | undefined>((resume) => {
    let received = ""
    const socket = dial()
    // Behind the handshake, over TLS.
    socket.write("one\n")
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString()
      const answers = received.split("\n").length - 1
      if (answers === 1) socket.write("two\n")
      if (answers === 2) socket.end()
    })
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.message)))
    socket.on("close", () => resume(Effect.succeed(/ one\n\d two\n$/.test(received) ? undefined : `got ${received}`)))
    return Effect.sync(() => socket.destroy())
  })

/** Visits each of these servers again and again while something happens, and gives what went wrong. */
const underLoad = Effect.fnUntraced(function*<A, E, R>(
  dials: Readonly<Record<string, () => Net.Socket>>,
  effect: Effect.Effect<A, E, R>
) {
  const problems: Array<string> = []
  const visits = new Map(Object.keys(dials).map((kind) => [kind, 0]))
  const load = (kind: string, dial: () => Net.Socket) =>
    Effect.forever(Effect.flatMap(visit(dial), (problem) => {
      visits.set(kind, visits.get(kind)! + 1)
      if (problem !== undefined) problems.push(`${kind}: ${problem}`)
      return Effect.sleep("2 millis")
    }))
  const clients = yield* Effect.forEach(
    Object.entries(dials).flatMap((dial) => Array.from({ length: 3 }, () => dial)),
    ([kind, dial]) => Effect.forkScoped(load(kind, dial))
  )
  yield* effect
  const before = new Map(visits)
  const isVisited = (kind: string) => visits.get(kind)! >= before.get(kind)! + 20
  yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => Object.keys(dials).every(isVisited) })
  for (const client of clients) yield* Fiber.interrupt(client)
  return problems
})

const until = Effect.fnUntraced(function*<A>(look: Effect.Effect<A, Error>, isDone: (value: A) => boolean) {
  while (true) {
    const value = yield* look
    if (isDone(value)) return value
    yield* Effect.sleep("10 millis")
  }
})

describe("workers", () => {
  it.live("serve on one port, are replaced without a failure, and break only their own connections", () =>
    Effect.scoped(Effect.gen(function*() {
      const at = yield* folder
      const path = Path.join(at, "web.sock")
      const authority = yield* Certificates.authority("Test CA")
      const { chain, key } = yield* authority.issue({ names: ["localhost"] })
      Fs.writeFileSync(`${at}/chain.pem`, chain)
      Fs.writeFileSync(`${at}/key.pem`, key, { mode: 0o600 })
      const { port, running, tlsPort } = yield* startWorkers(
        `CERTIFICATES=${at}`,
        "2",
        "5",
        "tcp://127.0.0.1:0",
        "tls://127.0.0.1:0",
        `unix://${path}`
      )
      type Processes = ReadonlyArray<Workers.Worker>
      const first = yield* ask<Processes>(running, "workers")
      expect(first.map(({ name, state }) => [name, state])).toEqual([["1", "ready"], ["2", "ready"]])

      // While one worker does not run, the other takes its half of `maxConnections`, and leaves the rest to the first.
      const tls = { port: tlsPort, host: "127.0.0.1", ca: authority.certificate, servername: "localhost" }
      const dials = {
        tcp: () => Net.connect(port, "127.0.0.1"),
        tls: () => NodeTls.connect(tls),
        unix: () => Net.connect(path)
      }
      process.kill(first[0]!.pid, "SIGSTOP")
      const share = 21
      const half = yield* Latch.make()
      let answered = 0
      const connect = (dial: () => Net.Socket) =>
        Effect.tap(stay(dial), () => ++answered === 3 * share ? half.open : Effect.void)
      const [clients] = yield* Effect.all([
        Effect.all(Object.values(dials).flatMap((dial) => Array.from({ length: 24 }, () => connect(dial))), {
          concurrency: "unbounded"
        }),
        Effect.andThen(half.await, Effect.sync(() => process.kill(first[0]!.pid, "SIGCONT")))
      ], { concurrency: 2 })
      expect(clients.filter(({ worker }) => worker === "2").length).toBe(3 * share)

      const open = yield* ask<ReadonlyArray<Workers.WorkerConnection>>(running, "connections")
      expect(open.length).toBe(clients.length)
      expect(new Set(open.map(({ worker }) => worker))).toEqual(new Set(["1", "2"]))
      expect(open.find(({ listening }) => listening === `127.0.0.1:${port}`)).toMatchObject({
        doing: "reading",
        bytesIn: 6,
        annotations: { said: "hello" }
      })
      expect(open[0]!.doingFor).toBeGreaterThanOrEqual(0)

      const metrics = yield* ask<string>(running, "metrics")
      const gauges = Array.from(metrics.matchAll(/^sluice_connections_open\{(.*)\} (\d+)$/gm))
        .filter(([, labels]) => labels!.includes(`:${port}`))
      expect(gauges.map(([, labels]) => /worker="(\d)"/.exec(labels!)?.[1])).toEqual(["1", "2"])
      expect(gauges.map(([, , value]) => Number(value))).toEqual([24 - share, share])
      expect(metrics.match(/^# TYPE sluice_connections_open /gm)?.length).toBe(1)

      // A worker is killed: its clients break, the others do not, and it comes back.
      process.kill(first[0]!.pid, "SIGKILL")
      const after = yield* until(
        ask<Processes>(running, "workers"),
        (now) => now.some(({ name, pid, state }) => name === "1" && pid !== first[0]!.pid && state === "ready")
      )
      expect(after.find(({ name }) => name === "2")?.pid).toBe(first[1]!.pid)
      for (const { socket, worker } of clients) {
        const answer = yield* say(socket, "still")
        expect([worker, answer]).toEqual([worker, worker === "1" ? undefined : "2 still"])
        socket.destroy()
      }

      // Both are replaced under load: no connection is refused or reset, and no answer is lost.
      const reload = Effect.suspend(() => {
        running.process.kill("SIGHUP")
        return running.says(/reloaded the workers/)
      })
      const problems = yield* underLoad(dials, reload)
      expect(problems).toEqual([])
      const replaced = yield* ask<Processes>(running, "workers")
      expect(replaced.map(({ name, state }) => [name, state])).toEqual([["1", "ready"], ["2", "ready"]])
      expect(replaced.filter(({ pid }) => after.some((before) => before.pid === pid))).toEqual([])

      const reported = events(running).filter((event) => event._tag === "Reported")
      expect(new Set(reported.map(({ worker }) => worker))).toEqual(new Set(["1", "2"]))
      expect(reported.some(({ facts, tag }) => tag === "Accepted" && typeof facts["remoteAddress"] === "string"))
        .toBe(true)

      // The Unix-domain socket is the supervisor's too, and goes with it.
      const last = yield* stay(dials.unix)
      last.socket.destroy()
      running.process.kill("SIGTERM")
      yield* running.ended
      expect(Fs.existsSync(path)).toBe(false)
      expect(replaced.filter(({ pid }) => isAlive(pid))).toEqual([])
    })))

  it.live("are restarted when their event loop is blocked, and end with the reason if one crashes too often", () =>
    Effect.scoped(Effect.gen(function*() {
      const { port, running } = yield* startWorkers("UNRESPONSIVE=8000", "1", "1", "tcp://127.0.0.1:0")
      const client = stay(() => Net.connect(port, "127.0.0.1"))
      const blocked = yield* client
      blocked.socket.write("block\n")
      yield* running.says(/"_tag":"Unresponsive"/)
      expect(yield* say(blocked.socket, "gone")).toBe(undefined)
      const crash = Effect.flatMap(
        Effect.option(client),
        (client) => Effect.sync(() => client._tag === "Some" && client.value.socket.write("exit\n"))
      )
      const crashing = yield* Effect.forkScoped(Effect.forever(Effect.andThen(crash, Effect.sleep("5 millis"))))
      const [, message] = yield* running.says(/^\{"failed":"(.*)"\}$/m)
      yield* Fiber.interrupt(crashing)
      expect(message).toMatch(
        /^worker 1 ended 2 times within 60 s, last with exit code 3; fix the error that it logged, or raise restart.max/
      )
      expect(yield* running.ended).toBe(1)
      expect(
        events(running).filter((event) => event._tag === "Restarting").length
      ).toBe(1)
    })))

  it.live("end at once if one does not start, with its error", () =>
    Effect.scoped(Effect.gen(function*() {
      const taken = yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = taken.address() as Net.AddressInfo
      const running = yield* run("AS_LAYER=yes", "1", "1", `tcp://127.0.0.1:${port}`)
      const [, message] = yield* running.says(/^\{"failed":"(.*)"\}$/m)
      expect(message).toMatch(/^worker 1 did not start: cannot listen on tcp:\/\/127.0.0.1:\d+: .*EADDRINUSE from bind/)
      expect(yield* running.ended).toBe(1)
    })))

  it.live.skipIf(missing("systemd-socket-activate", "--version") !== undefined)(
    "listen on a socket of systemd, as a Layer, and end when their supervisor is killed",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const path = Path.join(yield* folder, "web.sock")
        const arguments_ = ["-l", path, "--fdname=web", process.execPath, program, "2", "5", "systemd://web"]
        const running = yield* start("env", [cache, "AS_LAYER=yes", "systemd-socket-activate", ...arguments_])
        yield* running.says(/Listening on/)
        const { socket, worker } = yield* stay(() => Net.connect(path))
        expect(worker).toMatch(/^[12]$/)
        socket.destroy()
        yield* running.says(/^\{"listening":/m)
        const workers = yield* ask<ReadonlyArray<Workers.Worker>>(running, "workers")
        running.process.kill("SIGKILL")
        yield* until(Effect.sync(() => workers.filter(({ pid }) => isAlive(pid))), (left) => left.length === 0)
      }))
  )

  it.effect("have valid options", () =>
    Effect.gen(function*() {
      const invalid: ReadonlyArray<[string, Workers.Options]> = [
        ["count", { count: 0 }],
        ["limits", { limits: "shared" as "each" }],
        ["restart.baseDelay", { restart: { baseDelay: 0 } }],
        ["restart.maxDelay", { restart: { baseDelay: "2 seconds", maxDelay: "1 second" } }],
        ["restart.maxRestarts", { restart: { maxRestarts: 1.5 } }],
        ["unresponsive", { unresponsive: 1 }],
        ["stopTimeout", { stopTimeout: Number.NaN }]
      ]
      for (const [option, options] of invalid) {
        const error = yield* Effect.flip(Effect.scoped(Workers.make(options)))
        expect(error).toMatchObject({ _tag: "NetworkError", reason: { _tag: "InvalidOption", option } })
      }
    }))
})

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe("limits of workers", () => {
  it("are divided, rounded up, so that none is 0", () => {
    expect(shareOf({}, 4)).toBe(undefined)
    expect(shareOf({ maxConnections: 10 }, 4)).toEqual({ maxConnections: 3 })
    expect(shareOf({ maxConnections: 2, acceptRate: 6 }, 4)).toEqual({
      maxConnections: 1,
      acceptRate: { perSecond: 1.5, burst: 2 }
    })
    expect(shareOf({ acceptRate: { perSecond: 100, burst: 9 } }, 2)).toEqual({
      acceptRate: { perSecond: 50, burst: 5 }
    })
  })
})

describe("metrics of workers", () => {
  it.effect("are one family each, whichever worker has them", () =>
    Effect.gen(function*() {
      const value = yield* Effect.gen(function*() {
        yield* Metric.update(Metric.counter("served", { description: "Requests served" }), 3)
        yield* Metric.update(Metric.histogram("took", { boundaries: [1, 10] }), 5)
        return yield* Metric.snapshot
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
      const text = yield* format([{ worker: "1", value }, { worker: "2", value }])
      expect(text).toBe([
        "# HELP served Requests served",
        "# TYPE served counter",
        "served{worker=\"1\"} 3",
        "served{worker=\"2\"} 3",
        "# TYPE took histogram",
        ...["1", "2"].flatMap((worker) => [
          `took_bucket{worker="${worker}",le="1"} 0`,
          `took_bucket{worker="${worker}",le="10"} 1`,
          `took_bucket{worker="${worker}",le="+Inf"} 1`,
          `took_sum{worker="${worker}"} 5`,
          `took_count{worker="${worker}"} 1`
        ]),
        ""
      ].join("\n"))
      expect(yield* format([])).toBe("")
    }))
})
