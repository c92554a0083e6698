import { assert, describe, expect, it } from "@effect/vitest"
import * as Disk from "@sluice/simulation/Disk"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"

const fs = FileSystem.FileSystem

/** Runs a test with a host and its disk, as a program outside of the host sees it. */
const withDisk = <A, E>(
  body: (host: Host.Host, disk: FileSystem.FileSystem) => Effect.Effect<A, E, SimNetwork.SimNetwork>,
  options: SimNetwork.HostOptions = {},
  seed: number | string = 1
) =>
  Simulation.run(
    Effect.flatMap(SimNetwork.host("host", options), (host) => body(host, Disk.fileSystem(host))),
    { seed }
  )

const codeOf = <A>(effect: Effect.Effect<A, PlatformError.PlatformError>) =>
  Effect.match(effect, {
    onSuccess: () => "ok",
    onFailure: ({ reason }) => (reason.cause as { readonly code?: string } | undefined)?.code ?? reason._tag
  })

const write = (disk: FileSystem.FileSystem, path: string, text: string, sync: boolean, flag: "w" | "r+" | "a" = "w") =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* disk.open(path, { flag })
    yield* file.writeAll(new TextEncoder().encode(text))
    if (sync) yield* file.sync
  }))

const syncDirectory = (disk: FileSystem.FileSystem, path: string) =>
  Effect.scoped(Effect.flatMap(disk.open(path), (file) => file.sync))

const powerCut = (host: Host.Host) => Effect.scoped(Fault.crash(host))

/** The outcomes of a program over many seeds, each once. */
const outcomes = Effect.fnUntraced(function*<E>(
  body: (host: Host.Host, disk: FileSystem.FileSystem) => Effect.Effect<string, E, SimNetwork.SimNetwork>,
  seeds = 40
) {
  const all = new Set<string>()
  for (let seed = 1; seed <= seeds; seed++) all.add(yield* withDisk(body, {}, seed))
  return [...all].sort()
})

const contentOf = (disk: FileSystem.FileSystem, path: string) =>
  Effect.catch(disk.readFileString(path), () => Effect.succeed("nothing"))

describe("a loss of power", () => {
  it.effect("spares what was synced, and its name once the directory was", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "synced", true)
          yield* syncDirectory(disk, "/")
          yield* powerCut(host)
          return yield* contentOf(disk, "/file")
        })
      )
      expect(found).toEqual(["synced"])
    }))

  it.effect("may take the name of a new file, although the file was synced", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "synced", true)
          yield* powerCut(host)
          return yield* contentOf(disk, "/file")
        })
      )
      expect(found).toEqual(["nothing", "synced"])
    }))

  it.effect("may take the bytes of a file that has its name", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "new", false)
          yield* syncDirectory(disk, "/")
          yield* powerCut(host)
          return yield* contentOf(disk, "/file")
        })
      )
      expect(found).toEqual(["", "new"])
    }))

  it.effect("leaves a rename done or not done, and the file whole if it was synced before", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "old", true)
          yield* syncDirectory(disk, "/")
          yield* write(disk, "/new", "new", true)
          yield* disk.rename("/new", "/file")
          yield* powerCut(host)
          return `${yield* contentOf(disk, "/file")}, ${yield* contentOf(disk, "/new")}`
        })
      )
      // The names of a crash are those of one moment, in the order in which they changed.
      expect(found).toEqual(["new, nothing", "old, new", "old, nothing"])
    }))

  it.effect("may empty a file that is written again in place", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "old", true)
          yield* syncDirectory(disk, "/")
          yield* write(disk, "/file", "new", false)
          yield* powerCut(host)
          return yield* contentOf(disk, "/file")
        })
      )
      expect(found).toEqual(["", "new", "old"])
    }))

  it.effect("tears a write at sectors, in any order", () =>
    Effect.gen(function*() {
      const letters = (text: string) => [...text].map((letter) => letter.repeat(512)).join("")
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", letters("abc"), true)
          yield* syncDirectory(disk, "/")
          yield* write(disk, "/file", letters("xyz"), false, "r+")
          yield* powerCut(host)
          const text = yield* contentOf(disk, "/file")
          expect(text).toBe(letters(text[0]! + text[512]! + text[1024]!))
          return text[0]! + text[512]! + text[1024]!
        }), 120)
      expect(found).toEqual(["abc", "abz", "ayc", "ayz", "xbc", "xbz", "xyc", "xyz"])
    }))

  it.effect("writes back what is older than 30 seconds, names too", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "old", false)
          yield* Effect.sleep("31 seconds")
          yield* powerCut(host)
          return yield* contentOf(disk, "/file")
        }), 20)
      expect(found).toEqual(["old"])
    }))

  it.effect("brings back a file whose removal was not synced", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "old", true)
          yield* syncDirectory(disk, "/")
          yield* disk.remove("/file")
          yield* powerCut(host)
          return yield* contentOf(disk, "/file")
        })
      )
      expect(found).toEqual(["nothing", "old"])
    }))

  it.effect("takes nothing when only the process is killed", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "written", false)
          yield* Effect.scoped(Fault.kill(host))
          return yield* contentOf(disk, "/file")
        }), 10)
      expect(found).toEqual(["written"])
    }))
})

