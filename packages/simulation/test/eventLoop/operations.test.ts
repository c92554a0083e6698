import { assert, describe, expect, it } from "@effect/vitest"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ChildProcess from "node:child_process"
import * as Crypto from "node:crypto"
import * as Dgram from "node:dgram"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { pipeline } from "node:stream/promises"
import { setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"
import { Worker } from "node:worker_threads"
import * as Zlib from "node:zlib"

const failure = <A, E>(exit: Exit.Exit<A, E>): unknown => {
  assert(Exit.isFailure(exit))
  return Cause.squash(exit.cause)
}

const file = import.meta.filename
const text = Fs.readFileSync(file, "utf8")

/** Files, cryptography and compression, one beside the other, and their results in the order in which they came. */
const mixed = Effect.promise(async () => {
  const log: Array<string> = []
  const note = (name: string) => () => void log.push(`${name} ${Date.now()}`)
  const folder = await Fs.promises.mkdtemp(Path.join(Os.tmpdir(), "operations-"))
  const copy = Path.join(folder, "copy")
  await Promise.all([
    promisify(Crypto.pbkdf2)("password", "salt", 50_000, 16, "sha256").then(note("pbkdf2")),
    Fs.promises.readFile(file, "utf8").then((read) => assert(read === text)).then(note("readFile")),
    new Promise<void>((resolve) => Fs.stat(file, () => resolve())).then(note("stat")),
    crypto.subtle.digest("SHA-256", new Uint8Array(1)).then(note("digest")),
    promisify(Zlib.gzip)(text).then((zipped) => assert(String(Zlib.gunzipSync(zipped)) === text)).then(note("gzip")),
    (async () => {
      const open = await Fs.promises.open(file)
      const { bytesRead } = await open.read(Buffer.alloc(10))
      await open.close()
      note(`open, read ${bytesRead}, close`)()
    })()
  ])
  await delay(1000)
  await pipeline(Fs.createReadStream(file), Zlib.createBrotliCompress(), Fs.createWriteStream(copy))
  const back: Array<Buffer> = []
  await pipeline(Fs.createReadStream(copy), Zlib.createBrotliDecompress(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) back.push(chunk)
  })
  assert(String(Buffer.concat(back)) === text)
  note("streams")()
  await Fs.promises.rm(folder, { recursive: true })
  return log
})

