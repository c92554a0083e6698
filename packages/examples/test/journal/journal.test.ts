/** The journal, on the disk of the kernel and on a simulated one that loses its power. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Codec from "@sluice/codec/Codec"
import * as Disk from "@sluice/simulation/Disk"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Random from "effect/Random"
import * as Journal from "../../src/journal/Journal.ts"
import { folder } from "../folder.ts"

const text = Codec.lengthPrefixed(Codec.varint(), Codec.text(), { limit: 10_000 })

const using = <A, E>(path: string, use: (journal: Journal.Journal<string>) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(Journal.open(path, text), use))
const records = (path: string) => using(path, ({ records }) => Effect.succeed(records))
const write = (path: string, ...records: ReadonlyArray<string>) =>
  using(path, ({ append, sync }) => Effect.andThen(append(records), sync))

/** What holds on every disk. */
const scenario = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const edit = (change: (bytes: Array<number>) => void) =>
    Effect.flatMap(fs.readFile(path), (bytes) => {
      const all = [...bytes]
      change(all)
      return fs.writeFile(path, Uint8Array.from(all))
    })
  yield* write(path, "a", "b")
  yield* write(path, "c")
  expect(yield* records(path)).toEqual(["a", "b", "c"])
  // The last batch is torn.
  yield* edit((bytes) => bytes.push(0, 0, 0, 9, 1, 2))
  expect(yield* records(path)).toEqual(["a", "b", "c"])
  yield* edit((bytes) => void bytes.splice(bytes.length - 1))
  expect(yield* records(path)).toEqual(["a", "b"])
  yield* write(path, "d".repeat(1000))
  expect(
    yield* using(path, ({ append, records, replace, sync }) =>
      Effect.gen(function*() {
        yield* replace(["e"])
        yield* append(["f"])
        yield* sync
        return records.length
      }))
  ).toBe(3)
  expect(yield* records(path)).toEqual(["e", "f"])
  yield* edit((bytes) => void (bytes[5]! ^= 1))
  expect((yield* Effect.flip(records(path))).message).toMatch(
    /^cannot read .*log: damaged at byte 0; restore the file from a backup$/
  )
})

describe("Journal", () => {
  it.live("keeps records, drops a torn batch, and refuses damage", () =>
    Effect.provide(scenario(`${folder()}/new/log`), NodeFileSystem.layer))

  it.effect("does the same on a simulated disk", () =>
    Simulation.run(Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      yield* Effect.provide(scenario("/new/log"), Disk.layer(host))
    })))

  it.effect("loses nothing that was synced, and no part of a batch, when the power fails", () =>
    Effect.gen(function*() {
      const left = new Set<string>()
      for (let seed = 1; seed <= 40; seed++) {
        const run = Effect.gen(function*() {
          const host = yield* SimNetwork.host("host")
          const read = Effect.provide(records("/log"), Disk.layer(host))
          yield* Host.run(host, write("/log", "a"))
          yield* Host.run(host, using("/log", ({ append }) => append(["x".repeat(1200), "y".repeat(1200)])))
          yield* Effect.scoped(Fault.crash(host))
          const found = yield* read
          yield* Effect.forkChild(Host.run(host, using("/log", ({ replace }) => replace(["new"]))))
          yield* Effect.sleep((yield* Random.next) * 25)
          yield* Effect.scoped(Fault.crash(host))
          const after = yield* read
          if (after[0] !== "new") expect(after).toEqual(found)
          return `${found.map((each) => each[0]).join("")} ${after[0]}`
        })
        left.add(yield* Simulation.run(run, { seed }))
      }
      expect([...left].sort()).toEqual(["a a", "a new", "axy a", "axy new"])
    }))
})
