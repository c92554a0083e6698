/** The simulated disk against the file system of the kernel: the same calls have the same results and the same errors. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect, it } from "@effect/vitest"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const bytes = (text: string) => new TextEncoder().encode(text)

/** Numbers that repeat for a seed. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0
    return ((state >>> 8) * below) >>> 24
  }
}

type Call = (fs: FileSystem.FileSystem, root: string) => Effect.Effect<unknown, PlatformError.PlatformError>

const flags: ReadonlyArray<FileSystem.OpenFlag> = ["r", "r+", "w", "wx", "w+", "wx+", "a", "ax", "a+", "ax+"]
const names = [
  "a",
  "b",
  "a/b",
  "a/c",
  "a/b/c",
  "d",
  "link",
  "a/link",
  "a/",
  "b/.",
  "./d",
  "a/../d",
  "missing/x"
]
const targets = ["a", "b", "../b", "d", "link", "a/b", "missing"]

const kindOf = ({ mode, nlink, size, type }: FileSystem.File.Info) => ({
  type,
  ...(type === "File" && { size: ByteSize.toBigInt(size), nlink: Option.getOrUndefined(nlink), mode })
})

/** Draws a call of `FileSystem`, and its name. */
const draw = (random: (below: number) => number): readonly [string, Call] => {
  const pick = <A>(all: ReadonlyArray<A>) => all[random(all.length)]!
  const [one, two] = [pick(names), pick(names)]
  const at = (root: string, name: string) => `${root}/${name}`
  const text = bytes("x".repeat(random(1500)))
  switch (random(20)) {
    case 0:
    case 1: {
      const recursive = random(3) === 0
      return [
        `makeDirectory ${one} ${recursive}`,
        (fs, root) => Effect.asVoid(fs.makeDirectory(at(root, one), { recursive }))
      ]
    }
    case 2:
    case 3:
    case 4: {
      const flag = pick(flags.slice(1))
      return [`writeFile ${one} ${flag} ${text.length}`, (fs, root) => fs.writeFile(at(root, one), text, { flag })]
    }
    case 5: {
      const [recursive, force] = [random(3) === 0, random(3) === 0]
      return [
        `remove ${one} ${recursive} ${force}`,
        // Through a link with a slash behind it, Node removes what is in the directory, and reports success.
        (fs, root) => fs.remove(at(root, one).replace(/\/$/, ""), { recursive, force })
      ]
    }
    case 6:
    case 7:
      return [`rename ${one} ${two}`, (fs, root) => fs.rename(at(root, one), at(root, two))]
    case 8:
      return [`link ${one} ${two}`, (fs, root) => fs.link(at(root, one), at(root, two))]
    case 9: {
      const target = pick(targets)
      return [`symlink ${target} ${one}`, (fs, root) => fs.symlink(target, at(root, one))]
    }
    case 10:
      return [`readFile ${one}`, (fs, root) => Effect.map(fs.readFile(at(root, one)), (all) => all.length)]
    case 11: {
      const length = random(2000)
      return [`truncate ${one} ${length}`, (fs, root) => fs.truncate(at(root, one), length)]
    }
    case 12:
      return [`readLink ${one}`, (fs, root) => fs.readLink(at(root, one))]
    case 13:
      return [
        `realPath ${one}`,
        (fs, root) => Effect.map(fs.realPath(at(root, one)), (path) => path.replace(dirname(root), ".."))
      ]
    case 14: {
      const recursive = random(2) === 0
      return [
        `readDirectory ${one} ${recursive}`,
        (fs, root) => Effect.map(fs.readDirectory(at(root, one), { recursive }), (all) => all.toSorted())
      ]
    }
    case 15:
      return [`stat ${one}`, (fs, root) => Effect.map(fs.stat(at(root, one)), kindOf)]
    case 16:
      return [`lstat ${one}`, (fs, root) => Effect.map(fs.lstat(at(root, one)), kindOf)]
    case 17:
      return [`copyFile ${one} ${two}`, (fs, root) => fs.copyFile(at(root, one), at(root, two))]
    default:
      return drawHandle(one, random)
  }
}

