import * as ByteSize from "effect/ByteSize"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import type { Alarms } from "../time/alarms.ts"
import type { Disk, Request } from "./disk.ts"
import { badArgument, Errno } from "./errno.ts"
import { describeNode, type DirectoryNode, type FileNode, type Node } from "./node.ts"
import type { DiskOperation } from "./operation.ts"
import type { OpenMode } from "./volume.ts"

type Attempt<A> = Effect.Effect<A, PlatformError.PlatformError>

/** Opens what open(2) does. `w` truncates; `a` appends, wherever the cursor is. */
export const modeOf = (flag: FileSystem.OpenFlag, noFollow: boolean): OpenMode => {
  const isRead = flag.startsWith("r")
  const hasBoth = flag.includes("+")
  return {
    reads: isRead || hasBoth,
    writes: !isRead || hasBoth,
    appends: flag.startsWith("a"),
    creates: !isRead,
    isExclusive: flag.includes("x"),
    truncates: flag.startsWith("w"),
    noFollow
  }
}

/** What stat(2) answers. */
export const infoOf = (node: Node, sectorSize: number): FileSystem.File.Info => {
  const { accessed, born, gid, mode, modified, number, uid } = node.attributes
  const { bits, links, size } = describeNode(node)
  const sectors = node._tag === "File" ? node.content.sectors : 0
  return {
    type: node._tag,
    mtime: Option.some(dateOf(modified)),
    atime: Option.some(dateOf(accessed)),
    birthtime: Option.some(dateOf(born)),
    dev: 1n,
    ino: Option.some(BigInt(number)),
    mode: bits | mode,
    nlink: Option.some(BigInt(links)),
    uid: Option.some(uid),
    gid: Option.some(gid),
    rdev: Option.some(0n),
    size: ByteSize.bytes(size),
    blksize: Option.some(ByteSize.bytes(4096)),
    blocks: Option.some(BigInt((sectors * sectorSize) / 512))
  }
}

const dateOf = (millis: number): Date => DateTime.toDateUtc(DateTime.makeUnsafe(millis))

/** Who opens files: a process, or a program outside of all hosts. */
export interface Opener {
  readonly disk: Disk
  readonly alarms: Alarms
  /** The files that are open. */
  readonly files: Set<OpenFile>
  nextDescriptor: number
}

/** An open file or directory. Its cursor moves as in `@effect/platform-node`. */
export class OpenFile implements FileSystem.File {
  readonly [FileSystem.FileTypeId]: typeof FileSystem.FileTypeId = FileSystem.FileTypeId
  readonly #opener: Opener
  readonly #node: FileNode | DirectoryNode
  readonly #path: string
  readonly #mode: OpenMode
  // The descriptor of an open file stands for its path in errors.
  readonly #target: string | number
  readonly #crashes: number
  #isOpen = true
  #position = 0n

  constructor(opener: Opener, node: FileNode | DirectoryNode, path: string, mode: OpenMode) {
    this.#opener = opener
    this.#node = node
    this.#path = path
    this.#mode = mode
    this.#target = opener.nextDescriptor++
    this.#crashes = opener.disk.crashes
    opener.files.add(this)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#opener.files.delete(this)
    if (this.#crashes === this.#opener.disk.crashes) this.#opener.disk.volume.close(this.#node)
    this.#isOpen = false
  }

  // What it refers to, if it may be used like this.
  #use(syscall: string, isAllowed = true): FileNode | DirectoryNode {
    if (!this.#isOpen || !isAllowed || this.#crashes !== this.#opener.disk.crashes) throw new Errno("EBADF", syscall)
    return this.#node
  }

  #request(method: string, operation: DiskOperation): Request {
    return { method, operation, target: this.#target, path: this.#path }
  }

  #perform<A>(method: string, operation: DiskOperation, run: () => A, target = this.#target): Attempt<A> {
    return this.#opener.disk.perform(this.#opener.alarms, { ...this.#request(method, operation), target }, run)
  }

  get stat() {
    return this.#perform("stat", "stat", () => infoOf(this.#use("fstat"), this.#opener.disk.volume.sectorSize))
  }

