import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as NetworkError from "../../NetworkError.ts"
import { UnusableCertificate } from "../../TlsReason.ts"

/** A folder on the way to a file, and the entries in it whose change can change the file. */
interface Watched {
  readonly folder: string
  readonly names: Set<string>
  /** Whether it is the folder of a file itself. */
  holdsFile: boolean
}

// Changes that follow each other closely are one replacement.
const quiet = "100 millis"
const longestQuiet = 10
// For file systems that report no changes, such as those of other machines.
const lookAnyway = "1 minute"
// As Linux has it (path_resolution(7)).
const mostLinks = 40

/**
 * Runs `look` after changes of files: of their content, of a link on the way to them, or of a folder on the way that is
 * replaced; and once a minute. Returns when it watches, and continues while the Scope is open.
 */
export const watchFiles = Effect.fnUntraced(function*(
  paths: ReadonlySet<string>,
  look: Effect.Effect<void>
): Effect.fn.Return<void, NetworkError.NetworkError, FileSystem.FileSystem | Scope.Scope> {
  const fileSystem = yield* FileSystem.FileSystem
  const outer = yield* Effect.scope
  const changes = yield* Queue.sliding<void>(1)
  const open = new Map<string, { readonly names: Set<string>; readonly scope: Scope.Closeable }>()

  /** Watches the folders that lead to the files now, and no others. Answers whether any of them is new. */
  const arrange = Effect.gen(function*() {
    const wanted = new Map<string, Watched>()
    for (const watched of (yield* foldersOf(fileSystem, paths)).values()) {
      const info = yield* Effect.option(fileSystem.stat(watched.folder))
      // A folder that was replaced is another one by the same name.
      if (Option.isSome(info)) wanted.set(`${watched.folder} ${info.value.dev} ${info.value.ino}`, watched)
    }
    for (const [key, { scope }] of open) {
      if (wanted.has(key)) continue
      open.delete(key)
      yield* Scope.close(scope, Exit.void)
    }
    let isNew = false
    for (const [key, watched] of wanted) {
      const known = open.get(key)
      if (known !== undefined) {
        known.names.clear()
        for (const name of watched.names) known.names.add(name)
        continue
      }
      const scope = yield* Scope.fork(outer)
      open.set(key, { names: watched.names, scope })
      yield* watch(fileSystem, watched, Queue.offer(changes, undefined)).pipe(
        Scope.provide(scope),
        Effect.onError(() => {
          open.delete(key)
          return Scope.close(scope, Exit.void)
        })
      )
      isNew = true
    }
    return isNew
  })

  // What changed before a folder was watched, went unseen.
  const settle = Effect.gen(function*() {
    for (let round = 0; round < longestQuiet; round++) if (!(yield* arrange)) break
  })

  yield* settle
  yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
    yield* Effect.timeoutOption(Queue.take(changes), lookAnyway)
    for (let round = 0; round < longestQuiet; round++) {
      yield* Effect.sleep(quiet)
      if (Option.isNone(yield* Queue.poll(changes))) break
    }
    yield* Effect.catch(settle, (error) => Effect.logWarning(error.message))
    yield* look
  })))
})

/** The folders that lead to the files: those that hold a part of a path, or a link on the way. */
const foldersOf = Effect.fnUntraced(function*(fileSystem: FileSystem.FileSystem, paths: ReadonlySet<string>) {
  const found = new Map<string, Watched>()
  for (const path of paths) {
    let folder = path.startsWith("/") ? "/" : yield* Effect.orElseSucceed(fileSystem.realPath("."), () => ".")
    let links = 0
    for (let rest = parts(path); rest.length > 0;) {
      const [name, ...following] = rest as [string, ...Array<string>]
      rest = following
      if (name === "..") {
        folder = folder.slice(0, folder.lastIndexOf("/")) || "/"
        continue
      }
      const watched = found.get(folder) ?? { folder, names: new Set(), holdsFile: false }
      found.set(folder, watched)
      watched.names.add(name)
      watched.holdsFile ||= rest.length === 0
      const here = folder === "/" ? `/${name}` : `${folder}/${name}`
      const target = yield* Effect.option(fileSystem.readLink(here))
      if (Option.isNone(target)) {
        folder = here
      } else if (++links <= mostLinks) {
        if (target.value.startsWith("/")) folder = "/"
        rest = [...parts(target.value), ...rest]
      } else break
    }
  }
  return found
})

const parts = (path: string): ReadonlyArray<string> => path.split("/").filter((part) => part !== "" && part !== ".")

/** Returns when it watches. Of a folder further up, which may be closed to this process, only what can be watched is. */
const watch = Effect.fnUntraced(function*(
  fileSystem: FileSystem.FileSystem,
  { folder, holdsFile, names }: Watched,
  onChange: Effect.Effect<unknown>
): Effect.fn.Return<void, NetworkError.NetworkError, Scope.Scope> {
  const ready = yield* Deferred.make<void, NetworkError.NetworkError>()
  const onReady = () => Deferred.doneUnsafe(ready, Effect.void)
  const watching = fileSystem.watch(folder, { onReady }).pipe(
    Stream.runForEach(({ path }) => names.has(path.slice(path.lastIndexOf("/") + 1)) ? onChange : Effect.void),
    Effect.catch((cause) => {
      const error = unwatchable(folder, cause)
      if (Deferred.doneUnsafe(ready, holdsFile ? Effect.fail(error) : Effect.void)) return Effect.void
      return Effect.logWarning(error.message)
    })
  )
  yield* Effect.forkScoped(watching)
  yield* Deferred.await(ready)
})

const unwatchable = (folder: string, cause: PlatformError.PlatformError) => {
  const reason = new UnusableCertificate({ option: "the folder", why: `it cannot be watched: ${cause.message}` })
  return new NetworkError.NetworkError({ operation: "configure", address: folder, reason, cause })
}
