/** File transfers on a simulated network: connections that are cut at any byte, crashes, partitions, a limit of bandwidth. */
import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as client from "../../src/files/client.ts"
import * as Pace from "../../src/files/Pace.ts"
import { handler } from "../../src/files/server.ts"
import * as Store from "../../src/files/Store.ts"
import { MemoryDisk } from "./MemoryDisk.ts"

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 5)
const idleTimeout = Duration.seconds(10)

/** Bytes that no two offsets have in common for long. */
const contentOf = (length: number, seed: number) => {
  const bytes = new Uint8Array(length)
  let state = seed + 1
  for (let index = 0; index < length; index++) {
    state = Math.imul(state, 1664525) + 1013904223
    bytes[index] = state >>> 24
  }
  return bytes
}
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** A server and a client with a disk each. No file may get its name before it is whole, and on the disk. */
const network = Effect.fnUntraced(function*(options: { readonly pace?: Pace.Pace; readonly maxSize?: number } = {}) {
  const [server, middle, user] = yield* SimNetwork.hosts("server", "middle", "user")
  const originals = new Map<string, Uint8Array>()
  const faults: Array<string> = []
  const makeDisk = () => {
    const disk = new MemoryDisk()
    disk.onRename = (path, { bytes, isSynced }) => {
      const original = originals.get(path.slice(path.lastIndexOf("/") + 1))
      if (original === undefined || sha256(bytes) !== sha256(original)) faults.push(`${path} is damaged`)
      if (!isSynced) faults.push(`${path} is not on the disk`)
    }
    return disk
  }
  const [remote, local] = [makeDisk(), makeDisk()]
  const storeOf = (disk: MemoryDisk) =>
    Effect.provideService(
      Store.make({
        folder: "/files",
        replace: false,
        keepFree: 1000,
        maxSize: options.maxSize ?? 10_000_000,
        freeSpace: () => Effect.succeed(10_000_000)
      }),
      FileSystem.FileSystem,
      disk.fileSystem
    )
  yield* Host.serve(
    server,
    Layer.unwrap(Effect.map(storeOf(remote), (store) =>
      Server.layer(
        { listen: "tcp://0.0.0.0:7000" },
        handler({ store, idleTimeout, pace: { ...Pace.unlimited, block: 5000 } })
      )))
  )
  const optionsTo = (endpoint: string): client.Options => ({
    connect: Network.connect(endpoint, { connectTimeout: "5 seconds" }),
    idleTimeout,
    retries: 20,
    onRetry: () => Effect.void,
    pace: options.pace ?? Pace.unlimited,
    onProgress: () => {}
  })
  const asUser = <A, E>(effect: Effect.Effect<A, E, Network.Network | FileSystem.FileSystem>) =>
    Host.run(user, Effect.provideService(effect, FileSystem.FileSystem, local.fileSystem))
  const create = (disk: MemoryDisk, name: string, length: number, seed = length) => {
    const bytes = contentOf(length, seed)
    originals.set(name, bytes)
    disk.write(`/files/${name}`, bytes)
  }
  return {
    server,
    middle,
    user,
    remote,
    local,
    create,
    faults,
    send: (name: string, endpoint = "server:7000") => asUser(client.send(`/files/${name}`, name, optionsTo(endpoint))),
    get: (name: string, endpoint = "server:7000") =>
      asUser(Effect.flatMap(storeOf(local), (store) => client.get(name, store, optionsTo(endpoint)))),
    /** The names on both disks, and whether each file is what it was. */
    expectWhole: (...names: ReadonlyArray<string>) => {
      expect(faults).toEqual([])
      for (const disk of [remote, local]) {
        expect([...disk.files.keys()].sort()).toEqual(names.map((name) => `/files/${name}`).sort())
        for (const name of names) expect(sha256(disk.read(`/files/${name}`)!)).toBe(sha256(originals.get(name)!))
      }
    }
  }
})

/** Passes bytes on, and resets both sides at a random byte of one direction. */
const cutter = (inbound: Connection.Connection) =>
  Effect.gen(function*() {
    const outbound = yield* Network.connect("server:7000")
    const carry = Effect.fnUntraced(function*(from: Connection.Connection, to: Connection.Connection) {
      const isEarly = (yield* Random.next) < 0.3
      let left = yield* Random.nextIntBetween(0, isEarly ? 120 : 40_000)
      yield* Stream.runForEach(Connection.bytes(from), (bytes) => {
        const part = bytes.subarray(0, left)
        left -= part.length
        return Effect.andThen(
          Connection.write(to, part),
          left > 0 ? Effect.void : Effect.all([Connection.abort(from), Connection.abort(to)])
        )
      })
      yield* Connection.end(to)
    })
    yield* Effect.all([carry(inbound, outbound), carry(outbound, inbound)], { concurrency: 2 })
  }).pipe(Effect.scoped, Effect.ignore)