  get sync() {
    const { alarms, disk } = this.#opener
    return disk.sync(alarms, this.#request("sync", "sync"), () => disk.volume.sync(this.#use("fsync")))
  }

  seek(offset: bigint, from: FileSystem.SeekMode) {
    return Effect.suspend(() => {
      const position = from === "start" ? offset : this.#position + offset
      if (position < 0n) return Effect.fail(badArgument("seek", "Cannot seek before the start of the file"))
      this.#position = position
      return Effect.succeed(position)
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  read(buffer: Uint8Array, options?: FileSystem.File.ReadOptions) {
    return Effect.suspend(() => {
      const explicit = options?.position
      if (explicit !== undefined && explicit < 0n) return Effect.fail(beforeStart("read"))
      const position = explicit ?? this.#position
      return Effect.map(this.#readAt("read", buffer, position), (count) => {
        if (explicit === undefined) this.#position = position + BigInt(count)
        return count
      })
    })
  }

  readAlloc(size: number, options?: FileSystem.File.ReadOptions) {
    return Effect.suspend(() => {
      if (!Number.isInteger(size) || size < 0) {
        return Effect.fail(badArgument("readAlloc", "size must be a non-negative integer"))
      }
      const explicit = options?.position
      if (explicit !== undefined && explicit < 0n) return Effect.fail(beforeStart("readAlloc"))
      const position = explicit ?? this.#position
      const buffer = new Uint8Array(size)
      return Effect.map(this.#readAt("readAlloc", buffer, position), (count): Option.Option<Uint8Array> => {
        if (explicit === undefined) this.#position = position + BigInt(count)
        return count === 0 ? Option.none() : Option.some(count === size ? buffer : buffer.slice(0, count))
      })
    })
  }

  #readAt(method: string, buffer: Uint8Array, position: bigint): Attempt<number> {
    // Node makes no call for it.
    if (buffer.length === 0) return Effect.succeed(0)
    return this.#perform(method, "read", () => {
      const node = this.#use("read", this.#mode.reads)
      if (node._tag === "Directory") throw new Errno("EISDIR", "read")
      this.#opener.disk.checkRead()
      return node.content.read(Number(position), buffer)
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  write(buffer: Uint8Array) {
    return this.#writeOnce("write", buffer)
  }

  writeAll(buffer: Uint8Array, method = "writeAll", target = this.#target): Attempt<void> {
    if (buffer.length === 0) return Effect.void
    return Effect.flatMap(
      this.#writeOnce(method, buffer, target),
      (count) => count < buffer.length ? this.writeAll(buffer.subarray(count), method, target) : Effect.void
    )
  }

  #writeOnce(method: string, buffer: Uint8Array, target = this.#target): Attempt<number> {
    return Effect.suspend(() => {
      const position = this.#position
      if (!this.#mode.appends && position > BigInt(Number.MAX_SAFE_INTEGER)) {
        return Effect.fail(badArgument(method, `position exceeds the safe integer range: ${position}`))
      }
      const written = this.#perform(method, "write", () => {
        const node = this.#use("write", this.#mode.writes)
        if (node._tag === "Directory") throw new Errno("EBADF", "write")
        const count = node.content.write(this.#mode.appends ? node.content.size : Number(position), buffer)
        this.#opener.disk.volume.touch(node)
        return count
      }, target)
      return Effect.map(written, (count) => {
        if (!this.#mode.appends) this.#position = position + BigInt(count)
        return count
      })
    })
  }

  truncate(length = 0) {
    const truncated = this.#perform("truncate", "set", () => {
      const node = this.#use("ftruncate")
      if (node._tag === "Directory" || !this.#mode.writes) throw new Errno("EINVAL", "ftruncate")
      node.content.truncate(Math.max(0, length))
      this.#opener.disk.volume.touch(node)
    })
    return Effect.map(truncated, () => {
      if (!this.#mode.appends && this.#position > BigInt(length)) this.#position = BigInt(length)
    })
  }
}

const beforeStart = (method: string) => badArgument(method, "Cannot read before the start of the file")
