/** Random operations, syncs and losses of power, against a model that knows what may be left. */
import { expect, it } from "@effect/vitest"
import * as Disk from "@sluice/simulation/Disk"
import * as Fault from "@sluice/simulation/Fault"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Random from "effect/Random"

const sector = 512

/** A file: its bytes, and the contents that it has had since its last sync. */
interface FileModel {
  bytes: Uint8Array
  since: Array<Uint8Array>
}

type Names = ReadonlyMap<string, number>

const padded = (bytes: Uint8Array, at: number): Uint8Array => {
  const all = new Uint8Array(sector)
  all.set(bytes.subarray(at, at + sector))
  return all
}

const startsWith = (bytes: Uint8Array, prefix: Uint8Array) => prefix.every((byte, index) => bytes[index] === byte)

/** What a crash leaves of a file: each sector as it was at some time since the last sync, or zero. */
const mayBe = ({ since }: FileModel, found: Uint8Array): boolean => {
  if (since.length === 1) return found.length === since[0]!.length && startsWith(found, since[0]!)
  const sizes = since.map(({ length }) => length)
  if (found.length < Math.min(...sizes) || found.length > Math.max(...sizes)) return false
  for (let at = 0; at < found.length; at += sector) {
    const piece = found.subarray(at, at + sector)
    const isZero = piece.every((byte) => byte === 0)
    // A version that was cut, and made longer again, is zero behind the cut.
    const isKnown = since.some(({ length }) =>
      since.some((bytes) => startsWith(padded(bytes.subarray(0, length), at), piece))
    )
    if (!isKnown && !isZero) return false
  }
  return true
}

class Model {
  names: Names = new Map()
  /** The names since the last sync of the directory. */
  past: Array<Names> = [new Map()]
  readonly files = new Map<number, FileModel>()

  rename(change: (names: Map<string, number>) => void): void {
    const names = new Map(this.names)
    change(names)
    this.names = names
    this.past.push(names)
  }

  change(number: number, bytes: Uint8Array): void {
    const file = this.files.get(number)!
    file.bytes = bytes
    file.since.push(bytes)
  }
}

const numberOf = ({ ino }: FileSystem.File.Info) => Number(Option.getOrThrow(ino))

const scenario = Effect.gen(function*() {
  const host = yield* SimNetwork.host("host", { disk: { latency: 0, syncLatency: "1 millis" } })
  const disk = Disk.fileSystem(host)
  const model = new Model()
  const below = (limit: number) => Effect.map(Random.next, (draw) => Math.floor(draw * limit))
  yield* disk.makeDirectory("/d")
  yield* Effect.scoped(Effect.flatMap(disk.open("/"), (root) => root.sync))
  let crashes = 0

  const look = Effect.gen(function*() {
    const found = new Map<string, readonly [number, Uint8Array]>()
    for (const name of yield* disk.readDirectory("/d")) {
      found.set(name, [numberOf(yield* disk.stat(`/d/${name}`)), yield* disk.readFile(`/d/${name}`)])
    }
    return found
  })

  const crash = Effect.gen(function*() {
    const isKill = (yield* below(3)) === 0
    yield* Effect.scoped(isKill ? Fault.kill(host) : Fault.crash(host))
    const found = yield* look
    const names = [...found].map(([name, [number]]) => `${name} ${number}`).sort().join()
    const possible = (isKill ? [model.names] : model.past).map((each) =>
      [...each].map(([name, number]) => `${name} ${number}`).sort().join()
    )
    expect(possible).toContain(names)
    for (const [name, [number, bytes]] of found) {
      const file = model.files.get(number)!
      const expected = isKill ? { bytes: file.bytes, since: [file.bytes] } : file
      expect([name, mayBe(expected, bytes)]).toEqual([name, true])
    }
    if (isKill) return
    crashes++
    model.names = new Map([...found].map(([name, [number]]) => [name, number]))
    model.past = [model.names]
    for (const [, [number, bytes]] of found) model.files.set(number, { bytes, since: [bytes] })
  })

  const write = Effect.fnUntraced(function*(path: string, number: number) {
    const { bytes } = model.files.get(number)!
    const length = 1 + (yield* below(1500))
    const [at, fill] = [yield* below(bytes.length + 600), 1 + (yield* below(255))]
    const file = yield* disk.open(path, { flag: "r+" })
    yield* file.seek(BigInt(at), "start")
    yield* file.writeAll(new Uint8Array(length).fill(fill))
    const next = new Uint8Array(Math.max(bytes.length, at + length))
    next.set(bytes)
    next.fill(fill, at, at + length)
    model.change(number, next)
  }, Effect.scoped)

  const truncate = Effect.fnUntraced(function*(path: string, number: number) {
    const size = yield* below(1500)
    yield* disk.truncate(path, size)
    const next = new Uint8Array(size)
    next.set(model.files.get(number)!.bytes.subarray(0, size))
    model.change(number, next)
  })

  for (let step = 0; step < 60; step++) {
    const name = "abcd"[yield* below(4)]!
    const path = `/d/${name}`
    const number = model.names.get(name)
    const choice = yield* below(12)
    if (choice === 11) yield* crash
    else if (choice === 10) {
      yield* Effect.scoped(Effect.flatMap(disk.open("/d"), (directory) => directory.sync))
      model.past = [model.names]
    } else if (number === undefined) {
      yield* disk.writeFile(path, new Uint8Array(0), { flag: "wx" })
      const made = numberOf(yield* disk.stat(path))
      const bytes = new Uint8Array(0)
      model.files.set(made, { bytes, since: [bytes] })
      model.rename((names) => void names.set(name, made))
    } else if (choice < 4) yield* write(path, number)
    else if (choice === 4) yield* truncate(path, number)
    else if (choice < 7) {
      yield* Effect.scoped(Effect.flatMap(disk.open(path, { flag: "r+" }), (file) => file.sync))
      const file = model.files.get(number)!
      file.since = [file.bytes]
    } else if (choice < 9) {
      const other = "abcd"[yield* below(4)]!
      yield* disk.rename(path, `/d/${other}`)
      if (other === name) continue
      model.rename((names) => {
        names.delete(name)
        names.set(other, number)
      })
    } else {
      yield* disk.remove(path)
      model.rename((names) => void names.delete(name))
    }
    // What programs see is what they have written.
    const found = yield* look
    expect([...found.keys()].sort()).toEqual([...model.names.keys()].sort())
    for (const [each, [at, bytes]] of found) {
      expect([each, at]).toEqual([each, model.names.get(each)])
      expect(Buffer.compare(bytes, model.files.get(at)!.bytes)).toBe(0)
    }
  }
  return crashes
})

const count = Number(process.env["SLUICE_SEEDS"] ?? 30)

it.effect(
  `a crash leaves what was synced, and of the rest something that was written, in ${count} runs`,
  () =>
    Effect.gen(function*() {
      let crashes = 0
      for (let seed = 1; seed <= count; seed++) crashes += yield* Simulation.run(scenario, { seed })
      expect(crashes).toBeGreaterThan(count)
    }),
  60_000
)
