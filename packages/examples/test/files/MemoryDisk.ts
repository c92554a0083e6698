/** A FileSystem in memory, with what the simulation of file transfers needs of one. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"

interface Content {
  bytes: Uint8Array
  /** Whether all of it would outlive a loss of power. */
  isSynced: boolean
}

export class MemoryDisk {
  readonly files = new Map<string, Content>()
  /** Hears of each file that gets another name. */
  onRename: (path: string, content: Content) => void = () => {}

  write(path: string, bytes: Uint8Array): void {
    this.files.set(path, { bytes, isSynced: true })
  }

  read(path: string): Uint8Array | undefined {
    return this.files.get(path)?.bytes
  }

  readonly fileSystem: FileSystem.FileSystem = FileSystem.makeNoop({
    realPath: Effect.succeed,
    stat: (path) => Effect.map(this.#find("stat", path), infoOf),
    lstat: (path) => Effect.map(this.#find("lstat", path), infoOf),
    remove: (path) => Effect.sync(() => void this.files.delete(path)),
    rename: (from, to) =>
      Effect.map(this.#find("rename", from), (content) => {
        this.onRename(to, content)
        this.files.delete(from)
        this.files.set(to, content)
      }),
    open: (path, options) =>
      Effect.gen({ self: this }, function*() {
        if (options?.flag === "w") this.files.set(path, { bytes: new Uint8Array(0), isSynced: false })
        return new MemoryFile(yield* this.#find("open", path))
      })
  })

  #find(method: string, path: string): Effect.Effect<Content, PlatformError.PlatformError> {
    return Effect.suspend(() => {
      const content = this.files.get(path)
      return content === undefined
        ? Effect.fail(
          PlatformError.systemError({ module: "FileSystem", method, _tag: "NotFound", pathOrDescriptor: path })
        )
        : Effect.succeed(content)
    })
  }
}

class MemoryFile implements FileSystem.File {
  readonly [FileSystem.FileTypeId]: typeof FileSystem.FileTypeId = FileSystem.FileTypeId
  readonly #content: Content
  #position = 0

  constructor(content: Content) {
    this.#content = content
  }

  get stat() {
    return Effect.sync(() => infoOf(this.#content))
  }

  get sync() {
    return Effect.sync(() => void (this.#content.isSynced = true))
  }

  seek(offset: bigint, from: FileSystem.SeekMode) {
    return Effect.sync(() => {
      this.#position = Number(offset) + (from === "start" ? 0 : this.#position)
      return BigInt(this.#position)
    })
  }

  read(buffer: Uint8Array, options?: FileSystem.File.ReadOptions) {
    return Effect.sync(() => {
      const at = options?.position === undefined ? this.#position : Number(options.position)
      const bytes = this.#content.bytes.subarray(at, at + buffer.length)
      buffer.set(bytes)
      if (options?.position === undefined) this.#position += bytes.length
      return bytes.length
    })
  }

  readAlloc(size: number, options?: FileSystem.File.ReadOptions) {
    const buffer = new Uint8Array(size)
    return Effect.map(
      this.read(buffer, options),
      (read) => read === 0 ? Option.none() : Option.some(buffer.subarray(0, read))
    )
  }

  truncate(length = 0) {
    return Effect.sync(() => void (this.#content.bytes = this.#content.bytes.slice(0, length)))
  }

  write(bytes: Uint8Array) {
    return Effect.sync(() => {
      const content = this.#content
      const length = Math.max(content.bytes.length, this.#position + bytes.length)
      const next = new Uint8Array(length)
      next.set(content.bytes)
      next.set(bytes, this.#position)
      content.bytes = next
      content.isSynced = false
      this.#position += bytes.length
      return bytes.length
    })
  }

  writeAll(bytes: Uint8Array) {
    return Effect.asVoid(this.write(bytes))
  }
}

const infoOf = ({ bytes }: Content): FileSystem.File.Info => ({
  type: "File",
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 1n,
  ino: Option.none(),
  mode: 0o644,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.bytes(bytes.length),
  blksize: Option.none(),
  blocks: Option.none()
})