describe("a disk", () => {
  it("is the FileSystem of what runs on its host, in a synchronous run, and outlives its process", () => {
    const program = Effect.gen(function*() {
      const [a, b] = yield* SimNetwork.hosts("a", "b")
      const counting = Effect.gen(function*() {
        const { exists, readFileString, writeFileString } = yield* fs
        const count = (yield* exists("/count")) ? Number(yield* readFileString("/count")) : 0
        yield* writeFileString("/count", String(count + 1))
        return yield* Effect.never
      })
      yield* Host.start(a, counting)
      yield* Effect.sleep("1 second")
      yield* Effect.scoped(Fault.kill(a))
      yield* Effect.sleep("1 second")
      const read = Effect.flatMap(fs, ({ readFileString }) => codeOf(readFileString("/count")))
      return [yield* Disk.fileSystem(a).readFileString("/count"), yield* Host.run(b, read)]
    })
    expect(Effect.runSync(Simulation.run(program, { seed: 1 }))).toEqual(["2", "ENOENT"])
  })

  it.effect("M4: is not written by a dead process", () =>
    withDisk((host, disk) =>
      Effect.gen(function*() {
        const endless = Effect.gen(function*() {
          const file = yield* (yield* fs).open("/log", { flag: "a" })
          while (true) yield* Effect.uninterruptible(file.writeAll(Uint8Array.of(1)))
        })
        yield* Effect.forkChild(Effect.ignore(Host.run(host, Effect.scoped(endless))))
        yield* Effect.sleep("100 millis")
        yield* Fault.kill(host)
        const size = (yield* disk.readFile("/log")).length
        yield* Effect.sleep("1 second")
        expect(size).toBeGreaterThan(100)
        expect((yield* disk.readFile("/log")).length).toBe(size)
      }).pipe(Effect.scoped)
    ))

  it.effect("keeps values of a KeyValueStore", () =>
    withDisk((host) =>
      Effect.gen(function*() {
        const store = KeyValueStore.layerFileSystem("/values").pipe(Layer.provide(Path.layer))
        const run = <A, E>(effect: Effect.Effect<A, E, KeyValueStore.KeyValueStore>) =>
          Host.run(host, Effect.provide(effect, store))
        yield* run(Effect.flatMap(KeyValueStore.KeyValueStore, (store) => store.set("a/b", "1")))
        yield* Effect.scoped(Fault.kill(host))
        expect(yield* run(Effect.flatMap(KeyValueStore.KeyValueStore, (store) => store.get("a/b")))).toBe("1")
      })
    ))

  it.effect("copies trees as Node does: files that are there stay, unless they are to be overwritten", () =>
    withDisk((_, disk) =>
      Effect.gen(function*() {
        const text = (path: string) => Effect.orElseSucceed(disk.readFileString(path), () => "none")
        yield* disk.makeDirectory("/from/in", { recursive: true })
        yield* disk.writeFileString("/from/a", "a")
        yield* disk.writeFileString("/from/in/b", "b", { mode: 0o600 })
        yield* disk.symlink("a", "/from/link")
        yield* disk.utimes("/from/a", 1000, 2000)
        yield* disk.makeDirectory("/to/in", { recursive: true })
        yield* disk.writeFileString("/to/in/b", "before")
        yield* disk.writeFileString("/to/other", "other")
        const seconds = (path: string) =>
          Effect.map(disk.stat(path), ({ mtime }) => Option.getOrThrow(mtime).getTime() / 1000)
        yield* disk.copy("/from", "/to")
        expect(yield* Effect.forEach(["/to/a", "/to/in/b", "/to/other", "/to/link"], text)).toEqual([
          "a",
          "before",
          "other",
          "a"
        ])
        expect(yield* seconds("/to/a")).not.toBe(2000)
        yield* disk.writeFileString("/from/a", "new")
        yield* disk.utimes("/from/a", 1000, 3000)
        yield* disk.copy("/from", "/to", { overwrite: true, preserveTimestamps: true })
        expect(yield* Effect.forEach(["/to/a", "/to/in/b", "/to/other"], text)).toEqual(["new", "b", "other"])
        expect(yield* seconds("/to/a")).toBe(3000)
        expect((yield* disk.stat("/to/in/b")).mode & 0o777).toBe(0o600)
        yield* disk.copy("/from/in", "/deep/down/here")
        expect(yield* text("/deep/down/here/b")).toBe("b")
        const refused = [["/from", "/from"], ["/from", "/from/in/deeper"], ["/from", "/to/a"], ["/from/a", "/to/in"]]
        for (const [from, to] of refused) expect(yield* codeOf(disk.copy(from!, to!))).toMatch(/^ERR_FS_CP_/)
        expect(yield* codeOf(disk.copy("/nothing", "/to/a"))).toBe("ENOENT")
        yield* disk.copyFile("/to/other", "/to/a")
        expect(yield* text("/to/a")).toBe("other")
        yield* disk.copyFile("/to/a", "/to/a")
        expect(yield* text("/to/a")).toBe("other")
        expect(yield* codeOf(disk.copyFile("/from", "/to/b"))).toBe("EISDIR")
        expect(yield* text("/to/b")).toBe("none")
      })
    ))

  it.effect("is written in pieces of 512 KiB, as Node writes files", () =>
    Effect.gen(function*() {
      const kib = 1024
      const sizes = [0, 1, 512 * kib, 512 * kib + 1, 1536 * kib]
      const { exit, trace } = yield* Simulation.record(Effect.gen(function*() {
        const disk = Disk.fileSystem(yield* SimNetwork.host("host"))
        for (const size of sizes) yield* disk.writeFile(`/${size}`, new Uint8Array(size))
        for (const size of sizes) expect((yield* disk.readFile(`/${size}`)).length).toBe(size)
      }))
      yield* exit
      const pieces = (size: number) =>
        trace.records.flatMap((record) =>
          record._tag === "Disk" && record.operation === "write" && record.path === `/${size}` ? [record.bytes] : []
        )
      expect(sizes.map(pieces)).toEqual([
        [],
        [1],
        [512 * kib],
        [512 * kib, 1],
        [512 * kib, 512 * kib, 512 * kib]
      ])
    }))

  it.effect("is full at its capacity, and has room again when files are removed", () =>
    withDisk((_, disk) =>
      Effect.gen(function*() {
        const large = new Uint8Array(60_000)
        yield* disk.writeFile("/one", large)
        expect(yield* codeOf(disk.writeFile("/two", large))).toBe("ENOSPC")
        // What fits was written.
        const { size } = yield* disk.stat("/two")
        expect(Number(size)).toBeGreaterThan(0)
        yield* disk.remove("/one")
        yield* disk.writeFile("/two", large)
        for (let count = 0; count < 100; count++) {
          yield* disk.writeFile("/two", large)
          yield* disk.remove("/two")
        }
      }), { disk: { capacity: "64 KiB", latency: 0 } }))

  it.effect("closes the files of a process that ends, and frees those without a name", () =>
    withDisk((host, disk) =>
      Effect.gen(function*() {
        const holding = Effect.gen(function*() {
          const files = yield* fs
          const file = yield* files.open("/file", { flag: "w" })
          yield* file.writeAll(new Uint8Array(40_000))
          yield* files.remove("/file")
          return yield* Effect.never
        })
        yield* Effect.forkChild(Effect.ignore(Host.run(host, Effect.scoped(holding))))
        yield* Effect.sleep("1 second")
        expect(yield* codeOf(disk.writeFile("/other", new Uint8Array(40_000)))).toBe("ENOSPC")
        yield* Effect.scoped(Fault.kill(host))
        yield* disk.writeFile("/other", new Uint8Array(40_000))
      }), { disk: { capacity: "64 KiB" } }))

  it.effect("lists names in an order of the seed", () =>
    Effect.gen(function*() {
      const orders = yield* outcomes((_, disk) =>
        Effect.gen(function*() {
          for (const name of ["a", "b", "c"]) yield* disk.makeDirectory(`/x/${name}`, { recursive: true })
          return (yield* disk.readDirectory("/x")).join("")
        })
      )
      expect(orders).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"])
    }))

  it.effect("keeps that order where a run branches off", () =>
    Effect.gen(function*() {
      const orders = withDisk(
        (_, disk) =>
          Effect.gen(function*() {
            for (const name of "abcdefgh") yield* disk.makeDirectory(`/x/${name}`, { recursive: true })
            const before = yield* disk.readDirectory("/x")
            yield* Effect.sleep("10 seconds")
            return [before, yield* disk.readDirectory("/x")]
          }),
        {},
        "1@5000000~1"
      )
      const [before, after] = yield* orders
      expect(after).toEqual(before)
    }))

  it.effect("does not watch, and says so", () =>
    withDisk((_, disk) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Stream.runDrain(disk.watch("/")))
        expect(error.message).toBe("FileSystem.watch: not simulated; read the file again at intervals")
      })
    ))

  it.effect("rejects invalid settings", () =>
    Simulation.run(Effect.gen(function*() {
      const message = (disk: SimNetwork.DiskOptions) =>
        Effect.map(Effect.flip(SimNetwork.host("bad", { disk })), (error) => error.message)
      expect(yield* message({ capacity: -1 })).toMatch("disk.capacity")
      expect(yield* message({ sectorSize: 100 as 512 })).toMatch("512 or 4096")
      expect(yield* message({ latency: -1 })).toMatch("disk.latency")
      expect(yield* message({ syncLatency: "2 hours" })).toMatch("disk.syncLatency")
    })))
})

