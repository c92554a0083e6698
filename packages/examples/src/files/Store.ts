/** A folder of files. Nothing outside it is read or written, and a file gets its name only when it is complete. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import type { Hash } from "node:crypto"
import * as digest from "./digest.ts"
import { TransferFailed } from "./protocol.ts"

export interface Options {
  readonly folder: string
  /** Whether a file may replace another. */
  readonly replace: boolean
  /** Bytes of one file, at most. */
  readonly maxSize: number
  /** Bytes that stay free on the disk. */
  readonly keepFree: number
  /** Bytes that are free on the disk of a folder. */
  readonly freeSpace: (folder: string) => Effect.Effect<number, TransferFailed>
}

/** A file that can be sent. */
export interface Source {
  readonly file: FileSystem.File
  readonly size: number
}

/** A file that is being received. */
export interface Target {
  /** The length of the part that is on disk, and its hash. */
  readonly offset: number
  readonly hash: Hash
  /** Starts to write at `offset`, or at 0. */
  readonly start: (offset: number) => Effect.Effect<Writer, TransferFailed, Scope.Scope>
}

export interface Writer {
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, TransferFailed>
  /** Syncs the file to disk, and gives it its name. */
  readonly commit: Effect.Effect<void, TransferFailed>
  readonly discard: Effect.Effect<void, TransferFailed>
}

export interface Store {
  readonly open: (name: string) => Effect.Effect<Source, TransferFailed, Scope.Scope>
  readonly receive: (name: string, size: number) => Effect.Effect<Target, TransferFailed, Scope.Scope>
}

const suffix = ".partial"

/** An error with the reason alone: the peer must not learn the path of the folder. */
const failed = (doing: string) => ({ reason }: PlatformError.PlatformError) => {
  const cause = reason.cause as NodeJS.ErrnoException | undefined
  const why = cause?.code ?? reason._tag
  if (reason._tag === "NotFound") return new TransferFailed({ code: "NotFound", message: `${doing}: no such file` })
  return why === "ENOSPC" || why === "EDQUOT"
    ? new TransferFailed({ code: "NoSpace", message: `${doing}: the disk is full (${why}); make room and resume` })
    : new TransferFailed({ code: "Failed", message: `${doing}: ${why}; check the file and its permissions` })
}

/** The segments of a name, if it stays below a folder. */
const parse = (name: string): Option.Option<ReadonlyArray<string>> => {
  const segments = name.split("/")
  const isSafe = (segment: string) =>
    segment !== "" && segment !== "." && segment !== ".." && Buffer.byteLength(segment) <= 255 - suffix.length &&
    !/[\p{Cc}\\]/u.test(segment) && !segment.toLowerCase().endsWith(suffix)
  return Option.liftPredicate(segments, (segments) => segments.every(isSafe))
}

/** Opens a regular file, and rejects devices, pipes and folders. */
const openRegular = Effect.fnUntraced(
  function*(path: string, options?: { readonly noFollow: boolean }): Effect.fn.Return<
    Source,
    PlatformError.PlatformError | TransferFailed,
    FileSystem.FileSystem | Scope.Scope
  > {
    const fs = yield* FileSystem.FileSystem
    // A pipe must not be opened: that waits for a writer.
    if ((yield* fs.stat(path)).type !== "File") {
      return yield* new TransferFailed({ code: "Failed", message: "it is not a regular file; name a file" })
    }
    const file = yield* fs.open(path, { flag: "r", ...options })
    return { file, size: ByteSize.toNumberUnsafe((yield* file.stat).size) }
  }
)

/** Opens a file at any path. */
export const openFile = (path: string) => Effect.catchTag(openRegular(path), "PlatformError", unreadable)

const unreadable = (error: PlatformError.PlatformError) => Effect.fail(failed("cannot read the file")(error))

