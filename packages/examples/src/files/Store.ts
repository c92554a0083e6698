/** A folder of files. Nothing outside it is read or written, and a file gets its name only when it is complete. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import type { Hash } from "node:crypto"
import { basename, dirname, join } from "node:path/posix"
import * as digest from "./digest.ts"
import { failure, type TransferFailed } from "./protocol.ts"

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
  if (reason._tag === "NotFound") return failure("NotFound", `${doing}: no such file`)
  return why === "ENOSPC" || why === "EDQUOT"
    ? failure("NoSpace", `${doing}: the disk is full (${why}); make room and resume`)
    : failure("Failed", `${doing}: ${why}; check the file and its permissions`)
}

/** Whether a name stays below a folder. */
const isSafe = (name: string): boolean =>
  name.split("/").every((segment) =>
    segment !== "" && segment !== "." && segment !== ".." && Buffer.byteLength(segment) <= 255 - suffix.length &&
    !/[\p{Cc}\\]/u.test(segment) && !segment.toLowerCase().endsWith(suffix)
  )

const reading = Effect.mapError(failed("cannot read the file"))
const writing = Effect.mapError(failed("cannot write the file"))

/** Opens a regular file, and rejects devices, pipes and folders. */
const openRegular = Effect.fnUntraced(
  function*(fs: FileSystem.FileSystem, path: string, options?: { readonly noFollow: boolean }) {
    // A pipe must not be opened: that waits for a writer.
    if ((yield* reading(fs.stat(path))).type !== "File") {
      return yield* failure("Failed", "it is not a regular file; name a file")
    }
    const file = yield* reading(fs.open(path, { flag: "r", ...options }))
    return { file, size: ByteSize.toNumberUnsafe((yield* reading(file.stat)).size) }
  }
)

/** Opens a file at any path. */
export const openFile = (path: string) => Effect.flatMap(FileSystem.FileSystem, (fs) => openRegular(fs, path))

export const make = Effect.fnUntraced(function*(options: Options) {
  const fs = yield* FileSystem.FileSystem
  const root = yield* fs.realPath(options.folder).pipe(Effect.mapError(failed(`cannot use folder ${options.folder}`)))
  const isInside = (path: string) => join(path, "/").startsWith(join(root, "/"))
  const outside = failure("BadName", "the name leads out of the folder; use another")
  const receiving = new Set<string>()

  /** The path of a name, with its folders resolved. */
  const locate = Effect.fnUntraced(function*(name: string) {
    if (!isSafe(name)) {
      return yield* failure(
        "BadName",
        `invalid name: it must be relative, without .., control characters or ${suffix}; rename the file`
      )
    }
    const folder = yield* fs.realPath(dirname(join(root, name))).pipe(Effect.mapError(failed("cannot find the folder")))
    if (!isInside(folder)) return yield* outside
    return { folder, path: join(folder, basename(name)) }
  })

  /** The size of a file, or undefined if nothing is there. Anything else, such as a link, has NaN, which equals no size. */
  const sizeOf = (path: string) =>
    Effect.match(fs.lstat(path), {
      onSuccess: ({ size, type }) => type === "File" ? ByteSize.toNumberUnsafe(size) : NaN,
      onFailure: () => undefined
    })

  const open: Store["open"] = Effect.fnUntraced(function*(name) {
    const { path } = yield* locate(name)
    const real = yield* reading(fs.realPath(path))
    if (!isInside(real)) return yield* outside
    return yield* openRegular(fs, real, { noFollow: true })
  })

  const receive: Store["receive"] = Effect.fnUntraced(function*(name, size) {
    const { folder, path } = yield* locate(name)
    if (size > options.maxSize) {
      const limit = ByteSize.format(ByteSize.bytes(options.maxSize))
      return yield* failure("TooLarge", `the file has more than ${limit}; raise --max-size at the receiver`)
    }
    yield* Effect.acquireRelease(
      Effect.suspend(() =>
        receiving.has(path)
          ? failure("Busy", "another client is sending the file; try again later")
          : Effect.succeed(receiving.add(path))
      ),
      () => Effect.sync(() => receiving.delete(path))
    )
    const partial = path + suffix
    const exists = failure(
      "Exists",
      "there is another file of that name; give --replace to the receiver, or rename the file"
    )
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
        const room = ByteSize.format(ByteSize.bytes(Math.max(0, free)))
        return yield* failure("NoSpace", `the disk has room for ${room}; make room and resume`)
      }
      const file = yield* writing(fs.open(partial, { flag: offset === 0 ? "w" : "r+", noFollow: true }))
      yield* writing(file.seek(BigInt(offset), "start"))
      return {
        // Not interrupted, for the same reason as `digest.readAt`.
        write: (bytes) => Effect.uninterruptible(writing(file.writeAll(bytes))),
        discard: writing(fs.remove(partial)),
        commit: Effect.gen(function*() {
          yield* writing(file.sync)
          if (!options.replace && (yield* sizeOf(path)) !== undefined) return yield* exists
          yield* writing(fs.rename(partial, path))
          // Syncing the folder makes the name durable. Not every system supports it.
          yield* Effect.ignore(Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (file) => file.sync)))
        }).pipe(Effect.uninterruptible)
      }
    })
    return { offset: prefix.length, hash: prefix.hash, start }
  })

  return { open, receive } satisfies Store as Store
})