describe("a fault of a disk", () => {
  const timed = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.gen(function*() {
      const before = yield* Clock.currentTimeMillis
      yield* effect
      return (yield* Clock.currentTimeMillis) - before
    })

  it.effect("slows it down, and stalls it until it ends", () =>
    withDisk((host, disk) =>
      Effect.gen(function*() {
        const sync = Effect.gen(function*() {
          for (let count = 0; count < 10; count++) yield* write(disk, "/file", "x", true)
        })
        const usual = yield* timed(sync)
        const slow = yield* timed(Effect.scoped(Effect.andThen(Disk.slow(host, 100), sync)))
        expect(slow / usual).toBeGreaterThan(50)
        const stall = yield* Effect.forkChild(
          Effect.scoped(Effect.andThen(Disk.stall(host), Effect.sleep("1 minute")))
        )
        yield* Effect.sleep("1 second")
        const stalled = yield* timed(disk.readFile("/file"))
        expect(stalled).toBeGreaterThanOrEqual(59_000)
        expect(stalled).toBeLessThan(59_010)
        yield* Fiber.await(stall)
        expect(yield* timed(sync)).toBeLessThan(60)
      })
    ))

  it.effect("fills it: what needs no space can still be written", () =>
    withDisk((host, disk) =>
      Effect.gen(function*() {
        yield* write(disk, "/file", "x", false)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Disk.fill(host)
          expect(yield* codeOf(write(disk, "/file", "y", false, "r+"))).toBe("ok")
          expect(yield* codeOf(write(disk, "/file", "z".repeat(1000), false, "a"))).toBe("ENOSPC")
          expect(yield* codeOf(disk.makeDirectory("/new"))).toBe("ENOSPC")
        }))
        expect(yield* codeOf(disk.makeDirectory("/new"))).toBe("ok")
      })
    ))

  it.effect("fails reads", () =>
    withDisk((host, disk) =>
      Effect.gen(function*() {
        yield* write(disk, "/file", "x", false)
        yield* Effect.scoped(Effect.andThen(
          Disk.failReads(host),
          Effect.map(codeOf(disk.readFile("/file")), (code) => expect(code).toBe("EIO"))
        ))
        expect(yield* codeOf(disk.readFile("/file"))).toBe("ok")
      })
    ))

  it.effect("fails a sync once: the next one succeeds, and the bytes are lost in a crash", () =>
    Effect.gen(function*() {
      const found = yield* outcomes((host, disk) =>
        Effect.gen(function*() {
          yield* write(disk, "/file", "old", true)
          yield* syncDirectory(disk, "/")
          const code = yield* Effect.scoped(
            Effect.andThen(Disk.failSyncs(host), codeOf(write(disk, "/file", "new", true, "r+")))
          )
          const again = yield* codeOf(Effect.scoped(Effect.flatMap(disk.open("/file"), (file) => file.sync)))
          const before = yield* contentOf(disk, "/file")
          yield* powerCut(host)
          return `${code} ${again} ${before} ${yield* contentOf(disk, "/file")}`
        }), 10)
      expect(found).toEqual(["EIO ok new old"])
    }))

  it.effect("flips bits of what is on the disk", () =>
    withDisk((host, disk) =>
      Effect.gen(function*() {
        const bits = (bytes: Uint8Array) =>
          bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0)
        yield* write(disk, "/file", "\0".repeat(5000), true)
        yield* syncDirectory(disk, "/")
        yield* Effect.scoped(Disk.rot(host, 3))
        expect(bits(yield* disk.readFile("/file"))).toBe(3)
        yield* powerCut(host)
        expect(bits(yield* disk.readFile("/file"))).toBe(3)
      })
    ))

  it.effect("is in the trace, with the operations that it hits", () =>
    Effect.gen(function*() {
      const run = yield* Simulation.record(
        Effect.gen(function*() {
          const host = yield* SimNetwork.host("host")
          yield* Disk.failReads(host, 0.5)
          const files = Disk.fileSystem(host)
          yield* write(files, "/file", "hello", true)
          for (let count = 0; count < 20; count++) yield* Effect.ignore(files.readFile("/file"))
        }).pipe(Effect.scoped)
      )
      yield* run.exit
      const lines = run.trace.records.flatMap((record) =>
        record._tag === "Disk"
          ? [`${record.host} ${record.operation} ${record.path} ${record.bytes} ${record.error}`]
          : []
      )
      expect(lines.slice(0, 3)).toEqual([
        "host open /file undefined undefined",
        "host write /file 5 undefined",
        "host sync /file undefined undefined"
      ])
      expect(new Set(lines.slice(3))).toEqual(
        new Set(["host read /file 5 undefined", "host read /file undefined EIO"])
      )
    }))

  it.effect("is rejected with an amount that is none", () =>
    withDisk((host) =>
      Effect.gen(function*() {
        const bad = [
          Disk.slow(host, 0.5),
          Disk.failReads(host, 2),
          Disk.failSyncs(host, -1),
          Disk.rot(host, 0.5)
        ]
        for (const fault of bad) assert(Exit.isFailure(yield* Effect.exit(Effect.scoped(fault))))
      })
    ))
})
