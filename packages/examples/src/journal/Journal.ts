/** A file of records that is only appended to. What was synced survives a loss of power; the rest may be lost, or torn. */
import * as Codec from "@sluice/codec/Codec"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"

/** The disk has failed, or the file is damaged. After a failed sync, nobody knows what is on the disk: stop. */
export class JournalFailed extends Data.TaggedError("JournalFailed")<{
  readonly path: string
  readonly doing: string
  readonly why: string
}> {
  override get message(): string {
    return `cannot ${this.doing} ${this.path}: ${this.why}`
  }
}

export interface Journal<A> {
  /** What the file had when it was opened, oldest first. All of it is synced. */
  readonly records: ReadonlyArray<A>
  /** Appends records. They may be lost until `sync` has returned, which must be before the next call. */
  readonly append: (records: ReadonlyArray<A>) => Effect.Effect<void, JournalFailed>
  /** Replaces all records, and syncs: a crash leaves the old file or the new one. */
  readonly replace: (records: ReadonlyArray<A>) => Effect.Effect<void, JournalFailed>
  readonly sync: Effect.Effect<void, JournalFailed>
}

// The most bytes of records that are appended together.
const limit = 16 * 1024 * 1024

/** Records that were appended together: their length, themselves, and a checksum that tells whether they are whole. */
const batchOf = <A>(record: Codec.Codec<A>) =>
  Codec.struct({
    length: Codec.lengthOf("records", Codec.uint32be, { limit }),
    records: Codec.countPrefixed(Codec.varint(), record),
    checksum: Codec.checksum("crc32c", Codec.uint32be)
  }).pipe(Codec.limit(limit + 8), Codec.named("batch"))

// The length before the records, and the checksum behind them.
const around = 8

/** Opens the journal at a path, or makes it; its folder too. It is closed with the Scope. */
export const open = Effect.fnUntraced(function*<A>(path: string, record: Codec.Codec<A>) {
  const fs = yield* FileSystem.FileSystem
  const scope = yield* Effect.scope
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/"))) || (path.startsWith("/") ? "/" : ".")
  const batch = batchOf(record)
  const attempt = (doing: string) => ({ message, reason: { cause } }: PlatformError.PlatformError) => {
    const why = cause instanceof Error ? cause.message : message
    return new JournalFailed({ path, doing, why: `${why}; check the folder and the disk` })
  }

  // The name of a file is durable only when its folder is synced.
  const syncFolder = Effect.scoped(Effect.flatMap(fs.open(folder), (file) => file.sync))
  const append = Effect.gen(function*() {
    const own = yield* Scope.fork(scope)
    const file = yield* Scope.provide(fs.open(path, { flag: "a", mode: 0o600 }), own)
    return { file, close: Scope.close(own, Exit.void) }
  })
  const encoded = (records: ReadonlyArray<A>) => {
    const bytes = Codec.encode(batch, { records })
    return Result.isSuccess(bytes)
      ? Effect.succeed(bytes.success)
      : Effect.fail(new JournalFailed({ path, doing: "write", why: bytes.failure.message }))
  }

  let current = yield* Effect.gen(function*() {
    yield* fs.makeDirectory(folder, { recursive: true, mode: 0o700 })
    const opened = yield* append
    yield* syncFolder
    return opened
  }).pipe(Effect.mapError(attempt("open")))

  const bytes = yield* Effect.mapError(fs.readFile(path), attempt("read"))
  const parsed = parse(batch, bytes)
  if (typeof parsed === "string") {
    return yield* new JournalFailed({ path, doing: "read", why: `${parsed}; restore the file from a backup` })
  }
  // What is read may not be on the disk yet: a process that was killed has left it to the kernel.
  yield* Effect.mapError(
    Effect.andThen(parsed.size < bytes.length ? fs.truncate(path, parsed.size) : Effect.void, current.file.sync),
    attempt("read")
  )

  const replace = Effect.fnUntraced(function*(bytes: Uint8Array) {
    const next = `${path}.new`
    yield* fs.remove(next, { force: true })
    yield* Effect.scoped(Effect.gen(function*() {
      const file = yield* fs.open(next, { flag: "wx", mode: 0o600 })
      yield* file.writeAll(bytes)
      yield* file.sync
    }))
    yield* fs.rename(next, path)
    yield* syncFolder
    const old = current
    current = yield* append
    yield* old.close
  }, Effect.mapError(attempt("replace")))

  const journal: Journal<A> = {
    records: parsed.records,
    append: (records) =>
      Effect.flatMap(
        encoded(records),
        (bytes) => Effect.mapError(Effect.suspend(() => current.file.writeAll(bytes)), attempt("write"))
      ),
    replace: (records) => Effect.flatMap(encoded(records), replace),
    sync: Effect.mapError(Effect.suspend(() => current.file.sync), attempt("sync"))
  }
  return journal
})

type Batch<A> = Codec.Codec<{ readonly records: ReadonlyArray<A> }>

/**
 * The records of a file. A crash may have torn the last batch, which is dropped. A damaged batch with a whole one behind it
 * was synced before: that is an error.
 */
const parse = <A>(batch: Batch<A>, bytes: Uint8Array) => {
  const records: Array<A> = []
  let at = 0
  while (at < bytes.length) {
    const found = batchAt(batch, bytes, at)
    if (found === undefined) break
    for (const each of found.records) records.push(each)
    at = found.end
  }
  for (let next = at + 1; next < bytes.length; next++) {
    if (batchAt(batch, bytes, next) !== undefined) return `damaged at byte ${at}`
  }
  return { records, size: at }
}

const batchAt = <A>(batch: Batch<A>, bytes: Uint8Array, at: number) => {
  if (at + around >= bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at)
  const length = view.getUint32(0)
  const end = at + around + length
  // A batch is not empty, but a file that a crash has torn has many zeros.
  if (length === 0 || end > bytes.length) return undefined
  const decoded = Codec.decode(batch, bytes.slice(at, end))
  return Result.isSuccess(decoded) ? { records: decoded.success.records, end } : undefined
}