describe("what the platform does for a run", () => {
  it.effect("takes no virtual time, comes in the order in which it began, and is counted", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.checkDeterminism(mixed, { seed: 1 })
      assert(Exit.isSuccess(run.exit))
      expect(run.exit.value).toEqual([
        "pbkdf2 0",
        "readFile 0",
        "stat 0",
        "digest 0",
        "gzip 0",
        "open, read 10, close 0",
        "streams 1000"
      ])
      expect(run.operations).toMatchObject({
        "crypto.pbkdf2": 1,
        "fs.promises.readFile": 1,
        "fs.stat": 1,
        "crypto.subtle.digest": 1,
        "zlib.gzip": 1,
        "FileHandle.read": 1
      })
      expect(run.operations["zlib"]).toBeGreaterThan(1)
    }))

  it.effect("is told by its errors", () =>
    Effect.gen(function*() {
      const caught = yield* Simulation.run(Effect.promise(async () => {
        const codes: Array<unknown> = []
        const note = ({ code }: { readonly code?: unknown }) => void codes.push(code)
        await Fs.promises.readFile("/nowhere").catch(note)
        await promisify(Fs.open)("/nowhere", "r").catch(note)
        await pipeline([Buffer.from("no gzip")], Zlib.createGunzip(), Fs.createWriteStream("/dev/null")).catch(note)
        assert.throws(() => Fs.readFile("file", { encoding: "none" as never }, () => {}))
        return codes
      }))
      expect(caught).toEqual(["ENOENT", "ENOENT", "Z_DATA_ERROR"])
    }))

  it.effect("keeps the names and the own properties of functions", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(Effect.promise(() => promisify(Fs.realpath.native)(file)), { seed: 1 })
      assert(Exit.isSuccess(run.exit))
      expect([run.exit.value, run.operations]).toEqual([Fs.realpathSync(file), { "fs.realpath.native": 1 }])
      expect([Fs.realpath.name, Crypto.pbkdf2.name]).toEqual(["realpath", "pbkdf2"])
    }))

  it.effect("is waited for under a timeout, and no longer than it may be", () =>
    Effect.gen(function*() {
      const reading = Effect.timeoutOption(Effect.promise(() => Fs.promises.readFile(file, "utf8")), "1 milli")
      expect(yield* Simulation.run(reading)).toMatchObject({ _tag: "Some", value: text })

      const folder = yield* Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "operations-")))
      const pipe = Path.join(folder, "pipe")
      ChildProcess.execFileSync("mkfifo", [pipe])
      // Nobody writes to it.
      const stuck = Effect.promise(() => promisify(Fs.open)(pipe, "r"))
      const run = yield* Simulation.record(stuck, { limit: { operation: "20 millis" } })
      const error = failure(run.exit) as Simulation.SimulationStalled
      expect(error._tag).toBe("SimulationStalled")
      expect(error.operations.map(({ name }) => name)).toEqual(["fs.open"])
      expect(error.message).toMatch(/operations:\n {2}fs\.open at .*operations\.test\.ts/)
      Fs.closeSync(Fs.openSync(pipe, "r+"))
      Fs.rmSync(folder, { recursive: true })
    }))

  it.effect("does not come to a process that is dead", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const read = (name: string) =>
        Effect.sync(() => void Fs.promises.readFile(file).then(() => process.nextTick(() => log.push(name))))
      const run = yield* Simulation.record(Effect.scoped(Effect.gen(function*() {
        const [dead, alive] = yield* SimNetwork.hosts("dead", "alive")
        yield* Host.start(dead, Effect.andThen(read("dead"), Effect.never))
        yield* Host.start(alive, Effect.andThen(read("alive"), Effect.never))
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        yield* Fault.kill(dead)
        yield* Effect.sleep("1 second")
      })))
      assert(Exit.isSuccess(run.exit))
      expect(run.operations).toEqual({ "fs.promises.readFile": 2 })
      expect(log).toEqual(["alive"])
    }))

  it.effect("is chance of the seed where it is chance", () =>
    Effect.gen(function*() {
      const draw = Effect.promise(async () => [
        Math.random(),
        crypto.randomUUID(),
        Crypto.randomUUID(),
        Crypto.randomBytes(8).toString("hex"),
        (await promisify(Crypto.randomBytes)(8)).toString("hex"),
        Crypto.randomFillSync(Buffer.alloc(8), 4).toString("hex"),
        String(await promisify<Buffer, Buffer>(Crypto.randomFill)(Buffer.alloc(4))),
        Crypto.randomInt(1000),
        await promisify<number, number, number>(Crypto.randomInt)(1000, 2000),
        String(Crypto.getRandomValues(new Uint8Array(4)))
      ])
      const [first, again, other] = yield* Effect.forEach([1, 1, 2], (seed) => Simulation.run(draw, { seed }))
      expect(again).toEqual(first)
      for (const [index, each] of first!.entries()) expect(other![index]).not.toEqual(each)
      expect(first![5]).toMatch(/^00000000/)
      expect(first![8]).toBeGreaterThanOrEqual(1000)
    }))

  it.effect("is refused where it has a time of its own, with the line of the caller", () =>
    Effect.gen(function*() {
      const refused: Record<string, () => unknown> = {
        "net.connect": () => Net.connect(1, "127.0.0.1"),
        "server.listen": () => Net.createServer().listen(0),
        "dgram.bind": () => Dgram.createSocket("udp4").bind(0),
        "child_process.spawn": () => ChildProcess.spawn("true"),
        Worker: () => new Worker("", { eval: true }),
        MessageChannel: () => new MessageChannel()
      }
      for (const [name, use] of Object.entries(refused)) {
        // Also where the program continues.
        const program = Effect.andThen(Effect.ignore(Effect.try({ try: use, catch: () => "refused" })), Effect.never)
        for (const eventLoop of [true, false]) {
          const error = failure((yield* Simulation.record(program, { eventLoop })).exit)
          expect(error).toMatchObject({ _tag: "SimulationRefused", name })
          expect((error as Error).message).toMatch(/operations\.test\.ts/)
        }
      }
    }))
})
