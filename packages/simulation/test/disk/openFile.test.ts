import { describe, expect, it } from "@effect/vitest"
import * as Disk from "@sluice/simulation/Disk"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"

const bytes = (text: string) => new TextEncoder().encode(text)

const withFile = <A, E>(use: (disk: FileSystem.FileSystem) => Effect.Effect<A, E, Scope.Scope>) =>
  Simulation.run(Effect.scoped(Effect.gen(function*() {
    const disk = Disk.fileSystem(yield* SimNetwork.host("host"))
    yield* disk.writeFileString("/file", "abcdef")
    return yield* use(disk)
  })))

const read = (file: FileSystem.File, size: number, position?: bigint) =>
  Effect.map(
    file.readAlloc(size, position === undefined ? undefined : { position }),
    (read) => Option.match(read, { onNone: () => "end", onSome: (bytes) => new TextDecoder().decode(bytes) })
  )

const codeOf = <A>(effect: Effect.Effect<A, PlatformError.PlatformError>) =>
  Effect.match(effect, {
    onSuccess: () => "ok",
    onFailure: ({ reason }) => (reason.cause as { readonly code?: string } | undefined)?.code ?? reason._tag
  })

describe("an open file", () => {
  it.effect("reads from its position, which reading and seeking move, or from another that it is given", () =>
    withFile((disk) =>
      Effect.gen(function*() {
        const file = yield* disk.open("/file")
        expect([yield* read(file, 2), yield* read(file, 2)]).toEqual(["ab", "cd"])
        expect(yield* read(file, 3, 1n)).toBe("bcd")
        expect([yield* read(file, 5), yield* read(file, 5)]).toEqual(["ef", "end"])
        expect([yield* file.seek(2n, "start"), yield* read(file, 1)]).toEqual([2n, "c"])
        expect([yield* file.seek(-2n, "current"), yield* read(file, 2)]).toEqual([1n, "bc"])
        expect([yield* file.seek(1n, "current"), yield* read(file, 9)]).toEqual([4n, "ef"])
        expect(yield* codeOf(file.seek(-7n, "current"))).toBe("BadArgument")
        expect([yield* file.seek(0n, "current"), yield* file.seek(-6n, "current")]).toEqual([6n, 0n])
        expect([yield* codeOf(file.seek(-1n, "start")), yield* read(file, 1)]).toEqual(["BadArgument", "a"])
        expect([yield* codeOf(read(file, 1, -1n)), yield* file.seek(0n, "current")]).toEqual(["BadArgument", 1n])
        expect([yield* file.seek(90n, "start"), yield* read(file, 1)]).toEqual([90n, "end"])
      })
    ))

  it.effect("writes at its position, or at the end where it appends, and is cut", () =>
    withFile((disk) =>
      Effect.gen(function*() {
        const file = yield* disk.open("/file", { flag: "r+" })
        expect(yield* file.write(bytes("AB"))).toBe(2)
        yield* file.writeAll(bytes("C"))
        expect([yield* file.seek(0n, "current"), yield* disk.readFileString("/file")]).toEqual([3n, "ABCdef"])
        const appending = yield* disk.open("/file", { flag: "a+" })
        yield* appending.writeAll(bytes("gh"))
        expect(yield* read(appending, 3)).toBe("ABC")
        yield* appending.writeAll(bytes("i"))
        expect([yield* appending.seek(0n, "current"), yield* disk.readFileString("/file")]).toEqual([3n, "ABCdefghi"])
        yield* file.seek(8n, "start")
        yield* file.truncate(8)
        expect(yield* file.seek(0n, "current")).toBe(8n)
        yield* file.truncate(4)
        expect([yield* file.seek(0n, "current"), yield* disk.readFileString("/file")]).toEqual([4n, "ABCd"])
        yield* appending.seek(9n, "start")
        yield* appending.truncate(1)
        expect([yield* appending.seek(0n, "current"), yield* disk.readFileString("/file")]).toEqual([9n, "A"])
        yield* file.writeAll(bytes("z"))
        expect(yield* disk.readFile("/file")).toEqual(Uint8Array.of(65, 0, 0, 0, 122))
        yield* file.seek(BigInt(Number.MAX_SAFE_INTEGER) + 1n, "start")
        expect(yield* codeOf(file.write(bytes("z")))).toBe("BadArgument")
      })
    ))

  it.effect("does what it was opened for, and nothing is always possible", () =>
    withFile((disk) =>
      Effect.gen(function*() {
        const reading = yield* disk.open("/file")
        expect(yield* codeOf(reading.write(bytes("x")))).toBe("EBADF")
        expect(yield* codeOf(reading.writeAll(new Uint8Array(0)))).toBe("ok")
        expect(yield* codeOf(reading.truncate(0))).toBe("EINVAL")
        const writing = yield* disk.open("/file", { flag: "r+" })
        expect(yield* writing.read(new Uint8Array(0))).toBe(0)
        const onlyWriting = yield* disk.open("/other", { flag: "w" })
        expect(yield* codeOf(onlyWriting.read(new Uint8Array(1)))).toBe("EBADF")
        expect(yield* codeOf(onlyWriting.read(new Uint8Array(0)))).toBe("ok")
        const folder = yield* disk.open("/")
        expect([yield* codeOf(folder.read(new Uint8Array(1))), yield* codeOf(folder.truncate(0))]).toEqual([
          "EISDIR",
          "EINVAL"
        ])
      })
    ))
})