/** Passes bytes on, and damages one of the first connection. */
const damaging = () => {
  let at = 30_000
  return (inbound: Connection.Connection) =>
    Effect.gen(function*() {
      const outbound = yield* Network.connect("server:7000")
      const damaged = Stream.runForEach(Connection.bytes(inbound), (bytes) => {
        if (at >= 0 && at < bytes.length) bytes[at]! ^= 1
        at -= bytes.length
        return Connection.write(outbound, bytes)
      })
      yield* Effect.all([
        Effect.andThen(damaged, Connection.end(outbound)),
        Effect.andThen(Connection.pipeTo(outbound, inbound), Connection.end(inbound))
      ], { concurrency: 2 })
    }).pipe(Effect.scoped)
}

describe("files", () => {
  VitestSimulation.it(
    "arrive whole, whatever byte their connections are cut at",
    Effect.gen(function*() {
      const { create, expectWhole, get, local, middle, remote, send } = yield* network()
      yield* Host.serve(middle, Server.layer({ listen: "tcp://0.0.0.0:7001" }, cutter))
      for (const [index, name] of ["a", "b", "c"].entries()) create(local, name, 60_000 + index, index)
      create(local, "empty", 0)
      for (const [index, name] of ["x", "y"].entries()) create(remote, name, 80_000 + index, index)
      yield* Effect.all([
        ...["a", "b", "c", "empty"].map((name) => send(name, "middle:7001")),
        ...["x", "y"].map((name) => get(name, "middle:7001"))
      ], { concurrency: "unbounded" })
      expectWhole("a", "b", "c", "empty", "x", "y")
    }),
    { seeds, limit: { time: "1 day" } }
  )

  VitestSimulation.it(
    "arrive whole when the server crashes and the network is partitioned",
    Effect.gen(function*() {
      const pace = Pace.make(10_000)
      const { create, expectWhole, get, local, remote, send, server, user } = yield* network({ pace })
      create(local, "a", 100_000)
      create(remote, "b", 50_000)
      const both = yield* Effect.forkChild(Effect.all([send("a"), get("b")], { concurrency: 2 }))
      for (const fault of [Fault.crash(server), Fault.partition(server, user), Fault.crash(server)]) {
        yield* Effect.sleep(Duration.millis(yield* Random.nextIntBetween(1, 5000)))
        yield* Effect.scoped(Effect.andThen(fault, Effect.sleep("15 seconds")))
      }
      yield* Fiber.join(both)
      expectWhole("a", "b")
    }),
    { seeds, limit: { time: "1 day" } }
  )

  VitestSimulation.it(
    "share the limit of bandwidth",
    Effect.gen(function*() {
      const { create, expectWhole, get, local, remote, send } = yield* network({ pace: Pace.make(20_000) })
      create(local, "a", 200_000)
      create(remote, "b", 100_000)
      const begun = yield* Clock.monotonicTimeNanos
      yield* Effect.all([send("a"), get("b")], { concurrency: 2 })
      const seconds = Number((yield* Clock.monotonicTimeNanos) - begun) / 1e9
      expect(seconds).toBeGreaterThanOrEqual(14.9)
      expect(seconds).toBeLessThan(16)
      expectWhole("a", "b")
    })
  )

  VitestSimulation.it(
    "are refused with the reason, and damaged ones are sent again",
    Effect.gen(function*() {
      const { create, faults, get, local, middle, remote, send } = yield* network({ maxSize: 400_000 })
      const codeOf = (name: string, endpoint?: string) =>
        Effect.map(
          Effect.flip(send(name, endpoint)),
          (error) => error._tag === "TransferFailed" ? error.code : error._tag
        )
      create(local, "large", 400_001)
      expect(yield* codeOf("large")).toBe("TooLarge")

      create(local, "a", 50_000)
      remote.write("/files/a", contentOf(50_000, 1))
      expect(yield* codeOf("a")).toBe("Exists")
      remote.write("/files/a", contentOf(49_999, 1))
      expect(yield* codeOf("a")).toBe("Exists")
      expect(sha256(remote.read("/files/a")!)).toBe(sha256(contentOf(49_999, 1)))

      // What is there already is that of another file, or is longer than this one.
      for (const length of [0, 20_000, 60_000]) {
        remote.files.delete("/files/a")
        remote.write("/files/a.partial", contentOf(length, 2))
        yield* send("a")
        expect([...remote.files.keys()]).toEqual(["/files/a"])
      }
      // To send it once more sends nothing.
      const before = remote.files.get("/files/a")
      yield* send("a")
      expect(remote.files.get("/files/a")).toBe(before)
      expect((yield* Effect.flip(get("nobody")))._tag).toBe("TransferFailed")

      yield* Host.serve(middle, Server.layer({ listen: "tcp://0.0.0.0:7001" }, damaging()))
      create(local, "b", 50_000)
      const sending = yield* Effect.forkChild(send("b", "middle:7001"))
      yield* Effect.sleep("100 millis")
      expect(remote.read("/files/b")).toBe(undefined)
      expect(yield* Fiber.join(sending)).toBe(sha256(local.read("/files/b")!))
      expect(sha256(remote.read("/files/b")!)).toBe(sha256(local.read("/files/b")!))
      expect(faults).toEqual([])

      yield* Host.serve(middle, Server.layer({ listen: "tcp://0.0.0.0:7002" }, () => Effect.never))
      expect(yield* codeOf("a", "middle:7002")).toBe("Stalled")
    }),
    { limit: { time: "1 day" } }
  )
})
