/** The disk of a node: records appended to one file, which a snapshot replaces. */
import * as Codec from "@sluice/codec/Codec"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { constants, type FileHandle, mkdir, open, readFile, rename, rm, truncate } from "node:fs/promises"
import { dirname, join } from "node:path"
import { type Record, stored } from "./protocol.ts"
import { Storage } from "./Storage.ts"

// A length before each record, and a checksum behind it.
const around = 8

/** Keeps records in `raft.log` in a folder, which is created if missing. */
export const layer = (folder: string): Layer.Layer<Storage, Error> => Layer.effect(Storage, make(folder))

const make = Effect.fnUntraced(function*(folder: string) {
  const path = join(folder, "raft.log")
  const attempt = <A>(what: string, run: () => Promise<A>): Effect.Effect<A, Error> =>
    Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new Error(`cannot ${what} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    })
  const append = () => open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600)
  const opened = attempt("open", async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await append()
    await syncFolder(path)
    return file
  })
  let file: FileHandle = yield* opened
  yield* Effect.addFinalizer(() => Effect.promise(() => file.close()))

  /** Replaces the file atomically. */
  const replace = async (bytes: Uint8Array) => {
    const next = `${path}.new`
    await rm(next, { force: true })
    const written = await open(next, "wx", 0o600)
    await written.writeFile(bytes)
    await written.sync()
    await written.close()
    await rename(next, path)
    await syncFolder(path)
    const old = file
    file = await append()
    await old.close()
  }

  return Storage.of({
    load: attempt("read", async () => {
      const { records, size } = parse(await readFile(path))
      await truncate(path, size)
      return records
    }),
    write: (records) =>
      attempt("write", async () => {
        const at = records.findLastIndex(({ _tag }) => _tag === "Snapshot")
        const bytes = Buffer.concat(records.slice(Math.max(0, at)).map(encoded))
        await (at === -1 ? file.appendFile(bytes) : replace(bytes))
      }),
    sync: attempt("sync", () => file.datasync())
  })
})

// The name of a file is durable only when its folder is synced.
const syncFolder = async (path: string) => {
  const folder = await open(dirname(path), "r")
  await folder.sync()
  await folder.close()
}

const encoded = (record: Record): Uint8Array => Result.getOrThrow(Codec.encode(stored, { record }))

/** The records of a file. A last record that a crash left incomplete is dropped; damage before it is an error. */
const parse = (bytes: Buffer): { readonly records: ReadonlyArray<Record>; readonly size: number } => {
  const records: Array<Record> = []
  let at = 0
  while (at + around <= bytes.length) {
    const end = at + around + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    const decoded = Codec.decode(stored, Uint8Array.from(bytes.subarray(at, end)))
    if (Result.isSuccess(decoded)) records.push(decoded.success.record)
    else if (end === bytes.length) break
    else {throw new Error(
        `damaged at byte ${at}: ${decoded.failure.message}; restore the folder of this node from a backup`
      )}
    at = end
  }
  return { records, size: at }
}