/** Opens a file, and uses the handle. */
const drawHandle = (name: string, random: (below: number) => number): readonly [string, Call] => {
  const flag = flags[random(flags.length)]!
  const noFollow = random(4) === 0
  const steps = Array.from({ length: 5 }, () => [random(7), random(1200)] as const)
  return [
    `open ${name} ${flag} ${noFollow} ${steps.join(" ")}`,
    (fs, root) =>
      Effect.scoped(Effect.gen(function*() {
        const file = yield* fs.open(`${root}/${name}`, { flag, noFollow })
        const results: Array<unknown> = []
        for (const [step, amount] of steps) {
          const run = (): Effect.Effect<unknown, PlatformError.PlatformError> => {
            switch (step) {
              case 0:
                return file.seek(BigInt(amount - 300), random(2) === 0 ? "start" : "current")
              case 1:
                return Effect.map(file.readAlloc(amount), Option.map((all) => [all.length, all.at(-1)]))
              case 2:
                return file.writeAll(new Uint8Array(amount).fill(amount))
              case 3:
                return file.truncate(amount)
              case 4:
                return file.sync
              case 5:
                return Effect.map(file.stat, kindOf)
              default:
                return file.read(new Uint8Array(amount), { position: BigInt(amount) })
            }
          }
          results.push(yield* outcome(run(), root))
        }
        return results
      }))
  ]
}

const outcome = (effect: Effect.Effect<unknown, PlatformError.PlatformError>, root: string) =>
  Effect.map(Effect.result(effect), (result) => {
    if (Result.isSuccess(result)) return result.success ?? "done"
    const { reason } = result.failure
    const { cause, method } = reason
    if (reason._tag === "BadArgument") return { tag: reason._tag, method, text: reason.description }
    const { code, message = "" } = (cause ?? {}) as NodeJS.ErrnoException
    const path = String(reason.pathOrDescriptor).replace(root, "").replace(/^\d+$/, "fd")
    // Node names the part of the path that it has got to.
    const isOurs = code?.startsWith("ERR") === false && method !== "realPath" && method !== "makeDirectory"
    const text = isOurs ? message.replaceAll(root, "") : ""
    const { syscall } = method === "realPath" ? { syscall: "" } : reason
    return { tag: reason._tag, method, code, syscall, path, text }
  })

const run = (calls: ReadonlyArray<readonly [string, Call]>, root: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const results: Array<readonly [string, unknown]> = []
    for (const [name, call] of calls) results.push([name, yield* outcome(call(fs, root), root)])
    return results
  })

/** Node 22 and others differ in whether the text of a failed read of a folder ends with its path. */
const comparable = (result: unknown): unknown =>
  Predicate.hasProperty(result, "text") && typeof result.text === "string"
    ? { ...result, text: result.text.replace(/(EISDIR: illegal operation on a directory, read) '.*'$/, "$1") }
    : result

const count = Number(process.env["SLUICE_SEEDS"] ?? 60)

it.live(`M2: the simulated disk does what the kernel does, in ${count} random sequences`, () =>
  Effect.gen(function*() {
    const temporary = mkdtempSync(join(tmpdir(), "sluice-disk-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(temporary, { recursive: true, force: true })))
    for (let seed = 1; seed <= count; seed++) {
      const calls = () => {
        const random = randomOf(seed)
        return Array.from({ length: 30 }, () => draw(random))
      }
      const real = `${temporary}/${seed}/root`
      const kernel = yield* Effect.provide(
        Effect.flatMap(FileSystem.FileSystem, (fs) =>
          Effect.andThen(fs.makeDirectory(real, { recursive: true }), run(calls(), real))),
        NodeFileSystem.layer
      )
      const simulated = yield* Simulation.run(
        Effect.gen(function*() {
          const host = yield* SimNetwork.host("host", { disk: { latency: 0, syncLatency: 0 } })
          return yield* Host.run(
            host,
            Effect.flatMap(
              FileSystem.FileSystem,
              (fs) =>
                Effect.andThen(fs.makeDirectory("/deep/root", { recursive: true }), run(calls(), "/deep/root"))
            )
          )
        }),
        { seed }
      )
      for (const [index, [name, result]] of kernel.entries()) {
        expect([seed, index, name, comparable(simulated[index]![1])]).toEqual([seed, index, name, comparable(result)])
      }
    }
  }).pipe(Effect.scoped))
