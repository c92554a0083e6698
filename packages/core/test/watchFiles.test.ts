import { assert, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { watchFiles } from "../src/internal/tls/watchFiles.ts"

const missing = (method: string) =>
  Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method }))

const folderOf = (ino: number): FileSystem.File.Info => ({
  type: "Directory",
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 1n,
  ino: Option.some(BigInt(ino)),
  mode: 0o755,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.zero,
  blksize: Option.none(),
  blocks: Option.none()
})

/** The folders that are watched for a file, in a file system of these links. */
const watchedFor = Effect.fnUntraced(function*(path: string, links: ReadonlyMap<string, string>) {
  const watched: Array<string> = []
  const fileSystem = FileSystem.makeNoop({
    realPath: () => Effect.succeed("/home"),
    readLink: (at) => {
      const target = links.get(at)
      return target === undefined ? missing("readLink") : Effect.succeed(target)
    },
    stat: (at) => Effect.succeed(folderOf(at.length)),
    watch: (at, options) => {
      watched.push(at)
      options?.onReady?.()
      return Stream.never
    }
  })
  yield* watchFiles(new Set([path]), Effect.void).pipe(Effect.provideService(FileSystem.FileSystem, fileSystem))
  return watched
}, Effect.scoped)

it.effect("follows as many links to a file as Linux does, and no loop forever", () =>
  Effect.gen(function*() {
    const chain = (length: number) =>
      new Map(Array.from({ length }, (_, index) => [`/d${index}/file`, `/d${index + 1}/file`] as const))
    for (const length of [0, 1, 39, 40, 41]) {
      // The folder in which the link beyond the fortieth is found, is the last.
      const folders = Array.from({ length: Math.min(length, 40) + 1 }, (_, index) => `/d${index}`)
      assert.deepStrictEqual(yield* watchedFor("/d0/file", chain(length)), ["/", ...folders])
    }
    assert.deepStrictEqual(yield* watchedFor("/a/b", new Map([["/a", "/c"], ["/c", "a"]])), ["/"])
  }))

it.effect("watches each folder on the way to a file, by a path that is relative, goes up, or ends in a link", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* watchedFor("certs/./x/../key", new Map()), ["/home", "/home/certs"])
    assert.deepStrictEqual(yield* watchedFor("/../../key", new Map()), ["/"])
    const links = new Map([["/live", "sites/one"], ["/sites/one/key", "../../keys/key"]])
    assert.deepStrictEqual(yield* watchedFor("/live/key", links), ["/", "/sites", "/sites/one", "/keys"])
  }))