export const make = Effect.fnUntraced(function*(options: Options) {
  const fs = yield* FileSystem.FileSystem
  const root = yield* fs.realPath(options.folder).pipe(Effect.mapError(failed(`cannot use folder ${options.folder}`)))
  const isInside = (path: string) => path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`)
  const receiving = new Set<string>()

  /** The path of a name, with its folders resolved. */
  const locate = Effect.fnUntraced(function*(name: string) {
    const segments = parse(name)
    if (Option.isNone(segments)) {
      return yield* new TransferFailed({
        code: "BadName",
        message: `invalid name: it must be relative, without .., control characters or ${suffix}; rename the file`
      })
    }
    const folder = yield* fs.realPath([root, ...segments.value.slice(0, -1)].join("/")).pipe(
      Effect.mapError(failed("cannot find the folder"))
    )
    if (!isInside(folder)) return yield* outside
    return { folder, path: `${folder === "/" ? "" : folder}/${segments.value.at(-1)}` }
  })
  const outside = new TransferFailed({ code: "BadName", message: "the name leads out of the folder; use another" })

  /** The size of a file, or undefined if nothing is there. Anything else, such as a link, has NaN, which equals no size. */
  const sizeOf = (path: string) =>
    Effect.match(fs.lstat(path), {
      onSuccess: ({ size, type }) => type === "File" ? ByteSize.toNumberUnsafe(size) : NaN,
      onFailure: () => undefined
    })

  const open: Store["open"] = Effect.fnUntraced(function*(name) {
    const { path } = yield* locate(name)
    const real = yield* fs.realPath(path)
    if (!isInside(real)) return yield* outside
    return yield* Effect.provideService(openRegular(real, { noFollow: true }), FileSystem.FileSystem, fs)
  }, Effect.catchTag("PlatformError", unreadable))

  const receive: Store["receive"] = Effect.fnUntraced(function*(name, size) {
    const { folder, path } = yield* locate(name)
    if (size > options.maxSize) {
      const limit = ByteSize.format(ByteSize.bytes(options.maxSize))
      return yield* new TransferFailed({
        code: "TooLarge",
        message: `the file has more than ${limit}; raise --max-size at the receiver`
      })
    }
    yield* Effect.acquireRelease(
      Effect.suspend(() => {
        if (receiving.has(path)) {
          return Effect.fail(
            new TransferFailed({ code: "Busy", message: "another client is sending the file; try again later" })
          )
        }
        receiving.add(path)
        return Effect.void
      }),
      () => Effect.sync(() => void receiving.delete(path))
    )
    const partial = path + suffix
    const exists = new TransferFailed({
      code: "Exists",
      message: "there is another file of that name; give --replace to the receiver, or rename the file"
    })
    const finished = yield* sizeOf(path)
    const begun = yield* sizeOf(partial)
    if (finished !== undefined && finished !== size && !options.replace) return yield* exists
    // The file is complete already if the peer missed the last answer.
    const isFinished = finished === size && (begun === undefined || !options.replace)
    const kept = isFinished ? path : begun !== undefined && begun <= size ? partial : undefined
    const prefix = kept === undefined
      ? { hash: digest.empty(), length: 0 }
      : yield* fs.open(kept, { flag: "r", noFollow: true }).pipe(
        Effect.flatMap((file) => digest.ofPrefix(file, size)),
        Effect.scoped,
        Effect.mapError(failed("cannot resume the file"))
      )

    const start: Target["start"] = Effect.fnUntraced(function*(offset) {
      if (isFinished && offset === size) return { write: () => exists, commit: Effect.void, discard: exists }
      if (finished !== undefined && !options.replace) return yield* exists
      const free = (yield* options.freeSpace(folder)) + (offset === 0 ? begun ?? 0 : 0) - options.keepFree
      if (size - offset > free) {
        const message = `the disk has room for ${
          ByteSize.format(ByteSize.bytes(Math.max(0, free)))
        }; make room and resume`
        return yield* new TransferFailed({ code: "NoSpace", message })
      }
      const writing = Effect.mapError(failed("cannot write the file"))
      const file = yield* writing(fs.open(partial, { flag: offset === 0 ? "w" : "r+", noFollow: true }))
      yield* writing(file.seek(BigInt(offset), "start"))
      return {
        // Not interrupted, for the same reason as `digest.readAt`.
        write: (bytes) => Effect.uninterruptible(writing(file.writeAll(bytes))),
        discard: writing(fs.remove(partial)),
        commit: Effect.gen(function*() {
          yield* file.sync
          if (!options.replace && (yield* sizeOf(path)) !== undefined) return yield* exists
          yield* fs.rename(partial, path)
          // Syncing the folder makes the name durable. Not every system supports it.
          yield* Effect.ignore(Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (file) => file.sync)))
        }).pipe(
          Effect.catchTag("PlatformError", (error) => Effect.fail(failed("cannot write the file")(error))),
          Effect.uninterruptible
        )
      }
    })
    return { offset: prefix.length, hash: prefix.hash, start }
  })

  return { open, receive } satisfies Store as Store
})
